"""Migrations: from empty to the tables of the models, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from models import tables as t
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


def test_what_was_recorded_by_an_earlier_version_is_kept(untouched: Engine):
    migrate(untouched, "0001")
    earlier(untouched)
    migrate(untouched)
    assert differences(untouched) == []
    office = Office.at(untouched)
    assert office.pathway("SPIP-D1").party == "PA"
    fact = office.rows(t.FactRow)[0]
    assert (fact.kind, fact.identity) == ("court_paper_signed", "court_paper_signed|note|2026-01-05")
    with untouched.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql("INSERT INTO closure VALUES ('NOBODY', '2026-01-01', '2026-01-02')")


def earlier(engine: Engine) -> None:
    """A pathway and a signed note, as the first version wrote them."""
    with engine.begin() as connection:
        for table, row in EARLIER:
            columns, values = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
            connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({values})'), row)


OFFICES = (
    "commissioning_officer",
    "commissioning_manager",
    "service_manager",
    "assistant_director",
    "business_support",
)
EARLIER = [
    ("practitioner", {"code": "FCA1", "name": "A", "email": "a@staff.example", "role": "adviser", "telling": "instant"}),
    ("area", {"code": "SA01", "label": "Area"} | dict.fromkeys(OFFICES, "FCA1")),
    ("court", {"code": "CT01", "name": "Court", "area": "SA01"}),
    ("case", {"reference": "C1", "same_as": "C1", "court": "CT01", "adviser": "FCA1", "received_on": date(2026, 1, 1), "sample": False}),
    ("party", {"reference": "PA", "case": "C1", "role": "applicant", "name": "B"}),
    ("limitset", {"id": "L", "content": "{}"}),
    ("pathway", {
        "reference": "SPIP-D1", "programme": "SPIP", "case": "C1", "party": "PA", "area": "SA01", "limits": "L", "state": "requested",
        "label": "Requested", "opened_on": date(2026, 1, 5), "since": date(2026, 1, 5),
    }),
    ("fact", {
        "id": 1, "subject": "SPIP-D1", "kind": "note_signed", "identity": "note_signed|2026-01-05", "happened_on": date(2026, 1, 5),
        "recorded_at": datetime(2026, 1, 5, 12, tzinfo=UTC), "recorded_by": "FCA1", "told_already": False, "payload": '{"signed_by": "FCA1"}',
    }),
]  # fmt: skip
