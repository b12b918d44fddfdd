"""Directions and requests: what opens a pathway."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, get_args

from sqlalchemy import Connection, select

from intake.cells import same_as
from intake.known import as_known, known_cases, names_in, parties_of
from intake.load import Line, Load, changed
from intake.report import FileRefused
from models.facts.every import Entry, Requested
from models.limits import LimitsError, for_both_parents, routes
from models.limits import programmes as programmes_in
from models.tables import Direction, FactRow, PathwayRow, Practitioner
from store.database import in_batches
from store.open import Opening, keep, open_pathways


def programmes(load: Load) -> set[str]:
    """The programmes we run: those the limits file says something of."""
    try:
        return programmes_in(load.settings.limits)
    except LimitsError as why:
        raise FileRefused(str(why)) from None


def keep_directions(load: Load, lines: Sequence[Line]) -> None:
    """Every direction is kept; one for a programme we run opens its pathway."""
    ours = programmes(load)
    load.in_transactions(lines, partial(_keep_directions, load, {}, ours))
    if others := sorted({line.row.activity for line in lines} - ours):
        load.report.note(f"directions for {', '.join(others)} are kept as records only: no pathway of ours runs them")


def keep_requests(load: Load, lines: Sequence[Line]) -> None:
    """Each request of an adviser opens a pathway."""
    load.in_transactions(lines, partial(_keep_requests, load, {}, programmes(load)))


def _keep_directions(
    load: Load, seen: dict[str, Line], ours: set[str], connection: Connection, some: Sequence[Line]
) -> None:
    stored = _stored_activities(connection, [line.row.direction for line in some])
    asked = []
    for line, case in _of_known_cases(load, connection, some):
        if not load.first_of(seen, line.row.direction, line):
            continue
        if line.row.activity in ours and "court" not in routes(
            line.row.activity, line.row.made_on, load.settings.limits
        ):
            why = f"the court does not order {line.row.activity}; load a judge's suggestion as a request (SR-06)"
            load.refuse(line, "activity", why)
            continue
        before = stored.get(line.row.direction, line.row.activity)
        opening = _ordered(load, line, case) if line.row.activity in ours else None
        asked.append((line, opening, f"{before}-{line.row.direction}"))
    good = _agreeing(load, connection, asked, "made_on")

    def keep_lines(lines: list[Line]) -> list[str]:
        results = keep(connection, Direction.__table__, [_direction(line.row) for line in lines])
        load.look_again(connection, PathwayRow.direction, changed([line.row.direction for line in lines], results))
        return results

    _open(load, connection, good, keep_lines)


def _keep_requests(
    load: Load, seen: dict[str, Line], ours: set[str], connection: Connection, some: Sequence[Line]
) -> None:
    query = select(Practitioner.code).where(Practitioner.role == "adviser")
    advisers = set(connection.execute(query).scalars())
    asked = []
    for line, case in _of_known_cases(load, connection, some):
        if not _may_ask(load, line, case, ours, advisers) or not load.first_of(seen, line.row.request, line):
            continue
        opening = _requested(load, line, case)
        asked.append((line, opening, opening.reference))
    good = _agreeing(load, connection, asked, "requested_on")
    known = _pathways(connection, [reference for _, _, reference in asked])
    _open(load, connection, good, lambda lines: [_new(line, known) for line in lines])


def _new(line: Line, known: dict[str, Any]) -> str:
    return "unchanged" if f"{line.row.programme}-{line.row.request}" in known else "added"


def _may_ask(load: Load, line: Line, case: Any, ours: set[str], advisers: set[str]) -> bool:
    row = line.row
    if row.programme not in ours:
        load.refuse(line, "programme", f"we run no pathway for {row.programme}; we run {', '.join(sorted(ours))}")
        return False
    if unfit := _unfit(load, row):
        load.refuse(line, *unfit)
        return False
    if row.requested_by != case.adviser and row.requested_by not in advisers:
        why = f"{row.requested_by} is not an adviser we know; the case's adviser is {case.adviser}"
        load.refuse(line, "requested_by", why)
        return False
    return True


def _unfit(load: Load, row: Any) -> tuple[str, str] | None:
    """The column of a request that does not go with its programme, and why."""
    if "adviser" not in routes(row.programme, row.requested_on, load.settings.limits):
        return "programme", f"{row.programme} is ordered by the court; load its direction"
    if for_both_parents(row.programme, load.settings.limits) == bool(row.party):
        return "party", f"{row.programme} is for " + (
            "both parents; leave party empty" if row.party else "one person; say who"
        )
    if (row.programme == "CPPP") != bool(row.entry):
        needs = f"CPPP needs one of {', '.join(get_args(Entry))}" if not row.entry else "only CPPP has an entry"
        return "entry", needs
    return None


def _of_known_cases(load: Load, connection: Connection, some: Sequence[Line]) -> Iterator[tuple[Line, Any]]:
    """The lines whose case is known and has their party, each with its case."""
    known = known_cases(connection, [line.row.case for line in some])
    references = [row.reference for row in known.values()]
    parties, names = parties_of(connection, references), names_in(connection, references)
    for line in some:
        case = known.get(same_as(line.row.case))
        if case is None:
            load.refuse(line, "case", f"case {line.row.case} is not known; load cases first")
        elif line.row.party and line.row.party not in parties[case.reference]:
            names = ", ".join(parties[case.reference])
            load.refuse(line, "party", f"{line.row.party} is not a party of {case.reference}; its parties: {names}")
        elif not load.is_name(line, [name for name in _OWN if name in line.cells], names[case.reference]):
            yield as_known(load, line, "case", case.reference), case


def _ordered(load: Load, line: Line, case: Any) -> Opening:
    row = line.row
    return Opening(
        reference=f"{row.activity}-{row.direction}", programme=row.activity, route="court", case=row.case,
        party=row.party, area=case.area, requested_on=row.made_on, recorded_by=case.adviser,
        recorded_at=load.recorded_at(row.received_on), direction=row.direction, told_already=row.told_already,
    )  # fmt: skip


def _requested(load: Load, line: Line, case: Any) -> Opening:
    row = line.row
    return Opening(
        reference=f"{row.programme}-{row.request}", programme=row.programme, route="adviser", case=row.case,
        party=row.party, area=case.area, requested_on=row.requested_on, recorded_by=row.requested_by,
        recorded_at=load.now, told_already=row.told_already, entry=row.entry, suggested_by=row.suggested_by,
    )  # fmt: skip


_OWN = ("direction", "order", "request")
"""The references that a line brings with it."""
Asked = tuple[Line, Opening | None, str]
"""A line, the pathway it asks for, and the reference of the one that may be open for it already."""


def _agreeing(load: Load, connection: Connection, asked: list[Asked], day: str) -> list[tuple[Line, Opening | None]]:
    """The lines that agree with the pathway already open for them, if one is: it keeps what it was opened with."""
    known = _pathways(connection, {r for _, o, before in asked for r in (before, o and o.reference) if r})
    good = []
    for line, opening, before in asked:
        column = _disagrees(opening, known.get(before) or known.get(opening.reference if opening else ""), day)
        if column:
            why = f"pathway {before} was opened with something else here; it has to be withdrawn and asked for anew"
            load.refuse(line, column, why)
        elif opening and len(opening.reference) > 40:
            load.refuse(line, next(iter(line.cells)), f"too long: with {opening.programme}- it passes 40 characters")
        else:
            good.append((line, opening))
    return good


def _disagrees(opening: Opening | None, open_now: Any, day: str) -> str | None:
    if open_now is None:
        return None
    if opening is None or opening.programme != open_now.programme:
        return "activity"
    if opening.direction != open_now.direction:
        return "direction" if opening.direction else "request"
    asked = {"case": opening.case, "party": opening.party, day: opening.requested_on}
    stands = {"case": open_now.case, "party": open_now.party, day: open_now.opened_on}
    if not opening.direction:
        asked |= {"entry": opening.entry, "suggested_by": opening.suggested_by}
        stands |= {"suggested_by": "adviser", "entry": None} | open_now.payload
    return next((column for column, value in asked.items() if value != stands[column]), None)


def _open(
    load: Load, connection: Connection, good: list[tuple[Line, Opening | None]],
    keep_lines: Callable[[list[Line]], list[str]],
) -> None:  # fmt: skip
    """Keep lines and open their pathways. A line whose pathway may not open leaves nothing behind."""
    while True:
        openings = [opening for _, opening in good if opening]
        attempt = connection.begin_nested()
        results = keep_lines([line for line, _ in good])
        known = _pathways(connection, [opening.reference for opening in openings])
        refused = open_pathways(connection, openings, load.settings)
        if not refused:
            attempt.commit()
            break
        attempt.rollback()
        for line, opening in good:
            if opening and opening.reference in refused:
                load.refuse(line, "party", refused[opening.reference])
        good = [(line, opening) for line, opening in good if not opening or opening.reference not in refused]
    load.count(results)
    load.report.touched |= {(one.programme, one.reference) for one in openings if one.reference not in known}


def _pathways(connection: Connection, references: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = PathwayRow.__table__.c
    query = select(columns.reference, columns.programme, columns.case, columns.party, columns.direction)
    query = query.add_columns(columns.opened_on, FactRow.payload)
    query = query.join(FactRow, (FactRow.subject == columns.reference) & (FactRow.kind == Requested.kind))
    for some in in_batches(sorted(references)):
        rows = connection.execute(query.where(columns.reference.in_(some)))
        found |= {row.reference: row for row in rows}
    return found


def _stored_activities(connection: Connection, references: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in in_batches(references):
        query = select(Direction.reference, Direction.activity).where(Direction.reference.in_(some))
        found |= dict(connection.execute(query).all())
    return found


def _direction(row: Any) -> dict[str, Any]:
    kept = (
        "order",
        "case",
        "party",
        "activity",
        "made_on",
        "monitoring_requested",
        "in_final_order",
        "assessment_only",
    )
    return {"reference": row.direction, **row.model_dump(include=set(kept))}
