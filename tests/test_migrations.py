"""Migrations: from empty to the tables of the models, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

from store.database import database
from store.migrate import differences, migrate
from tests.world import Office


@pytest.fixture(params=["sqlite", "postgresql"])
def untouched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it; SQLite's does not even have its folder."""
    database.cache_clear()
    if request.param == "sqlite":
        yield database(f"sqlite:///{tmp_path / 'not' / 'yet' / 'pathways.db'}")
        return
    postgres = request.getfixturevalue("postgres")
    made = database(postgres.create("untouched"))
    yield made
    made.dispose()
    postgres.drop("untouched")


def test_a_new_database_is_brought_to_the_tables_of_the_models(untouched: Engine):
    migrate(untouched)
    assert differences(untouched) == []
    assert set(SQLModel.metadata.tables) <= set(inspect(untouched).get_table_names())


def test_a_table_that_lacks_a_column_is_noticed(engine: Engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE message DROP COLUMN error")
    assert [change[0] for change in differences(engine)] == ["add_column"]


def test_the_partial_indexes_are_the_ones_the_models_say(untouched: Engine):
    """Alembic does not compare what an index is restricted to."""
    migrate(untouched)
    wanted = {
        index.name: bool(index.dialect_kwargs.get(f"{untouched.dialect.name}_where") is not None)
        for table in SQLModel.metadata.tables.values()
        for index in table.indexes
    }
    found = {
        index["name"]: bool(index.get("dialect_options", {}).get(f"{untouched.dialect.name}_where") is not None)
        for table in SQLModel.metadata.tables
        for index in inspect(untouched).get_indexes(table)
    }
    assert {name: found.get(name) for name in wanted} == wanted


def test_migrating_twice_is_harmless_and_keeps_what_is_there(engine: Engine):
    office = Office(engine).case()
    office.opens()
    migrate(engine)
    assert office.pathway().reference == "SPIP-D1"
    assert differences(engine) == []
