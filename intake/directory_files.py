"""The directory: practitioners, areas, courts and providers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table

from intake.load import Line, Load, changed, codes, differing, together
from intake.rows import OWN_COLUMNS
from models.tables import Area, Closure, Court, PathwayRow, Practitioner, Provider, ServiceLine
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
            given = {column: kind for column, (_, kind) in points_to.items() if getattr(line.row, column)}
            found = [load.knows(line, column, known[column], kind) for column, kind in given.items()]
            if all(found) and load.first_of(seen, line.row.code, line):
                good.append(line)
        if table is Practitioner.__table__:
            good = _nobody_elses(connection, load, good, "code", Provider.__table__)
        results = keep(connection, table, [_as_row(line.row) for line in good])
        if table is Area.__table__:  # who holds an office may owe what is open there
            load.look_again(connection, PathwayRow.area, changed([line.row.code for line in good], results))
        load.count(results)

    load.in_transactions(lines, keep_some)


def _nobody_elses(
    connection: Connection, load: Load, some: Sequence[Line], column: str, others: Table
) -> Sequence[Line]:
    """Those whose code no one of the others has: a fact, a duty and a page name practitioners and providers alike."""
    taken, good = codes(connection, others), []
    for line in some:
        if (code := getattr(line.row, column)) in taken:
            load.refuse(line, column, f"{code} is the code of a {others.name} already; give this one another")
        else:
            good.append(line)
    return good


def _as_row(row: Any) -> dict[str, Any]:
    """The columns of a row; a list of codes with spaces between."""
    return {name: " ".join(v) if isinstance(v, list) else v for name, v in row.model_dump().items()}


def keep_closures(load: Load, lines: Sequence[Line]) -> None:
    """Days on which a provider's groups do not meet."""
    seen: Seen = {}

    def keep_some(connection: Connection, some: Sequence[Line]) -> None:
        known = codes(connection, Provider.__table__)
        good = [line for line in some if load.knows(line, "provider", known, "providers")]
        good = [line for line in good if load.first_of(seen, (line.row.provider, line.row.closed_from), line)]
        results = keep(connection, Closure.__table__, [line.row.model_dump() for line in good])
        moved = [line.row.provider for line, result in zip(good, results, strict=True) if result != "unchanged"]
        load.look_again(connection, PathwayRow.provider, sorted(set(moved)))
        load.count(results)

    load.in_transactions(lines, keep_some)


def keep_providers(load: Load, lines: Sequence[Line]) -> None:
    """One line of a file is one service line; what it says of the provider itself, all its lines must say."""
    load.in_transactions(lines, partial(_keep_lines, load, {}, {}))


def _keep_lines(load: Load, seen: Seen, of_provider: Seen, connection: Connection, some: Sequence[Line]) -> None:
    areas = codes(connection, Area.__table__)
    good = [line for line in some if _sound(load, line, areas, seen, of_provider)]
    good = _nobody_elses(connection, load, good, "provider", Practitioner.__table__)
    providers = {line.row.provider: _provider(line.row) for line in good}
    kept = keep(connection, Provider.__table__, list(providers.values()))
    own = dict(zip(providers, kept, strict=True))
    results = keep(connection, ServiceLine.__table__, [_service_line(line.row) for line in good])
    # Accreditation that is renewed, or a suspension that ends, is a matter for whatever the provider holds.
    moved = {*changed([line.row.provider for line in good], results), *changed(list(providers), kept)}
    load.look_again(connection, PathwayRow.provider, sorted(moved))
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
