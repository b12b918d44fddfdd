"""The rejected file: refused rows as they came, each with its problem, to be corrected and loaded again."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from intake.handed_out import as_file
from intake.report import Problem, Report
from intake.sheet import OURS, Sheet, column_name


def rejected_path(path: Path) -> Path:
    """Where the rejected rows of a file go: beside it; those of a rejected file go to itself again."""
    return path.with_name(f"{path.stem.removesuffix('.rejected')}.rejected.csv")


def hand_back(path: Path, sheet: Sheet, report: Report) -> None:
    """Write the refused rows beside the input, or take an old rejected file of the same input away."""
    beside = rejected_path(path)
    try:
        if report.problems:
            _replace(beside, rejected(sheet, report.problems))
            report.rejected_file = beside
        elif _is_ours(beside):
            beside.unlink()
            report.note(f"nothing is refused any more, so {beside.name} was removed")
    except OSError as why:
        report.note(f"{beside} could not be written ({why.strerror}); the refused rows are only in this report")


def rejected(sheet: Sheet, problems: Iterable[Problem]) -> bytes:
    """The refused rows as a file, each with what is wrong with it."""
    of_line: dict[int, list[str]] = {}
    for problem in problems:
        of_line.setdefault(problem.line, []).append(str(problem))
    header, *rows = without_ours(sheet)
    refused = [
        [*cells, "; ".join(of_line[row.line])]
        for row, cells in zip(sheet.rows, rows, strict=True)
        if row.line in of_line
    ]
    return as_file([[*header, "problem"], *refused], sheet.delimiter)


def without_ours(sheet: Sheet) -> list[list[str]]:
    """The header and the rows, without the columns we add to a rejected file."""
    kept = [at for at, name in enumerate(sheet.header) if column_name(name) not in OURS]
    width = len(sheet.header)
    rows = [_cells(row.cells, kept, width) for row in sheet.rows]
    return [[sheet.header[at] for at in kept], *rows]


def _cells(cells: list[str], kept: list[int], width: int) -> list[str]:
    return [cells[at] if at < len(cells) else "" for at in kept] + cells[width:]


def _replace(beside: Path, content: bytes) -> None:
    """All or nothing: the input may be the very file that is written."""
    draft = beside.with_name(f".{beside.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)  # names and addresses are in there
        draft.write_bytes(content)
        draft.replace(beside)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _is_ours(beside: Path) -> bool:
    """Whether a file is one we wrote, perhaps saved again since: its last column is `problem`."""
    if not beside.is_file():
        return False
    with beside.open("rb") as file:
        start = file.readline()
    return start.rstrip(b'\r\n"').endswith(b"problem")
