"""What a round and a chase cost beside the number of open pathways: the same thousand are due, and more and more are not.

The rows are those of a pathway that the real code has advanced, copied: most wait for a session to come, a thousand
wait for one that is over, and a thousand owe a report that is late. The floor reads and writes, by SQLAlchemy Core and
by their keys, the rows that the sweep wrote, and decides nothing. It is measured first, beside the sweep, where nothing
else is open: medians of interleaved rounds.

    python -m benchmarks.scale [--open 1000 10000 100000] [--due 1000] [--rounds 7] [--database sqlite postgresql]
"""

import argparse
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Engine, select

from benchmarks.caseload import at, fill_cases
from benchmarks.measure import Cost, measured, postgres
from benchmarks.work import (
    BATCH,
    SETTINGS,
    Delta,
    Ours,
    by_core,
    delta,
    duties,
    facts,
    notices,
    on_postgres,
    on_sqlite,
    pathways,
    plain,
    rows_of,
)
from flows.spip import spip
from models import tables as t
from settings import HERE
from store.advance import advance
from store.chase import chase
from store.database import in_batches, writing

TODAY = date(2026, 3, 2)
TABLES = [x.__table__ for x in (t.Case, t.Party, t.PathwayRow, t.FactRow, t.DutyRow, t.NoticeRow)]
Rows = dict[str, list[dict[str, Any]]]


# Rows to copy ---------------------------------------------------------------------------------------------------------


def templates() -> dict[str, Rows]:
    """The rows of one pathway that waits, of one to advance today, and of one whose report is late."""
    return {
        "waiting": _lived(2, look_on=date(2026, 6, 1), chase_on=date(2026, 6, 1)),
        "due": _lived(2, look_on=TODAY, chase_on=date(2026, 6, 1)),
        "late": _lived(3, look_on=date(2026, 6, 1), chase_on=date(2026, 6, 1)),
    }


def _lived(steps: int, look_on: date, chase_on: date) -> Rows:
    with on_sqlite() as engine:
        fill_cases(engine, 1)
        for step, _ in zip(Ours(engine, 1).steps(), range(steps), strict=False):
            step()
        with engine.connect() as connection:
            rows = {table.name: [dict(r) for r in connection.execute(select(table)).mappings()] for table in TABLES}
    rows["pathway"][0]["look_on"] = look_on
    for row in rows["duty"]:
        late = row["kind"] == "attendance_report"
        row["chase_on"] = row["chase_on"] and (TODAY if late else chase_on)
    for row in rows["notice"]:
        row["withheld"] = row["withheld"] or "said"  # nothing of it waits to be sent
    return rows


EACH = 8
"""More facts than a pathway here has: their numbers go up in such steps."""


def fill(engine: Engine, waiting: int, due: int) -> None:
    """So many pathways of each kind, written as fast as the database takes them."""
    fill_cases(engine, 0)
    made, first = templates(), 0
    for name, count in {"due": due, "late": due, "waiting": waiting}.items():
        for start in range(first, first + count, 20_000):
            numbers = range(start, min(start + 20_000, first + count))
            with writing(engine) as connection:
                for table in TABLES:
                    _copy(connection, table.name, made[name][table.name], numbers)
        first += count
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT setval('fact_id_seq', (SELECT max(id) FROM fact))")
        connection.exec_driver_sql("ANALYZE")


def _copy(connection: Connection, table: str, rows: list[dict[str, Any]], numbers: range) -> None:
    """Each row again for each number: other references, other numbers of facts, and other keys that hold them."""
    names = [name for name in rows[0] if name != "id" or table == "fact"]
    made = [[_column(name, plain(row[name])) for name in names] for row in rows]
    values = ([column(n) for column in row] for n in numbers for row in made)
    quoted = ", ".join(f'"{name}"' for name in names)
    cursor = connection.connection.driver_connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(names))})', values)
        return
    with cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN') as copy:
        for row in values:
            copy.write_row(row)


def _column(name: str, value: Any) -> Callable[[int], Any]:
    if name == "id":
        return lambda n: n * EACH + value
    if name in ("key", "occasion"):
        before, place, after = re.fullmatch(r"(\D*)(\d+)(.*)", value).groups()
        return lambda n: f"{before}{n * EACH + int(place)}{after}"
    if isinstance(value, str) and "0000000" in value:
        before, _, after = value.partition("0000000")
        return lambda n: f"{before}{n:07}{after}"
    return lambda n: value


# Measured -------------------------------------------------------------------------------------------------------------


def sweeps(engine: Engine, pids: tuple[int, ...]) -> dict[str, Cost]:
    """The cost of a round with nothing to do, of a thousand pathways to advance, and of a thousand reports to chase."""
    idle = date(2026, 2, 20)
    works: dict[str, Callable[[], object]] = {
        "nothing due": lambda: [
            (advance(engine, "SPIP", spip, at(idle), SETTINGS), chase(engine, at(idle), SETTINGS)) for _ in range(100)
        ],
        "nothing due, floor": lambda: [_look(engine, idle) for _ in range(100)],
        "advance": lambda: advance(engine, "SPIP", spip, at(TODAY), SETTINGS),
        "chase": lambda: chase(engine, at(TODAY), SETTINGS),
        "start": lambda: _started(engine, "reading(made).__enter__()"),
        "start and advance one": lambda: _started(
            engine, "advance(made, 'SPIP', spip, now, settings, ['SPIP-D0000001'])"
        ),
    }
    return {name: _cost(work, pids) for name, work in works.items()}


START = """
import sys
from datetime import UTC, datetime
from flows.spip import spip
from settings import Settings
from store.advance import advance
from store.database import database, reading
settings, now, made = Settings(profile="composite"), datetime(2026, 3, 2, 12, tzinfo=UTC), database(sys.argv[1])
"""


def _started(engine: Engine, then: str) -> None:
    """A process that begins as a worker does after it was killed: it imports, connects, and does one thing."""
    url = engine.url.render_as_string(hide_password=False)
    subprocess.run([sys.executable, "-c", START + then, url], cwd=HERE, check=True, capture_output=True)


def _cost(work: Callable[[], object], pids: tuple[int, ...]) -> Cost:
    with measured(*pids) as cost:
        work()
    return cost


def bare(engine: Engine, due: list[str], writes: list[Delta]) -> None:
    """Read by their keys the rows that a sweep of these pathways reads, and write those it wrote."""
    for some, rows in zip(in_batches(due, BATCH), in_batches(writes, BATCH), strict=True):
        with writing(engine) as connection:
            cases = connection.execute(select(pathways).where(pathways.c.reference.in_(some))).all()
            about = facts.c.subject.in_([*some, *(row.case for row in cases)])
            for query in (
                select(facts).where(about),
                *(select(x).where(x.c.pathway.in_(some)) for x in (duties, notices)),
            ):
                connection.execute(query).all()
            by_core(connection, rows)


def written(due: int) -> tuple[list[str], list[Delta]]:
    """Which pathways a sweep of so many due advances, and what it writes of each."""
    with on_sqlite() as engine:
        fill(engine, 0, due)
        before = rows_of(engine)
        advance(engine, "SPIP", spip, at(TODAY), SETTINGS)
        found = delta(before, rows_of(engine))
        return list(found), list(found.values())


def _bytes(engine: Engine) -> int:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            return connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("page_count", "page_size")
        )
        return pages * size


def _look(engine: Engine, day: date) -> None:
    for table, column in ((t.PathwayRow.__table__, "look_on"), (t.DutyRow.__table__, "chase_on")):
        with writing(engine) as connection:
            due = select(table).where(table.c[column] <= day).order_by(table.c[column]).limit(SETTINGS.batch)
            if table.name == "pathway":
                due = due.where(table.c.programme == "SPIP")
            connection.execute(due).all()


def beside_floor(fresh: Callable[[], Any], due: int, rounds: int, pids: tuple[int, ...]) -> dict[str, Cost]:
    """What it costs to advance so many, and the floor of it, with nothing else open."""
    names, writes = written(due)

    def each(work: Callable[[Engine], object]) -> Cost:
        with fresh() as engine:
            fill(engine, 0, due)
            return _cost(lambda: work(engine), pids)

    works = {
        "advance": lambda engine: advance(engine, "SPIP", spip, at(TODAY), SETTINGS),
        "floor": lambda engine: bare(engine, names, writes),
    }
    costs = [{name: each(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: sorted((row[name] for row in costs), key=attrgetter("cpu"))[rounds // 2] for name in works}


def run(counts: list[int], due: int, rounds: int, which: str) -> Iterator[tuple[str, dict[str, Cost]]]:
    """The floor first, on as few as there can be; then each number of open pathways."""
    with ExitStack() as stack:
        fresh, pids = on_sqlite, ()
        if which == "postgresql":
            server = stack.enter_context(postgres())
            fresh, pids = partial(on_postgres, server), (server.pid,)
        yield f"{due:,} due and late, and no more", beside_floor(fresh, due, rounds, pids)
        for count in counts:
            with fresh() as engine:
                empty = _bytes(engine)
                fill(engine, count - 2 * due, due)
                each = (_bytes(engine) - empty) / count
                yield f"{count:,} open, {each:,.0f} bytes each", sweeps(engine, pids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, nargs="+", default=[3_000, 10_000, 100_000])
    parser.add_argument("--due", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    given = parser.parse_args()
    for which in given.database:
        for name, found in run(given.open, given.due, given.rounds, which):
            said = "   ".join(f"{what} {cost.cpu * 1000:6.0f} ms" for what, cost in found.items())
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{which:10} {name:>34}   {said}   (of CPU; {memory} MB at most so far)", flush=True)


if __name__ == "__main__":
    main()
