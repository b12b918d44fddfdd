"""What is known of pathways, read in sets: a handful of queries for hundreds of pathways."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, select

from models.facts import KINDS, RESTRICTED, Fact
from models.facts.every import Retracted
from models.limits import Limits, with_what_is_newer
from models.standing import Known, People, Terms
from models.tables import Area, Case, Direction, FactRow, LimitSet, Party, PathwayRow
from store.database import among, one_among
from store.directory import Directory, Place, directory, place_of

fact_table = FactRow.__table__
fact_rows = select(
    fact_table.c.subject,
    fact_table.c.kind,
    cast(fact_table.c.payload, Text).label("payload"),
    *(fact_table.c[x] for x in ("id", "happened_on", "recorded_at", "recorded_by", "told_already", "supersedes")),
)
"""Facts as `as_fact` reads them."""
FACTS_OF = fact_rows.where(one_among(fact_table.c.subject)).order_by(fact_table.c.id)
_homes = select(Party.reference, Party.latitude, Party.longitude).where(one_among(Party.reference))
_parties = select(Party.case, Party.reference).where(one_among(Party.case)).order_by(Party.reference)
_limits = select(LimitSet.id, LimitSet.content).where(one_among(LimitSet.id))


class Unreadable(Exception):
    """A stored fact about {subject} cannot be read, so nothing can be said of it until that is repaired."""


@dataclass
class Record:
    """All that was ever recorded about one subject: what stands, and what was corrected since."""

    live: list[Fact] = field(default_factory=list)
    corrected: dict[int, Fact] = field(default_factory=dict)
    """Facts that were superseded, by their number."""
    unreadable: str = ""
    """The kind of error met in reading one of them."""


@dataclass
class Loaded:
    """A pathway's row and all that its function may know."""

    row: Row[Any]
    known: Known
    unreadable: str = ""
    """The kind of error met in reading its facts or those of its case."""


Records = Mapping[str, Record]


def load(
    connection: Connection,
    rows: Sequence[Row[Any]],
    today: date,
    directories: "Directories",
    records: Records | None = None,
) -> list[Loaded]:
    """What is known of the pathways in `rows` (of `pathway_rows`): their facts and those of their cases.

    `records` are those of the pathways and of their cases, where somebody has read them already.
    """
    cases = {row.case for row in rows}
    records = records or record_of(connection, cases.union(row.reference for row in rows))
    households = _Households(connection, cases)
    limits = limits_of(connection, {row.limits for row in rows})
    homes = _Homes(connection, [row.party for row in rows if row.party])
    return [
        Loaded(
            row,
            _known(
                row,
                records,
                _Parties(households, row.case),
                with_what_is_newer(limits[row.limits], row.programme, directories.limits),
                homes,
                today,
                directories,
            ),
            records[row.reference].unreadable or records[row.case].unreadable,
        )
        for row in rows
    ]


_LIMITS: dict[str, Limits] = {}


def limits_of(connection: Connection, ids: Iterable[str]) -> dict[str, Limits]:
    """The limits some pathways keep. What they say makes their id, so each is read once."""
    wanted = set(ids)
    if new := wanted - _LIMITS.keys():
        _LIMITS.update({row.id: Limits(json.loads(row.content)) for row in among(connection, _limits, new)})
    return {one: _LIMITS[one] for one in wanted}


class _Homes:
    """Where some people live, read for all of them when it is first asked of one: few pathways have to know."""

    def __init__(self, connection: Connection, parties: Sequence[str]) -> None:
        self._read = lambda: {who: place_of(*where) for who, *where in among(connection, _homes, parties)}
        self._places: dict[str, Place | None] | None = None

    def of(self, party: str | None) -> Place | None:
        if self._places is None:
            self._places = self._read()
        return self._places.get(party or "")


class _Households:
    """The parties of some cases, read for all of them when they are first asked for."""

    def __init__(self, connection: Connection, cases: Iterable[str]) -> None:
        self._read = lambda: among(connection, _parties, cases)
        self._found: dict[str, list[str]] | None = None

    def of(self, case: str) -> list[str]:
        if self._found is None:
            self._found = defaultdict(list)
            for one, party in self._read():
                self._found[one].append(party)
        return self._found[case]


@dataclass(frozen=True)
class _Parties(Sequence[str]):
    """The parties of one case."""

    households: _Households
    case: str

    def __getitem__(self, place: Any) -> Any:
        return self.households.of(self.case)[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self.households.of(self.case))

    def __len__(self) -> int:
        return len(self.households.of(self.case))


class Directories:
    """The directory of each programme, read when it is first asked for and kept for one transaction."""

    def __init__(self, connection: Connection, profile: Any, limits: Any) -> None:
        self.limits = limits
        self._read = lambda programme: directory(connection, programme, profile, limits)
        self._kept: dict[str, Directory] = {}

    def of(self, programme: str) -> Directory:
        if programme not in self._kept:
            self._kept[programme] = self._read(programme)
        return self._kept[programme]


pathway_rows = (
    select(
        PathwayRow.__table__,
        Case.adviser,
        Area.commissioning_officer,
        Area.commissioning_manager,
        Area.service_manager,
        Area.assistant_director,
        Area.business_support,
        Area.research_analyst,
        Direction.monitoring_requested,
        Direction.in_final_order,
        Direction.assessment_only,
    )
    .join(Case, Case.reference == PathwayRow.case)
    .join(Area, Area.code == PathwayRow.area)
    .outerjoin(Direction, Direction.reference == PathwayRow.direction)
)
"""Pathways, each with the codes of the people who have a part in it and what the direction says."""


def people_of(row: Row[Any]) -> People:
    """An area without a research analyst leaves that work to its business support."""
    return People(*_PEOPLE(row), research_analyst=row.research_analyst or row.business_support)


_PEOPLE = attrgetter(
    "adviser", "commissioning_officer", "commissioning_manager", "service_manager", "assistant_director",
    "business_support",
)  # fmt: skip


def _known(
    row: Row[Any],
    records: Records,
    parties: Sequence[str],
    limits: Limits,
    homes: _Homes,
    today: date,
    directories: Directories,
) -> Known:
    own, of_case = records[row.reference], records[row.case]
    mine = [fact for fact in own.live + of_case.live if not isinstance(fact, Retracted)]
    directory_of = directories.of
    return Known(
        reference=row.reference,
        programme=row.programme,
        party=row.party,
        parties=parties,
        people=people_of(row),
        limits=limits,
        facts=mine,
        terms=Terms(bool(row.monitoring_requested), bool(row.in_final_order), bool(row.assessment_only)),
        corrected=[*own.corrected.values(), *of_case.corrected.values()],
        stood=row.state,
        proposed=lambda: directory_of(row.programme).proposed(row.area, homes.of(row.party), today, mine),
        accredited_until=lambda provider: directory_of(row.programme).accredited_until(provider),
        closed_weeks=lambda provider: directory_of(row.programme).closures.get(provider, ()),
    )


def record_of(connection: Connection, subjects: Iterable[str]) -> dict[str, Record]:
    """The record of pathways and cases, by subject. A correction stands in the place of what it corrects."""
    rows = list(among(connection, FACTS_OF, subjects))
    superseded = {row.supersedes for row in rows}
    place: dict[int | None, int] = {}
    found: dict[str, Record] = defaultdict(Record)
    for row in rows:
        record, number = found[row.subject], row.id
        place[number] = place.get(row.supersedes, number)
        try:
            fact = as_fact(row, place[number])
        except (ValueError, KeyError, TypeError) as problem:  # one bad row must not stop the others
            record.unreadable = type(problem).__name__
            continue
        if number in superseded:
            record.corrected[number] = fact
        else:
            record.live.append(fact)
    return found


def as_fact(row: Row[Any], place: int) -> Fact:
    """A row of `fact_rows` as a fact. Raises ValueError, KeyError or TypeError where it says what no fact can say."""
    _, kind, payload, number, happened_on, recorded_at, recorded_by, told_already, supersedes = row
    return _saying(kind, payload).recorded_as(
        id=number, place=place, happened_on=happened_on, recorded_at=recorded_at, recorded_by=recorded_by,
        told_already=told_already, supersedes=supersedes,
    )  # fmt: skip


@lru_cache(maxsize=32768)
def _saying(kind: str, payload: str) -> Fact:
    """A fact of this kind that says this: what is said alike is read and checked once."""
    made = KINDS.get(kind) or RESTRICTED[kind]
    return made.model_validate({**json.loads(payload), **_NOBODY})


_NOBODY = {"happened_on": date.min, "recorded_at": datetime.min.replace(tzinfo=UTC), "recorded_by": "NOBODY"}
