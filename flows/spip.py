"""SPIP: one parent's Separated Parents Information Programme, four hours in a group, from request to outcome."""

from datetime import date, timedelta
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
from models.facts.case import CourtDeclined
from models.facts.every import DirectionDischarged, RiskReviewed, SuitabilityDecided
from models.facts.referral import ReferralSent, Refused
from models.facts.spip import (
    AttendanceReported,
    BreachDecided,
    ContactAttempted,
    CourtResult,
    NextStepTaken,
    RebookingDeclined,
    SessionBooked,
    SessionCancelled,
)
from models.gates import gate_passed_by, missing_from_gate
from models.pathway import Pathway, soonest
from tasks.advance import advance_all
from tasks.show import run_name


def spip(p: Pathway) -> None:
    """Both routes: a direction of the court, or the adviser's referral before the first hearing (bulletin2022)."""
    at_any_point(p)
    passed = safeguarding(p)
    under_a_provider(p, passed, sessions, SessionBooked)


def sessions(p: Pathway, acknowledged: Fact) -> NoReturn:
    """Until somebody attends one; then the next step is offered."""
    next_step(p, attendance(p, acknowledged))


def at_any_point(p: Pathway) -> None:
    """What ends or pauses the pathway wherever it stands. A direction binds until the court takes it back."""
    corrections_asked(p)
    unsuitable = p.first(SuitabilityDecided, suitable=False) or p.first(RiskReviewed, decision="unsuitable")
    ends_when_withdrawn(p, "closed_withdrawn")
    if not p.court_ordered:
        p.ends_with(CourtDeclined, "closed_unsuitable", "court_declined", programme="SPIP")  # SR-15
        p.ends_with(SuitabilityDecided, "closed_unsuitable", "unsuitable_risk", suitable=False)
        p.ends_with(RiskReviewed, "closed_unsuitable", "unsuitable_risk", decision="unsuitable")
    else:
        state, reason = ("unsuitable", "unsuitable_risk") if unsuitable else ("withdrawn", "proceedings_ended")
        p.ends_with(DirectionDischarged, f"closed_{state}", reason)
    pauses_for_risks_and_holds(p)


def safeguarding(p: Pathway) -> Fact:
    """SR-01, SR-02: the gate is passed by answers, never by time. What the court ordered only the court takes back."""
    due = p.within("safeguarding", p.request)
    gate = p.owe("safeguarding_enquiries", by=p.adviser, due=due, after=p.request, met=gate_passed_by(p))
    if not gate.closed_on or gate.closed_on > p.request.recorded_on:
        missing = missing_from_gate(p)
        p.tell(p.adviser, "referral-held", about=p.request, missing=missing, due=due, overtaken=not missing)
    if p.court_ordered and (unsuitable := p.first(SuitabilityDecided, suitable=False)):
        direction_stands(p, unsuitable)
    if not gate.fact:
        p.tell_holder_to_wait(about=p.request)
        p.stand("safeguarding_hold", gate)
    return gate.fact


def attendance(p: Pathway, acknowledged: Fact) -> Fact:
    """A session is booked, held and reported on. One rebooking after an absence; then the adviser decides.

    A booking made since the last session counts, however late it is reported and whatever was decided meanwhile.
    """
    last, since, absences = acknowledged, acknowledged, 0
    while True:
        booking = since if isinstance(since, SessionBooked) else booked(p, since, last)
        if not isinstance(booking, SessionBooked):
            since = breach_review(p, booking, booking.recorded_on, last)
            continue
        report = reported(p, booking)
        if isinstance(report, AttendanceReported) and report.attended:
            return report
        last = since = report
        if isinstance(report, SessionCancelled) and report.cancelled_by == "provider":
            continue
        absences += 1
        tell_result(p, p.adviser, report, what_it_says)
        since = after_absence(p, report, may_rebook=absences <= p.number("rebookings"))


def what_it_says(report: AttendanceReported | SessionCancelled) -> tuple[str, dict[str, str]]:
    """What the adviser is told of a session: that it was attended, or how it was not."""
    if isinstance(report, AttendanceReported) and report.attended:
        return "attended", {}
    return "not-attended", {"result": getattr(report, "result", "cancelled")}


def booked(p: Pathway, since: Fact, last: Fact) -> Fact:
    """The booking, or what shows that there will be none: a refusal, or the last attempt to reach the person."""
    due = p.before_hearing(p.within("book", since), since.happened_on)
    unreachable = soonest(*p.all(ContactAttempted, after=since), nth=p.number("contact_attempts"))
    answer = soonest(unreachable, *p.all(Refused, after=since), *p.all(SessionBooked, after=last))
    booking = p.owe("booking", by=p.provider, due=due, after=since, met=answer)
    return booking.fact or p.stand("acknowledged", booking)


def reported(p: Pathway, booking: SessionBooked) -> Fact:
    """The provider's report on a session. Silence is never attendance (SR-21)."""
    chance = p.last(ReferralSent, BreachDecided, CourtResult, before=booking)
    if booking.session_on > p.due_as_known("attend", chance, when=booking):
        p.tell(p.adviser, "session-late", about=booking, session_on=booking.session_on)
    report = p.first(AttendanceReported, SessionCancelled, after=booking, session=booking.session)
    if not report:
        p.wait_until(booking.ends_on, "booked", "session", on=p.provider, since=booking.recorded_on)
    due = p.within("report", booking.ends_on)
    owed = p.owe("attendance_report", by=p.provider, due=due, after=booking, opened=booking.ends_on, met=report)
    return owed.fact or p.stand("report_due", owed)


def after_absence(p: Pathway, absence: Fact, *, may_rebook: bool) -> Fact:
    """The provider may rebook once; with no second place in time, or after a second absence, the adviser decides."""
    opened = known_on(p, absence)
    if not may_rebook:
        return breach_review(p, absence, opened, absence)
    due = p.within("rebook", opened)
    answer = soonest(*p.all(SessionBooked, RebookingDeclined, Refused, after=absence))
    rebooking = p.owe("rebooking", by=p.provider, due=due, after=absence, opened=opened, met=answer)
    if p.lapsed(rebooking):
        p.drop(rebooking)
        return breach_review(p, absence, due, absence)
    if not rebooking.fact:
        p.stand("not_attended", rebooking)
    if isinstance(rebooking.fact, SessionBooked):
        return rebooking.fact
    return breach_review(p, rebooking.fact, rebooking.fact.recorded_on, absence)


def known_on(p: Pathway, report: Fact) -> date:
    """The day it became known that the person came, or did not; what else is put right in a report moves nothing."""
    came = [getattr(version, "attended", False) for version in p.versions(report)]
    return p.versions(report)[came.index(came[-1])].recorded_on


def breach_review(p: Pathway, cause: Fact, opened: date, last: Fact) -> Fact:
    """The adviser decides: try again, close, or tell the court where it asked to be told. A late booking counts.

    What the passing of days has opened is said even where the absence was known before.
    """
    due = p.within("breach_review", opened)
    answer = soonest(*p.all(BreachDecided, after=cause), *p.all(SessionBooked, after=last))
    review = p.owe("breach_review", by=p.adviser, due=due, after=cause, opened=opened, met=answer)
    of_itself = opened > cause.recorded_on
    p.tell(p.adviser, "breach-review", about=cause, anyway=of_itself, due=due, overtaken=bool(review.fact))
    decision = review.fact or p.stand("breach_review", review)
    if isinstance(decision, SessionBooked):
        return decision
    if decision.decision == "report":
        decision = court_told(p, decision)
    if getattr(decision, "decision", "") == "retry" or getattr(decision, "result", "") == "reordered":
        p.tell(p.provider, "book-again", about=decision, due=p.within("book", decision))
        return decision
    part = p.first(AttendanceReported, result="part")
    p.close("closed_not_completed", "part_attended" if part else "never_attended", on=decision)


def court_told(p: Pathway, decision: Fact) -> Fact:
    """A note is drafted where the court asked for monitoring, and goes only with the adviser's signature (SR-13)."""
    signed = signed_for_court(p, "note", "signature", decision, p.within("breach_review", decision), "breach_review")
    due = p.facts.hearing_after(signed.happened_on) or p.within("court_result", signed)
    return p.wait_for("court_result", CourtResult, state="court_notified", by=p.adviser, due=due, after=signed)


def next_step(p: Pathway, report: Fact) -> NoReturn:
    """GIRFC or mediation is offered; with no answer in time the pathway is complete all the same.

    The time runs from the day attendance became known, however late that was.
    """
    tell_result(p, p.adviser, report, what_it_says)
    opened = known_on(p, report)
    due = p.within("next_step", opened)
    offer = p.owe("next_step", NextStepTaken, by=p.provider, due=due, after=report, opened=opened)
    if offer.fact:
        p.close("closed_completed", "completed", on=offer.fact)
    if p.passed(due):
        p.close("closed_completed", "completed", on=due + timedelta(days=1))
    p.stand("next_step_offered", offer)


@flow(name="spip", flow_run_name=run_name, timeout_seconds=3600)
def advance_spip(references: list[Reference] | None = None) -> State:
    """Advance SPIP pathways: those named, or every one whose day has come."""
    return advance_all("SPIP", spip, references)
