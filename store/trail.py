"""The audit trails: that of each database, what is sealed in it, and what the digests are made from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, func, select

from models.restricted import ConcernRead, HarmConcern
from models.tables import FactRow
from settings import Settings
from store.audit import MESSAGE, audit, messages, notices
from store.database import database
from store.heads import head
from store.strand import strand


@dataclass(frozen=True)
class Log:
    """A table that is only ever added to: each of its rows becomes an entry."""

    table: Table
    covers: tuple[str, ...]
    """The columns its digests are made from."""
    says: Callable[[Row[Any]], tuple[datetime, str, str, str]]
    """When, who, did what, about what."""
    guarded: bool = True
    """Whether the database itself keeps its rows from being changed."""

    @property
    def kind(self) -> str:
        return self.table.name

    @property
    def number(self) -> Any:
        return self.table.primary_key.columns[0]


_HOLDS = {"held": "put on hold", "released": "released from hold"}


def _recorded(row: Row[Any]) -> tuple[datetime, str, str, str]:
    did = _HOLDS.get(row.kind, f"recorded {row.kind}")
    return row.recorded_at, row.recorded_by, did, row.subject


FACTS = Log(
    FactRow.__table__,
    ("id", "subject", "kind", "identity", "happened_on", "recorded_at", "recorded_by", "told_already", "supersedes",
     "payload"),
    _recorded,
)  # fmt: skip
READS = Log(
    ConcernRead.__table__,
    ("number", "concern", "read_by", "read_at"),
    lambda row: (row.read_at, row.read_by, "read a concern", f"concern {row.concern}"),
)
CONCERNS = Log(
    HarmConcern.__table__,
    ("number", "pathway", "risk", "recorded_by", "recorded_at", "about"),  # not the words: they may be erased
    lambda row: (row.recorded_at, row.recorded_by, "wrote of harm", row.pathway),
    guarded=False,
)
SENT = ("id", "bundle", "channel", "to_role", "to_code", "message_id", "state", "created_at", "sent_at")
"""Of a message. Not where it went: a mail address is personal, and may be erased."""
CARRIED = ("id", "pathway", "to_role", "to_code", "wording", "occasion", "fields", "created_at")
"""Of each notice in it."""


@dataclass(frozen=True)
class Trail:
    """The audit trail of one database."""

    engine: Engine
    logs: tuple[Log, ...]
    keys: Sequence[str]
    """What it is sealed with, the newest last; without any, only heads kept elsewhere show that it was made anew."""
    heads: Path
    """Where its heads are kept on this machine, outside the database."""


def trail(settings: Settings) -> Trail:
    """That of the database."""
    return Trail(database(settings.database_url), (FACTS,), settings.audit_keys, settings.home / "audit.heads")


def strand_trail(settings: Settings) -> Trail:
    """That of the restricted database. Raises RestrictedOff."""
    heads = settings.home / "restricted-audit.heads"
    return Trail(strand(settings), (FACTS, CONCERNS, READS), settings.audit_keys, heads)


def contents(connection: Connection, trail: Trail, kind: str, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What the digests of some rows are made from, as the rows are now; those that are gone are left out."""
    if kind == MESSAGE:
        return _messages(connection, list(numbers))
    log = next(log for log in trail.logs if log.kind == kind)
    return {row[0]: covered(log, row) for row in connection.execute(_rows(log).where(log.number.in_(list(numbers))))}


def _rows(log: Log) -> Any:
    return select(log.number, *(log.table.c[name] for name in log.covers if name != log.number.name))


def covered(log: Log, row: Row[Any]) -> dict[str, Any]:
    return {name: row._mapping[name] for name in log.covers}


def _messages(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    sent = connection.execute(select(*(messages.c[name] for name in SENT)).where(messages.c.id.in_(numbers))).all()
    of_bundle: dict[str, list[dict[str, Any]]] = {row.bundle: [] for row in sent}
    query = select(notices.c.bundle, *(notices.c[name] for name in CARRIED)).where(notices.c.bundle.in_(of_bundle))
    for row in connection.execute(query.order_by(notices.c.id)):
        of_bundle[row.bundle].append({name: row._mapping[name] for name in CARRIED})
    return {row.id: {**row._mapping, "carried": of_bundle[row.bundle]} for row in sent}


def state(connection: Connection) -> list[dict[str, Any]]:
    """How far the trail of the database is sealed."""
    reached = head(connection)
    return [{"entries": reached.number, "head": str(reached), "to be sealed": waiting(connection, (FACTS,))}]


def waiting(connection: Connection, logs: Iterable[Log]) -> int:
    """How many rows and notes are not sealed yet."""
    counts = [select(func.count()).where(audit.c.number.is_(None))]
    for log in logs:
        sealed = select(func.coalesce(func.max(audit.c.row_id), 0)).where(audit.c.kind == log.kind).scalar_subquery()
        counts.append(select(func.count()).where(log.number > sealed))
    return sum(connection.execute(count).scalar_one() for count in counts)
