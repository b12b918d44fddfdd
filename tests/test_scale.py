"""What a round costs follows what is due and not what is open: no recurring work reads a growing table from end to end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import CacheStats

from benchmarks.caseload import at, fill
from flows.spip import spip
from flows.support import support
from models.facts import KINDS
from settings import Settings
from store import ask, outbox
from store.advance import advance
from store.chase import chase
from store.database import database, reading
from store.record import Reported, record
from store.seal import seal
from store.strand import strand
from store.trail import FACTS, Trail
from tasks.support import sweep_strand
from tests.fresh import put_tables
from tests.strand import apart

SETTINGS = Settings(profile="composite", batch=50, channels={"mail": {"url": "json://localhost"}})
GROWING = {"fact", "duty", "notice", "message", "pathway", "audit", "case", "party"}
"""The tables that grow with the cases that were ever known."""
SMALL_PART = {"pathway_open", "pathway_failed", "message_failed", "message_due", "notice_waiting", "audit_unsealed"}
"""Indexes of what is open, has failed or waits: to read one through is to read no more than that."""
ON_TOP = {"Bitmap Heap Scan", "ModifyTable", "LockRows"}
"""Of a plan: what takes the rows that a part of it has found."""
DAY = date(2026, 1, 9)


@contextmanager
def heard(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that reads, changes or deletes, with values it was given."""
    said: dict[str, Any] = {}

    def hear(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            said.setdefault(statement, values[0] if many else values)

    event.listen(engine, "before_cursor_execute", hear)
    done: list[tuple[str, Any]] = []
    yield done
    event.remove(engine, "before_cursor_execute", hear)
    done += said.items()


def scans(engine: Engine, statement: str, values: Any) -> list[str]:
    """The growing tables that a statement reads from end to end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return list(_scans_of_sqlite(connection, statement, values))
        # Small tables are read through because that is quicker; what is left with this off has no index to go by.
        for quicker in ("seqscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET enable_{quicker} = off")
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
        return list(_scans_of_postgresql((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]))


def _scans_of_sqlite(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        words = row[-1].split()
        if words[0] == "SCAN" and words[1] in GROWING and not SMALL_PART & set(words):
            yield f"{words[1]} in {statement}"


def _scans_of_postgresql(node: dict[str, Any], above: str = "") -> Iterator[str]:
    ends_early = above == "Limit" and "Index Name" in node and "Filter" not in node
    by_index = "Index Cond" in node or node.get("Index Name") in SMALL_PART or ends_early
    if node.get("Relation Name") in GROWING and not by_index and node["Node Type"] not in ON_TOP:
        yield f"{node['Node Type']} of {node['Relation Name']} {node.get('Index Name', '')}"
    for part in node.get("Plans", ()):
        yield from _scans_of_postgresql(part, node["Node Type"])


@pytest.fixture
def busy(engine: Engine) -> Engine:
    """A few hundred pathways of which some are due, with what was owed and said of them already."""
    fill(engine, 300)
    advance(engine, "SPIP", spip, at(DAY), SETTINGS)
    outbox.gather(engine, at(DAY), SETTINGS)
    return engine


def go_round(engine: Engine, day: date, heads: Path) -> None:
    """All the recurring work of a day, on which there is something to send."""
    advance(engine, "SPIP", spip, at(day), SETTINGS)
    chase(engine, at(day), SETTINGS)
    outbox.gather(engine, at(day), SETTINGS)
    claimed = outbox.claim(engine, at(day), SETTINGS)
    assert claimed
    outbox.settle(engine, [outbox.Result(one.row.id, "sent", one.address) for one in claimed], at(day), SETTINGS)
    seal(Trail(engine, (FACTS,), (), heads), at(day))
    with reading(engine) as connection:
        for picture in (ask.caseload, ask.overdue):
            picture(connection, day)
        for picture in (ask.outbox, ask.failures):
            picture(connection)
        ask.delivery(connection, at(day))


def test_no_recurring_work_reads_a_growing_table_from_end_to_end(busy: Engine, tmp_path: Path):
    with heard(busy) as said:
        go_round(busy, date(2026, 2, 2), tmp_path / "audit.heads")
    assert len(said) > 20
    assert read_through(busy, said) == []


def read_through(engine: Engine, said: list[tuple[str, Any]]) -> list[str]:
    return [f"{scan}: {statement}" for statement, values in said for scan in scans(engine, statement, values)]


def test_the_sweep_of_the_strand_goes_by_what_was_recorded_since_the_last_one(busy: Engine, tmp_path: Path):
    settings = apart(tmp_path, database=busy.url.render_as_string(hide_password=False))
    put_tables(tmp_path / "restricted.db", restricted=True)
    sweep_strand(support, at(DAY), settings)
    main, own = database(settings.database_url), strand(settings)
    with heard(main) as of_main, heard(own) as of_its_own:
        sweep_strand(support, at(DAY, 13), settings)
    assert any("fact" in statement for statement, _ in of_main) and len(of_its_own) > 5
    assert read_through(main, of_main) + read_through(own, of_its_own) == []


def test_no_recurring_statement_is_put_together_anew_each_time(busy: Engine, tmp_path: Path):
    anew: set[str] = set()

    def hear(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if context and context.compiled and context.cache_hit is CacheStats.NO_CACHE_KEY:
            anew.add(statement)

    event.listen(busy, "before_cursor_execute", hear)
    held = date(2026, 1, 19)
    attended = KINDS["attendance_reported"](
        happened_on=held, recorded_at=at(held), recorded_by="P1", session="S1", result="attended"
    )
    assert record(busy, [Reported("SPIP-D0000000", attended)], at(held), SETTINGS).count("recorded") == 1
    go_round(busy, date(2026, 2, 2), tmp_path / "audit.heads")
    assert anew == set()


def test_to_read_a_table_through_would_be_noticed(busy: Engine):
    for table in ("fact", "duty", "notice"):
        assert scans(busy, f"SELECT count(*) FROM {table} WHERE kind = 'nothing'" if table != "notice" else
                     "SELECT * FROM notice WHERE wording = 'nothing'", ()) != []  # fmt: skip
