"""Sealing the audit trail: a sweep gives what is new its place in a chain that shows if anything of it is changed.

A batch at a time, it adds an entry for each new fact and seals what was noted: with a digest of the row it stands for,
and a hash made from the one before.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select, text

from models.chain import digest, link, mark
from store.audit import KEY, MESSAGE, OVER, SYSTEM, audit
from store.database import change, insert, is_sqlite, reading, writing
from store.heads import Head, head, last_head, write_down
from store.trail import Log, Trail, contents, covered

BATCH = 1000


class CannotSeal(Exception):
    """Why the trail cannot be continued here, as a sentence to act on."""


# Sealing --------------------------------------------------------------------------------------------------------------


def seal(trail: Trail, now: datetime, *, anyway: bool = False) -> Head:
    """Seal what is new, in batches, and write down where that ends. Two who do it at once do it once.

    What is recorded meanwhile, or by somebody who is not done yet, is sealed next time; nobody waits for this.
    Raises CannotSeal where the trail is not the one that was left, or its key is not here; `anyway` goes on, and the
    trail says so.
    """
    upto = {log.kind: _all_there_upto(trail.engine, log) for log in trail.logs}
    sealed = _seal_batch(trail, upto, now, anyway)
    if anyway:
        _set_aside(trail, now)
    while count := _seal_batch(trail, upto, now):
        sealed += count
    with reading(trail.engine) as connection:
        reached = head(connection)
    if sealed:
        write_down(trail.heads, reached, now)
    return reached


def _seal_batch(trail: Trail, upto: Mapping[str, int], now: datetime, anyway: bool = False) -> int:
    """Seal one batch. Returns how many entries that made; none, too, where somebody else is at it."""
    with writing(trail.engine) as connection:
        if not _alone(connection):
            return 0
        before = head(connection)
        new, key = _begun(connection, trail, now, anyway)
        new += [entry for log in trail.logs for entry in _new(connection, log, upto[log.kind])]
        noted = _noted(connection, trail)
        _chain(before, new + noted, key)
        insert(connection, audit, new)
        sealed = ("id", "number", "digest", "hash")
        change(connection, audit, [{name: entry[name] for name in sealed} for entry in noted])
        return len(new) + len(noted)


def _chain(before: Head, entries: Sequence[dict[str, Any]], key: str | None) -> None:
    number, hashed = before.number, before.hash
    for entry in entries:
        entry["number"] = number = number + 1
        entry["hash"] = hashed = link(hashed, entry, key)


def _alone(connection: Connection) -> bool:
    """Whether nobody else seals; on SQLite, who writes is alone."""
    return is_sqlite(connection) or connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one()


_LOCK = int.from_bytes(b"audit")


def _new(connection: Connection, log: Log, upto: int) -> list[dict[str, Any]]:
    """Entries for the rows of a log that have none yet."""
    sealed = select(func.coalesce(func.max(audit.c.row_id), 0)).where(audit.c.kind == log.kind).scalar_subquery()
    query = select(log.table).where(log.number > sealed, log.number <= upto).order_by(log.number).limit(BATCH)
    return [_entry(log, row) for row in connection.execute(query)]


def _entry(log: Log, row: Row[Any]) -> dict[str, Any]:
    at, who, did, about = log.says(row)
    entry = {"at": at, "who": who, "did": did, "about": about, "kind": log.kind}
    return entry | {"row_id": row._mapping[log.number.name], "digest": digest(covered(log, row))}


def _noted(connection: Connection, trail: Trail) -> list[dict[str, Any]]:
    """What was noted and is not sealed yet; of messages to which nothing more happens, with digests as they are."""
    query = select(audit).where(audit.c.number.is_(None)).order_by(audit.c.id).limit(BATCH)
    entries = [dict(row) for row in connection.execute(query).mappings()]
    about = [entry for entry in entries if entry["kind"] == MESSAGE]
    found = contents(connection, trail, MESSAGE, {entry["row_id"] for entry in about}) if about else {}
    for entry in about:
        said = found.get(entry["row_id"], {"state": "gone"})
        as_noted = said["state"] in OVER and (entry["did"] == said["state"] or entry["did"] not in OVER)
        entry["digest"] = digest(said) if as_noted else None
    return entries


# What it is continued with --------------------------------------------------------------------------------------------


def _begun(
    connection: Connection, trail: Trail, now: datetime, anyway: bool
) -> tuple[list[dict[str, Any]], str | None]:
    """What to seal with, and the entries that say what changed of how this is done. Raises CannotSeal."""
    said: list[tuple[str, str, str | None]] = []
    used = connection.execute(select(audit.c.id, audit.c.about).where(audit.c.kind == KEY)).all()
    before, keys = max(used).about if used else None, trail.keys
    if before and before not in map(mark, keys) and not (anyway and keys):
        raise CannotSeal(_NO_KEY.format(key=before))
    if keys and mark(keys[-1]) != before:
        said.append(("took up a key", mark(keys[-1]), KEY))
    if lost := _lost(connection, trail):
        if not anyway:
            raise CannotSeal(_NOT_THE_ONE.format(last=lost, heads=trail.heads))
        said.append(("went on without a head", str(lost), None))
    more = {"at": now, "who": SYSTEM, "row_id": None, "digest": None}
    return [more | {"did": did, "about": about, "kind": kind} for did, about, kind in said], keys[-1] if keys else None


_NOT_THE_ONE = (
    "The audit trail does not hold the head {last}, which is written down in {heads}: a backup was put back, the last "
    "moments before a power cut are lost, or somebody changed it. Look into it with `pathways audit verify`; then "
    "`pathways audit seal --anyway` goes on from where it ends now, and says so in it."
)
_NO_KEY = (
    "The audit trail is sealed with the key {key}, which is not in `audit_keys` of the settings. Put it back there; "
    "if it is lost for good, give another and `pathways audit seal --anyway` goes on with that."
)


def _lost(connection: Connection, trail: Trail) -> Head | None:
    """The last head that was written down on this machine, where the trail does not hold it."""
    last = last_head(trail.heads)
    if last is None:
        return None
    there = connection.execute(select(audit.c.hash).where(audit.c.number == last.number)).scalar()
    return None if there == last.hash else last


def _set_aside(trail: Trail, now: datetime) -> None:
    """Keep the heads that the trail went on without elsewhere: they are evidence."""
    with reading(trail.engine) as connection:
        lost = _lost(connection, trail)
    if lost:
        trail.heads.rename(f"{trail.heads}.until-{now.astimezone(UTC):%Y%m%dT%H%M%S}")


# Who is not done yet --------------------------------------------------------------------------------------------------


_PATIENCE = 2.0
"""Seconds to wait for those who are recording just now."""
_LAST = text("SELECT coalesce(pg_sequence_last_value(CAST(:sequence AS regclass)), 0)")
_DRAWING = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' "
    "AND relation = CAST(:sequence AS regclass) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def _all_there_upto(engine: Engine, log: Log) -> int:
    """A number up to which every row of a log that there will ever be is to be seen.

    PostgreSQL gives out numbers before they are committed, and maybe long before they are inserted. Whoever has drawn
    one holds a lock on the sequence until the end of their transaction, which nobody else has to wait for: so the
    last number drawn is looked up first, and then it is waited until those who drew by then are done.
    """
    if engine.dialect.name == "sqlite":
        with reading(engine) as connection:
            return connection.execute(select(func.max(log.number))).scalar() or 0
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = {"sequence": connection.execute(
            select(func.pg_get_serial_sequence(log.table.name, log.number.name))
        ).scalar_one()}  # fmt: skip
        last = connection.execute(_LAST, name).scalar_one()
        until, at_it = time.monotonic() + _PATIENCE, set(connection.execute(_DRAWING, name).scalars())
        while at_it:
            if time.monotonic() > until:
                return 0  # everything of this log is left for the next time
            time.sleep(0.02)
            at_it &= set(connection.execute(_DRAWING, name).scalars())
        return last
