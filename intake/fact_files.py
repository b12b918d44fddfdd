"""Facts: each row is made into a fact of its kind, and the store judges it."""

from collections.abc import Sequence

from sqlalchemy import select

from intake.cells import details_from_text, same_as
from intake.known import as_known, known_cases
from intake.load import Line, Load
from intake.rows import carriers
from models.forms import BadFact, fact
from models.tables import PathwayRow
from store.database import in_batches, reading
from store.record import Outcome, Reported, record

_COLUMNS = tuple(carriers())


def keep_facts(load: Load, lines: Sequence[Line]) -> None:
    """Record the facts of a file: those of one case together, in the order they happened."""
    reported = [one for line in _spelled(load, lines) if (one := _reported(load, line))]
    load.forward(len(lines) - len(reported))
    done = record(load.engine, reported, load.now, load.settings, progress=load.forward)
    load.report.touched |= done.touched
    for outcome in done.outcomes:
        _count(load, outcome)


def _spelled(load: Load, lines: Sequence[Line]) -> list[Line]:
    """The lines with their case as it is known. The store refuses what is neither a case nor a pathway."""
    given = sorted({line.row.about for line in lines})
    ours: set[str] = set()
    with reading(load.engine) as connection:
        for some in in_batches(given):
            query = select(PathwayRow.reference).where(PathwayRow.reference.in_(some))
            ours |= set(connection.execute(query).scalars())
        known = known_cases(connection, [one for one in given if one not in ours])
    spelled = []
    for line in lines:
        case = None if line.row.about in ours else known.get(same_as(line.row.about))
        spelled.append(as_known(load, line, "about", case.reference) if case else line)
    return spelled


def _reported(load: Load, line: Line) -> Reported | None:
    """The fact a line reports; the line is refused when it is not one of its kind."""
    row = line.row
    details = {column: cell for column in _COLUMNS if (cell := getattr(row, column))}
    common = {name: getattr(row, name) for name in ("happened_on", "recorded_by", "told_already", "supersedes")}
    try:
        details = details_from_text(row.fact, details)
        made = fact(row.fact, details, recorded_at=load.recorded_at(row.recorded_on), **common)
    except BadFact as bad:
        return load.refuse(line, bad.field, bad.why)
    return Reported(row.about, made, tag=line)


def _count(load: Load, outcome: Outcome) -> None:
    line = outcome.reported.tag
    if outcome.result == "refused":
        column = "recorded_on" if outcome.field == "recorded_at" else outcome.field
        load.refuse(line, column, outcome.why)
    else:
        load.count(["added" if outcome.result == "recorded" else "unchanged"])
