"""Where a simulation lives: in a home and a database of its own, away from whatever the settings say."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, OperationalError

from settings import Settings, _place, settings
from store import simulated
from store.database import database
from store.keys import make
from store.migrate import migrate


class NotSimulated(Exception):
    """There is no place for a simulation. Says why in a sentence."""


@contextmanager
def home_of_its_own(keep: Path | None = None, url: str | None = None) -> Iterator[tuple[Engine, Settings]]:
    """A database for one simulation, and its settings; while it lasts, they are all the settings there are.

    Of the settings in force only the limits are taken along. Without `keep` all is gone at the end, but what is in
    another database. Raises NotSimulated.
    """
    with _folder(keep) as home:
        address = url or f"sqlite:///{home / 'pathways.db'}"
        if _where(address) in {_where(settings().database_url), _where(settings().restricted_database)}:
            raise NotSimulated("That is the database of your settings; a simulation needs another, and an empty one.")
        with _settings_of(home, address, settings().limits):
            make(home / "personal.keys")
            engine = _prepared(address)
            try:
                yield engine, settings()
            finally:
                engine.dispose()
                database.cache_clear()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="pathways-simulated-") as folder:
            yield Path(folder)
        return
    folder = keep.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotSimulated(f"{folder} is there already, and not empty; name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as why:
        raise NotSimulated(f"{folder} cannot be made: {why.strerror}.") from None
    try:
        yield folder
    except NotSimulated:
        shutil.rmtree(folder)
        raise


@contextmanager
def _settings_of(home: Path, url: str, limits: Path) -> Iterator[None]:
    """Have `settings()` say what holds for the simulation, and nothing of what it said before."""
    before = dict(os.environ)
    own = {
        "PATHWAYS_HOME": str(home),
        "PATHWAYS_LIMITS": str(limits),
        "PATHWAYS_PERSONAL_KEYS": "[]",
        "PREFECT_HOME": before.get("PREFECT_HOME", str(home / "prefect")),
    }
    (home / "pathways.toml").write_text(_SETTINGS.format(url=url), encoding="utf-8")
    (home / "pathways.toml").chmod(0o600)
    for name in [name for name in before if name.startswith("PATHWAYS_") and name != "PATHWAYS_DEBUG"]:
        del os.environ[name]
    os.environ.update(own)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


_SETTINGS = """# A simulated year: nobody in it exists, and no mail of it goes anywhere.
database = '{url}'
restricted_database = "none"
profile = "composite"
link = "https://simulated.example/{{reference}}"

[channels.mail]
url = "json://127.0.0.1:9"

[sending]
batch = 500
"""


def _prepared(url: str) -> Engine:
    """The database with its tables, and nobody in it."""
    try:
        if not simulated.untouched(url):
            raise NotSimulated("There are tables in that database already; a simulation needs an empty one.")
        migrate(engine := database(url))
    except (ArgumentError, ModuleNotFoundError):
        raise NotSimulated("That is no address of a database, such as postgresql://user@host/name.") from None
    except OperationalError:
        raise NotSimulated("The database cannot be reached. Make it first; the simulation makes its tables.") from None
    return engine


def _where(url: str) -> tuple[str, ...]:
    try:
        return _place(url) if url and url != "none" else ()
    except ArgumentError:
        raise NotSimulated("That is no address of a database, such as postgresql://user@host/name.") from None
