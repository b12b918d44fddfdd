"""The simulated year: day by day, people answer, and the real store advances, chases and delivers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Engine, Row

from flows.programmes import PROGRAMMES
from models.facts import Fact
from models.facts.referral import ReferralRecalled
from models.working_days import LONDON, add_working_days, london_date, working_days_after
from settings import Settings
from simulate import cppp, dvpp, spip
from simulate.agenda import Agenda, Duty, plan
from simulate.answering import Asked, Elsewhere, NotYet, Says, one_of, which
from simulate.country import add_cases, furnish, rests_on
from simulate.happenings import Come, await_of, follows
from simulate.referrals import Caseload, Referrals
from simulate.shares import Shares
from store import outbox, simulated
from store.advance import advance
from store.chase import chase
from store.database import reading, writing
from store.open import open_pathways
from store.pathways import Directories, Loaded
from store.record import Reported, new_holder, record
from tasks.deliver import send

SAYS: dict[str, dict[str, Says]] = {"SPIP": spip.ANSWERS, "DVPP": dvpp.ANSWERS, "CPPP": cppp.ANSWERS}
MORNING, NOON, AFTERNOON = time(8, 30), time(12), time(16)


def at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, LONDON).astimezone(UTC)


class Nowhere:
    """Where all letters go: it takes every one and has nobody to hand it to."""

    def deliver(self, *letter: Any) -> None:
        pass


class Year:
    """One caseload in one database, from its first day to its last."""

    def __init__(self, engine: Engine, load: Caseload, shares: Shares, settings: Settings) -> None:
        self.engine, self.load, self.shares, self.settings = engine, load, shares, settings
        self.referrals = Referrals(load, shares).by_day
        self.agenda = Agenda()
        self.chases: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str]] = Counter()
        self.stages: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._standing: dict[str, tuple[str, date]] = {}
        self.corrected: set[str] = set()
        """Pathways on which something was corrected since somebody last looked at what is owed there."""
        self._last_duty = 0

    def run(self, progress: Callable[[date], None] = lambda day: None) -> None:
        with writing(self.engine) as connection:
            furnish(connection, self.load, self.shares)
        for day in self.load.days:
            self.live(day)
            progress(day)

    def live(self, day: date) -> None:
        """One day: what fell due is seen to, people do what they do, and what follows from it is told."""
        self._advance(at(day, MORNING))
        self._chase(at(day, MORNING))
        self._deliver(at(day, MORNING))
        noon = at(day, NOON)
        self._refer(day, noon)
        self._record(self._answers(day, noon) + self._happens(day, noon), day, noon)
        self._advance(at(day, AFTERNOON))
        self._deliver(at(day, AFTERNOON))
        self._plan(day)

    # What runs by itself ----------------------------------------------------------------------------------------------

    def _advance(self, now: datetime) -> None:
        today = london_date(now)
        for programme, story in PROGRAMMES.items():
            for one in advance(self.engine, programme, story, now, self.settings).moved:
                if one.failure:
                    self.failed[programme, one.failure] += 1
                else:
                    self._stands(one.reference, programme, one.label, today)

    def _stands(self, reference: str, programme: str, label: str, today: date) -> None:
        """Note how long a pathway stood where it was, when it stands elsewhere."""
        before, since = self._standing.get(reference, ("", today))
        if label == before:
            return
        if before:
            self.stages[programme, before][working_days_after(since, today)] += 1
        if label.startswith("Closed"):
            self._standing.pop(reference, None)
        else:
            self._standing[reference] = (label, today)

    def _chase(self, now: datetime) -> None:
        self.chases.update(chase(self.engine, now, self.settings).steps)

    def _deliver(self, now: datetime) -> None:
        """Every letter is written and looked through, and goes nowhere."""
        outbox.gather(self.engine, now, self.settings)
        while send(self.engine, Nowhere(), now, self.settings):
            pass

    # What people do ---------------------------------------------------------------------------------------------------

    def _refer(self, day: date, now: datetime) -> None:
        referrals = self.referrals.pop(day, [])
        if not referrals:
            return
        with writing(self.engine) as connection:
            openings = add_cases(connection, referrals, now, self.load, self.shares)
            refused = open_pathways(connection, openings, self.settings)
        for one, opening in zip(referrals, openings, strict=True):
            if why := refused.get(opening.reference):
                self.refused["requested", why.partition(":")[0]] += 1
            else:
                await_of(self.agenda, one, opening.reference, self.load.seed, self.shares)
        self._record(rests_on(openings, now), day, now)

    def _record(self, reported: Sequence[Reported], day: date, now: datetime) -> None:
        for outcome in record(self.engine, reported, now, self.settings).outcomes:
            fact = outcome.reported.fact
            if outcome.result == "refused":
                self.refused[fact.kind, outcome.rule or outcome.field] += 1
            elif outcome.result == "recorded" and outcome.reported.tag:
                follows(self.agenda, fact, outcome.reported.tag, day, self.load.seed, self.shares)
                if fact.supersedes:
                    self.corrected.add(outcome.reported.tag)

    def _answers(self, day: date, now: datetime) -> list[Reported]:
        """What is answered today, in an order that does not depend on the database."""
        entries = {duty.number: duty for duty in self.agenda.duties.pop(day, [])}
        with reading(self.engine) as connection:
            rows = simulated.still_open(connection, entries)
            directories = Directories(connection, self.settings.profile, self.settings.limits)
            known = simulated.known_of(connection, {row.pathway for row in rows}, day, directories)
            said: dict[tuple[str, str], Reported] = {}
            for row in sorted(rows, key=_in_order):
                one = known[row.pathway]
                for fact in self._answer(row, entries[row.id], one, day, now):
                    if holder := new_holder(fact):  # who comes after sees that the place is taken
                        directories.of(one.row.programme).holding[holder] += 1
                    about = one.row.case if fact.about == "case" else row.pathway
                    # What is told of a case for one of its pathways is not told again for the other.
                    said.setdefault((about, fact.identity), Reported(about, fact, tag=row.pathway))
        return list(said.values())

    def _answer(self, row: Row[Any], entry: Duty, one: Loaded, day: date, now: datetime) -> Sequence[Fact]:
        """What is said to a duty. Until it is met it is looked at again."""
        asked = Asked(row, one, now, day, entry.attempt, self.load.seed, self.shares)
        again = add_working_days(day, int(self.shares.number("silence", "look_again")))
        if row.paused:
            self.agenda.sees_to(again, entry)
            return []
        if entry.recall:
            officer = one.known.people.commissioning_officer
            return [asked.fact(ReferralRecalled, by=officer, provider=row.on_code, reason="no_answer")]
        says = SAYS[one.row.programme].get(row.kind, one_of)
        try:
            facts = says(asked)
        except Elsewhere:
            self.agenda.elsewhere.add(row.id)
            return []
        except NotYet:
            facts = []
        self.agenda.sees_to(again, Duty(row.id, entry.attempt + 1))
        return facts

    def _happens(self, day: date, now: datetime) -> list[Reported]:
        entries = sorted(set(self.agenda.happenings.pop(day, [])))
        with reading(self.engine) as connection:
            directories = Directories(connection, self.settings.profile, self.settings.limits)
            known = simulated.known_of(connection, {entry.pathway for entry in entries}, day, directories)
            corrected = simulated.owed_on(connection, self.corrected)
        # After a correction something may be owed again: whoever owes it finds it.
        self._enter(corrected, day)
        self.corrected.clear()
        return [
            Reported(one.row.case if fact.about == "case" else entry.pathway, fact, tag=entry.pathway)
            for entry in entries
            for one in [known[entry.pathway]]
            for fact in Come(one, now, day, self.load.seed, self.shares).facts(entry.what)
        ]

    def _plan(self, day: date) -> None:
        """What was opened today is entered into somebody's agenda."""
        with reading(self.engine) as connection:
            rows = simulated.opened_after(connection, self._last_duty)
        self._last_duty = rows[-1].id if rows else self._last_duty
        self._enter([row for row in rows if row.state == "open"], day)

    def _enter(self, rows: Sequence[Row[Any]], day: date) -> None:
        plan(self.agenda, rows, day, self.load.seed, self.shares)


def _in_order(row: Row[Any]) -> tuple[Any, ...]:
    return row.pathway, row.kind, row.opened_on, which(row.key)
