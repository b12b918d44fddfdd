"""The CPPP pilot as records: each of its families opened, and its facts recorded, through the real store.

The paper (cppp2020) gives the totals. How the families spread over routes, days and weeks it does not say: here the routes
take turns, the offers are spread evenly over the months they can have been made in, and the sessions take ten, ten and a
half, eleven or eleven and a half weeks, in numbers that come to the printed mean. Nothing is drawn at random.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

from flows.programmes import PROGRAMMES
from reports.cppp import ROUTES
from store.advance import advance
from store.database import writing
from store.open import open_pathways
from store.record import Reported
from tests.life import moment
from tests.world import Office, evening

CRITERIA = ("both_willing", "court_still_needed", "harmful_conflict", "safe_together")
DAYS = [70] * 29 + [74] * 10 + [77] * 14 + [81] * 20  # 5,468 days of 73 families: 10.7 weeks
FURTHER_WORK = 27  # of 73, so that 46 have none: 63%
RETURNED = (4, 15, 26)
STILL_OPEN = 32
STAGES = [date(2018, 6, 30), date(2019, 2, 28), date(2019, 5, 31), date(2020, 1, 31)]
BASIS = {
    "first_hearing": [("further_work_advised", "section_7")],
    "section_7": [("further_work_ordered", "section_7")],
    "section_7_to_16_4": [("further_work_ordered", "section_7"), ("further_work_advised", "rule_16_4")],
    "rule_16_4": [("further_work_ordered", "rule_16_4")],
}


def spread(families: int, first: date, last: date) -> Iterator[date]:
    """So many days, evenly from the first to the last."""
    for n in range(families):
        yield first + (last - first) * n // max(families - 1, 1)


class Pilot:
    """The pilot's families in one office. Each is offered the programme on a day, and goes as far as its number says."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.numbers = count()
        self.openings: list[Any] = []
        self.facts: list[Reported] = []

    def fill(self) -> Office:
        """156 offered: 107 agree, of whom 73 complete and 34 are under way; 49 do not agree. And others, not of it."""
        completed = [
            *spread(33, date(2017, 11, 15), date(2018, 3, 5)),
            *spread(40, date(2018, 3, 26), date(2019, 1, 31)),
        ]
        for n, offered in enumerate(completed):
            self.completes(n, offered)
        for offered in spread(34, date(2018, 12, 3), date(2019, 2, 28)):
            self.sessions(self.matched(self.agreed(self.offered(offered))), offered, [0, 7, 300, 307])
        for n, offered in enumerate(spread(49, date(2017, 11, 16), date(2019, 2, 28))):
            self.declines(n, offered)
        self.not_of_it()
        self.keep()
        return self.office

    def keep(self) -> None:
        """Open the pathways, then record and advance in a few steps, as time went on."""
        with writing(self.office.engine) as connection:
            assert open_pathways(connection, self.openings, self.office.settings) == {}
        for before, until in zip([date.min, *STAGES], STAGES, strict=False):
            some = [one for one in self.facts if before < one.fact.happened_on <= until]
            done = self.office.record(*some, now=evening(until))
            assert not (refused := [o.why for o in done.outcomes if o.result != "recorded"]), refused[:3]
            assert not advance(
                self.office.engine, "CPPP", PROGRAMMES["CPPP"], evening(until), self.office.settings
            ).failed

    # What happens to a family -----------------------------------------------------------------------------------------

    def says(self, family: str, kind: str, on: date, by: str = "FCA1", **details: Any) -> None:
        self.facts.append(self.office.reported(family, kind, on, by=by, **details))

    def assessed(self, offered: date, suitable: bool = True) -> str:
        """A new family, found suitable eight days before it is offered the programme."""
        n = next(self.numbers)
        case, family, entry = f"PILOT{n:03}", f"CPPP-R{n:03}", ROUTES[n % 4]
        self.office.case(case, self.parents(family))
        asked = offered - timedelta(days=14)
        self.openings.append(self.office.opening(family, None, case=case, on=asked, route="adviser", entry=entry))
        for kind, work in BASIS[entry]:
            self.says(family, kind, asked, work=work)
        self.says(family, "assessment_opened", asked + timedelta(days=2))
        looked = asked + timedelta(days=4)
        for criterion in CRITERIA:
            self.says(family, "criterion_assessed", looked, criterion=criterion, met=suitable)
        self.says(family, "la_referral_considered", looked, referred=False, ground="threshold_not_met")
        for party in self.parents(family):
            self.says(family, "spip_considered", looked, party=party, decision="not_refer", reason="attended_before")
        self.says(family, "suitability_decided", asked + timedelta(days=6), suitable=suitable)
        return family

    @staticmethod
    def parents(family: str) -> tuple[str, str]:
        return f"{family}-A", f"{family}-B"

    def offered(self, on: date) -> tuple[str, date]:
        family = self.assessed(on)
        self.says(family, "programme_offered", on)
        return family, on

    def agreed(self, one: tuple[str, date]) -> tuple[str, date]:
        family, offered = one
        for days, party in zip((3, 6), self.parents(family), strict=True):
            self.says(family, "consent_given", offered + timedelta(days=days), party=party)
        return one

    def matched(self, one: tuple[str, date]) -> str:
        family, offered = one
        self.says(family, "court_paper_signed", offered + timedelta(days=8), paper="advice", signed_by="FCA1")
        if int(family[-3:]) % 4 == 0:  # on the way to a first hearing the report is only ordered now
            self.says(family, "further_work_ordered", offered + timedelta(days=15), work="section_7")
        timetabled = offered + timedelta(days=15)
        self.says(family, "court_timetabled", timetabled, file_by=offered + timedelta(days=160))
        self.says(family, "practitioner_matched", offered + timedelta(days=18), by="SM1", practitioner="FCA3")
        return family

    def sessions(self, family: str, offered: date, days: list[int]) -> date:
        """Four sessions set, so many days after the first; those of the pilot's time are held. Returns the last day."""
        first = offered + timedelta(days=21)
        parents = iter(self.parents(family))
        for n, (sitting, later) in enumerate(zip(("parent", "parent", "child", "joint"), days, strict=True)):
            held, session = first + timedelta(days=later), f"S{n}-{family[-3:]}"
            times = {"starts_at": moment(held, 10), "ends_at": moment(held, 11)}
            party = {"party": next(parents)} if sitting == "parent" else {}
            self.says(
                family, "session_set", offered + timedelta(days=18), "FCA3", session=session, sitting=sitting,
                **times, **party,
            )  # fmt: skip
            if later < 300:
                self.says(family, "session_held", held, "FCA3", session=session)
        return first + timedelta(days=days[-1])

    def completes(self, n: int, offered: date) -> None:
        """The nth of those who complete; what follows for the first 33 was tracked."""
        family = self.matched(self.agreed(self.offered(offered)))
        # Each length in its turn, so that early and late families took as long.
        last = self.sessions(family, offered, [0, 7, 14, DAYS[n * 30 % 73]])
        outcome = "agreement" if n % 3 else "recommendations"
        self.says(family, "outcome_recorded", last + timedelta(days=1), "FCA3", outcome=outcome)
        report = last + timedelta(days=7)
        self.says(family, "court_paper_signed", report, "FCA3", paper="report", signed_by="FCA3")
        if n * FURTHER_WORK % 73 < FURTHER_WORK:
            self.says(family, "further_work_ordered", report + timedelta(days=4), work="other")
        if n < 33 and n != STILL_OPEN:
            self.says(family, "proceedings_ended", report + timedelta(days=90))
        if n in RETURNED:
            self.says(family, "returned_to_court", report + timedelta(days=300))

    def declines(self, n: int, offered: date) -> None:
        """One parent declines; in every seventh family they agree between themselves instead."""
        family, _ = self.offered(offered)
        first, second = self.parents(family)
        self.says(family, "consent_given", offered + timedelta(days=3), party=first)
        if n % 7 == 6:
            self.says(family, "withdrawn", offered + timedelta(days=6), reason="agreement_reached")
        else:
            self.says(family, "consent_refused", offered + timedelta(days=6), party=second)

    def not_of_it(self) -> None:
        """Two found unsuitable and never asked, and one asked a day after the pilot."""
        self.assessed(date(2018, 5, 10), suitable=False)
        self.assessed(date(2018, 9, 12), suitable=False)
        self.agreed(self.offered(date(2019, 3, 1)))
