"""Pathways advanced per second, in batches, beside the bare reads and writes of the same rows by SQLAlchemy Core.

Three sweeps over the same pathways: the first (every pathway has duties to open and notices to write), one that moves
each pathway on (the session is over, a report becomes due), and one that changes nothing. CPU seconds, one process.

    python -m benchmarks.advance [--pathways 5000] [--rounds 3]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sqlalchemy import Engine, bindparam, select, update

from benchmarks.caseload import at, fill
from flows.spip import spip
from models import tables as t
from settings import Settings
from store.advance import advance
from store.database import database, writing
from store.migrate import migrate

SETTINGS = Settings(profile="composite")
pathways, facts, duties, notices = (x.__table__ for x in (t.PathwayRow, t.FactRow, t.DutyRow, t.NoticeRow))


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def touch(engine: Engine, day: date) -> None:
    with writing(engine) as c:
        c.execute(update(pathways).values(look_on=day))


def ours(engine: Engine, count: int) -> dict[str, float]:
    """CPU seconds of each sweep through the real store and the real pathway function."""
    fill(engine, count)
    sweeps = {}
    for name, day in (("first", date(2026, 1, 9)), ("moved on", date(2026, 1, 20)), ("nothing new", date(2026, 1, 20))):
        touch(engine, day)
        sweeps[name] = cpu(lambda day=day: advance(engine, "SPIP", spip, at(day), SETTINGS))
    return sweeps


def floor(engine: Engine, filled: Engine) -> float:
    """CPU seconds to read and write by Core what the first sweep reads and writes, and decide nothing."""
    with filled.connect() as c:
        rows = {table: [dict(r) for r in c.execute(select(table)).mappings()] for table in (pathways, duties, notices)}
    for table in (duties, notices):
        for row in rows[table]:
            del row["id"]
    by_pathway = {table: _grouped(rows[table]) for table in (duties, notices)}

    def work() -> None:
        for start in range(0, len(rows[pathways]), SETTINGS.batch):
            some = rows[pathways][start : start + SETTINGS.batch]
            names = [row["reference"] for row in some]
            with writing(engine) as c:
                c.execute(select(pathways).where(pathways.c.reference.in_(names))).all()
                c.execute(select(facts).where(facts.c.subject.in_(names + [row["case"] for row in some]))).all()
                for table in (duties, notices):
                    c.execute(select(table).where(table.c.pathway.in_(names))).all()
                    c.execute(table.insert(), [row for name in names for row in by_pathway[table][name]])
                values = {k: bindparam(f"to_{k}") for k in ("state", "label", "since", "due_on", "look_on", "provider")}
                query = update(pathways).where(pathways.c.reference == bindparam("ref")).values(values)
                c.execute(query, [{"ref": row["reference"]} | {f"to_{k}": row[k] for k in values} for row in some])

    return cpu(work)


def _grouped(rows: list[dict]) -> dict[str, list[dict]]:
    grouped: dict[str, list[dict]] = {}
    for row in rows:
        grouped.setdefault(row["pathway"], []).append(row)
    return grouped


def run(count: int = 5000, rounds: int = 3) -> dict[str, float]:
    """Medians of milliseconds of CPU a pathway, and the ratio of the floor to our first sweep."""
    measured: dict[str, list[float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            mine, bare = (_fresh(Path(folder) / f"{name}.db") for name in ("ours", "floor"))
            for name, seconds in ours(mine, count).items():
                measured.setdefault(name, []).append(seconds)
            fill(bare, count)
            measured.setdefault("Core, first", []).append(floor(bare, mine))
    return {name: statistics.median(seconds) * 1000 / count for name, seconds in measured.items()}


def _fresh(path: Path) -> Engine:
    engine = database(f"sqlite:///{path}")
    migrate(engine)
    return engine


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pathways", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = run(given.pathways, given.rounds)
    for name, ms in found.items():
        print(f"{name:14} {ms:6.3f} ms of CPU a pathway   {1000 / ms:8.0f} pathways/s")
    print(f"Core / first   {found['Core, first'] / found['first']:6.2f}")


if __name__ == "__main__":
    main()
