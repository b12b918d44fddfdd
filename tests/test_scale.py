"""What a round costs follows what is due and not what is open: no recurring work reads a growing table from end to end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from benchmarks.caseload import at, fill
from flows.spip import spip
from settings import Settings
from store import ask, outbox
from store.advance import advance
from store.chase import chase
from store.database import reading
from store.seal import seal
from store.trail import FACTS, Trail

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


def _scans_of_postgresql(node: dict[str, Any]) -> Iterator[str]:
    by_index = "Index Cond" in node or node.get("Index Name") in SMALL_PART
    if node.get("Relation Name") in GROWING and not by_index and node["Node Type"] not in ON_TOP:
        yield f"{node['Node Type']} of {node['Relation Name']} {node.get('Index Name', '')}"
    for part in node.get("Plans", ()):
        yield from _scans_of_postgresql(part)


@pytest.fixture
def busy(engine: Engine) -> Engine:
    """A few hundred pathways of which some are due, with what was owed and said of them already."""
    fill(engine, 300)
    advance(engine, "SPIP", spip, at(DAY), SETTINGS)
    outbox.gather(engine, at(DAY), SETTINGS)
    return engine


def test_no_recurring_work_reads_a_growing_table_from_end_to_end(busy: Engine, tmp_path: Path):
    day = date(2026, 2, 2)
    with heard(busy) as said:
        advance(busy, "SPIP", spip, at(day), SETTINGS)
        chase(busy, at(day), SETTINGS)
        outbox.gather(busy, at(day), SETTINGS)
        claimed = outbox.claim(busy, at(day), SETTINGS)
        outbox.settle(busy, [outbox.Result(one.row.id, "sent", one.address) for one in claimed], at(day), SETTINGS)
        seal(Trail(busy, (FACTS,), (), tmp_path / "audit.heads"), at(day))
        with reading(busy) as connection:
            for picture in (ask.caseload, ask.overdue):
                picture(connection, day)
            for picture in (ask.outbox, ask.failures):
                picture(connection)
            ask.delivery(connection, at(day))
    assert claimed and len(said) > 20
    read_through = [f"{scan}: {statement}" for statement, values in said for scan in scans(busy, statement, values)]
    assert not read_through, "\n\n".join(read_through)


def test_to_read_a_table_through_would_be_noticed(busy: Engine):
    for table in ("fact", "duty", "notice"):
        assert scans(busy, f"SELECT count(*) FROM {table} WHERE kind = 'nothing'" if table != "notice" else
                     "SELECT * FROM notice WHERE wording = 'nothing'", ()) != []  # fmt: skip
