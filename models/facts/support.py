"""What happens in the support of a survivor. Known to the restricted strand only (SR-11)."""

from typing import Literal

from models.facts.base import Fact, Reference


class Support(Fact):
    """A fact of the restricted strand."""

    of = ("SUPPORT",)
    restricted = True


# What is heard of him: that it happened and on which day, nothing more (N10) ------------------------------------------


class Heard(Support):
    """What the strand has heard of the man's pathway. `source` is what it was there; nobody records it by hand."""

    one_per = ("source",)
    source: Reference


class ManStarted(Heard):
    """He has begun the programme."""

    kind, label = "man_started", "he began the programme"


class ManAbsent(Heard):
    """His absences have become a concern: two running, or three in all (m03 D1)."""

    kind, label = "man_absent", "his absences are a concern"


class ManDropped(Heard):
    """The provider has taken him off the programme."""

    kind, label = "man_dropped", "he was dropped from the programme"


class ManFinished(Heard):
    """His programme or his pathway is over, in whatever way."""

    kind, label = "man_finished", "his programme is over"


class RiskHeard(Heard):
    """A new risk was raised on the case (SR-14)."""

    kind, label = "risk_heard", "a new risk was raised"


# What her worker records ----------------------------------------------------------------------------------------------


class SurvivorContactTried(Support):
    """The worker tried to reach her, or reached her and offered support."""

    kind, label, one_per = "survivor_contact_tried", "contact tried", None


class SupportAccepted(Support):
    """She takes the support."""

    kind, label = "support_accepted", "support accepted"


class SupportDeclined(Support):
    """She does not want it."""

    kind, label = "support_declined", "support declined"


class NoContactMade(Support):
    """She could not be reached safely, and the worker gives it up. The passing of time alone never says so."""

    kind, label, needs = "no_contact_made", "no contact made", ("survivor_contact_tried",)


class SupportEnded(Support):
    """The support is over. That he has dropped out or finished does not end it by itself."""

    kind, label = "support_ended", "support ended"
    reason: Literal["his_programme_over", "her_wish", "another_service", "moved_away", "other"]
