"""Bringing a database up to date: from empty, or from any earlier version."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlmodel import SQLModel

from store.database import writing

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Bring the database to the tables of this version. Does nothing when it is there already."""
    if engine.url.database and engine.dialect.name == "sqlite":
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with writing(engine) as connection:
        command.upgrade(_config(connection), "head")


def differences(engine: Engine) -> list[object]:
    """What the database has other than the models say; nothing, when it is up to date."""
    import models.tables  # noqa: F401

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, SQLModel.metadata)


def write_revision(engine: Engine, message: str) -> None:
    """For developers: draft a migration from the difference between the models and this database."""
    with writing(engine) as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id="0001")
