"""CPPP: four sessions in twelve weeks with two parents in conflict, run by a trained adviser (cppp2020)."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate
from typing import NoReturn

from prefect import flow
from prefect.client.schemas.objects import State

from flows.steps import ends_when_withdrawn, pauses_for_risks_and_holds, signed_for_court, tell_result
from models.facts import Fact, Reference
from models.facts.case import CourtDeclined
from models.facts.cppp import (
    AssessmentOpened,
    ChildLetterShared,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    CourtTimetabled,
    CriterionAssessed,
    ExtensionGranted,
    FollowedUp,
    LocalAuthorityConsidered,
    OutcomeRecorded,
    PractitionerMatched,
    ProgrammeOffered,
    ProgrammeStopped,
    SessionCalledOff,
    SessionHeld,
    SessionLetterSent,
    SessionMoved,
    SessionSet,
    SpipConsidered,
)
from models.facts.every import CourtPaperSigned, RiskReviewed, SuitabilityDecided
from models.gates import sessions_held
from models.history import History
from models.pathway import Pathway, known_at, soonest
from models.standing import Duty, Who
from tasks.advance import advance_all
from tasks.show import run_name


def cppp(p: Pathway) -> None:
    """Only on an adviser's recommendation (SR-06), with both parents' consent (SR-10), where the court waits anyway."""
    at_any_point(p)
    suitability(p)
    agreed = consent(p)
    timetabled = court_timetabling(p, agreed)
    matched = practitioner_match(p, timetabled)
    done = sessions(p, matched)
    report = reported(p, done, timetabled)
    tracking(p, report)


def at_any_point(p: Pathway) -> None:
    """Until its report is filed: what ends it, and what the court is told of once it has been asked for time."""
    report, advised = p.first(CourtPaperSigned, paper="report"), p.first(CourtPaperSigned, paper="advice")
    ends_when_withdrawn(p, "closed_stopped", before=report)
    p.ends_with(CourtDeclined, "closed_stopped", "court_declined", before=report, programme="CPPP")
    p.ends_with(ProgrammeStopped, "closed_stopped", before=report, court_told=True)
    p.ends_with(ConsentRefused, "closed_declined", "consent_refused")
    p.ends_with(ConsentWithdrawn, "closed_declined", "consent_withdrawn", before=advised)
    p.ends_with(RiskReviewed, "closed_unsuitable", "unsuitable_risk", before=advised, decision="unsuitable")
    if advised:
        once = {"since": advised, "before": report, "court_told": True}
        p.ends_with(ConsentWithdrawn, "closed_stopped", "consent_withdrawn", **once)
        p.ends_with(RiskReviewed, "closed_stopped", "safety_stop", **once, decision="unsuitable")
    pauses_for_risks_and_holds(p, before=report)


def suitability(p: Pathway) -> SuitabilityDecided:
    """The adviser assesses: criteria one by one, the local authority (SR-22), and SPIP for each parent in addition."""
    due = p.within("open_assessment", p.request)
    opened = p.wait_for(
        "assessment_opening", AssessmentOpened, state="identified", by=p.adviser, due=due, after=p.request
    )
    due = p.within("assess", opened)
    assessed = [p.first(CriterionAssessed, after=opened, criterion=name) for name in p.named("criteria")]
    p.owe("criteria", by=p.adviser, due=due, after=opened, met=soonest(*assessed, nth=len(assessed)))
    considered = p.owe("la_referral", LocalAuthorityConsidered, by=p.adviser, due=due, after=opened).fact
    if considered:
        tell_result(p, p.service_manager, considered, la_answer)
    spip_in_addition(p, opened, due)
    decided = p.wait_for("suitability", SuitabilityDecided, state="suitability", by=p.adviser, due=due, after=opened)
    if not decided.suitable:
        p.close("closed_unsuitable", "unsuitable_risk", on=decided)
    return decided


def la_answer(considered: LocalAuthorityConsidered) -> tuple[str, dict[str, str]]:
    answer = "referred" if considered.referred else "not_referred"
    return "la-considered", {"answer": answer, "ground": considered.ground}


def spip_in_addition(p: Pathway, opened: Fact, due: date) -> None:
    """SPIP is preferred in addition, subject to resource, time and past attendance; it runs as a pathway of its own."""
    for party in p.known.parties:
        answer = p.owe(
            "spip_consideration", SpipConsidered, by=p.adviser, due=due, after=opened, which=party, party=party
        )
        if answer.fact and answer.fact.decision == "refer":
            p.opens("SPIP", party, because=answer.fact)


def consent(p: Pathway) -> Fact:
    """Both parents are asked, and each answers for themselves. On the way to a first hearing they are asked there."""
    decided = p.first(SuitabilityDecided)
    due = p.within("offer", decided)
    offered = p.wait_for("offer", ProgrammeOffered, state="consent", by=p.adviser, due=due, after=decided)
    due = p.within("consent", offered)
    if p.request.entry == "first_hearing":
        due = p.facts.hearing_after(offered.happened_on) or due
    answers = [
        p.owe("consent", ConsentGiven, ConsentRefused, by=p.adviser, due=due, after=offered, which=party, party=party)
        for party in p.known.parties
    ]
    for answer in answers:
        if not isinstance(answer.fact, ConsentGiven):
            p.stand("consent", answer)
    return p.recorded(ConsentGiven)[-1]


def court_timetabling(p: Pathway, agreed: Fact) -> CourtTimetabled:
    """The court is advised and asked for time (N12); it gives a day to file by. SPIP was considered by then."""
    due = p.within("advise_court", agreed.recorded_on)
    due = min(due, p.facts.hearing_after(agreed.recorded_on) or due)
    advised = signed_for_court(p, "advice", "advice_to_court", agreed, due, "court_timetabling")
    due = p.facts.hearing_after(advised.happened_on) or p.within("timetable", advised)
    timetabled = p.wait_for(
        "court_timetable", CourtTimetabled, state="court_timetabling", by=p.adviser, due=due, after=advised
    )
    left = next((d for d in p.duties.values() if d.kind == "spip_consideration" and not d.fact), None)
    return p.stand("court_timetabling", left) if left and not p.first(PractitionerMatched) else timetabled


def practitioner_match(p: Pathway, timetabled: CourtTimetabled) -> PractitionerMatched:
    """A service manager gives it to a practitioner trained in the programme who has room.

    They are asked once there is time of the court and SPIP was considered, whichever came later.
    """
    due = p.within("match", timetabled)
    match = p.owe("practitioner", PractitionerMatched, by=p.service_manager, due=due, after=timetabled)
    proposed = () if match.fact else p.known.proposed()
    ready = max([timetabled, *p.all(SpipConsidered)], key=known_at)
    p.tell(
        p.service_manager, "match-wanted", about=timetabled, because=ready, proposed=list(proposed[:3]), due=due,
        overtaken=bool(match.fact),
    )  # fmt: skip
    matched = match.fact or p.stand("practitioner_match", match)
    given_on(p)
    return matched


def given_on(p: Pathway) -> None:
    """Whoever it is given to hears of it, and whoever had it before hears that they owe nothing more."""
    before = None
    for given in p.recorded(PractitionerMatched):
        to = Who("adviser", given.practitioner)
        p.tell(to, "matched", about=given, due=p.within("first_session", given), overtaken=to != p.provider)
        if before:
            p.tell(before, "referral-withdrawn", about=given, overtaken=before == p.provider)
        before = to


def sessions(p: Pathway, matched: PractitionerMatched) -> Fact:
    """Four sessions within twelve weeks of the first, one with the child and one of both parents together."""
    invitations(p)
    held = p.all(SessionHeld)
    due = p.within("first_session", matched)
    first = p.owe("first_session", by=p.provider, due=due, after=matched, met=soonest(*held))
    results(p)
    if not first.fact:
        p.stand("practitioner_match", first)
    done = all_held(p)
    until = window(p, matched, held[0], done)
    owed = p.owe("sessions", by=p.provider, due=until, after=matched, met=done)
    joint = joint_meeting(p, matched, held)
    child_letter(p)
    week_alarms(p, matched, held, done, until)
    if done:
        return done
    if not joint.fact and p.passed(joint.due_on):
        p.stand("joint_meeting_due", joint)
    short = len(held) < p.number("sessions")
    p.stand("in_programme", owed, label=f"Awaiting session {len(held) + 1}" if short else "Awaiting the session due")


def all_held(p: Pathway) -> Fact | None:
    """What completed the sessions: as many as the programme has, the child seen, a joint meeting held or waived."""
    answers = [answer for _, answer in sessions_held(p)]
    return soonest(*answers, nth=len(answers))


def window(p: Pathway, matched: Fact, first: Fact, done: Fact | None) -> date:
    """The last day for the sessions: twelve weeks, or as long as the court gave. Where it passes by, it is asked."""
    end = p.weeks_after(p.number("window_weeks"), first)
    for number, granted in enumerate((*p.recorded(ExtensionGranted), None)):
        answers = [fact.recorded_on for fact in (granted, done) if fact]
        if p.passed(end) and not any(day <= end for day in answers):
            due, answer = p.within("extension", end), granted or done
            p.owe("extension_or_stop", by=p.provider, due=due, after=matched, opened=end, met=answer, which=number)
        end = max(end, granted.until) if granted else end
    return end


def joint_meeting(p: Pathway, matched: Fact, held: list[SessionHeld]) -> Duty:
    """At least one meeting of both parents, by week ten, or the adviser decides to do without."""
    joint = dict(sessions_held(p))["a joint meeting"]
    due = p.weeks_after(p.number("joint_by_week"), held[0])
    return p.owe("joint_meeting", by=p.provider, due=due, after=matched, met=joint)


def child_letter(p: Pathway) -> None:
    """What the child lives through is shared with both parents, by letter."""
    if seen := dict(sessions_held(p))["a session with the child"]:
        due, shared = p.within("child_letter", seen), p.first(ChildLetterShared)
        p.owe("child_letter", by=p.provider, due=due, after=seen, met=shared)


def week_alarms(p: Pathway, matched: Fact, held: list[SessionHeld], done: Fact | None, until: date) -> None:
    """Weeks eight, ten and twelve with sessions to hold (m03 C1): the practitioner hears, at last the manager too."""
    weeks = p.named("alarm_weeks")
    days = [week_over(p, week) for week in weeks]
    for week, day, following in zip(weeks, days, [*days[1:], None], strict=True):
        if not p.passed(day - timedelta(days=1)) or (done and done.recorded_on < day):
            continue
        said = {"which": week, "since": day, "week": week, "held": sum(f.recorded_on < day for f in held)}
        had_it = History(fact for fact in p.facts if fact.recorded_on < day).holder or p.held_by(matched)
        overtaken = bool(done or had_it != p.provider or (following and p.today >= following))
        for who in (had_it,) if following else (had_it, p.service_manager):
            p.tell(who, "week-alarm", about=matched, anyway=True, overtaken=overtaken, until=until, **said)


def week_over(p: Pathway, week: int) -> date:
    """The first day on which so many weeks were known to be over; a first session recorded late un-says nothing."""
    known = p.recorded(SessionHeld)
    firsts = accumulate((fact.happened_on for fact in known), min)
    over = [p.weeks_after(week, first) + timedelta(days=1) for first in firsts]
    return min(max(fact.recorded_on, day) for fact, day in zip(known, over, strict=True))


def invitations(p: Pathway) -> None:
    """Each session reaches the practitioner's calendar, follows when it moves, and leaves it when it is called off."""
    for fixed in p.all(SessionSet):
        entries = list(calendar_of(p, fixed))
        for sequence, (fact, to, wording, timed) in enumerate(entries):
            later = any(other[1] == to for other in entries[sequence + 1 :])
            p.tell(
                to, wording, about=fact, which=fixed.session, overtaken=later or timed.session_on < fact.recorded_on,
                session=fixed.session, sitting=fixed.sitting, starts=timed.starts_at.isoformat(),
                ends=timed.ends_at.isoformat(), sequence=sequence,
            )  # fmt: skip
            if fixed.letters and not isinstance(fact, PractitionerMatched):
                sent = (f for f in p.known.facts if isinstance(f, SessionLetterSent) and f.session == fixed.session)
                written = next((letter for letter in sent if letter.place > fact.place), None)
                overtaken = entries[sequence + 1][0] if sequence + 1 < len(entries) else None
                p.letter("session", about=fact, sent=soonest(written, overtaken), which=fixed.session)


Entry = tuple[Fact, Who, str, SessionSet | SessionMoved]


def calendar_of(p: Pathway, fixed: SessionSet) -> Iterator[Entry]:
    """What is said of one session, in order: because of which fact, to whom, how, and when the session then is."""
    to, timed = p.held_by(fixed) or p.provider, fixed
    yield fixed, to, "session-set", timed
    changes = p.recorded(SessionMoved, SessionCalledOff, SessionHeld, PractitionerMatched, since=fixed)
    for fact in (*changes, *filter(None, [p.ending])):
        if getattr(fact, "session", fixed.session) != fixed.session:
            continue
        if isinstance(fact, SessionHeld):
            return
        if isinstance(fact, SessionMoved):
            timed = fact
            yield fact, to, "session-moved", timed
        elif isinstance(fact, PractitionerMatched):
            before, to = to, Who("adviser", fact.practitioner)
            if before != to and timed.session_on >= fact.recorded_on:
                yield fact, before, "session-called-off", timed
                yield fact, to, "session-set", timed
        elif isinstance(fact, SessionCalledOff) or timed.session_on >= fact.recorded_on:
            yield fact, to, "session-called-off", timed
            return


def results(p: Pathway) -> None:
    """Of each session the practitioner says what became of it: held, moved or called off. Silence is not attendance."""
    for fixed in p.all(SessionSet):
        said = {"session": fixed.session}
        for one in (fixed, *p.recorded(SessionMoved, **said)):
            answer = next(iter(p.recorded(SessionMoved, SessionHeld, SessionCalledOff, since=one, **said)), None)
            day = one.session_on
            if p.passed(day) and not (answer and answer.recorded_on <= day):
                due = p.within("session_result", day)
                p.owe("session_result", by=p.provider, due=due, after=one, opened=day, met=answer)


def reported(p: Pathway, done: Fact, timetabled: CourtTimetabled) -> CourtPaperSigned:
    """The report: what the parents agreed, or what is recommended; by the court's date where that is earlier."""
    due = max(done.recorded_on, min(p.within("report", done.recorded_on), timetabled.file_by))
    p.owe("outcome", by=p.provider, due=due, after=done, met=p.first(OutcomeRecorded))
    whose = {"by": p.provider, "told": p.held_by(done)}
    return signed_for_court(p, "report", "court_report", done, due, "report_due", **whose)


def tracking(p: Pathway, report: CourtPaperSigned) -> NoReturn:
    """For two years it is watched what followed; at six months somebody looks. It is not over before it is known."""
    due = p.within("six_month_review", report)
    review = p.owe("six_month_review", FollowedUp, by=p.research_analyst, due=due, after=report)
    until = p.within("tracking", report)
    if not p.passed(until) and not review.fact:
        p.stand("tracking", review)
    p.wait_until(until, "tracking", "end of tracking", on=p.research_analyst, since=report.recorded_on)
    agreed = p.first(OutcomeRecorded, outcome="agreement")
    over = max(until + timedelta(days=1), p.versions(report)[0].recorded_on)
    p.close("closed_agreement" if agreed else "closed_no_agreement", "completed", on=over)


@flow(name="cppp", flow_run_name=run_name, timeout_seconds=3600)
def advance_cppp(references: list[Reference] | None = None) -> State:
    """Advance CPPP pathways: those named, or every one whose day has come."""
    return advance_all("CPPP", cppp, references)
