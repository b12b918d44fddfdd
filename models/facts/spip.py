"""What happens on a SPIP pathway."""

from typing import Literal

from pydantic import model_validator

from models.facts.base import Code, Fact, Timed


class Spip(Fact):
    """A fact of SPIP."""

    of = ("SPIP",)


class ContactAttempted(Spip):
    """The provider tried to reach the person and could not; at the second time the adviser decides."""

    by = "provider"
    kind, label, one_per, needs = "contact_attempted", "person not reached", None, ("acknowledged",)


class SessionBooked(Spip, Timed):
    """A place in one session. Times are UTC; two parties of one case never share a session (SR-03)."""

    by = "provider"
    kind, label, one_per, needs = "session_booked", "session booked", ("session",), ("referral_sent",)
    venue: Code | None = None


class SessionCancelled(Spip):
    """A booked session will not be used: whose doing decides whether it counts as an absence."""

    by = "provider"
    kind, label, one_per, needs = "session_cancelled", "session cancelled", ("session",), ("session_booked",)
    session: Code
    cancelled_by: Literal["provider", "person"]


Missed = Literal["no_reason_given", "illness", "work", "childcare", "travel", "too_late_to_join", "left_early", "other"]
"""Why somebody missed a session or a part of it [assumption]."""


class AttendanceReported(Spip):
    """The provider says whether the person came. Only this, and never the passing of time, is attendance (SR-21).

    Who came late and stayed to the end has attended [assumption].
    """

    by = "provider"
    kind, label, one_per, needs = "attendance_reported", "attendance reported", ("session",), ("session_booked",)
    session: Code
    result: Literal["attended", "late", "part", "absent"]
    reason: Missed | None = None
    """Why it was missed, where it was."""

    @model_validator(mode="after")
    def _gives_a_reason_for_missing(self) -> "AttendanceReported":
        if self.reason and self.attended:
            raise ValueError("a reason is given for what was missed; somebody who attended missed nothing")
        return self

    @property
    def attended(self) -> bool:
        return self.result in ("attended", "late")


class RebookingDeclined(Spip):
    """The provider offers no second session."""

    by = "provider"
    kind, label, one_per = "rebooking_declined", "no rebooking offered", None
    needs = ("attendance_reported", "session_cancelled")


class BreachDecided(Spip):
    """What the adviser decides after a second absence or a refusal."""

    by = "adviser"
    kind, label, one_per, needs = "breach_decided", "breach review decided", None, ("acknowledged", "session_booked")
    decision: Literal["report", "no_report", "retry"]


class CourtResult(Spip):
    kind, label, one_per, needs = "court_result", "court's answer", None, ("court_paper_signed",)
    result: Literal["reordered", "ended"]


class NextStepTaken(Spip):
    """What followed attendance: the online programme (GIRFC), mediation, or nothing (strategy2014)."""

    by = "provider"
    kind, label, needs = "next_step_taken", "next step recorded", ("attendance_reported",)
    step: Literal["girfc", "mediation", "none"]
