"""What people report: a class a kind, with what it carries, what it depends on and what it may not contradict.

A fact is never edited. A correction is a new fact that names the one it supersedes.
"""

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.working_days import london_date

Reference = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$", max_length=40)]
"""An opaque reference or code: capitals, digits and hyphens. It must say nothing about a person."""


def _has_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment


Moment = Annotated[datetime, AfterValidator(_has_zone)]


class ClosureReason(StrEnum):
    """Why a pathway closed (m05), as far as they apply to SPIP."""

    COMPLETED = "completed"
    NEVER_ATTENDED = "never_attended"
    PART_ATTENDED = "part_attended"
    UNSUITABLE_RISK = "unsuitable_risk"
    ALREADY_ATTENDED = "already_attended"
    COURT_DECLINED = "court_declined"
    PROCEEDINGS_ENDED = "proceedings_ended"
    AGREEMENT_REACHED = "agreement_reached"
    NOT_RESIDENT = "not_resident"
    SERVICE_WITHDRAWN = "service_withdrawn"
    TRANSFERRED = "transferred"
    DATA_ERROR = "data_error"


WithdrawalReason = Literal[
    "already_attended", "agreement_reached", "not_resident", "service_withdrawn", "transferred", "data_error"
]


class Fact(BaseModel):
    """Something a person reported, about a pathway or about its whole case.

    `happened_on` is the day the thing happened, `recorded_at` when it was written down (UTC) and `recorded_by` the code
    of who wrote it. `told_already` says that the people concerned know it already (cases brought in from elsewhere):
    the notices it causes are written down as withheld and never sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""
    label: ClassVar[str] = ""
    about: ClassVar[Literal["pathway", "case"]] = "pathway"
    by: ClassVar[Literal["staff", "provider", "adviser"]] = "staff"
    """Who may record it: staff; its provider too; or only advisers and service managers."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Kinds of fact of which at least one must be known before this one can be."""
    one_per: ClassVar[tuple[str, ...] | None] = ()
    """The fields that tell two facts of this kind apart; None where only the day does."""

    id: int = 0
    """Its number in the record."""
    place: int = 0
    """The number of what it corrects, all the way back; its own when it corrects nothing. Order and keys go by it."""
    happened_on: date
    recorded_at: Moment
    recorded_by: Reference
    """The code of a practitioner or provider."""
    told_already: bool = False
    supersedes: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.kind:
            KINDS[cls.kind] = cls

    @property
    def recorded_on(self) -> date:
        """The day it became known to us, in London: the day a duty it answers is met."""
        return london_date(self.recorded_at)

    @property
    def identity(self) -> str:
        """Two live facts about the same thing with the same identity are the same fact, or contradict each other."""
        told_apart_by = ("happened_on",) if self.one_per is None else self.one_per
        return "|".join([self.kind, *(str(getattr(self, field)) for field in told_apart_by)])

    @property
    def content(self) -> tuple[str, date, str]:
        """What it says: two facts about one subject with the same content are one fact reported twice."""
        return self.kind, self.happened_on, json.dumps(self.payload, sort_keys=True)

    @property
    def payload(self) -> dict[str, Any]:
        """What this kind carries beyond the common fields, as JSON values."""
        return self.model_dump(mode="json", exclude=_COMMON, exclude_none=True)


KINDS: dict[str, type[Fact]] = {}
_COMMON = set(Fact.model_fields)


def payload_fields(kind: type[Fact]) -> dict[str, Any]:
    """The fields a kind of fact carries beyond the common ones."""
    return {name: field for name, field in kind.model_fields.items() if name not in _COMMON}


# What happens in the case, and so to every pathway in it -------------------------------------------------------------


class EnquiriesDone(Fact):
    """Police and local authority checks are back; with both parents spoken to, enquiries are finished (SR-01)."""

    kind, label, about = "enquiries_done", "safeguarding enquiries done", "case"


class ParentSpokenTo(Fact):
    """The adviser has spoken to one parent or carer (SR-02)."""

    kind, label, about, one_per = "parent_spoken_to", "parent spoken to", "case", ("party",)
    party: Reference


class ContactFailed(Fact):
    """A parent could not be reached, and a service manager accepts why.

    Lets a court-ordered pathway go on without that conversation; never an adviser's own referral (SR-02).
    """

    kind, label, about, one_per = "contact_failed", "contact with a parent failed", "case", ("party",)
    party: Reference
    attempts: int = Field(ge=1, le=20)
    accepted_by: Reference
    """Code of the service manager who accepts the reason."""
    reason: Literal["no_answer", "no_contact_details", "refused_to_speak", "unsafe_to_contact"]


class SafeguardingLetterFiled(Fact):
    """The safeguarding letter is with the court: the risk evidence a court-ordered pathway needs."""

    kind, label, about = "safeguarding_letter_filed", "safeguarding letter filed", "case"


class HearingListed(Fact):
    """The court has listed a hearing."""

    kind, label, about, one_per = "hearing_listed", "hearing listed", "case", ("hearing_on",)
    hearing_on: date
    hearing_type: Literal["first", "review", "final", "other"] = "other"


class HearingVacated(Fact):
    """A listed hearing will not take place."""

    kind, label, about, one_per = "hearing_vacated", "hearing vacated", "case", ("hearing_on",)
    needs = ("hearing_listed",)
    hearing_on: date


class CourtDeclined(Fact):
    """The court considered the programme and chose not to order it (SR-15)."""

    kind, label, about, one_per = "court_declined", "court declined to order", "case", ("programme",)
    programme: Reference = "SPIP"


class ProceedingsEnded(Fact):
    kind, label, about = "proceedings_ended", "proceedings ended", "case"


class RiskRaised(Fact):
    """A new risk: every open pathway of the case stops until its adviser releases it (SR-14).

    `risk` is the reference of its record; it tells two risks of one day apart.
    """

    by = "provider"
    kind, label, about, one_per = "risk_raised", "new risk raised", "case", ("happened_on", "risk")
    risk: Reference | None = None


# What happens on one pathway ------------------------------------------------------------------------------------------


class Requested(Fact):
    """The pathway was asked for: by a direction of the court, or by the adviser before the first hearing."""

    kind, label = "requested", "requested"
    route: Literal["court", "adviser"]


class RiskReviewed(Fact):
    """The adviser has looked at a new risk on this pathway: it may go on, or it is not suitable."""

    by = "adviser"
    kind, label, one_per, needs = "risk_reviewed", "new risk reviewed", None, ("risk_raised",)
    decision: Literal["continue", "unsuitable"]


class SuitabilityDecided(Fact):
    """The adviser's own judgement of whether the programme is safe and suitable for this person (bulletin2022)."""

    by = "adviser"
    kind, label = "suitability_decided", "suitability decided"
    suitable: bool


class DirectionDischarged(Fact):
    """The court varied or discharged the direction, so the person is no longer bound to attend."""

    kind, label = "direction_discharged", "direction discharged"


class Held(Fact):
    """The pathway is paused: its clocks stop and nobody is chased."""

    kind, label, one_per = "held", "put on hold", ("happened_on", "hold")
    hold: Reference | None = None
    """Tells two holds of one day apart."""
    reason: Literal["court_request", "party_unwell", "provider_request", "data_query", "other"]


class Released(Fact):
    kind, label, one_per, needs = "released", "released from hold", None, ("held",)


class Withdrawn(Fact):
    kind, label = "withdrawn", "withdrawn"
    reason: WithdrawalReason


class ReferralSent(Fact):
    """The referral went to a provider."""

    kind, label, one_per = "referral_sent", "referral sent", ("provider", "happened_on")
    provider: Reference


class Acknowledged(Fact):
    by = "provider"
    kind, label, needs = "acknowledged", "referral acknowledged", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference


class ReferralDeclined(Fact):
    by = "provider"
    kind, label, needs = "referral_declined", "referral declined", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference
    reason: Literal["no_capacity", "out_of_area", "language", "access_needs", "conflict_of_interest", "other"]


class ReferralRecalled(Fact):
    """Commissioning takes a referral back from a provider, to send it to another."""

    kind, label, needs = "referral_recalled", "referral recalled", ("referral_sent",)
    one_per = ("provider", "happened_on")
    provider: Reference
    reason: Literal["no_answer", "suspended", "sent_in_error", "other"]


class ContactAttempted(Fact):
    """The provider tried to reach the person and could not; at the second time the adviser decides."""

    by = "provider"
    kind, label, one_per, needs = "contact_attempted", "person not reached", None, ("acknowledged",)


class Refused(Fact):
    """The person told the provider that they will not come."""

    by = "provider"
    kind, label, one_per, needs = "refused", "person refused", None, ("acknowledged",)


class SessionBooked(Fact):
    """A place in one session. Times are UTC; two parties of one case never share a session (SR-03)."""

    by = "provider"
    kind, label, one_per, needs = "session_booked", "session booked", ("session",), ("referral_sent",)
    session: Reference
    starts_at: Moment
    ends_at: Moment
    venue: Reference | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "SessionBooked":
        if self.ends_at <= self.starts_at:
            raise ValueError("a session ends after it starts")
        return self

    @property
    def session_on(self) -> date:
        return london_date(self.starts_at)

    @property
    def ends_on(self) -> date:
        return london_date(self.ends_at)


class SessionCancelled(Fact):
    """A booked session will not be used: whose doing decides whether it counts as an absence."""

    by = "provider"
    kind, label, one_per, needs = "session_cancelled", "session cancelled", ("session",), ("session_booked",)
    session: Reference
    cancelled_by: Literal["provider", "person"]


class AttendanceReported(Fact):
    """The provider says whether the person came. Only this, and never the passing of time, is attendance (SR-21)."""

    by = "provider"
    kind, label, one_per, needs = "attendance_reported", "attendance reported", ("session",), ("session_booked",)
    session: Reference
    result: Literal["attended", "part", "absent"]


class RebookingDeclined(Fact):
    """The provider offers no second session."""

    by = "provider"
    kind, label, one_per = "rebooking_declined", "no rebooking offered", None
    needs = ("attendance_reported", "session_cancelled")


class BreachDecided(Fact):
    """What the adviser decides after a second absence or a refusal."""

    by = "adviser"
    kind, label, one_per, needs = "breach_decided", "breach review decided", None, ("acknowledged", "session_booked")
    decision: Literal["report", "no_report", "retry"]


class NoteSigned(Fact):
    """A named adviser signed the compliance note and filed it with the court (SR-13)."""

    kind, label, one_per, needs = "note_signed", "compliance note signed", None, ("breach_decided",)
    signed_by: Reference


class CourtResult(Fact):
    kind, label, one_per, needs = "court_result", "court's answer", None, ("note_signed",)
    result: Literal["reordered", "ended"]


class NextStepTaken(Fact):
    """What followed attendance: the online programme (GIRFC), mediation, or nothing (strategy2014)."""

    by = "provider"
    kind, label, needs = "next_step_taken", "next step recorded", ("attendance_reported",)
    step: Literal["girfc", "mediation", "none"]


class LetterSent(Fact):
    """Staff sent the parent a letter: parents get no automatic mail."""

    kind, label, one_per = "letter_sent", "letter sent", ("letter",)
    letter: Literal["referral-made", "referral-ended"]


class ProviderPhoned(Fact):
    """The commissioning officer rang the provider about something late."""

    kind, label, one_per = "provider_phoned", "provider phoned", None


class Retracted(Fact):
    """What it supersedes never happened; it was recorded in error."""

    kind, label, one_per = "retracted", "retracted", ("supersedes",)
