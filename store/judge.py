"""Whether a fact may be entered: sound in itself, in agreement with the record, and in its place on the pathway.

What safety forbids is another matter (`models.safety`). A refusal is a sentence that names the column at fault.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from models.facts import Fact
from models.facts.case import ContactFailed, ProceedingsEnded, RiskRaised
from models.facts.cppp import (
    AssessmentOpened,
    ChildLetterShared,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    CourtTimetabled,
    CriterionAssessed,
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
    Unavailable,
)
from models.facts.dvpp import (
    AssessmentDone,
    AssessmentMissed,
    AssessmentReported,
    Dropped,
    FinalReported,
    MidwayReported,
    NoProviderInReach,
    ProgrammeStarted,
    SurvivorPlanMade,
    ViolenceEstablished,
    WeeklyAttendance,
)
from models.facts.every import (
    CourtPaperSigned,
    DirectionDischarged,
    Held,
    LetterSent,
    Released,
    Requested,
    Retracted,
    RiskReviewed,
    SuitabilityDecided,
    Withdrawn,
)
from models.facts.referral import (
    Acknowledged,
    CorrectionAsked,
    ProviderPhoned,
    ReferralDeclined,
    ReferralRecalled,
    ReferralSent,
)
from models.facts.referral import Refused as RefusedByPerson
from models.facts.spip import AttendanceReported, ContactAttempted, SessionBooked
from models.gates import sessions_held
from models.pathway import Pathway
from models.weeks import nth, session_days
from models.working_days import london_date, say
from store.pathways import Loaded, Record

_AFTER_THE_END = (LetterSent, SessionLetterSent, ProviderPhoned, CorrectionAsked)
_MAY_COME_FIRST = (ViolenceEstablished, SurvivorPlanMade)
"""What may have happened before the order that opens the pathway."""
_SHARED = ("session", "provider", "hearing_on", "party")
_ENDS = (Withdrawn, ProceedingsEnded, DirectionDischarged, NoProviderInReach, ConsentWithdrawn, ProgrammeStopped)
_BEGINS = (ReferralSent, SessionBooked, PractitionerMatched, SessionSet, SessionMoved)
_OF_ONE_SESSION = (SessionMoved, SessionCalledOff, SessionHeld)
_GIVEN_BACK = (ReferralDeclined, ReferralRecalled)
_OF_HOLDER = (
    Acknowledged, ReferralDeclined, ReferralRecalled, ContactAttempted, RefusedByPerson, SessionBooked,
    AssessmentMissed, AssessmentDone, AssessmentReported, ProgrammeStarted, WeeklyAttendance, Dropped, MidwayReported,
    FinalReported,
)  # fmt: skip
"""What is said only of, or by, the provider that holds the referral."""
_ONCE = (AssessmentDone, AssessmentReported, ProgrammeStarted, WeeklyAttendance, Dropped, MidwayReported, FinalReported)


class Refused(Exception):
    """{why}"""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


@dataclass(frozen=True)
class People:
    """The codes we know: practitioners with their roles, and providers."""

    roles: dict[str, str]
    providers: set[str]


def sound(fact: Fact, now: datetime, people: People) -> None:
    """Dates that can be, and codes we know."""
    if isinstance(fact, Requested):
        raise Refused("fact", "a pathway is asked for by a direction or a request; load one of those")
    if fact.happened_on > london_date(now):
        raise Refused("happened_on", f"{say(fact.happened_on)} is still to come; a fact has happened")
    if fact.recorded_at > now:
        raise Refused("recorded_at", "it cannot be recorded at a time still to come")
    if fact.recorded_on < fact.happened_on:
        raise Refused("recorded_at", f"it was recorded before it happened, on {say(fact.happened_on)}")
    if isinstance(fact, ReferralSent) and fact.told_already and fact.happened_on == london_date(now):
        raise Refused("told_already", "a referral of today is not known to its provider yet; leave told_already empty")
    if isinstance(fact, (SessionBooked, SessionSet, SessionMoved)) and fact.happened_on > fact.session_on:
        raise Refused("happened_on", f"a session is fixed before it is held, on {say(fact.session_on)}")
    if isinstance(fact, ContactFailed) and people.roles.get(fact.accepted_by) != "service_manager":
        why = f"a failed contact is accepted by a service manager; {fact.accepted_by} is not one"
        raise Refused("accepted_by", why)


def agrees(fact: Fact, subject: str, record: Record) -> None:
    """No contradiction: what stands is corrected by name, and only once."""
    if fact.supersedes is not None:
        target = next((f for f in record.live if f.id == fact.supersedes), None)
        if target is None:
            corrected = fact.supersedes in record.corrected
            why = "was corrected already" if corrected else f"is no fact about {subject}"
            raise Refused("supersedes", f"fact {fact.supersedes} {why}")
        first = record.corrected.get(target.place, target)
        if fact.kind not in (first.kind, Retracted.kind):
            why = f"fact {target.id} is {first.kind}; a correction is of the same kind, or retracted"
            raise Refused("supersedes", why)
    elif isinstance(fact, Retracted):
        raise Refused("supersedes", "say by its number which fact never happened")
    standing = next((f for f in record.live if f.identity == fact.identity and f.id != fact.supersedes), None)
    if standing:
        raise _contradicts(standing)
    before = next((f for f in record.corrected.values() if f.identity == fact.identity), None)
    if fact.supersedes is None and before:
        now = next((f.id for f in record.live if f.place == before.place), before.id)
        raise Refused("fact", f"this was recorded before and corrected; to say it again, give supersedes {now}")


def follows(fact: Fact, one: Loaded, subject: str) -> None:
    """On a pathway of its programme, not before what it depends on, and not on one that is over."""
    row, known = one.row, one.known
    if fact.of and row.programme not in fact.of:
        raise Refused("fact", f"{fact.kind} is of {' and '.join(fact.of)}; {row.reference} is {row.programme}")
    if subject == row.reference:
        if row.closed_on and fact.supersedes is None and not isinstance(fact, _AFTER_THE_END):
            why = f"{row.reference} closed on {say(row.closed_on)}; correct an earlier fact if that was wrong"
            raise Refused("fact", why)
        if fact.happened_on < row.opened_on and not isinstance(fact, _MAY_COME_FIRST):
            raise Refused("happened_on", f"{row.reference} was only requested on {say(row.opened_on)}")
    if not fact.needs:
        return
    causes = [f for f in known.facts if f.kind in fact.needs and _same_thing(f, fact)]
    if not causes:
        needed = " or ".join(fact.needs)
        raise Refused("fact", f"{fact.kind} needs {needed} first{_of_what(fact)}; none is recorded")
    earliest = min(_begins(cause, fact) for cause in causes)
    if fact.happened_on < earliest:
        raise Refused("happened_on", f"it cannot have happened before {say(earliest)}, the day of what it answers")


def first_to_answer(answers: Any, about: Sequence[Loaded]) -> None:
    """Of two who answer the same, the first one's answer stands and the other is told."""
    facts = [fact for one in about for fact in one.known.facts]
    if answers and (other := answers.given(facts)):
        raise Refused("fact", f"somebody else has answered this meanwhile: {_summary(other)}, fact {other.id}")


def fits(fact: Fact, one: Loaded, of_person: Sequence[Loaded]) -> None:
    """The person is of this case, the provider is the one that holds the referral, and nothing is opened twice."""
    if getattr(fact, "party", None) and fact.party not in one.known.parties:
        raise Refused("party", f"{fact.party} is not a party of this case; its parties: {', '.join(one.known.parties)}")
    target = next((f for f in one.known.facts if f.id == fact.supersedes), None)
    if isinstance(target, Requested):
        raise Refused("supersedes", "what opened a pathway is not corrected; withdraw it and ask anew")
    if isinstance(target, (ReferralSent, *_GIVEN_BACK)) and (type(fact), getattr(fact, "provider", "")) != (
        type(target),
        target.provider,
    ):
        raise Refused(
            "supersedes", "who holds a referral is not corrected; recall it (referral_recalled) or send it anew"
        )
    if fact.supersedes is not None and one.row.closed_on:
        _may_reopen(one, of_person)
    if target:
        _nothing_rests_on(target, one)
    if isinstance(fact, _BEGINS) and any(isinstance(f, _ENDS) or _reports(f) for f in one.known.facts):
        raise Refused("fact", f"{one.row.reference} is over; nothing is sent or booked any more")
    if isinstance(target, (SessionSet, SessionMoved, SessionCalledOff)):
        why = "what went out as an invitation is not corrected; move the session (session_moved) or call it off"
        raise Refused("supersedes", why)
    if isinstance(target, PractitionerMatched):
        why = "who was told that it is theirs is not corrected; give it to another (practitioner_matched)"
        raise Refused("supersedes", why)
    for judged, kinds in _MORE:
        if isinstance(fact, kinds):
            judged(fact, one)
    if target is None and isinstance(fact, ReferralSent):
        _is_free(fact, one)
    if target is None and isinstance(fact, _OF_HOLDER):
        _of_holder(fact, one)


def permitted(fact: Fact, about: Sequence[Loaded], people: People) -> None:
    """A provider records what happens under a referral it was sent, or a risk; some things only an adviser decides.

    So it is too for a case that has no pathway yet: what is recorded then opens the gate of one that comes later.
    """
    role = people.roles.get(fact.recorded_by)
    if role is None and fact.recorded_by not in people.providers:
        raise Refused("recorded_by", f"{fact.recorded_by} is neither a practitioner nor a provider we know")
    if role is None and fact.by != "provider":
        raise Refused("recorded_by", f"a provider does not record {fact.kind}; it is for staff")
    if role is None and fact.about == "pathway" and not any(fact.recorded_by in _sent_to(one) for one in about):
        raise Refused("recorded_by", f"{fact.recorded_by} was not sent this referral")
    if fact.by == "manager" and role != "service_manager":
        raise Refused("recorded_by", f"{fact.kind} is recorded by a service manager")
    if fact.by == "adviser" and role not in ("adviser", "service_manager"):
        raise Refused("recorded_by", f"{fact.kind} is recorded by an adviser or a service manager")


_RESTS: tuple[tuple[tuple[type[Fact], ...], tuple[type[Fact], ...], str], ...] = (
    (
        (ViolenceEstablished, SurvivorPlanMade),
        (ReferralSent,),
        "he was referred on it; record suitability_decided, or raise a risk",
    ),
    (
        (AssessmentOpened, CriterionAssessed, LocalAuthorityConsidered, SuitabilityDecided),
        (ProgrammeOffered,),
        "the parents were asked on it; raise a risk, or stop the programme (programme_stopped)",
    ),
    (
        (ProgrammeOffered, ConsentGiven),
        (CourtPaperSigned,),
        "the court was advised on it; withdraw the consent (consent_withdrawn)",
    ),
)
"""What is not corrected any more once something rests on it, and what is done instead."""


def _nothing_rests_on(target: Fact, one: Loaded) -> None:
    if one.row.programme == "SPIP":  # where the gate is taken back, its provider is told to wait
        return
    for kinds, later, instead in _RESTS:
        if isinstance(target, kinds) and any(isinstance(f, later) for f in one.known.facts):
            raise Refused("supersedes", f"{target.label} is not corrected any more: {instead}")


def _taken_once(fact: Acknowledged, one: Loaded) -> None:
    p = Pathway(one.known, fact.recorded_on)
    sent = p.last(ReferralSent, provider=fact.provider)
    taken = p.first(Acknowledged, after=sent, provider=fact.provider) if sent else None
    if taken and taken.id != fact.supersedes:
        raise Refused(
            "fact", f"{fact.provider} acknowledged this referral on {say(taken.happened_on)}, fact {taken.id}"
        )


def _not_before_what_it_did(fact: ReferralDeclined | ReferralRecalled, one: Loaded) -> None:
    """A referral is not given back before what its provider has done under it."""
    p = Pathway(one.known, fact.recorded_on)
    sent = p.last(ReferralSent, provider=fact.provider)
    done = p.all(*_OF_HOLDER, after=sent) if sent else []
    last = max((f.happened_on for f in done if not isinstance(f, _GIVEN_BACK)), default=fact.happened_on)
    if fact.happened_on < last:
        raise Refused("happened_on", f"{fact.provider} did something under this referral on {say(last)}")


def _may_reopen(one: Loaded, of_person: Sequence[Loaded]) -> None:
    other = next((o for o in of_person if o is not one and not o.row.closed_on), None)
    if other:
        raise Refused("supersedes", f"this person has {other.row.reference} open; two of a kind cannot run at once")


def _is_free(fact: ReferralSent, one: Loaded) -> None:
    """A referral goes out when nobody holds it, and not before the last one was given back."""
    p = Pathway(one.known, fact.recorded_on)
    if p.provider:
        why = f"{p.provider} holds this referral; it has to decline it, or be recalled (referral_recalled), first"
        raise Refused("provider", why)
    last = p.last(*_GIVEN_BACK)
    if last and fact.happened_on < last.happened_on:
        raise Refused("happened_on", f"the referral before it was given back on {say(last.happened_on)}")


def _of_holder(fact: Fact, one: Loaded) -> None:
    """Only who holds the referral answers it, and nothing is booked while nobody does."""
    holder = Pathway(one.known, fact.recorded_on).provider
    named = getattr(fact, "provider", None) or (fact.recorded_by if fact.recorded_by in _sent_to(one) else None)
    if holder is None or named not in (None, holder.code):
        said = f"; {holder} does" if holder else ""
        raise Refused(
            "provider", f"{named} does not hold this referral{said}" if named else "nobody holds this referral"
        )


def _session_stands(fact: SessionMoved | SessionCalledOff | SessionHeld, one: Loaded) -> None:
    """A session is moved, called off or held while it is still to come; it is held on the day it is set for."""
    p = Pathway(one.known, fact.recorded_on)
    over = p.first(SessionCalledOff, SessionHeld, session=fact.session)
    if over and over.id != fact.supersedes:
        raise Refused("session", f"{fact.session} is over: {over.label} on {say(over.happened_on)}")
    timed = p.last(SessionSet, SessionMoved, session=fact.session)
    if isinstance(fact, SessionMoved) and timed and fact.happened_on < timed.happened_on:
        raise Refused("happened_on", f"{fact.session} was put on another day since, on {say(timed.happened_on)}")
    if isinstance(fact, SessionHeld) and timed and fact.happened_on != timed.session_on:
        why = f"{fact.session} is set for {say(timed.session_on)}; if it was held on another day, move it first"
        raise Refused("happened_on", why)


def _reports(fact: Fact) -> bool:
    return isinstance(fact, CourtPaperSigned) and fact.paper == "report"


def _signed_once(fact: CourtPaperSigned, one: Loaded) -> None:
    """The court is advised once of a CPPP, and gets one report."""
    if one.row.programme != "CPPP" or fact.paper == "note":
        return
    signed = Pathway(one.known, fact.recorded_on).first(CourtPaperSigned, paper=fact.paper)
    if signed and signed.id != fact.supersedes:
        raise Refused("paper", f"the {fact.paper} was signed on {say(signed.happened_on)}, fact {signed.id}")


def _court_was_advised(fact: CourtTimetabled, one: Loaded) -> None:
    advised = Pathway(one.known, fact.recorded_on).first(CourtPaperSigned, paper="advice")
    if advised is None or advised.happened_on > fact.happened_on:
        raise Refused("fact", "the court gives time when it was advised; record court_paper_signed paper=advice first")


def _given_in_turn(fact: PractitionerMatched, one: Loaded) -> None:
    """Whoever it went to last has it, so it is given on after that day and to somebody else."""
    last = Pathway(one.known, fact.recorded_on).last(PractitionerMatched)
    if last is None:
        return
    if last.practitioner == fact.practitioner:
        raise Refused("practitioner", f"{fact.practitioner} has it since {say(last.happened_on)}")
    if fact.happened_on < last.happened_on:
        raise Refused("happened_on", f"it was given to {last.practitioner} since, on {say(last.happened_on)}")


def _sessions_complete(fact: OutcomeRecorded, one: Loaded) -> None:
    """The outcome is that of all the sessions; one that ends before them is stopped (programme_stopped)."""
    answers = sessions_held(Pathway(one.known, fact.recorded_on))
    if missing := [name for name, answer in answers if answer is None]:
        raise Refused("fact", f"the sessions are not complete; still missing: {', '.join(missing)}")
    if fact.happened_on < (last := max(answer.happened_on for _, answer in answers if answer)):
        raise Refused("happened_on", f"the sessions were only complete on {say(last)}")


def _child_was_seen(fact: ChildLetterShared, one: Loaded) -> None:
    seen = dict(sessions_held(Pathway(one.known, fact.recorded_on)))["a session with the child"]
    if seen is None or seen.happened_on > fact.happened_on:
        raise Refused("fact", "the child is seen first; record that session (session_held)")


def _one_answer(fact: ConsentGiven | ConsentRefused, one: Loaded) -> None:
    """A parent answers once: a consent is withdrawn, and a refusal ends it."""
    said = Pathway(one.known, fact.recorded_on).first(ConsentGiven, ConsentRefused, party=fact.party)
    if isinstance(said, ConsentGiven) and isinstance(fact, ConsentRefused):
        raise Refused("fact", f"{fact.party} has consented; a consent is withdrawn (consent_withdrawn)")
    if isinstance(said, ConsentRefused) and isinstance(fact, ConsentGiven):
        raise Refused("fact", f"{fact.party} declined on {say(said.happened_on)}, fact {said.id}, which ends it")


def _known_there(fact: Unavailable, one: Loaded) -> None:
    p = Pathway(one.known, fact.recorded_on)
    may = [*one.known.parties, one.row.case, one.row.adviser, *filter(None, [p.provider and p.provider.code])]
    if fact.who not in may:
        raise Refused("who", f"{fact.who} has no part in {one.row.reference}; one of {', '.join(dict.fromkeys(may))}")


def _as_long_as_it_is(fact: ProgrammeStarted, one: Loaded) -> None:
    least, most = (one.known.limits.number(name) for name in ("least_weeks", "most_weeks"))
    if not least <= fact.weeks <= most:
        raise Refused("weeks", f"a programme has {least} to {most} weekly sessions")


def _programme_is_over(fact: FinalReported, one: Loaded) -> None:
    """Nobody has completed a programme whose weeks are not over."""
    started = Pathway(one.known, fact.recorded_on).first(ProgrammeStarted)
    last = nth(session_days(started.happened_on, ()), started.weeks) if started else fact.happened_on
    if fact.outcome == "completed" and fact.happened_on < last - timedelta(days=6):
        why = f"it has weekly sessions until {say(last)} at the earliest; report not_completed, or that he was dropped"
        raise Refused("outcome", why)


def _week_has_come(fact: WeeklyAttendance, one: Loaded) -> None:
    """Nobody reports on a week still to come: what is not known is not attendance (SR-21)."""
    starts = [f.happened_on for f in Pathway(one.known, fact.recorded_on).all(ProgrammeStarted)]
    started = max(day for day in starts if day <= fact.happened_on)
    begins = nth(session_days(started, ()), fact.week) - timedelta(days=6)
    if fact.happened_on < begins:
        raise Refused("week", f"week {fact.week} begins on {say(begins)} at the earliest")


def _once_under_a_referral(fact: Fact, one: Loaded) -> None:
    """A provider assesses, begins, reports on a week and ends once; another one it goes to does so anew."""
    p = Pathway(one.known, fact.recorded_on)
    sent = [f for f in p.all(ReferralSent) if f.happened_on <= fact.happened_on]
    which = {"week": fact.week} if isinstance(fact, WeeklyAttendance) else {}
    said = p.all(type(fact), after=sent[-1], **which) if sent else []
    if standing := next((f for f in said if f.id != fact.supersedes), None):
        raise _contradicts(standing)


def _nobody_has_it(fact: NoProviderInReach, one: Loaded) -> None:
    if holder := Pathway(one.known, fact.recorded_on).provider:
        raise Refused("fact", f"{holder} holds this referral; it has to decline it, or be recalled, first")


_MORE: tuple[tuple[Callable[[Any, Loaded], None], Any], ...] = (
    (_session_stands, _OF_ONE_SESSION),
    (_signed_once, CourtPaperSigned),
    (_court_was_advised, CourtTimetabled),
    (_given_in_turn, PractitionerMatched),
    (_sessions_complete, OutcomeRecorded),
    (_child_was_seen, ChildLetterShared),
    (_one_answer, (ConsentGiven, ConsentRefused)),
    (_known_there, Unavailable),
    (_as_long_as_it_is, ProgrammeStarted),
    (_week_has_come, WeeklyAttendance),
    (_programme_is_over, FinalReported),
    (_once_under_a_referral, _ONCE),
    (_nobody_has_it, NoProviderInReach),
    (_taken_once, Acknowledged),
    (_not_before_what_it_did, _GIVEN_BACK),
)


def _sent_to(one: Loaded) -> set[str]:
    return {fact.provider for fact in one.known.facts if isinstance(fact, ReferralSent)}


def answered(known: Fact, about: Sequence[Loaded]) -> str:
    """What to say of a risk or hold that is known already and was answered since: it may be another one."""
    answer = {RiskRaised: RiskReviewed, Held: Released}.get(type(known))
    later = answer and any(isinstance(f, answer) and f.place > known.place for one in about for f in one.known.facts)
    if not later:
        return ""
    return (
        f"{known.label} on {say(known.happened_on)} is fact {known.id} and was answered since; for another of that day "
        + ("give its own reference (risk=...)" if isinstance(known, RiskRaised) else "give it a reference (hold=...)")
    )


def _same_thing(cause: Fact, fact: Fact) -> bool:
    """Whether a fact that another needs is about the same session, provider, hearing or person."""
    return all(
        getattr(cause, name) == getattr(fact, name) for name in _SHARED if hasattr(cause, name) and hasattr(fact, name)
    )


def _begins(cause: Fact, fact: Fact) -> date:
    """The first day on which one fact can follow another: attendance is reported from the day of the session on."""
    if isinstance(cause, SessionBooked) and isinstance(fact, AttendanceReported):
        return cause.session_on
    return cause.happened_on


def _of_what(fact: Fact) -> str:
    named = [f"{name} {getattr(fact, name)}" for name in _SHARED if getattr(fact, name, None)]
    return f" for {', '.join(named)}" if named else ""


def _contradicts(standing: Fact) -> Refused:
    said = f"contradicts fact {standing.id}, {_summary(standing)}"
    return Refused("fact", f"{said}; to correct that one, give supersedes {standing.id}")


def _summary(fact: Fact) -> str:
    said = ", ".join(f"{name} {value}" for name, value in fact.payload.items())
    return f"{fact.label} on {say(fact.happened_on)}" + (f" ({said})" if said else "")
