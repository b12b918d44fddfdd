"""DVPP: a programme the court orders for a man who used violence; an assessment, 26 to 32 weeks, and two reports.

Nothing of the survivor is here but that a plan for her is made: her support is another strand, in another database.
"""

from datetime import date, timedelta
from itertools import count, islice
from typing import NoReturn

from prefect import flow
from prefect.client.schemas.objects import State

from flows.steps import (
    corrections_asked,
    direction_stands,
    ends_when_withdrawn,
    pauses_for_risks_and_holds,
    signed_for_court,
    tell_result,
    under_a_provider,
)
from models.facts import Fact, Reference
from models.facts.dvpp import (
    AbsenceReviewed,
    AccreditationRenewed,
    AccreditationReviewed,
    AssessmentDone,
    AssessmentMissed,
    AssessmentReported,
    Dropped,
    FinalOrderReviewed,
    FinalReported,
    MidwayReported,
    NoProviderInReach,
    ProgrammeStarted,
    WaitReviewed,
    WeeklyAttendance,
)
from models.facts.every import CourtPaperSigned, DirectionDischarged, RiskReviewed, SuitabilityDecided
from models.facts.referral import ReferralDeclined, ReferralRecalled, ReferralSent, Refused
from models.gates import gate_passed_by, missing_from_gate
from models.pathway import Pathway, soonest
from models.standing import Duty
from models.weeks import alarming, session_days, week_reached
from tasks.advance import advance_all
from tasks.show import run_name


def dvpp(p: Pathway) -> None:
    """Only after a court's order, only with an accredited provider, and never without a plan for the survivor."""
    at_any_point(p)
    accreditation(p)
    passed = gate(p)
    under_a_provider(p, passed, from_assessment_to_court)


def from_assessment_to_court(p: Pathway, acknowledged: Fact) -> NoReturn:
    """What one provider does with a referral it took: it assesses him, he waits, he comes week by week, it reports."""
    accepted = assessment(p, acknowledged)
    started = first_session(p, accepted)
    final = programme(p, started)
    completed = final.outcome == "completed"
    court_report(p, final, *(("closed_completed", "completed") if completed else ("closed_dropped", "dropped")))


def at_any_point(p: Pathway) -> None:
    """What ends or pauses it wherever it stands. The direction binds until the court takes it back."""
    corrections_asked(p)
    unsafe = soonest(p.first(SuitabilityDecided, suitable=False), p.first(RiskReviewed, decision="unsuitable"))
    ends_when_withdrawn(p, "closed_withdrawn")
    if unsafe:
        p.ends_with(DirectionDischarged, "closed_withdrawn", "safety_stop", since=unsafe)
    p.ends_with(DirectionDischarged, "closed_withdrawn", "proceedings_ended", before=unsafe)
    p.ends_with(NoProviderInReach, "closed_no_provider", "no_provider", court_told=True)
    pauses_for_risks_and_holds(p)
    if unsuitable := p.first(SuitabilityDecided, suitable=False):
        direction_stands(p, unsuitable)


def accreditation(p: Pathway) -> None:
    """Accreditation that runs out while a provider holds the referral is a matter for commissioning (SR-04)."""
    for said in p.all(AccreditationRenewed):
        renewed = {"provider": said.provider, "until": said.until}
        p.tell(p.commissioning_manager, "accreditation-renewed", about=said, **renewed)
    for sent in p.all(ReferralSent):
        lapses = p.known.accredited_until(sent.provider)
        given_back = p.first(ReferralDeclined, ReferralRecalled, after=sent, provider=sent.provider)
        if lapses is None or (given_back and given_back.recorded_on <= lapses) or not p.passed(lapses):
            continue
        opened = max(lapses + timedelta(days=1), sent.recorded_on)
        due = p.within("accreditation_review", max(lapses, sent.recorded_on))
        reviews = [fact for fact in p.all(AccreditationReviewed, after=sent) if fact.recorded_on >= opened]
        answer, manager = soonest(*reviews, given_back), p.commissioning_manager
        p.owe("accreditation_review", by=manager, due=due, after=sent, opened=opened, met=answer)
        lapsed = {"provider": sent.provider, "due": due, "overtaken": bool(answer)}
        p.tell(manager, "accreditation-lapsed", about=sent, anyway=True, since=opened, **lapsed)
        if isinstance(answer, AccreditationReviewed) and answer.decision == "recall":
            recall = {"met": given_back, "after": answer, "opened": answer.recorded_on}
            p.owe("recall", by=p.commissioning, due=p.within("send_referral", answer.recorded_on), **recall)


def gate(p: Pathway) -> Fact:
    """Violence admitted or found, and a plan for the survivor. A final order is looked at by a manager (SR-19)."""
    review = final_order(p) if p.known.terms.in_final_order else None
    due = p.within("gate", p.request)
    passed = p.owe("suitability_gate", by=p.adviser, due=due, after=p.request, met=gate_passed_by(p))
    if not passed.closed_on or passed.closed_on > p.request.recorded_on:
        missing = missing_from_gate(p)
        p.tell(p.adviser, "gate-open", about=p.request, missing=missing, due=due, overtaken=not missing)
    if passed.fact:
        return passed.fact
    p.stand("ordered", review) if review and not review.fact else p.stand("suitability_gate", passed)


def final_order(p: Pathway) -> Duty:
    """There is no route back to the court from a final order, so a manager decides; meanwhile nothing waits for it."""
    due = p.within("final_order_review", p.request)
    review = p.owe("final_order_review", FinalOrderReviewed, by=p.service_manager, due=due, after=p.request)
    for who in (p.adviser, p.service_manager):
        p.tell(who, "final-order", about=p.request, due=due, overtaken=bool(review.fact))
    if (decided := review.fact) and decided.decision == "ask_the_court":
        due = p.within("court_result", decided.recorded_on)
        p.tell(p.adviser, "ask-the-court", about=decided, due=due)
        p.owe("court_variation", DirectionDischarged, by=p.adviser, due=due, after=decided)
    return review


def assessment(p: Pathway, acknowledged: Fact) -> AssessmentReported:
    """The provider sees him and reports: accepted, or not and why. Two missed appointments end it; so may the order."""
    due = p.within("assess", acknowledged)
    assessed = p.owe("assessment", by=p.provider, due=due, after=acknowledged, met=seen_or_given_up(p, acknowledged))
    done = assessed.fact or p.stand("assessment", assessed)
    if isinstance(done, (AssessmentMissed, Refused)):
        not_engaged(p, done, "assessment_not_attended")
    report = done if isinstance(done, AssessmentReported) else assessment_report(p, done)
    tell_result(p, p.adviser, report, lambda r: (f"assessment-{r.result}", {"reason": r.reason}))
    if p.known.terms.assessment_only:
        court_report(p, report, "closed_assessment_only", "assessment_only")
    if report.result == "failed":
        court_report(p, report, "closed_failed_assessment", "failed_assessment")
    return report


def seen_or_given_up(p: Pathway, acknowledged: Fact) -> Fact | None:
    """What became known first: that he was seen, that he will not come, or that he has missed his last appointment."""
    missed = soonest(*p.all(AssessmentMissed, after=acknowledged), nth=p.number("assessment_appointments"))
    return soonest(missed, *p.all(AssessmentDone, AssessmentReported, Refused, after=acknowledged))


def assessment_report(p: Pathway, done: Fact) -> AssessmentReported:
    due = p.within("assessment_report", done)
    return p.wait_for(
        "assessment_report", AssessmentReported, state="assessment_report_due", by=p.provider, due=due, after=done
    )


def first_session(p: Pathway, accepted: AssessmentReported) -> ProgrammeStarted:
    """He waits for a group, eight weeks at most, and each month the adviser looks at why. He may refuse the place."""
    refused = soonest(*p.all(Refused), after=accepted)
    begun = soonest(refused, *p.all(ProgrammeStarted, after=accepted))
    start = p.owe("start", by=p.provider, due=p.within("start", accepted), after=accepted, met=begun)
    reviews_of_wait(p, accepted, begun)
    if not begun:
        p.stand("awaiting_start", start)
    if isinstance(begun, Refused):
        not_engaged(p, begun, "place_refused")
    tell_result(p, p.adviser, begun, lambda r: ("programme-started", {"weeks": r.weeks}))
    return begun


def reviews_of_wait(p: Pathway, accepted: Fact, begun: Fact | None) -> None:
    """One review for each month of waiting; the first session answers those still open."""
    mark, seen = accepted.recorded_on, p.all(WaitReviewed, after=accepted)
    for month in count(1):
        mark = p.within("wait_review_every", mark)
        if (begun and begun.recorded_on <= mark) or not p.passed(mark):
            return
        answer = soonest(begun, *(fact for fact in seen if fact.recorded_on > mark))
        due = p.within("wait_review", mark)
        p.owe("wait_review", by=p.adviser, due=due, after=accepted, opened=mark, met=answer, which=month)


def programme(p: Pathway, started: ProgrammeStarted) -> FinalReported:
    """Week by week, with a report at half and one at the end. What takes him off the programme ends it at once."""
    reports = p.all(WeeklyAttendance, after=started)
    days = weeks(p, started, reports)
    half, last = (days[week_reached(n, days, reports) - 1] for n in (started.weeks // 2, started.weeks))
    over = soonest(*p.all(Dropped, Refused, FinalReported, after=started))
    attendance(p, started, days, min(last, over.recorded_on - timedelta(days=1)) if over else last)
    concern = absences(p, reports)
    midway = midway_report(p, started, half, over)
    final = final_report(p, started, last, over)
    if over:
        return final_result(p, over)
    if first := concern or final or (midway if midway and not midway.fact else None):
        p.stand(_STANDS[first.kind], first)
    p.wait_until(last, "in_programme", "end of the programme", on=p.provider, since=started.recorded_on)


_STANDS = {
    "absence_review": "attendance_concern",
    "final_report": "final_report_due",
    "midway_report": "midway_report_due",
}


def weeks(p: Pathway, started: ProgrammeStarted, reports: list[WeeklyAttendance]) -> list[date]:
    """The day of each week, as many as there may be: a week in which the group does not meet adds one."""
    without_end = session_days(started.happened_on, p.known.closed_weeks(p.provider.code), p.pauses)
    return list(islice(without_end, started.weeks + len(reports)))


def final_result(p: Pathway, over: Fact) -> FinalReported:
    """The final report; what took him off the programme goes to the court instead."""
    if not isinstance(over, FinalReported):
        not_engaged(p, over, "taken_off_the_programme" if isinstance(over, Dropped) else "place_refused")
    tell_result(p, p.adviser, over, lambda r: ("report-received", {"report": "final", "result": r.outcome}))
    return over


def attendance(p: Pathway, started: Fact, days: list[date], until: date) -> None:
    """The provider says each week whether he came. Silence is never attendance (SR-21)."""
    for week, day in enumerate(days, 1):
        if day > until or not p.passed(day):
            return
        due = p.within("report", day)
        p.owe(
            "weekly_attendance", WeeklyAttendance, by=p.provider, due=due, after=started, opened=day, which=week,
            week=week,
        )  # fmt: skip


def absences(p: Pathway, reports: list[WeeklyAttendance]) -> Duty | None:
    """Two absences running, or three in all, reach the adviser by the next working day, whatever is late (m03 D1).

    A hold does not stop the review, for it looks at a risk.
    """
    reviews = []
    for report in alarming(reports, running=p.number("absences_running"), in_all=p.number("absences_in_all")):
        due = p.within_whatever_is_held("absence_review", report.recorded_on)
        answer = soonest(*p.all(AbsenceReviewed, Dropped, Refused, FinalReported), after=report)
        review = p.owe("absence_review", by=p.adviser, due=due, after=report, opened=report.recorded_on, met=answer)
        review.reviews = True
        p.tell(p.adviser, "absence-rule", about=report, week=report.week, session_on=report.happened_on, due=due)
        reviews.append(review)
    return next((review for review in reviews if not review.fact), None)


def midway_report(p: Pathway, started: Fact, half: date, over: Fact | None) -> Duty | None:
    """The provider's report at half, rounded down: week 13 of 26. A monitoring court is told with a note."""
    report = soonest(*p.all(MidwayReported, after=started))
    if report:
        tell_result(p, p.adviser, report, lambda r: ("report-received", {"report": "midway", "result": r.progress}))
    if report and p.monitoring_requested:
        due = p.within("midway_note", report.recorded_on)
        note = p.owe("midway_note", CourtPaperSigned, by=p.adviser, due=due, after=report, paper="note")
        p.tell(p.adviser, "paper-to-sign", about=report, paper="note", due=due, overtaken=bool(note.fact))
    if not p.passed(half) or (over and over.recorded_on <= half):
        return None
    opened, due = min(half, report.recorded_on) if report else half, p.within("midway_report", half)
    return p.owe("midway_report", by=p.provider, due=due, after=started, opened=opened, met=report)


def final_report(p: Pathway, started: Fact, last: date, over: Fact | None) -> Duty | None:
    """The provider's report at the end; that he was taken off, or will not come any more, answers for it."""
    early = over and over.recorded_on <= last
    if early and not isinstance(over, FinalReported):
        return None
    if not early and not p.passed(last):
        return None
    opened, due = over.recorded_on if early else last, p.within("final_report", last)
    return p.owe("final_report", by=p.provider, due=due, after=started, opened=opened, met=over)


def not_engaged(p: Pathway, cause: Fact, result: str) -> NoReturn:
    """He does not come, refuses, or is taken off: the adviser hears of it at once, and the court."""
    p.tell(p.adviser, "not-engaged", about=cause, result=result)
    court_report(p, cause, "closed_dropped", "dropped")


def court_report(p: Pathway, cause: Fact, state: str, reason: str) -> NoReturn:
    """The adviser tells the court how it ended, in time for its next hearing."""
    due = p.before_hearing(p.within("court_report", cause.recorded_on), cause.recorded_on)
    report = signed_for_court(p, "report", "court_report", cause, due, "court_report_due")
    p.close(state, reason, on=report)


@flow(name="dvpp", flow_run_name=run_name, timeout_seconds=3600)
def advance_dvpp(references: list[Reference] | None = None) -> State:
    """Advance DVPP pathways: those named, or every one whose day has come."""
    return advance_all("DVPP", dvpp, references)
