"""What happens in the case, and so to every pathway in it."""

from datetime import date
from typing import Literal

from pydantic import Field

from models.facts.base import Code, Fact, Reference


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
    risk: Code | None = None


Work = Literal["section_7", "rule_16_4", "other"]


class FurtherWorkAdvised(Fact):
    """The adviser advises the court that a section 7 report, or a guardian under rule 16.4, will be needed."""

    by = "adviser"
    kind, label, about, one_per = "further_work_advised", "further work advised", "case", ("work",)
    work: Work


class FurtherWorkOrdered(Fact):
    """The court ordered a section 7 report, appointed a guardian (rule 16.4) or asked for something else."""

    kind, label, about, one_per = "further_work_ordered", "further work ordered", "case", ("work", "happened_on")
    work: Work


class ReturnedToCourt(Fact):
    """The parents are back in court with a new application about these children."""

    kind, label, about, one_per = "returned_to_court", "returned to court", "case", None
