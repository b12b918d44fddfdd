"""Fresh databases: brought up to date once, and copied whenever one is needed."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from settings import sqlite_file
from store.database import database
from store.migrate import migrate


@cache
def file_with_tables(restricted: bool) -> bytes:
    """SQLite's file as `migrate` leaves it, before anybody's keys are known there."""
    with TemporaryDirectory(prefix="case-pathways-") as folder:
        engine = database(f"sqlite:///{folder}/made.db", restricted=restricted)
        migrate(engine, restricted=restricted)
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            raw.execute("DELETE FROM personal_key")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return Path(folder, "made.db").read_bytes()


def put_tables(file: Path, *, restricted: bool = False) -> None:
    """A SQLite file that is as `migrate` leaves a new one."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_bytes(file_with_tables(restricted))


def with_tables(engine: Engine, *, restricted: bool = False) -> Engine:
    """An engine on a SQLite file, which is there from now on."""
    file = sqlite_file(str(engine.url))
    assert file and not file.exists(), "a new file"
    put_tables(file, restricted=restricted)
    return engine
