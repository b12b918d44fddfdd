"""What happens on a DVPP pathway. Nothing here says anything of the survivor but that a plan for her is made."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from models.facts.base import Fact, Reference


class Dvpp(Fact):
    """A fact of DVPP."""

    of = ("DVPP",)


class FinalOrderReviewed(Dvpp):
    """A service manager looked at a programme made a condition of a final order: there is no route back (SR-19)."""

    by = "manager"
    kind, label = "final_order_reviewed", "final order reviewed"
    decision: Literal["go_on", "ask_the_court"]


class ViolenceEstablished(Dvpp):
    """He admits the violence, or the court found it: a programme needs one or the other (m02 gate)."""

    by = "adviser"
    kind, label = "violence_established", "violence admitted or found"
    basis: Literal["admitted", "found"]


class SurvivorPlanMade(Dvpp):
    """There is a plan for the survivor's support. What is in it is on record elsewhere, and nowhere here (SR-11)."""

    by = "adviser"
    kind, label = "survivor_plan_made", "survivor plan made"


class NoProviderInReach(Dvpp):
    """No open provider lies within the travel limit: an unmet need, of which the court is told (board2010)."""

    by = "adviser"
    kind, label = "no_provider_in_reach", "no provider in reach"


class FormatAgreed(Dvpp):
    """How he will attend: a group for men by default, one to one, or a version for women (strategy2014)."""

    kind, label, one_per = "format_agreed", "format agreed", None
    format: Literal["group", "one_to_one"] = "group"
    participants: Literal["men", "women"] = "men"


class TravelAgreed(Dvpp):
    """Travel costs that are paid for him (strategy2014)."""

    kind, label, one_per = "travel_agreed", "travel costs agreed", None
    pounds: int = Field(ge=1, le=5000)


class AssessmentMissed(Dvpp):
    """He did not come to an appointment for his assessment; after the second the court is told."""

    by = "provider"
    kind, label, one_per, needs = "assessment_missed", "assessment missed", None, ("acknowledged",)


class AssessmentDone(Dvpp):
    """The provider has seen him; its report is due."""

    by = "provider"
    kind, label, one_per, needs = "assessment_done", "assessment done", None, ("acknowledged",)


Unsuitable = Literal[
    "denies_violence",
    "not_motivated",
    "substance_misuse",
    "mental_health",
    "learning_needs",
    "language",
    "risk",
    "other",
]


class AssessmentReported(Dvpp):
    """The provider's result: accepted for a group, or not, and then why."""

    by = "provider"
    kind, label, one_per, needs = "assessment_reported", "assessment reported", None, ("acknowledged",)
    result: Literal["accepted", "failed"]
    reason: Unsuitable | None = None

    @model_validator(mode="after")
    def _says_why(self) -> "AssessmentReported":
        if (self.result == "failed") != bool(self.reason):
            raise ValueError("a failed assessment says why (reason); one that is passed has no reason")
        return self


class WaitReviewed(Dvpp):
    """The adviser looked at why he has not begun yet."""

    by = "adviser"
    kind, label, one_per, needs = "wait_reviewed", "wait reviewed", None, ("assessment_reported",)
    cause: Literal["no_group_yet", "group_full", "his_availability", "other"]


class ProgrammeStarted(Dvpp):
    """His first session, on its day, and how many weekly sessions the programme has (strategy2014: 26 to 32)."""

    by = "provider"
    kind, label, one_per, needs = "programme_started", "programme started", None, ("assessment_reported",)
    weeks: int = Field(ge=1, le=60)


class WeeklyAttendance(Dvpp):
    """Whether he came in one week of the programme. A week in which the group did not meet is no absence."""

    by = "provider"
    kind, label, needs = "weekly_attendance", "weekly attendance", ("programme_started",)
    one_per = ("week", "happened_on")  # another provider begins again with week 1
    week: int = Field(ge=1, le=99)
    result: Literal["attended", "absent", "not_held"]


class AbsenceReviewed(Dvpp):
    """The adviser looked at his absences and lets the programme go on."""

    by = "adviser"
    kind, label, one_per, needs = "absence_reviewed", "absences reviewed", None, ("weekly_attendance",)


class Dropped(Dvpp):
    """The provider takes him off the programme."""

    by = "provider"
    kind, label, one_per, needs = "dropped", "dropped from the programme", None, ("programme_started",)
    reason: Literal["absences", "behaviour", "own_choice", "new_offence", "other"]


class MidwayReported(Dvpp):
    """The provider's report at half the programme has reached the adviser."""

    by = "provider"
    kind, label, one_per, needs = "midway_reported", "mid-way report received", None, ("programme_started",)
    progress: Literal["engaged", "partly", "not_engaged"]


class FinalReported(Dvpp):
    """The provider's report at the end of the programme has reached the adviser."""

    by = "provider"
    kind, label, one_per, needs = "final_reported", "final report received", None, ("programme_started",)
    outcome: Literal["completed", "not_completed"]


class AccreditationRenewed(Dvpp):
    """The provider says that its accreditation was renewed. Commissioning checks it; it is not live by this (SR-04)."""

    by = "provider"
    kind, label, one_per = "accreditation_renewed", "accreditation said to be renewed", ("provider", "until")
    needs = ("referral_sent",)
    provider: Reference
    until: date


class AccreditationReviewed(Dvpp):
    """Commissioning decided what is to happen under a provider whose accreditation ran out (SR-04)."""

    kind, label, one_per = "accreditation_reviewed", "accreditation reviewed", None
    decision: Literal["continue", "recall"]
