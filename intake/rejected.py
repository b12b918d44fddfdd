"""The rejected file: refused rows as they came, each with its problem, to be corrected and loaded again."""

import csv
import io
import os
from contextlib import suppress
from pathlib import Path

from intake.report import Problem, Report
from intake.sheet import OURS, Sheet, column_name

_MARK = b"\xef\xbb\xbf"


def rejected_path(path: Path) -> Path:
    """Where the rejected rows of a file go: beside it; those of a rejected file go to itself again."""
    return path.with_name(f"{path.stem.removesuffix('.rejected')}.rejected.csv")


def hand_back(path: Path, sheet: Sheet, report: Report) -> None:
    """Write the refused rows beside the input, or take an old rejected file of the same input away."""
    beside = rejected_path(path)
    try:
        if report.problems:
            _write(beside, sheet, report.problems)
            report.rejected_file = beside
        elif _is_ours(beside):
            beside.unlink()
            report.note(f"nothing is refused any more, so {beside.name} was removed")
    except OSError as why:
        report.note(f"{beside} could not be written ({why.strerror}); the refused rows are only in this report")


def _write(beside: Path, sheet: Sheet, problems: list[Problem]) -> None:
    of_line: dict[int, list[str]] = {}
    for problem in problems:
        of_line.setdefault(problem.line, []).append(str(problem))
    kept = [at for at, name in enumerate(sheet.header) if column_name(name) not in OURS]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=sheet.delimiter)
    writer.writerow([sheet.header[at] for at in kept] + ["problem"])
    for row in sheet.rows:
        if row.line in of_line:
            writer.writerow([*_cells(row.cells, kept, len(sheet.header)), "; ".join(of_line[row.line])])
    _replace(beside, _MARK + out.getvalue().encode("utf-8", "replace"))


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
