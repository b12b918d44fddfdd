"""SPIP: one parent's Separated Parents Information Programme, four hours in a group, from request to outcome."""

from datetime import date, timedelta
from typing import NoReturn

from prefect import flow
from prefect.client.schemas.objects import State

from models.facts import Fact, Reference
from models.facts.case import CourtDeclined, ProceedingsEnded, RiskRaised
from models.facts.every import (
    CourtPaperSigned,
    DirectionDischarged,
    Held,
    Released,
    RiskReviewed,
    SuitabilityDecided,
    Withdrawn,
)
from models.facts.referral import Acknowledged, ReferralDeclined, ReferralRecalled, ReferralSent, Refused
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
from models.pathway import Pathway
from models.safety import gate_passed_by, missing_from_gate
from models.standing import Duty, Who
from tasks.advance import advance_all
from tasks.show import run_name


def spip(p: Pathway) -> None:
    """Both routes: a direction of the court, or the adviser's referral before the first hearing (bulletin2022)."""
    at_any_point(p)
    safeguarding(p)
    acknowledged = accepted_referral(p)
    report = attendance(p, acknowledged)
    next_step(p, report)


def at_any_point(p: Pathway) -> None:
    """What ends or pauses the pathway wherever it stands. A direction binds until the court takes it back."""
    unsuitable = p.first(SuitabilityDecided, suitable=False) or p.first(RiskReviewed, decision="unsuitable")
    p.ends_with(Withdrawn, "closed_withdrawn")
    p.ends_with(ProceedingsEnded, "closed_withdrawn", "proceedings_ended")
    if not p.court_ordered:
        p.ends_with(CourtDeclined, "closed_unsuitable", "court_declined", programme="SPIP")  # SR-15
        p.ends_with(SuitabilityDecided, "closed_unsuitable", "unsuitable_risk", suitable=False)
        p.ends_with(RiskReviewed, "closed_unsuitable", "unsuitable_risk", decision="unsuitable")
    else:
        state, reason = ("unsuitable", "unsuitable_risk") if unsuitable else ("withdrawn", "proceedings_ended")
        p.ends_with(DirectionDischarged, f"closed_{state}", reason)
    p.pauses_for(
        RiskRaised, RiskReviewed, state="safeguarding_hold", duty="risk_review", told="new-risk", decision="continue"
    )  # SR-14
    p.pauses_for(Held, Released, state="on_hold", duty="hold_review")


def safeguarding(p: Pathway) -> None:
    """SR-01, SR-02: the gate is passed by answers, never by time. What the court ordered only the court takes back."""
    due = p.within("safeguarding", p.request)
    gate = p.owe("safeguarding_enquiries", by=p.adviser, due=due, after=p.request, met=gate_passed_by(p))
    if not gate.closed_on or gate.closed_on > p.request.recorded_on:
        missing = missing_from_gate(p)
        p.tell(p.adviser, "referral-held", about=p.request, missing=missing, due=due, overtaken=not missing)
    if unsuitable := p.last(SuitabilityDecided, suitable=False):
        due = p.within("court_result", unsuitable)
        p.tell(p.adviser, "direction-stands", about=unsuitable)
        p.tell_holder_to_wait(about=unsuitable)
        variation = p.owe("court_variation", DirectionDischarged, by=p.adviser, due=due, after=unsuitable)
        p.stand("safeguarding_hold", variation)
    if not gate.fact:
        p.tell_holder_to_wait(about=p.request)
        p.stand("safeguarding_hold", gate)


def accepted_referral(p: Pathway) -> Fact:
    """The nearest open provider is asked, and the next when it declines, until one takes the referral and keeps it."""
    since, ready = p.request, max(p.request.recorded_on, gate_passed_by(p).recorded_on)
    while True:
        due = p.within("send_referral", ready)
        sending = p.owe("referral", ReferralSent, by=p.commissioning, due=due, after=since, opened=ready)
        if sending.closed_on and sending.closed_on > ready:
            p.tell(p.commissioning, "ready-to-refer", about=since, overtaken=True)
        referral = sending.fact or provider_wanted(p, sending, since)
        provider, due = Who("provider", referral.provider), p.within("acknowledge", referral)
        p.tell(provider, "referral", about=referral, due=due)
        given_back = p.first(ReferralDeclined, ReferralRecalled, after=referral, provider=referral.provider)
        answers = (Acknowledged, SessionBooked, ReferralDeclined, ReferralRecalled)
        asked = p.owe("acknowledgement", *answers, by=provider, due=due, after=referral)
        if not asked.fact:
            p.stand("referred", asked)
        if not given_back:
            p.letter("referral-made", about=asked.fact)
            return asked.fact
        if isinstance(given_back, ReferralRecalled):
            p.tell(provider, "referral-withdrawn", about=given_back)
        since, ready = given_back, given_back.recorded_on


def provider_wanted(p: Pathway, sending: Duty, since: Fact) -> NoReturn:
    """Commissioning has to refer. With nobody open in reach its manager is told, and it is looked at again daily."""
    if proposed := p.known.proposed():
        p.tell(p.commissioning, "ready-to-refer", about=since, proposed=proposed[:3], due=sending.due_on)
        p.stand("ready_to_refer", sending)
    p.tell(p.commissioning_manager, "no-provider", about=since, due=sending.due_on)
    p.passed(p.today)
    p.stand("ready_to_refer", sending, label="No provider open")


def attendance(p: Pathway, acknowledged: Fact) -> Fact:
    """A session is booked, held and reported on. One rebooking after an absence; then the adviser decides."""
    since, absences = acknowledged, 0
    while True:
        booking = since if isinstance(since, SessionBooked) else booked(p, since)
        if not isinstance(booking, SessionBooked):
            since = breach_review(p, booking, booking.recorded_on)
            continue
        report = reported(p, booking)
        if isinstance(report, AttendanceReported) and report.result == "attended":
            return report
        since = report
        if isinstance(report, SessionCancelled) and report.cancelled_by == "provider":
            continue
        absences += 1
        result = getattr(report, "result", "cancelled")
        p.tell(p.adviser, "not-attended", about=report, result=result)
        since = after_absence(p, report, may_rebook=absences <= p.number("rebookings"))


def booked(p: Pathway, since: Fact) -> Fact:
    """The booking, or what shows that there will be none: a refusal, or the last attempt to reach the person."""
    due = p.before_hearing(p.within("book", since), since.happened_on)
    attempts = p.all(ContactAttempted, after=since)[: p.number("contact_attempts")]
    unreachable = attempts[-1] if len(attempts) == p.number("contact_attempts") else None
    first = p.first(SessionBooked, Refused, after=since)
    answer = min(filter(None, (first, unreachable)), key=p.facts.index, default=None)
    booking = p.owe("booking", by=p.provider, due=due, after=since, met=answer)
    return booking.fact or p.stand("acknowledged", booking)


def reported(p: Pathway, booking: SessionBooked) -> Fact:
    """The provider's report on a session. Silence is never attendance (SR-21)."""
    chance = p.last(ReferralSent, BreachDecided, CourtResult, before=booking)
    if booking.session_on > p.before_hearing(p.within("attend", chance), chance.happened_on):
        p.tell(p.adviser, "session-late", about=booking, session_on=booking.session_on)
    report = p.first(AttendanceReported, SessionCancelled, after=booking, session=booking.session)
    if not report:
        p.wait_until(booking.ends_on, "booked", "session", on=p.provider, since=booking.recorded_on)
    due = p.within("report", booking.ends_on)
    owed = p.owe("attendance_report", by=p.provider, due=due, after=booking, opened=booking.ends_on, met=report)
    return owed.fact or p.stand("report_due", owed)


def after_absence(p: Pathway, absence: Fact, *, may_rebook: bool) -> Fact:
    """The provider may rebook once; with no second place in time, or after a second absence, the adviser decides."""
    if not may_rebook:
        return breach_review(p, absence, absence.recorded_on)
    due = p.within("rebook", absence.recorded_on)
    answers = (SessionBooked, RebookingDeclined, Refused)
    rebooking = p.owe("rebooking", *answers, by=p.provider, due=due, after=absence, opened=absence.recorded_on)
    if p.lapsed(rebooking):
        p.drop(rebooking)
        return breach_review(p, absence, due)
    if not rebooking.fact:
        p.stand("not_attended", rebooking)
    if isinstance(rebooking.fact, SessionBooked):
        return rebooking.fact
    return breach_review(p, rebooking.fact, rebooking.fact.recorded_on)


def breach_review(p: Pathway, cause: Fact, opened: date) -> Fact:
    """The adviser decides: try again, close, or tell the court where it asked to be told. A late booking counts."""
    due = p.within("breach_review", opened)
    answers = (BreachDecided, SessionBooked)
    review = p.owe("breach_review", *answers, by=p.adviser, due=due, after=cause, opened=opened)
    p.tell(p.adviser, "breach-review", about=cause, due=due, overtaken=bool(review.fact))
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
    due = p.within("breach_review", decision)
    signature = p.owe("signature", CourtPaperSigned, by=p.adviser, due=due, after=decision)
    p.tell(p.adviser, "note-to-sign", about=decision, due=due, overtaken=bool(signature.fact))
    signed = signature.fact or p.stand("breach_review", signature)
    due = p.next_hearing(signed.happened_on) or p.within("court_result", signed)
    return p.wait_for("court_result", CourtResult, state="court_notified", by=p.adviser, due=due, after=signed)


def next_step(p: Pathway, report: Fact) -> NoReturn:
    """GIRFC or mediation is offered; with no answer in time the pathway is complete all the same."""
    p.tell(p.adviser, "attended", about=report)
    due = p.within("next_step", report)
    offer = p.owe("next_step", NextStepTaken, by=p.provider, due=due, after=report)
    if offer.fact:
        p.close("closed_completed", "completed", on=offer.fact)
    if p.passed(due):
        p.close("closed_completed", "completed", on=due + timedelta(days=1))
    p.stand("next_step_offered", offer)


@flow(name="spip", flow_run_name=run_name, timeout_seconds=3600)
def advance_spip(references: list[Reference] | None = None) -> State:
    """Advance SPIP pathways: those named, or every one whose day has come."""
    return advance_all("SPIP", spip, references)
