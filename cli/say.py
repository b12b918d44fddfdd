"""How answers look: a table on a terminal, plain lines in a pipe, JSON for machines; errors as sentences."""

import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

OK, REFUSED, USAGE, NOT_FOUND, FORBIDDEN = range(5)


def table(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str = "", empty: str = "Nothing.") -> None:
    """Print rows: JSON if asked for, tab-separated lines when piped, otherwise a table."""
    if as_json:
        print(json.dumps(rows, default=as_text, indent=2))
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


def as_text(value: Any) -> str:
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
        "BadSettings",
        "CannotSeal",
        "CannotStart",
        "FileRefused",
        "LimitsError",
        "NoKeys",
        "NotRestored",
        "NotWrittenDown",
        "SamplesRefused",
        "ChannelError",
        "RestrictedOff",
        "WrongDatabase",
        "WrongKey",
    }:
        error(str(problem))
    elif kind == "ValidationError":
        for line in problem.errors(include_url=False, include_input=False):  # type: ignore[attr-defined]
            error(_of_setting(line))
    elif kind == "SettingsError":
        error(f"Settings: {problem}; write it as JSON.")
    elif hasattr(problem, "orig"):
        error(_of_database(problem.orig))
    elif kind == "Outrun":
        error(f"Somebody else advanced some of these pathways at the same moment. {_AGAIN}")
    elif isinstance(problem, OSError) and problem.filename:
        error(f"{problem.filename}: {problem.strerror}. {_of_home(str(problem.filename))}".strip())
    else:
        error(f"Something went wrong that should not have ({kind}). Run it again with PATHWAYS_DEBUG=1 to see where.")
    return REFUSED


_AGAIN = "Nothing of what was under way is kept, and the same command again is safe."
_DATABASE = {
    "no such table|UndefinedTable": "The database is empty. Run `pathways migrate`, or `make run`, first.",
    "unable to open": "There is no database in {home}, the folder that PATHWAYS_HOME names. Try `pathways migrate`, or "
    "`make run`.",
    "is locked|LockNotAvailable|DeadlockDetected": f"The database is busy: somebody else writes to it. {_AGAIN}",
    "is full|DiskFull": f"The disk of the database is full; make room. {_AGAIN}",
    "connection|AdminShutdown|CannotConnectNow": f"The database cannot be reached; see that it runs. {_AGAIN}",
    "malformed|not a database|DataCorrupted": "The database is damaged. Stop everything, and bring a backup back.",
}
"""What is wrong with the database, by the kind of its error or words in it."""


def _of_database(problem: object) -> str:
    from settings import settings

    said = f"{type(problem).__name__} {problem}"
    other = "The database cannot be used; it may not be up to date. Try `pathways migrate`."
    found = next((sentence for words, sentence in _DATABASE.items() if re.search(words, said)), other)
    return found.replace("{home}", str(settings().home))


def _of_home(file: str) -> str:
    from settings import settings

    home = settings().home
    ours = home.is_relative_to(file) or file.startswith(str(home))
    return "All is kept in the folder that PATHWAYS_HOME names; it must be one you may write to." if ours else ""


def _of_setting(wrong: Any) -> str:
    named = ".".join(map(str, wrong["loc"]))
    why = "there is no such setting" if wrong["type"] == "extra_forbidden" else wrong["msg"]
    return f"Settings: {named}: {why.removeprefix('Value error, ')}" if named else f"Settings: {why}"
