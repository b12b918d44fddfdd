"""Opening pathways, and keeping the directory and cases as their files say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Table, select, tuple_, update

from models.facts.case import ProceedingsEnded
from models.facts.every import Requested
from models.limits import limits_on, open_to_referrals
from models.safety import Blocked, check
from models.standing import Known, People
from models.tables import LimitSet, Party, PathwayRow
from settings import Settings
from store.database import change, in_batches, insert, insert_new, is_sqlite
from store.pathways import record_of
from store.record import as_row, fact_numbers, facts

pathways = PathwayRow.__table__


def keep(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Make the table hold these rows, and say of each whether it was "added", "changed" or "unchanged"."""
    key = [column.name for column in table.primary_key]
    stored = _stored(connection, table, key, rows)
    results = [_compared(stored.get(tuple(row[name] for name in key)), row) for row in rows]
    new = [row for row, result in zip(rows, results, strict=True) if result == "added"]
    changed = [row for row, result in zip(rows, results, strict=True) if result == "changed"]
    insert(connection, table, new)
    change(connection, table, changed, by=tuple(key))
    return results


def _stored(connection: Connection, table: Table, key: list[str], rows: Sequence[dict[str, Any]]) -> dict[Any, Any]:
    found = {}
    for some in in_batches(rows):
        wanted = [tuple(row[name] for name in key) for row in some]
        for one in connection.execute(select(table).where(tuple_(*table.primary_key).in_(wanted))).mappings():
            found[tuple(one[name] for name in key)] = one
    return found


def _compared(stored: Any, row: dict[str, Any]) -> str:
    if stored is None:
        return "added"
    return "changed" if any(stored[name] != value for name, value in row.items()) else "unchanged"


def look_again(connection: Connection, column: Any, references: Sequence[str], today: date) -> set[tuple[str, str]]:
    """Have the open pathways of changed cases or directions looked at; returns them as (programme, reference)."""
    found: set[tuple[str, str]] = set()
    for some in in_batches(references):
        query = update(pathways).where(column.in_(some), pathways.c.closed_on.is_(None)).values(look_on=today)
        rows = connection.execute(query.returning(pathways.c.programme, pathways.c.reference))
        found |= {(programme, reference) for programme, reference in rows}
    return found


@dataclass(frozen=True)
class Opening:
    """A pathway asked for: by whom, for whom (one party, or both parents where None), and by which route."""

    reference: str
    programme: str
    route: Literal["court", "adviser"]
    case: str
    party: str | None
    area: str
    requested_on: date
    recorded_by: str
    recorded_at: datetime
    direction: str | None = None
    told_already: bool = False
    entry: str | None = None
    suggested_by: str = "adviser"

    @property
    def whose(self) -> tuple[str, str]:
        """Of these, two do not run at once."""
        return self.programme, self.party or self.case


def open_pathways(connection: Connection, openings: Sequence[Opening], settings: Settings) -> dict[str, str]:
    """Open the pathways that may be opened; of each of the others say, by reference, why not (SR-15, SR-16)."""
    refused: dict[str, str] = {}
    known = _known(connection, openings)
    new = [opening for opening in openings if opening.reference not in known]
    records = record_of(connection, {opening.case for opening in new})
    taken = _open_for(connection, new)
    rows, kept, requests = [], {}, []
    numbers = fact_numbers(connection)
    for opening in new:
        fact = Requested(
            happened_on=opening.requested_on, recorded_at=opening.recorded_at, recorded_by=opening.recorded_by,
            told_already=opening.told_already, route=opening.route, entry=opening.entry,
            suggested_by=opening.suggested_by,
        )  # fmt: skip
        limits = limits_on(opening.programme, opening.requested_on, settings.limits)
        try:
            _may_open(opening, fact, records[opening.case].live, limits, taken, settings)
        except (Blocked, ValueError) as why:
            refused[opening.reference] = str(why)
            continue
        taken[opening.whose] = opening.reference
        kept[limits.id] = {"id": limits.id, "content": json.dumps(limits.content, sort_keys=True)}
        rows.append(_row(opening, limits.id))
        requests.append(as_row(opening.reference, fact.model_copy(update={"id": next(numbers)})))
    insert_new(connection, LimitSet.__table__, list(kept.values()))
    insert_new(connection, pathways, rows)
    insert(connection, facts, requests)
    return refused


def _may_open(
    opening: Opening, fact: Requested, case_facts: list[Any], limits: Any, taken: dict, settings: Settings
) -> None:
    if not open_to_referrals(opening.programme, opening.requested_on, settings.profile, settings.limits):
        raise Blocked("SR-16", f"{opening.programme} takes no referrals on {opening.requested_on:%d/%m/%Y}")
    if other := taken.get(opening.whose):
        whose = "this person has" if opening.party else "these parents have"
        raise ValueError(f"{whose} {other} open already; close or withdraw that one first")
    if any(isinstance(fact, ProceedingsEnded) for fact in case_facts):
        raise ValueError("proceedings in this case have ended")
    nobody = People(*[""] * 6)
    known = Known(opening.reference, opening.programme, opening.party, [], nobody, limits, case_facts)
    check(known, opening.requested_on, fact)


def _known(connection: Connection, openings: Sequence[Opening]) -> set[str]:
    found: set[str] = set()
    for some in in_batches([opening.reference for opening in openings]):
        found |= set(connection.execute(select(pathways.c.reference).where(pathways.c.reference.in_(some))).scalars())
    return found


def _open_for(connection: Connection, openings: Sequence[Opening]) -> dict[tuple[str, str], str]:
    """The open pathway of each person, or of both parents of a case. Nobody else opens one for them meanwhile."""
    found: dict[tuple[str, str], str] = {}
    for cases in in_batches(sorted({opening.case for opening in openings})):
        if not is_sqlite(connection):
            people = select(Party.reference).where(Party.case.in_(cases)).order_by(Party.reference)
            connection.execute(people.with_for_update())
        query = select(pathways.c.programme, pathways.c.party, pathways.c.case, pathways.c.reference)
        for row in connection.execute(query.where(pathways.c.case.in_(cases), pathways.c.closed_on.is_(None))):
            found[row.programme, row.party or row.case] = row.reference
    return found


def _row(opening: Opening, limits: str) -> dict[str, Any]:
    return {
        "reference": opening.reference,
        "programme": opening.programme,
        "case": opening.case,
        "party": opening.party,
        "direction": opening.direction,
        "area": opening.area,
        "limits": limits,
        "opened_on": opening.requested_on,
        "since": opening.requested_on,
        "look_on": opening.requested_on,
        "state": "requested",
        "label": "Requested",
    }
