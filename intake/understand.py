"""From rows of text to rows that mean something: each wrong cell is a problem, and the other rows go on."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from intake.cells import BLANK
from intake.load import Line, Load
from intake.report import FileRefused, Problem
from intake.sheet import OURS, Row, Sheet


def check_columns(name: str, sheet: Sheet, model: type[BaseModel], *, private: bool = False) -> None:
    """Refuse a file whose header is not that of its kind. Raises FileRefused."""
    given, expected = set(sheet.columns) - OURS, list(model.model_fields)
    unknown = sorted(given - set(expected))
    if not given & set(expected):  # then it may be a row of somebody's data, which is not repeated here
        raise FileRefused(f"{name}: the first line is not the header; it must name the columns: {', '.join(expected)}")
    if unknown:
        if private:
            unknown = [f"number {place + 1}" for column, place in sheet.columns.items() if column in unknown]
        raise FileRefused(
            f"{name}: {_columns(unknown)} not known here; the columns are {', '.join(expected)}. "
            "Check that this is the right kind of file"
        )
    if missing := [n for n, f in model.model_fields.items() if f.is_required() and n not in given]:
        raise FileRefused(f"{name}: {_columns(missing)} missing from the header")


def _columns(names: list[str]) -> str:
    listed = ", ".join(name[:40] for name in names[:10]) + (" ..." if len(names) > 10 else "")
    return f"column {listed} is" if len(names) == 1 else f"columns {listed} are"


def understood(load: Load, kind: Any, sheet: Sheet) -> list[Line]:
    """The rows that can be read; the others are refused."""
    names = [name for name in sheet.columns if name not in OURS]
    lines = []
    for row in sheet.rows:
        cells = {name: sheet.cell(row, name) for name in names}
        problems = list(_too_wide(row, sheet)) or list(_read(kind, row.line, cells, load, lines))
        load.report.problems += problems
    return lines


def _read(kind: Any, number: int, cells: dict[str, str], load: Load, lines: list[Line]) -> Iterator[Problem]:
    try:
        meant = kind.model.model_validate({name: cell for name, cell in cells.items() if cell})
    except ValidationError as wrong:
        yield from (_problem(kind.model, number, cells, error) for error in wrong.errors(include_url=False))
        return
    impossible = list(_impossible(kind, meant, load))
    yield from (Problem(number, column, cells.get(column, ""), why) for column, why in impossible)
    if not impossible:
        lines.append(Line(number, cells, meant))


def _too_wide(row: Row, sheet: Sheet) -> Iterator[Problem]:
    width = len(sheet.header)
    if any(cell.strip(BLANK) for cell in row.cells[width:]):
        why = f"it has more cells than the header has columns ({width}); a cell that holds a delimiter needs quotes"
        yield Problem(row.line, "row", "", why)


def _impossible(kind: Any, meant: BaseModel, load: Load) -> Iterator[tuple[str, str]]:
    """Dates that cannot be: still to come, or before what they follow."""
    for column in kind.past:
        if (day := getattr(meant, column)) and day > load.today:
            yield column, f"{day:%d/%m/%Y} is still to come"
    for first, then in kind.ordered:
        before, after = getattr(meant, first), getattr(meant, then)
        if before and after and after < before:
            yield then, f"it cannot be before {first}, {before:%d/%m/%Y}"


def _problem(model: type[BaseModel], number: int, cells: dict[str, str], error: Any) -> Problem:
    column = str(error["loc"][0]) if error["loc"] else "row"
    return Problem(number, column, cells.get(column, ""), expected(error, model.model_fields.get(column)))


def expected(error: Any, field: Any = None) -> str:
    """What a cell should have said, from pydantic's error, in a sentence."""
    context = error.get("ctx", {})
    example = f", for example {field.examples[0]}" if field is not None and field.examples else ""
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] == "missing":
        return f"it must be filled in{example}"
    if error["type"] == "literal_error":
        return f"write one of {context['expected']}"
    for bound, says in (("ge", "at least"), ("le", "at most")):
        if bound in context:
            return f"it must be {says} {context[bound]:g}"
    return f"it is not of the form expected{example}"
