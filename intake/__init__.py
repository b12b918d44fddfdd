"""Files in: spreadsheets read row by row, good rows kept, bad rows handed back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from intake.kinds import BY_NAME, KINDS, Kind, columns_table, template
from intake.load import Load
from intake.rejected import hand_back
from intake.report import FileRefused, Problem, Report
from intake.sheet import read
from intake.understand import check_columns, understood
from settings import Settings

__all__ = ["KINDS", "FileRefused", "Problem", "Report", "columns_table", "load", "template"]


def load(
    engine: Engine, kind: str, path: Path | str, now: datetime, settings: Settings,
    progress: Callable[[int, int], None] = lambda done, total: None, kinds: Mapping[str, Kind] = BY_NAME,
) -> Report:  # fmt: skip
    """Take in one file: its good rows are kept and its bad ones written beside it, each with what is wrong.

    Loading a file again changes nothing. Raises FileRefused, and keeps nothing, when the file as a whole is no good.
    """
    if kind not in kinds:
        raise FileRefused(f"there is no kind of file called {kind}; the kinds are {', '.join(kinds)}")
    path = Path(path)
    sheet = read(path)
    check_columns(path.name, sheet, kinds[kind].model, private=kinds[kind].private)
    if not sheet.rows:
        raise FileRefused(f"{path.name}: there is a header, and no row below it")
    one = Load(engine, now, settings, progress, total=len(sheet.rows))
    lines = understood(one, kinds[kind], sheet)
    one.forward(len(sheet.rows) - len(lines))
    kinds[kind].keep(one, lines)
    one.report.notes += sheet.notes
    one.report.problems.sort(key=lambda problem: problem.line)
    hand_back(path, sheet, one.report)
    return one.report
