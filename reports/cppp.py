"""CPPP evaluated from its records: take-up, completion, duration, further work and returns (RP-08; cppp2020).

Every figure but the weeks counts families: the parents of one case, once. Percentages are whole, a half goes up, as the
paper prints them; the counts they come from always stand beside them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, get_args

from models.facts import Fact
from models.facts.case import CourtDeclined, FurtherWorkOrdered, ProceedingsEnded, ReturnedToCourt
from models.facts.cppp import (
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    JointMeetingWaived,
    OutcomeRecorded,
    ProgrammeOffered,
    ProgrammeStopped,
    SessionHeld,
    SessionSet,
)
from models.facts.every import CourtPaperSigned, Entry, Requested, RiskReviewed, SuitabilityDecided, Withdrawn
from models.pathway import Pathway
from models.standing import Known
from models.working_days import say

ENDS: tuple[tuple[type[Fact], dict[str, Any]], ...] = (
    (Withdrawn, {}),
    (ProceedingsEnded, {}),
    (CourtDeclined, {"programme": "CPPP"}),
    (ProgrammeStopped, {}),
    (ConsentRefused, {}),
    (ConsentWithdrawn, {}),
    (RiskReviewed, {"decision": "unsuitable"}),
    (SuitabilityDecided, {"suitable": False}),
)
"""What ends it before its report (flows/cppp.py). A stop counts from its own day, before the court is told."""

READ: tuple[type[Fact], ...] = (
    Requested, ProgrammeOffered, ConsentGiven, SessionSet, SessionHeld, JointMeetingWaived, OutcomeRecorded,
    CourtPaperSigned, FurtherWorkOrdered, ReturnedToCourt, *(kind for kind, _ in ENDS),
)  # fmt: skip
"""The kinds of fact the figures are made of."""

NOT_KNOWN = "not_known"
ROUTES = (*get_args(Entry), NOT_KNOWN)
ALL = "in_all"


@dataclass(frozen=True)
class Cohort:
    """Families offered the programme from one day to another, as the records stood at the end of the day `as_at`."""

    as_at: date
    offered_from: date | None = None
    offered_to: date | None = None
    tracked_before: date | None = None
    """Only who completed before this day is tracked; everybody who completed, where nothing is said."""

    def has(self, offered: Fact) -> bool:
        return (self.offered_from or date.min) <= offered.happened_on <= (self.offered_to or date.max)

    def tracks(self, report: Fact) -> bool:
        return report.happened_on < (self.tracked_before or date.max)

    def __str__(self) -> str:
        begins = f" from {say(self.offered_from)}" if self.offered_from else ""
        ends = f" to {say(self.offered_to)}" if self.offered_to else ""
        tracked = f"; tracked: completed before {say(self.tracked_before)}" if self.tracked_before else ""
        return f"families offered CPPP{begins}{ends}, as recorded by {say(self.as_at)}{tracked}"


@dataclass(frozen=True)
class Family:
    """One CPPP and its case, with the facts recorded about both by the day the figures are of."""

    case: str
    known: Known
    unreadable: str = ""
    """The kind of error met in reading them."""


@dataclass(frozen=True)
class Figure:
    """What is counted, and how; `of` is the count it is a share of."""

    name: str
    label: str
    rule: str
    of: str | None = None
    unit: str = "families"


FIGURES = (
    Figure("offered", "offered", "both parents were formally asked (programme_offered) on a day of the cohort; a case "
           "with two offers counts once, by the last"),
    Figure("agreed", "agreed", "every parent's own consent_given is on record, whatever followed", "offered"),
    Figure("completed", "completed", "a report was filed (court_paper_signed, report) and has an outcome", "offered"),
    Figure("under_way", "under way", "neither completed nor ended; parents who have not answered are among them",
           "offered"),
    Figure("not_completed", "not completed", "ended before a report: refused, withdrawn, stopped, declined by the "
           "court or found unsuitable", "offered"),
    Figure("left", "not completed though agreed", "not completed, and every parent had consented before", "agreed"),
    Figure("weeks", "mean weeks", "of those completed: days, divided by seven, from the first session held to what "
           "completed the sessions: the last needed of the fourth session, the child's, and the joint meeting or the "
           "decision to do without", unit="weeks"),
    Figure("agreement", "with an agreement", "completed, and the outcome is an agreement", "completed"),
    Figure("no_further_work", "no further work", "completed, and no further_work_ordered on the case on a day after "
           "the report was filed", "completed"),
    Figure("tracked", "tracked", "completed; where a day is given, their report was filed before it", "completed"),
    Figure("still_open", "tracked, case open", "tracked, and no proceedings_ended on the case", "tracked"),
    Figure("closed", "tracked, case closed", "tracked, and proceedings_ended on the case", "tracked"),
    Figure("returned", "returned to court", "tracked, and returned_to_court on the case on a day after the report was "
           "filed; the base is all who are tracked, their case closed or not", "tracked"),
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A count of families, and the count it is a share of."""

    count: int
    of: int | None = None

    @property
    def percent(self) -> int | None:
        """The share in whole percent, a half going up; None of nothing."""
        return (200 * self.count + self.of) // (2 * self.of) if self.of else None

    def as_dict(self) -> dict[str, int | None]:
        return {"count": self.count} | ({} if self.of is None else {"of": self.of, "percent": self.percent})

    def __str__(self) -> str:
        share = "" if self.percent is None else f" of {self.of} ({self.percent}%)"
        return f"{self.count}{share}"


@dataclass(frozen=True)
class Weeks:
    """A mean of weeks: the days of so many families, divided by seven; to a tenth, a half going up."""

    days: int
    families: int

    @property
    def mean(self) -> float | None:
        return (20 * self.days + 7 * self.families) // (14 * self.families) / 10 if self.families else None

    def as_dict(self) -> dict[str, float | None]:
        return {"mean": self.mean, "days": self.days, "families": self.families}

    def __str__(self) -> str:
        return "" if self.mean is None else f"{self.mean} (of {self.families})"


@dataclass
class Evaluation:
    """The counts of a cohort, by route and in all."""

    cohort: Cohort
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_out: list[str] = field(default_factory=list)
    """Pathways whose facts cannot be read, and which no figure counts."""

    def value(self, figure: str, route: str = ALL) -> Value | Weeks:
        counted = self.counts[route]
        if figure == "weeks":
            return Weeks(counted["days"], counted["timed"])
        of = next(one.of for one in FIGURES if one.name == figure)
        return Value(counted[figure], counted[of] if of else None)

    @property
    def routes(self) -> list[str]:
        """The ways into the programme, and in all; those without a known entry only where there are any."""
        return [route for route in (*ROUTES, ALL) if route != NOT_KNOWN or self.counts[route]["offered"]]


def evaluate(families: Iterable[Family], cohort: Cohort) -> Evaluation:
    """Count a cohort. Families of one case come one after the other; what was recorded later was left out of them."""
    made = Evaluation(cohort)
    for _, of_case in groupby(families, key=lambda family: family.case):
        offered = list(_offered(of_case, made))
        if offered:
            last = max(offered, key=lambda p: p.first(ProgrammeOffered).happened_on)
            counted = {name: int(count) for name, count in counts_of(last, cohort).items()}
            for route in (last.request.entry or NOT_KNOWN, ALL):
                made.counts[route].update(counted)
    return made


def _offered(families: Iterable[Family], made: Evaluation) -> Iterator[Pathway]:
    """The pathways of one case that belong to the cohort."""
    for family in families:
        if family.unreadable:
            made.left_out.append(family.known.reference)
            continue
        p = Pathway(family.known, made.cohort.as_at)
        if (offered := p.first(ProgrammeOffered)) and made.cohort.has(offered):
            yield p


def counts_of(p: Pathway, cohort: Cohort) -> dict[str, int]:
    """What one family adds to each count."""
    report = p.first(CourtPaperSigned, paper="report")
    for kind, matching in ENDS:
        p.ends_with(kind, "closed", before=report, **matching)
    agreed = bool(p.known.parties) and all(p.first(ConsentGiven, party=party) for party in p.known.parties)
    counts = {"offered": 1, "agreed": agreed}
    if p.ending:
        return counts | {"not_completed": 1, "left": agreed}
    if not report or not p.first(OutcomeRecorded):
        return counts | {"under_way": 1}
    return counts | {"completed": 1} | _duration(p) | _followed(p, report, tracked=cohort.tracks(report))


def _duration(p: Pathway) -> dict[str, int]:
    took = days_taken(p)
    return {} if took is None else {"days": took, "timed": 1}


def days_taken(p: Pathway) -> int | None:
    """Days from the first session held to what completed the sessions; None where they are not on record in full.

    What completed them is told by the days things happened. The pathway itself goes by what became known first
    (`models.gates.sessions_held`), which a session recorded out of turn would make shorter or longer.
    """
    held = p.all(SessionHeld)
    sitting = {fact.session: fact.sitting for fact in p.all(SessionSet)}
    joint = _number(p.number("joint_meetings"), [f for f in held if sitting.get(f.session) == "joint"])
    child = _number(1, [f for f in held if sitting.get(f.session) == "child"])
    needed = (_number(p.number("sessions"), held), child, joint or p.first(JointMeetingWaived))
    return (max(fact.happened_on for fact in needed) - held[0].happened_on).days if all(needed) else None


def _number(number: int, facts: Sequence[Fact]) -> Fact | None:
    """The first, second, ... of some facts."""
    return facts[number - 1] if len(facts) >= number else None


def _followed(p: Pathway, report: Fact, *, tracked: bool) -> dict[str, int]:
    """What became of a family that completed. What is ordered on the day of the report itself does not follow it."""
    after = [fact for fact in p.all(FurtherWorkOrdered, ReturnedToCourt) if fact.happened_on > report.happened_on]
    closed = bool(p.first(ProceedingsEnded))
    counts = {
        "agreement": p.first(OutcomeRecorded).outcome == "agreement",
        "no_further_work": not any(isinstance(fact, FurtherWorkOrdered) for fact in after),
    }
    if tracked:
        returned = any(isinstance(fact, ReturnedToCourt) for fact in after)
        counts |= {"tracked": 1, "closed": closed, "still_open": not closed, "returned": returned}
    return counts


# What there is to see -------------------------------------------------------------------------------------------------


def rows(made: Evaluation) -> list[dict[str, str]]:
    """A row a figure, a column a route."""
    return [
        {"figure": figure.label, "unit": figure.unit}
        | {
            route.replace("16_4", "16.4").replace("_", " "): str(made.value(figure.name, route))
            for route in made.routes
        }
        for figure in FIGURES
    ]


def rules(made: Evaluation) -> list[str]:
    """What the figures are of and how they are counted, in sentences."""
    counted = [f"{figure.label}: {figure.rule}." for figure in FIGURES]
    whole = "Percentages are whole, a half goes up; weeks go to a tenth."
    left_out = [f"Not counted, for a stored fact cannot be read: {', '.join(made.left_out)}."] if made.left_out else []
    return [f"Of {made.cohort}.", whole, *left_out, *counted]


def as_dict(made: Evaluation) -> dict[str, Any]:
    """All of it, for machines."""
    cohort = made.cohort
    return {
        "programme": "CPPP",
        "as_at": cohort.as_at,
        "offered_from": cohort.offered_from,
        "offered_to": cohort.offered_to,
        "tracked_before": cohort.tracked_before,
        "not_counted": made.left_out,
        "figures": [
            {"figure": figure.name, "unit": figure.unit, "as_at": cohort.as_at, "of": figure.of, "rule": figure.rule}
            | {route: made.value(figure.name, route).as_dict() for route in made.routes}
            for figure in FIGURES
        ],
    }
