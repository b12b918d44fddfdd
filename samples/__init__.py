"""The fictional sample caseload: written as files, relative to the day it is loaded, and loaded as anybody's files are."""

import csv
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

import intake
from intake.kinds import BY_NAME, Kind
from models.tables import Area, Case, Court, Practitioner, Provider
from models.working_days import london_date
from samples.caseload import caseload
from samples.places import directory
from samples.sample import Files
from settings import Settings
from store import ask
from store.database import reading, writing


class SamplesRefused(Exception):
    """The samples are not loaded where there are real people, places or cases."""


@dataclass(frozen=True)
class Loaded:
    new: bool
    said: str


def load_samples(engine: Engine, now: datetime, settings: Settings) -> Loaded:
    """Load the samples, once. Raises SamplesRefused where there is anything real, which they would be written over."""
    with reading(engine) as connection:
        if ask.has_real_cases(connection):
            raise SamplesRefused("There are real cases in this database, so the samples were not loaded.")
        if ask.has_samples(connection):
            return Loaded(False, "The sample caseload is there already; it was left as it is.")
        if kind := _real_directory(connection, london_date(now)):
            raise SamplesRefused(f"There are real {kind} in this database, so the samples were not loaded.")
    files = caseload(london_date(now))
    load_files(engine, files, now, settings)
    with writing(engine) as connection:
        connection.execute(update(Case).values(sample=True))
    return Loaded(
        True, f"{len(files['directions']) + len(files['requests'])} sample pathways loaded, all of them fictional."
    )


_DIRECTORY = {
    "practitioners": (("code", "email"), select(Practitioner.code, Practitioner.email)),
    "areas": (("code", "label"), select(Area.code, Area.label)),
    "courts": (("code", "name"), select(Court.code, Court.name)),
    "providers": (("provider", "mailbox"), select(Provider.code, Provider.mailbox)),
}
"""By what a person or a place is known for one of the samples, in its file and in its table: it bears no mark of one."""


def _real_directory(connection: Connection, today: date) -> str | None:
    """The first kind of people or places here of which some are not the samples'; None where there are none."""
    ours = directory(today)
    for kind, (columns, query) in _DIRECTORY.items():
        theirs = {tuple(row[name] for name in columns) for row in ours[kind]}
        if not theirs.issuperset(map(tuple, connection.execute(query))):
            return kind
    return None


def load_files(
    engine: Engine, files: Files, now: datetime, settings: Settings, kinds: Mapping[str, Kind] = BY_NAME
) -> None:
    """Write files and load them, in the order of their kinds. No row of a sample may be refused."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in (name for name in kinds if name in files):
            path = Path(folder) / f"{kind}.csv"
            write(path, files[kind])
            for bad in intake.load(engine, kind, path, now, settings, kinds=kinds).problems:
                raise RuntimeError(f"samples: {kind}, line {bad.line}, {bad.column} {bad.value}: {bad.expected}")


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a CSV file whose columns are all that any row has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
