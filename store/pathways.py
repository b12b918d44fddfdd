"""What is known of pathways, read in sets: a handful of queries for hundreds of pathways."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from models.facts import KINDS, RESTRICTED, Fact
from models.facts.every import Retracted
from models.limits import kept_limits
from models.standing import Known, People, Terms
from models.tables import Area, Case, Direction, FactRow, LimitSet, Party, PathwayRow
from store.database import in_batches
from store.directory import Directory, directory, place_of

fact_table = FactRow.__table__


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


def load(connection: Connection, rows: Sequence[Row[Any]], today: date, directories: "Directories") -> list[Loaded]:
    """What is known of the pathways in `rows` (of `pathway_rows`), their facts and those of their cases."""
    records = record_of(connection, {r.reference for r in rows} | {r.case for r in rows})
    parties = _parties(connection, {r.case for r in rows})
    return [
        Loaded(
            row,
            _known(row, records, parties, today, directories),
            records[row.reference].unreadable or records[row.case].unreadable,
        )
        for row in rows
    ]


class Directories:
    """The directory of each programme, read when it is first asked for and kept for one transaction."""

    def __init__(self, connection: Connection, profile: Any, limits: Any) -> None:
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
        LimitSet.content,
        Party.latitude,
        Party.longitude,
    )
    .join(Case, Case.reference == PathwayRow.case)
    .join(Area, Area.code == PathwayRow.area)
    .join(LimitSet, LimitSet.id == PathwayRow.limits)
    .outerjoin(Party, Party.reference == PathwayRow.party)
    .outerjoin(Direction, Direction.reference == PathwayRow.direction)
)
"""Pathways, each with the codes of the people who have a part in it, its limits and where the person lives."""


def people_of(row: Row[Any]) -> People:
    return People(
        adviser=row.adviser,
        commissioning_officer=row.commissioning_officer,
        commissioning_manager=row.commissioning_manager,
        service_manager=row.service_manager,
        assistant_director=row.assistant_director,
        business_support=row.business_support,
        research_analyst=row.research_analyst or "",
    )


def _known(
    row: Row[Any], records: dict[str, Record], parties: dict[str, list[str]], today: date, directories: Directories
) -> Known:
    mine = [f for f in records[row.reference].live + records[row.case].live if not isinstance(f, Retracted)]
    home = place_of(row.latitude, row.longitude)
    return Known(
        reference=row.reference,
        programme=row.programme,
        party=row.party,
        parties=parties[row.case],
        people=people_of(row),
        limits=kept_limits(row.content),
        facts=mine,
        terms=Terms(bool(row.monitoring_requested), bool(row.in_final_order), bool(row.assessment_only)),
        proposed=lambda: directories.of(row.programme).proposed(row.area, home, today, mine),
        accredited_until=lambda provider: directories.of(row.programme).accredited_until(provider),
        closed_weeks=lambda provider: directories.of(row.programme).closures.get(provider, ()),
    )


def record_of(connection: Connection, subjects: Iterable[str]) -> dict[str, Record]:
    """The record of pathways and cases, by subject. A correction stands in the place of what it corrects."""
    rows = [
        row
        for some in in_batches(sorted(subjects))
        for row in connection.execute(
            select(fact_table).where(fact_table.c.subject.in_(some)).order_by(fact_table.c.id)
        )
    ]
    place: dict[int, int] = {}
    for row in rows:
        place[row.id] = place.get(row.supersedes, row.id)
    superseded = {row.supersedes for row in rows}
    found: dict[str, Record] = defaultdict(Record)
    for row in rows:
        try:
            fact = as_fact(row, place[row.id])
        except (ValueError, KeyError, TypeError) as problem:  # one bad row must not stop the others
            found[row.subject].unreadable = type(problem).__name__
            continue
        if row.id in superseded:
            found[row.subject].corrected[row.id] = fact
        else:
            found[row.subject].live.append(fact)
    return found


def as_fact(row: Row[Any], place: int) -> Fact:
    kind = KINDS.get(row.kind) or RESTRICTED[row.kind]
    return kind.model_validate(
        {
            **row.payload,
            "id": row.id,
            "place": place,
            "happened_on": row.happened_on,
            "recorded_at": row.recorded_at,
            "recorded_by": row.recorded_by,
            "told_already": row.told_already,
            "supersedes": row.supersedes,
        }
    )


def _parties(connection: Connection, cases: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for some in in_batches(sorted(cases)):
        query = select(Party.case, Party.reference).where(Party.case.in_(some)).order_by(Party.reference)
        for case, reference in connection.execute(query):
            found[case].append(reference)
    return found
