"""The fictional sample caseload: written as files, relative to the day it is loaded, and loaded as anybody's files are."""

import csv
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, update

import intake
from intake.kinds import BY_NAME, Kind
from models.tables import Case
from models.working_days import london_date
from samples.caseload import caseload
from samples.sample import Files
from settings import Settings
from store import ask
from store.database import reading, writing


class SamplesRefused(Exception):
    """The samples are not loaded where there are real cases: {where}"""


@dataclass(frozen=True)
class Loaded:
    new: bool
    said: str


def load_samples(engine: Engine, now: datetime, settings: Settings) -> Loaded:
    """Load the samples into a database without cases. Raises SamplesRefused where there are real ones."""
    with reading(engine) as connection:
        if ask.has_real_cases(connection):
            raise SamplesRefused("There are real cases in this database, so the samples were not loaded.")
        if ask.has_samples(connection):
            return Loaded(False, "The sample caseload is there already; it was left as it is.")
    files = caseload(london_date(now))
    load_files(engine, files, now, settings)
    with writing(engine) as connection:
        connection.execute(update(Case).values(sample=True))
    return Loaded(
        True, f"{len(files['directions']) + len(files['requests'])} sample pathways loaded, all of them fictional."
    )


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
