"""Cases, each with both its parties and the hearings listed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from intake.cells import own_reference, same_as
from intake.known import as_known, known_cases, parties_of
from intake.load import Line, Load, changed, codes, together
from intake.rows import ROLES, party_columns
from models.facts.case import HearingListed
from models.tables import Case, Court, FactRow, Party, PathwayRow, Practitioner
from store.database import in_batches, reading
from store.erasure import taken_away
from store.open import keep
from store.record import Reported, record


def keep_cases(load: Load, lines: Sequence[Line]) -> None:
    cases = _Cases(load)
    load.in_transactions(lines, cases.keep_some, after=cases.list_hearings)


class _Cases:
    """The cases of one file: what was met in it so far."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.seen: dict[str, Line] = {}
        self.party_of: dict[str, tuple[str, str]] = {}
        """Case and role of each party met."""
        self.holder: dict[tuple[str, str], str] = {}
        """The party that has each role of each case."""
        self.kept: list[Line] = []
        self.results: list[str] = []
        self.erased: dict[str, date] = {}

    def keep_some(self, connection: Connection, some: Sequence[Line]) -> None:
        known = known_cases(connection, [line.row.case for line in some])
        self._meet(connection, [row.reference for row in known.values()], some)
        self.erased = taken_away(connection, [row.reference for row in known.values()])
        courts, advisers = codes(connection, Court.__table__), codes(connection, Practitioner.__table__)
        spelled = (self._spelled(line, known) for line in some)
        self.kept = [line for line in spelled if line and self._sound(line, courts, advisers)]
        sample = {row.reference: row.sample for row in known.values()}
        cases = keep(connection, Case.__table__, [_case(line.row, sample) for line in self.kept])
        moved = changed([line.row.case for line in self.kept], cases)
        self.load.look_again(connection, PathwayRow.case, moved)
        people = keep(connection, Party.__table__, [p for line in self.kept for p in _parties(line.row)])
        self.results = [together(r, *people[2 * n : 2 * n + 2]) for n, r in enumerate(cases)]

    def _meet(self, connection: Connection, cases: list[str], some: Sequence[Line]) -> None:
        """Who the parties of known cases are, and which case known parties belong to."""
        for case, parties in parties_of(connection, cases).items():
            for party, role in parties.items():
                self._take(party, case, role)
        for few in in_batches([getattr(line.row, role) for line in some for role in ROLES]):
            query = select(Party.reference, Party.case, Party.role).where(Party.reference.in_(few))
            for party, case, role in connection.execute(query):
                self._take(party, case, role)

    def _take(self, party: str, case: str, role: str) -> None:
        self.party_of[party] = (case, role)
        self.holder[case, role] = party

    def _spelled(self, line: Line, known: dict[str, Any]) -> Line | None:
        """The line with its case as it is known: from before, or from an earlier line."""
        key = same_as(line.row.case)
        earlier = known[key].reference if key in known else self.seen[key].row.case if key in self.seen else None
        if earlier:
            return as_known(self.load, line, "case", earlier)
        try:
            own_reference(line.cells["case"])
        except ValueError as why:
            return self.load.refuse(line, "case", str(why))
        return line

    def _sound(self, line: Line, courts: set[str], advisers: set[str]) -> bool:
        known = [
            self.load.knows(line, "court", courts, "courts"),
            self.load.knows(line, "adviser", advisers, "practitioners"),
        ]
        if not all(known) or self._was_erased(line) or not self._parties_fit(line) or self._is_name(line):
            return False
        if not self.load.first_of(self.seen, same_as(line.row.case), line):
            return False
        for role in ROLES:
            self._take(getattr(line.row, role), line.row.case, role)
        return True

    def _is_name(self, line: Line) -> bool:
        names = [getattr(line.row, f"{role}_name") for role in ROLES]
        return self.load.is_name(line, ("case", *ROLES), names)

    def _was_erased(self, line: Line) -> bool:
        """An old file does not bring back what was erased; where a new pathway was opened since, it is needed again."""
        if day := self.erased.get(line.row.case):
            self.load.refuse(
                line, "case", f"what is personal in it was erased on {day:%d/%m/%Y}, and no pathway is open"
            )
        return day is not None

    def _parties_fit(self, line: Line) -> bool:
        """A party keeps its case and its role, and a case its parties: pathways and facts go by them."""
        row, fits = line.row, True
        if row.applicant == row.respondent:
            self.load.refuse(line, "respondent", "applicant and respondent are two people with a reference each")
            return False
        for role in ROLES:
            if why := self._why_not(getattr(row, role), row.case, role):
                self.load.refuse(line, role, why)
                fits = False
        return fits

    def _why_not(self, party: str, case: str, role: str) -> str | None:
        has, holder = self.party_of.get(party, (case, role)), self.holder.get((case, role), party)
        if has != (case, role):
            return f"{party} is already the {has[1]} of case {has[0]}; give this person another reference"
        return f"the {role} of {case} is {holder}; a party keeps its reference" if holder != party else None

    def list_hearings(self) -> None:
        """Write down the hearings not known yet. Those ever listed are left: they may have been vacated since."""
        listed = _listed(self.load, [line.row.case for line in self.kept])
        reported = [
            Reported(line.row.case, fact, tag=(n, line))
            for n, line in enumerate(self.kept)
            for day in line.row.hearings
            if (line.row.case, (fact := self._hearing(line.row, day)).identity) not in listed
        ]
        done = record(self.load.engine, reported, self.load.now, self.load.settings)
        for outcome in done.outcomes:
            n, line = outcome.reported.tag
            self.results[n] = together(self.results[n], "changed")
            if outcome.result == "refused":
                self.load.refuse(line, "hearings", outcome.why)
        self.load.report.touched |= done.touched
        self.load.count(self.results)

    def _hearing(self, row: Any, day: date) -> HearingListed:
        known_on = row.received_on if day < self.load.today else self.load.today
        return HearingListed(
            happened_on=known_on, recorded_at=self.load.now, recorded_by=row.adviser, told_already=True, hearing_on=day
        )


def _listed(load: Load, cases: Sequence[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    with reading(load.engine) as connection:
        for some in in_batches(cases):
            query = select(FactRow.subject, FactRow.identity)
            query = query.where(FactRow.subject.in_(some), FactRow.kind == HearingListed.kind)
            found |= {(subject, identity) for subject, identity in connection.execute(query)}
    return found


def _case(row: Any, sample: dict[str, bool]) -> dict[str, Any]:
    return {
        "reference": row.case,
        "same_as": same_as(row.case),
        "court": row.court,
        "adviser": row.adviser,
        "received_on": row.received_on,
        "sample": sample.get(row.case, False),
    }


def _parties(row: Any) -> list[dict[str, Any]]:
    return [
        {"case": row.case, "role": role, "erased_on": None}
        | {name: getattr(row, at) for name, at in party_columns(role).items()}
        for role in ROLES
    ]
