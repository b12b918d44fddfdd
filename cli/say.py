"""How answers look: a table on a terminal, plain lines in a pipe, JSON for machines; errors as sentences."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

OK, REFUSED, USAGE, NOT_FOUND, FORBIDDEN = range(5)


def table(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str = "", empty: str = "Nothing.") -> None:
    """Print rows: JSON if asked for, tab-separated lines when piped, otherwise a table."""
    if as_json:
        print(json.dumps(rows, default=_as_json, indent=2))
    elif not sys.stdout.isatty():
        for row in [dict(zip(rows[0], rows[0], strict=True)), *rows] if rows else []:
            print("\t".join(_cell(value) for value in row.values()))
    elif not rows:
        print(empty)
    else:
        _rich(rows, title)


def _rich(rows: Sequence[dict[str, Any]], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in rows[0]:
        drawn.add_column(column)
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row.values()), style="red" if row.get("late") else None)
    Console().print(drawn)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        from models.working_days import LONDON

        return f"{value.astimezone(LONDON):%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return "" if value is None else str(value)


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value)


def error(sentence: str) -> None:
    """Say what is wrong, on standard error."""
    print(sentence, file=sys.stderr)


def complain(problem: Exception) -> int:
    """Put an error into a sentence and say with which code to end. PATHWAYS_DEBUG=1 shows where it came from."""
    if os.environ.get("PATHWAYS_DEBUG"):
        raise problem
    kind = type(problem).__name__
    if kind in {
        "CannotStart",
        "FileRefused",
        "LimitsError",
        "NoKeys",
        "SamplesRefused",
        "ChannelError",
        "RestrictedOff",
        "WrongDatabase",
    }:
        error(str(problem))
    elif kind == "ValidationError":
        for line in problem.errors(include_url=False, include_input=False):  # type: ignore[attr-defined]
            error(f"Settings: {'.'.join(map(str, line['loc']))}: {line['msg']}")
    elif kind == "OperationalError" and "no such table" in str(problem):
        error("The database is empty. Run `pathways migrate`, or `make run`, first.")
    elif kind in {"OperationalError", "ProgrammingError"}:
        error("The database cannot be used: it is missing, locked, full or not up to date. Try `pathways migrate`.")
    else:
        error(f"Something went wrong that should not have ({kind}). Run it again with PATHWAYS_DEBUG=1 to see where.")
    return REFUSED
