"""`pathways backup`, and the strand's own: a copy of a SQLite database, made while everything runs."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli.say import NOT_FOUND, REFUSED, error

File = Annotated[Path, typer.Argument(help="Where the copy goes; nothing is written over.")]


def command(place: Callable[[], tuple[Any, Any]], keys: str, restored: str) -> Callable[..., None]:
    """The command for one of the databases, which `place` names with its settings; its keys, and what comes after."""

    def backup(file: File) -> None:
        """Copy the SQLite database into a file, also while everything runs. For PostgreSQL there is pg_dump."""
        from models.working_days import LONDON
        from settings import sqlite_file
        from store.database import copied
        from store.sent import file_of

        engine, settings = place()
        now = datetime.now(LONDON)
        database = sqlite_file(str(engine.url))
        if database is None:
            _end("This database is PostgreSQL's: back it up with pg_dump, as docs/running.md says.")
        if not database.is_file():
            _end("There is no database there yet.", NOT_FOUND)
        try:
            copied(engine, file)
        except FileExistsError:
            _end(f"{file} is there already; a backup is written over nothing.")
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            _end(f"{file} cannot be written; see that its folder is there, and yours to write in.")
        print(f'{file} holds all there is. If it is ever brought back: {restored} --at "{now:%Y-%m-%d %H:%M}"')
        print(f"Keep {file_of(settings)} with it; and {keys}, apart from it: without, nothing personal can be read.")

    return backup


def _end(sentence: str, code: int = REFUSED) -> NoReturn:
    error(sentence)
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    app.command("backup")(command(_place, "personal_keys of the settings (or personal.keys)", "pathways restored"))


def _place() -> tuple[Any, Any]:
    from settings import settings
    from store.database import database

    return database(settings().database_url), settings()
