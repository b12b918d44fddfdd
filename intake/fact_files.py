"""Facts: each row is made into a fact of its kind, and the store judges it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from intake.cells import details_from_text, same_as
from intake.known import as_known, known_cases
from intake.load import Line, Load
from intake.rows import carriers
from models.forms import BadFact, fact
from models.tables import PathwayRow
from store.database import in_batches, reading
from store.record import Outcome, Reported, record

SUBJECTS_A_CALL = 400
"""Fewer than the store takes in one transaction, so that a case and its pathways are judged together."""
_COLUMNS = tuple(carriers())


def keep_facts(load: Load, lines: Sequence[Line]) -> None:
    """Record the facts of a file: those of one case together, in the order they happened."""
    case_of, lines = _subjects(load, lines)
    reported = [one for line in lines if (one := _reported(load, line))]
    load.forward(len(lines) - len(reported))
    for some in _by_case(reported, case_of):
        _record(load, some)
        load.forward(len(some))


def _subjects(load: Load, lines: Sequence[Line]) -> tuple[dict[str, str], list[Line]]:
    """The case of every subject, and the lines with their case as it is known. The store refuses what is neither."""
    case_of, given = {}, sorted({line.row.about for line in lines})
    with reading(load.engine) as connection:
        for some in in_batches(given):
            query = select(PathwayRow.reference, PathwayRow.case).where(PathwayRow.reference.in_(some))
            case_of |= dict(connection.execute(query).tuples().all())
        known = known_cases(connection, [one for one in given if one not in case_of])
    spelled = []
    for line in lines:
        case = None if line.row.about in case_of else known.get(same_as(line.row.about))
        spelled.append(as_known(load, line, "about", case.reference) if case else line)
    return case_of, spelled


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


def _by_case(reported: list[Reported], case_of: dict[str, str]) -> Iterator[list[Reported]]:
    """Batches in which a case and all its pathways stay together."""
    by_case: dict[str, list[Reported]] = {}
    for one in reported:
        by_case.setdefault(case_of.get(one.subject, one.subject), []).append(one)
    batch: list[Reported] = []
    subjects: set[str] = set()
    for some in by_case.values():
        of_case = {one.subject for one in some}
        if batch and len(subjects) + len(of_case) > SUBJECTS_A_CALL:
            yield batch
            batch, subjects = [], set()
        batch, subjects = batch + some, subjects | of_case
    if batch:
        yield batch


def _record(load: Load, some: list[Reported]) -> None:
    done = record(load.engine, some, load.now, load.settings)
    load.report.touched |= done.touched
    final = [outcome for outcome in done.outcomes if outcome.result != "refused"]
    refused = [outcome for outcome in done.outcomes if outcome.result == "refused"]
    # What passes the gate may stand below the referral of the same day; then that is tried once more.
    held = {outcome.reported.subject for outcome in refused if outcome.rule == "SR-01"}
    again = [outcome.reported for outcome in refused if outcome.reported.subject in held]
    final += [outcome for outcome in refused if outcome.reported.subject not in held]
    if again:
        more = record(load.engine, again, load.now, load.settings)
        load.report.touched |= more.touched
        final += more.outcomes
    for outcome in final:
        _count(load, outcome)


def _count(load: Load, outcome: Outcome) -> None:
    line = outcome.reported.tag
    if outcome.result == "refused":
        column = "recorded_on" if outcome.field == "recorded_at" else outcome.field
        load.refuse(line, column, outcome.why)
    else:
        load.count(["added" if outcome.result == "recorded" else "unchanged"])
