"""The same work three times: by the real store and the real story, and by bare statements that write the same rows.

Work W, for each case: start and tell the provider; wait for the booking and tell of it; wait for the report on
attendance, which one in five gives only after it was chased; tell the adviser; complete. Durable at every step.

The floor writes, row for row, what ours wrote, and neither reads, checks nor decides anything: by SQLAlchemy Core and by
the plain driver, 500 cases a transaction and one transaction a case and step. Core also does so having read, before each
step, what a step must know: the pathway, its facts and those of its case, its duties and notices, as bare rows.

    python -m benchmarks.work [--cases 2000] [--rounds 3] [--database postgresql] [--peer absurd --peer dbos]

Peers (`benchmarks.peers`) do the same work W, which is less than what ours does: there is one row for each case.
"""

import argparse
import json
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from benchmarks import peers
from benchmarks.caseload import BEGAN, at, fill_cases
from benchmarks.measure import Cost, measured, postgres
from flows.spip import spip
from models import tables as t
from models.facts import KINDS
from settings import Settings
from store.advance import DUTIES_OF, NOTICES_OF, advance
from store.chase import chase
from store.database import among, database, in_batches, one_among, writing
from store.migrate import migrate
from store.open import Opening, open_pathways
from store.pathways import FACTS_OF, pathway_rows
from store.record import Reported, record

SETTINGS = Settings(profile="composite")
BATCH = 500
LATE = 5
"""One case in so many is chased before its report comes."""
pathways, facts, duties, notices = (x.__table__ for x in (t.PathwayRow, t.FactRow, t.DutyRow, t.NoticeRow))
NAMED = pathway_rows.where(one_among(pathways.c.reference))

SENT, BOOKED, HELD = date(2026, 1, 8), date(2026, 1, 12), date(2026, 2, 20)
REPORTED, CHASED, AT_LAST, DONE = date(2026, 2, 23), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
SESSION = {"session": "S1", "starts_at": "2026-02-20T17:30:00Z", "ends_at": "2026-02-20T21:30:00Z"}


# Ours -----------------------------------------------------------------------------------------------------------------


class Ours:
    """The work through the real store and the real story, in bulk or with every fact recorded in a call of its own."""

    def __init__(self, engine: Engine, cases: int, *, one_by_one: bool = False) -> None:
        self.engine, self.cases, self.one_by_one = engine, cases, one_by_one
        self.names = [f"SPIP-D{n:07}" for n in range(cases)]
        self.late = self.names[::LATE]
        self.prompt = sorted(set(self.names) - set(self.late))

    def steps(self) -> Iterator[Callable[[], None]]:
        """The steps of the work, in order: together they are the whole of it."""
        yield self._start
        yield lambda: self._say(self.names, BOOKED, "session_booked", **SESSION)
        yield lambda: self._advance(date(2026, 2, 21))
        yield lambda: self._say(self.prompt, REPORTED, "attendance_reported", session="S1", result="attended")
        yield self._chase
        yield lambda: self._say(self.late, AT_LAST, "attendance_reported", session="S1", result="attended")
        yield lambda: self._say(self.names, DONE, "next_step_taken", step="none")

    def _start(self) -> None:
        for some in in_batches(range(self.cases), BATCH):
            with writing(self.engine) as connection:
                refused = open_pathways(connection, [self._opening(n) for n in some], SETTINGS)
                assert not refused, refused
        self._say(self.names, SENT, "referral_sent", by="FCA1", provider="P1")

    def _opening(self, n: int) -> Opening:
        return Opening(
            self.names[n], "SPIP", "court", case=f"C{n:07}", party=f"C{n:07}-A", area="SA01", requested_on=BEGAN,
            recorded_by="FCA1", recorded_at=at(BEGAN),
        )  # fmt: skip

    def _say(self, names: list[str], day: date, kind: str, by: str = "P1", **details: Any) -> None:
        now, made = at(day), KINDS[kind]
        known = {"happened_on": day, "recorded_at": now, "recorded_by": by}
        reported = [Reported(name, made.model_validate(known | details)) for name in names]
        for some in in_batches(reported, 1 if self.one_by_one else len(reported)):
            done = record(self.engine, some, now, SETTINGS)
            assert done.count("recorded") == len(some), done.outcomes[0]
        self._advance(day)

    def _advance(self, day: date) -> None:
        advance(self.engine, "SPIP", spip, at(day, 13), SETTINGS)

    def _chase(self) -> None:
        chase(self.engine, at(CHASED), SETTINGS)


# The floor ------------------------------------------------------------------------------------------------------------


Rows = dict[str, dict[Any, dict[str, Any]]]
Delta = dict[str, list[dict[str, Any]]]
_KEYS = {
    "pathway": ("reference",),
    "fact": ("id",),
    "duty": ("pathway", "key"),
    "notice": ("pathway", "to_role", "occasion"),
}
_TABLES = {table.name: table for table in (pathways, facts, duties, notices)}


def rows_of(engine: Engine) -> Rows:
    """All the rows of the tables that the work writes, by their natural keys."""
    with engine.connect() as connection:
        return {
            name: {
                tuple(row[k] for k in _KEYS[name]): dict(row) for row in connection.execute(select(table)).mappings()
            }
            for name, table in _TABLES.items()
        }


def delta(before: Rows, after: Rows) -> dict[str, Delta]:
    """What a step wrote, by pathway: new rows, and of changed ones the key and what changed."""
    found: dict[str, Delta] = {}
    for name, rows in after.items():
        for key, row in rows.items():
            if (old := before[name].get(key)) == row:
                continue
            whose = row.get("reference") or row.get("pathway") or row["subject"]
            new = {c: v for c, v in row.items() if c != "id" or name == "fact"}
            changed = (
                new
                if old is None
                else {c: row[c] for c in row if old[c] != row[c]} | dict(zip(_KEYS[name], key, strict=True))
            )
            found.setdefault(whose, {}).setdefault(("" if old is None else "~") + name, []).append(changed)
    return found


def by_core(connection: Connection, some: list[Delta]) -> None:
    for name, table in _TABLES.items():
        if new := [row for one in some for row in one.get(name, ())]:
            connection.execute(insert(table), new)
        if changed := [row for one in some for row in one.get(f"~{name}", ())]:
            _update_by_core(connection, table, changed)


def by_core_having_read(connection: Connection, some: list[Delta]) -> None:
    names = {_whose(one) for one in some}
    rows = list(among(connection, NAMED, names))
    list(among(connection, FACTS_OF, names.union(row.case for row in rows)))
    list(among(connection, DUTIES_OF, names))
    list(among(connection, NOTICES_OF, names))
    by_core(connection, some)


def _whose(one: Delta) -> str:
    row = next(iter(one.values()))[0]
    return row.get("reference") or row.get("pathway") or row["subject"]


def _update_by_core(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    keys = _KEYS[table.name]
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_columns.setdefault(tuple(sorted(row)), []).append(row)
    for columns, alike in by_columns.items():
        where = [table.c[k] == bindparam(f"k_{k}") for k in keys]
        values = {c: bindparam(f"v_{c}") for c in columns if c not in keys}
        params = [{(f"k_{c}" if c in keys else f"v_{c}"): v for c, v in row.items()} for row in alike]
        connection.execute(update(table).where(*where).values(values), params)


def by_driver(connection: Connection, some: list[Delta]) -> None:
    """The same by the plain driver, psycopg or sqlite3."""
    raw = connection.connection.driver_connection
    sqlite = connection.dialect.name == "sqlite"
    cursor = raw.cursor()
    for name in _TABLES:
        for mark in ("", "~"):
            by_columns: dict[tuple[str, ...], list[list[Any]]] = {}
            for row in (row for one in some for row in one.get(mark + name, ())):
                keys = _KEYS[name] if mark else ()
                columns = (*(c for c in row if c not in keys), *keys)
                by_columns.setdefault(columns, []).append([plain(row[c]) for c in columns])
            for columns, rows in by_columns.items():
                cursor.executemany(_sql(name, mark, columns, "?" if sqlite else "%s"), rows)


@cache
def _sql(name: str, mark: str, columns: tuple[str, ...], place: str) -> str:
    names, keys = [f'"{c}"' for c in columns], [f'"{k}" = {place}' for k in _KEYS[name]]
    if not mark:
        return f'INSERT INTO "{name}" ({", ".join(names)}) VALUES ({", ".join([place] * len(names))})'
    values = ", ".join(f"{c} = {place}" for c in names[: -len(keys)])
    return f'UPDATE "{name}" SET {values} WHERE {" AND ".join(keys)}'


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return (
        value.isoformat(" ") if isinstance(value, datetime) else value.isoformat() if isinstance(value, date) else value
    )


Way = Callable[[Connection, list[Delta]], None]


def floor(engine: Engine, deltas: list[list[Delta]], write: Way, size: int) -> None:
    """Write the rows of each step, that many cases a transaction."""
    for step in deltas:
        for some in in_batches(step, size):
            with writing(engine) as connection:
                write(connection, some)


# Side by side ---------------------------------------------------------------------------------------------------------


class Round:
    """One measurement of every way, on databases of its own, all with the same cases in them."""

    def __init__(self, cases: int, fresh: Callable[[], Any], pids: tuple[int, ...] = ()) -> None:
        self.cases, self.fresh, self.pids = cases, fresh, pids
        self.found: dict[str, Cost] = {}

    def go(self) -> dict[str, Cost]:
        deltas = self._ours("ours, in bulk", one_by_one=False)
        self._ours("ours, one fact a call", one_by_one=True)
        for says, way in (("Core", by_core), ("Core having read", by_core_having_read), ("driver", by_driver)):
            for how, size in ((f"{BATCH} a transaction", BATCH), ("one step a transaction", 1)):
                with self.fresh() as engine:
                    fill_cases(engine, self.cases)
                    with measured(*self.pids) as self.found[f"{says}, {how}"]:
                        floor(engine, deltas, way, size)
        return self.found

    def _ours(self, name: str, *, one_by_one: bool) -> list[list[Delta]]:
        with self.fresh() as engine:
            fill_cases(engine, self.cases)
            wall = cpu = 0.0
            deltas, before = [], rows_of(engine)
            for step in Ours(engine, self.cases, one_by_one=one_by_one).steps():
                with measured(*self.pids) as cost:
                    step()
                wall, cpu = wall + cost.wall, cpu + cost.cpu
                after = rows_of(engine)
                deltas.append(list(delta(before, after).values()))
                before = after
            _complete(before, self.cases)
            self.found[name] = Cost(wall, cpu)
            return deltas


def _complete(rows: Rows, cases: int) -> None:
    """Every case is complete, and everybody was told once of each thing."""
    assert all(row["state"] == "closed_completed" for row in rows["pathway"].values())
    told = Counter((row["wording"], row["to_role"]) for row in rows["notice"].values())
    late = len(range(0, cases, LATE))
    wanted = {("referral", "provider"): cases, ("attended", "adviser"): cases, ("chase", "provider"): late}
    assert {what: told[what] for what in wanted} == wanted, told


@contextmanager
def on_sqlite() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = database(f"sqlite:///{Path(folder) / 'work.db'}")
        migrate(engine)
        yield engine
        engine.dispose()


@contextmanager
def on_postgres(server: Any) -> Iterator[Engine]:
    engine = database(server.create("work", "+psycopg"))
    migrate(engine)
    yield engine
    engine.dispose()
    database.cache_clear()


def by_peer(peer: str, cases: int, server: Any) -> Cost:
    """What a peer takes for so many cases, measured on a few hundred: it takes as long for each of them."""
    few = min(cases, 500)
    found = peers.run(peer, few, server)
    return Cost(found["wall"] * cases / few, found["cpu"] * cases / few)


def run(cases: int, rounds: int, which: str, among: Sequence[str] = ()) -> dict[str, Cost]:
    """The medians of a few interleaved rounds, with those of peers among them."""
    with ExitStack() as stack:
        if which == "postgresql":
            server = stack.enter_context(postgres())
            each = [
                Round(cases, partial(on_postgres, server), (server.pid,)).go()
                | {peer: by_peer(peer, cases, server) for peer in among}
                for _ in range(rounds)
            ]
        else:
            each = [Round(cases, on_sqlite).go() for _ in range(rounds)]
    return {
        name: Cost(*(statistics.median(getattr(one[name], part) for one in each) for part in ("wall", "cpu")))
        for name in each[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--peer", choices=list(peers.PACKAGES), action="append", default=[])
    given = parser.parse_args()
    found = run(given.cases, given.rounds, given.database, given.peer)
    print(f"{given.cases} cases on {given.database}, medians of {given.rounds}")
    for name, cost in found.items():
        floor = found["Core, one step a transaction" if "one" in name else f"Core, {BATCH} a transaction"]
        print(
            f"  {name:41} {given.cases / cost.wall:8.0f} cases/s   {1000 * cost.cpu / given.cases:7.3f} ms of CPU a case"
            f"   {floor.wall / cost.wall:5.2f} of Core's speed, {cost.cpu / floor.cpu:5.2f} times its CPU"
        )


if __name__ == "__main__":
    main()
