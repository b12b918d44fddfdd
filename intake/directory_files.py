"""The directory: practitioners, areas, courts and providers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table

from intake.load import Line, Load, changed, codes, differing, together
from intake.rows import OWN_COLUMNS
from models.tables import Area, Court, PathwayRow, Practitioner, Provider, ServiceLine
from store.open import keep

Seen = dict[Any, Line]


def keep_practitioners(load: Load, lines: Sequence[Line]) -> None:
    _keep_coded(load, lines, Practitioner.__table__, {})


def keep_areas(load: Load, lines: Sequence[Line]) -> None:
    offices = [name for name in Area.model_fields if name not in ("code", "label")]
    _keep_coded(load, lines, Area.__table__, dict.fromkeys(offices, (Practitioner.__table__, "practitioners")))


def keep_courts(load: Load, lines: Sequence[Line]) -> None:
    _keep_coded(load, lines, Court.__table__, {"area": (Area.__table__, "areas")})


def _keep_coded(load: Load, lines: Sequence[Line], table: Table, points_to: dict[str, tuple[Table, str]]) -> None:
    """A table whose columns are the file's: one row a code."""
    seen: Seen = {}

    def keep_some(connection: Connection, some: Sequence[Line]) -> None:
        known = {column: codes(connection, other) for column, (other, _) in points_to.items()}
        good = []
        for line in some:
            found = [load.knows(line, column, known[column], kind) for column, (_, kind) in points_to.items()]
            if all(found) and load.first_of(seen, line.row.code, line):
                good.append(line)
        results = keep(connection, table, [line.row.model_dump() for line in good])
        if table is Area.__table__:  # who holds an office may owe what is open there
            load.look_again(connection, PathwayRow.area, changed([line.row.code for line in good], results))
        load.count(results)

    load.in_transactions(lines, keep_some)


def keep_providers(load: Load, lines: Sequence[Line]) -> None:
    """One line of a file is one service line; what it says of the provider itself, all its lines must say."""
    load.in_transactions(lines, partial(_keep_lines, load, {}, {}))


def _keep_lines(load: Load, seen: Seen, of_provider: Seen, connection: Connection, some: Sequence[Line]) -> None:
    areas = codes(connection, Area.__table__)
    good = [line for line in some if _sound(load, line, areas, seen, of_provider)]
    providers = {line.row.provider: _provider(line.row) for line in good}
    kept = keep(connection, Provider.__table__, list(providers.values()))
    own = dict(zip(providers, kept, strict=True))
    results = keep(connection, ServiceLine.__table__, [_service_line(line.row) for line in good])
    load.count([together(r, own[line.row.provider]) for line, r in zip(good, results, strict=True)])


def _sound(load: Load, line: Line, areas: set[str], seen: Seen, of_provider: Seen) -> bool:
    row = line.row
    if unknown := [code for code in row.areas if code not in areas]:
        load.refuse(line, "areas", f"area {', '.join(unknown)} is not known; load areas first")
        return False
    if (row.latitude is None) != (row.longitude is None):
        missing = "latitude" if row.latitude is None else "longitude"
        load.refuse(line, missing, "give both latitude and longitude, or neither")
        return False
    first = of_provider.setdefault(row.provider, line)
    if column := differing(first.row, row, OWN_COLUMNS):
        load.refuse(line, column, f"line {first.number} says otherwise of the provider {row.provider}")
        return False
    return load.first_of(seen, (row.provider, row.programme), line)


def _provider(row: Any) -> dict[str, Any]:
    return {"code": row.provider, **{name: getattr(row, name) for name in OWN_COLUMNS}}


def _service_line(row: Any) -> dict[str, Any]:
    return {**row.model_dump(exclude=set(OWN_COLUMNS)), "areas": " ".join(row.areas)}
