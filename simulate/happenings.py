"""What comes by itself: hearings, new risks, holds, corrections, and those who leave."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from models.facts import Fact
from models.facts.case import (
    CourtDeclined,
    FurtherWorkOrdered,
    HearingListed,
    HearingVacated,
    ProceedingsEnded,
    ReturnedToCourt,
    RiskRaised,
)
from models.facts.dvpp import WeeklyAttendance
from models.facts.every import Held, SuitabilityDecided, Withdrawn
from models.facts.spip import AttendanceReported
from models.pathway import Pathway
from models.working_days import next_working_day
from simulate.agenda import Agenda
from simulate.referrals import Referral
from simulate.shares import Shares, chance
from store.pathways import Loaded

CASES = ("hearing_listed", "risk_raised")
"""What happens to a case, once, whoever of it was referred."""


def await_of(agenda: Agenda, one: Referral, pathway: str, seed: int, shares: Shares) -> None:
    """Enter what will come of itself to somebody who is referred today."""
    for what in (*(CASES if one.begins_case else ()), "held"):
        drawn = chance(seed, what, one.case if what in CASES else pathway)
        if shares.happens(drawn, "happenings", what):
            agenda.happens(one.on + timedelta(days=drawn.randint(1, shares.within(what))), pathway, what)
    drawn = chance(seed, "leaves", pathway)
    if _leaves(one, pathway, seed, shares):
        agenda.happens(one.on + timedelta(days=drawn.randint(1, shares.within("leaves"))), pathway, "leaves")


def _leaves(one: Referral, pathway: str, seed: int, shares: Shares) -> bool:
    if one.programme == "SPIP":
        return shares.drawn(chance(seed, "life", pathway), "spip", "life") == "withdrawn"
    return shares.happens(chance(seed, "leaving", pathway), one.programme.lower(), "numbers", "leaves")


def follows(agenda: Agenda, fact: Fact, pathway: str, today: date, seed: int, shares: Shares) -> None:
    """Enter what will come of what was recorded today."""
    drawn = chance(seed, fact.kind, pathway, fact.happened_on)
    if isinstance(fact, (AttendanceReported, WeeklyAttendance)):
        _perhaps(agenda, "corrected", drawn, pathway, today, shares)
    elif isinstance(fact, HearingListed):
        _perhaps(agenda, "vacated", drawn, pathway, today, shares)
    elif fact.kind == "court_paper_signed" and fact.paper == "report" and pathway.startswith("CPPP"):
        for what, name in (("further_work", "further_work"), ("returned", "returns")):
            if shares.happens(drawn, "cppp", "numbers", name):
                agenda.happens(today + timedelta(days=shares.days(drawn, "afterwards")), pathway, what)


def _perhaps(agenda: Agenda, what: str, drawn: Any, pathway: str, today: date, shares: Shares) -> None:
    if shares.happens(drawn, "happenings", what):
        agenda.happens(today + timedelta(days=drawn.randint(1, shares.within(what))), pathway, what)


# As facts -------------------------------------------------------------------------------------------------------------


class Come:
    """One happening on its day, on a pathway as it is known then."""

    def __init__(self, one: Loaded, now: datetime, today: date, seed: int, shares: Shares) -> None:
        self.one, self.now, self.today, self.seed, self.shares = one, now, today, seed, shares
        self.p = Pathway(one.known, today)

    def facts(self, what: str) -> Sequence[Fact]:
        self.chance = chance(self.seed, what, self.one.row.reference, self.today)
        return [] if self.one.row.closed_on and what not in _AFTER else _MADE[what](self)

    def fact(self, kind: type[Fact], **said: Any) -> Fact:
        adviser = self.one.known.people.adviser
        common = {"happened_on": self.today, "recorded_at": self.now, "recorded_by": adviser}
        return kind.model_validate({**common, **said})

    def hearing(self) -> Sequence[Fact]:
        day = next_working_day(self.today + timedelta(days=self.shares.days(self.chance, "hearing")))
        return [self.fact(HearingListed, hearing_on=day)]

    def vacated(self) -> Sequence[Fact]:
        listed = self.p.last(HearingListed)
        to_come = listed and listed.hearing_on > self.today
        return [self.fact(HearingVacated, hearing_on=listed.hearing_on)] if to_come else []

    def held(self) -> Sequence[Fact]:
        return [self.fact(Held, reason=self.chance.choice(["court_request", "party_unwell", "data_query"]))]

    def leaves(self) -> Sequence[Fact]:
        programme = self.one.row.programme
        how = self.shares.drawn(self.chance, programme.lower(), "leaves")
        if how == "withdrawn":
            reason = self.chance.choice(["agreement_reached", "not_resident", "transferred"])
            return [self.fact(Withdrawn, reason=reason)]
        if how == "unsuitable":
            return [self.fact(SuitabilityDecided, suitable=False)]
        if how == "court_declined":
            return [self.fact(CourtDeclined, programme=programme)]
        return [self.fact(ProceedingsEnded)]

    def corrected(self) -> Sequence[Fact]:
        """Who was said to have come did not, or the other way round."""
        wrong = self.p.last(AttendanceReported, WeeklyAttendance)
        if wrong is None or wrong.supersedes:
            return []
        right = {"attended": "absent", "late": "absent"}.get(wrong.result, "attended")
        said = {**wrong.payload, "reason": None, "result": right}
        said = {name: value for name, value in said.items() if value is not None}
        by = {"happened_on": wrong.happened_on, "recorded_by": wrong.recorded_by, "supersedes": wrong.id}
        return [self.fact(type(wrong), **said, **by)]


_AFTER = {"further_work", "returned", "corrected", "vacated"}
"""What may come after the end."""
_MADE: dict[str, Callable[[Come], Sequence[Fact]]] = {
    "hearing_listed": Come.hearing,
    "vacated": Come.vacated,
    "risk_raised": lambda come: [come.fact(RiskRaised)],
    "held": Come.held,
    "leaves": Come.leaves,
    "corrected": Come.corrected,
    "further_work": lambda come: [come.fact(FurtherWorkOrdered, work="other")],
    "returned": lambda come: [come.fact(ReturnedToCourt)],
}
