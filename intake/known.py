"""Cases as they are known, however their references are spelled."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from intake.cells import same_as
from intake.load import Line, Load
from models.tables import Case, Court, Party
from store.database import in_batches


def known_cases(connection: Connection, given: Iterable[str]) -> dict[str, Any]:
    """The known cases among some references, by their reference without all but letters and digits."""
    found = {}
    for some in in_batches(sorted({same_as(one) for one in given})):
        query = select(Case.reference, Case.same_as, Case.adviser, Case.sample, Court.area)
        query = query.join(Court, Court.code == Case.court).where(Case.same_as.in_(some))
        found |= {row.same_as: row for row in connection.execute(query)}
    return found


def parties_of(connection: Connection, cases: Sequence[str]) -> dict[str, dict[str, str]]:
    """The parties of cases: by case, each reference with its role."""
    found: dict[str, dict[str, str]] = {case: {} for case in cases}
    for some in in_batches(sorted(set(cases))):
        query = select(Party.case, Party.reference, Party.role).where(Party.case.in_(some)).order_by(Party.role)
        for case, reference, role in connection.execute(query):
            found[case][reference] = role
    return found


def names_in(connection: Connection, cases: Sequence[str]) -> dict[str, list[str]]:
    """What the parties of cases are called, by case."""
    found: dict[str, list[str]] = {case: [] for case in cases}
    for some in in_batches(sorted(set(cases))):
        for case, name in connection.execute(select(Party.case, Party.name).where(Party.case.in_(some))):
            found[case].append(name)
    return found


def as_known(load: Load, line: Line, column: str, reference: str) -> Line:
    """A line with its case as we know it; a note says so when it was spelled otherwise."""
    given = line.cells[column].upper()
    if given == reference:
        return line
    load.report.note(f"line {line.number}: {given} is a case we know; loaded as {reference}")
    return line.saying(**{column: reference})
