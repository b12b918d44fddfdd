"""Bringing a database up to date: from empty, or from any earlier version."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData
from sqlmodel import SQLModel

import models.tables  # noqa: F401 - the tables register themselves
from models.restricted import Restricted
from store.database import WRITES, is_sqlite, wiped, writing

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def tables_of(*, restricted: bool) -> list[MetaData]:
    """The tables a database has; the restricted one has more."""
    return [SQLModel.metadata, Restricted.metadata] if restricted else [SQLModel.metadata]


def _config(connection: object, restricted: bool = False) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes |= {"connection": connection, "restricted": restricted}
    return config


def migrate(engine: Engine, version: str = "head", *, restricted: bool = False) -> None:
    """Bring the database to the tables of this version, or of an earlier one. Does nothing when it is there already."""
    if engine.url.database and engine.dialect.name == "sqlite":
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        # SQLite changes a column by making the table anew, which its foreign keys would forbid.
        _foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                command.upgrade(_config(connection, restricted), version)
        finally:
            _foreign_keys(connection, "ON")
    wiped(engine)  # what a version before wrote in the clear is not left in SQLite's log either


def _foreign_keys(connection: Connection, state: str) -> None:
    """Switch them on or off, on SQLite; outside a transaction, for inside one it has no effect."""
    if is_sqlite(connection):
        connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={state}")


def differences(engine: Engine, *, restricted: bool = False) -> list[object]:
    """What the database has other than the models say; nothing, when it is up to date."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, tables_of(restricted=restricted))


def write_revision(engine: Engine, number: str, message: str) -> None:
    """For developers: draft a migration from the difference between the models and this database, as 0002 or so."""
    with writing(engine) as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=number)
