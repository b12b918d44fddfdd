"""What may happen on a pathway of any programme."""

from typing import Literal

from models.facts.base import Code, Fact, Reference

WithdrawalReason = Literal[
    "already_attended", "agreement_reached", "not_resident", "service_withdrawn", "transferred", "data_error"
]


Entry = Literal["first_hearing", "section_7", "section_7_to_16_4", "rule_16_4"]
"""Where a case stands when CPPP is considered: work to first hearing, a section 7 report under way, one that reaches
the threshold of rule 16.4, or a rule 16.4 guardian at work (cppp2020)."""


class Requested(Fact):
    """The pathway was asked for: by a direction of the court, or by the adviser.

    `entry` is the stage at which a CPPP is considered (cppp2020); `suggested_by` says that the idea was a judge's,
    which opens an assessment and nothing more (SR-06).
    """

    kind, label = "requested", "requested"
    route: Literal["court", "adviser"]
    entry: Entry | None = None
    suggested_by: Literal["adviser", "judge"] = "adviser"


class RiskReviewed(Fact):
    """The adviser has looked at a new risk on this pathway: it may go on, or it is not suitable."""

    by = "adviser"
    kind, label, one_per, needs = "risk_reviewed", "new risk reviewed", ("happened_on", "risk"), ("risk_raised",)
    decision: Literal["continue", "unsuitable"]
    risk: Code | None = None
    """Tells two reviews of one day apart."""


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
    hold: Code | None = None
    """Tells two holds of one day apart."""
    reason: Literal["court_request", "party_unwell", "provider_request", "data_query", "other"]


class Released(Fact):
    """The pathway goes on: every hold that was open is over."""

    kind, label, one_per, needs = "released", "released from hold", ("happened_on", "hold"), ("held",)
    hold: Code | None = None
    """Tells two releases of one day apart."""


class Withdrawn(Fact):
    kind, label = "withdrawn", "withdrawn"
    reason: WithdrawalReason


class CourtPaperSigned(Fact):
    """A named adviser signed a paper and filed it with the court (SR-13).

    A note tells the court what has become of its order; a report is the one the court waits for; advice says whether a
    programme suits and asks for time.
    """

    kind, label, one_per = "court_paper_signed", "paper signed for the court", ("paper", "happened_on")
    paper: Literal["note", "report", "advice"] = "note"
    signed_by: Reference


class LetterSent(Fact):
    """Staff sent the parent a letter: parents get no automatic mail."""

    kind, label, one_per = "letter_sent", "letter sent", ("letter", "happened_on")
    letter: Literal["referral-made", "referral-ended"]


class Retracted(Fact):
    """What it supersedes never happened; it was recorded in error."""

    kind, label, one_per = "retracted", "retracted", ("supersedes",)
