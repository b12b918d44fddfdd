"""Where a pathway stands and what follows: the words a pathway function is given and those it answers with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from models.facts import Fact
from models.limits import Limits


class Who(NamedTuple):
    """A role and the code of whoever fills it: ("provider", "P014")."""

    role: str
    code: str

    def __str__(self) -> str:
        return self.code


@dataclass
class Duty:
    """What somebody owes, to be done by a day. `key` tells it apart from every other duty of its pathway."""

    key: str
    kind: str
    owed_by: Who
    opened_on: date
    due_on: date
    hearing_on: date | None = None
    counts_from: date | None = None
    """What the ladder counts from: the due date, moved on by the working days on hold since."""
    state: str = "open"
    closed_on: date | None = None
    paused: bool = False
    outlives: bool = False
    reviews: bool = False
    fact: Fact | None = None

    @property
    def stops(self) -> bool:
        """Whether a hold stops its clock: not that of the hold's own review, nor of letters."""
        return not self.reviews and not self.outlives

    @property
    def label(self) -> str:
        return self.kind.replace("_", " ")


class Notice(NamedTuple):
    """One thing to tell one recipient, once: `occasion` says which."""

    to: Who
    wording: str
    occasion: str
    fields: dict[str, Any]
    withheld: str | None = None
    since: date = date.min
    """The day it could first be said."""
    outlives: bool = False


@dataclass(frozen=True)
class Spawn:
    """Another pathway that this one has opened for a person, in the same case."""

    reference: str
    programme: str
    party: str
    because: Fact


class Standing(NamedTuple):
    """Where a pathway stands: its state (m01), in words, since when, on whom it waits and by when."""

    state: str
    label: str
    since: date
    on: Who | None = None
    due_on: date | None = None
    reason: str | None = None

    @property
    def closed(self) -> bool:
        return self.state.startswith("closed_")


@dataclass
class Decision:
    """All that a pathway function said."""

    standing: Standing
    duties: dict[str, Duty]
    notices: list[Notice]
    look_on: date | None
    """The first day on which the answer may differ with no new fact; None when only a fact can change it."""
    provider: str | None
    """Who holds it: the provider it was referred to, or the practitioner who runs it."""
    spawned: list[Spawn] = field(default_factory=list)


@dataclass(frozen=True)
class People:
    """The codes of those who have a part in a pathway besides its provider."""

    adviser: str
    commissioning_officer: str
    commissioning_manager: str
    service_manager: str
    assistant_director: str
    business_support: str
    research_analyst: str = ""


@dataclass(frozen=True)
class Terms:
    """What the court's direction says besides the activity."""

    monitoring_requested: bool = False
    """The court asked Cafcass to watch and report compliance (section 11G)."""
    in_final_order: bool = False
    """It is a condition of a final order, from which there is no route back to the court (SR-19)."""
    assessment_only: bool = False
    """The court asked for an assessment and no programme yet."""


Days = tuple[date, date]
"""The first and the last of some days in a row."""


@dataclass
class Known:
    """What is known of one pathway: all that its function may look at besides the date."""

    reference: str
    programme: str
    party: str | None
    """The person it is for; None where it is for both parents."""
    parties: Sequence[str]
    """Every adult party of the case, this one among them."""
    people: People
    limits: Limits
    facts: Sequence[Fact]
    terms: Terms = Terms()
    corrected: Sequence[Fact] = ()
    """Facts as they stood before they were corrected."""
    stood: str = ""
    """The state it was in when it was last looked at. Nothing that is said may hang on it, only whether it is news."""
    proposed: Callable[[], Sequence[str]] = field(default=lambda: ())
    """The codes of those who could take it today, best first: providers, or practitioners trained in the programme."""
    accredited_until: Callable[[str], date | None] = field(default=lambda provider: None)
    """The last day of a provider's accreditation; None where none is needed."""
    closed_weeks: Callable[[str], Sequence[Days]] = field(default=lambda provider: ())
    """The days on which a provider's groups do not meet."""
