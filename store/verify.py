"""Verifying the audit trail: the chain is worked out again, and each row it stands for is compared with what it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, func, select, text

from models.chain import START, digest, link, mark
from store.audit import KEY, MESSAGE, OVER, audit, messages
from store.database import is_sqlite
from store.heads import Head, heads_in
from store.seal import BATCH
from store.trail import Log, Trail, contents, waiting


@dataclass(frozen=True)
class Broken:
    """One place where the trail, or what it stands for, is not as it was."""

    where: str
    why: str


@dataclass(frozen=True)
class Verified:
    """What was found: how far the trail goes, how much waits to be sealed, and every place that is broken."""

    head: Head
    waiting: int
    broken: Sequence[Broken]


def verify(trail: Trail, known: Sequence[Head] = ()) -> Verified:
    """Compare everything, at one moment. `known` are heads kept elsewhere; those written down here are known too."""
    walk = _Walk(trail.keys)
    with _at_one_moment(trail.engine) as connection:
        heads = _Heads(sorted([*heads_in(trail.heads), *known], key=lambda head: head.number))
        for some in _entries(connection):
            for row in some:
                walk.step(row)
                heads.passed(row)
            walk.broken += _rows(connection, trail, some)
        walk.end()
        broken = [*walk.broken, *heads.broken(walk.number)]
        for log in trail.logs:
            broken += _without_entry(connection, log)
        broken += [*_out_of_the_chain(connection), *_messages_without_entry(connection), *_guards(connection, trail)]
        return Verified(Head(walk.number, walk.hash), waiting(connection, trail.logs), broken)


@contextmanager
def _at_one_moment(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nothing changes that others write meanwhile."""
    with engine.connect() as connection:
        if not is_sqlite(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _entries(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """The trail, in order, some at a time."""
    last = 0
    while some := connection.execute(
        select(audit).where(audit.c.number > last).order_by(audit.c.number).limit(BATCH)
    ).all():
        yield some
        last = some[-1].number


# The chain ------------------------------------------------------------------------------------------------------------


@dataclass
class _Walk:
    """Goes along the chain. It goes on from a hash that is wrong, so that only what is broken is named."""

    keys: Sequence[str]
    number: int = 0
    hash: str = START
    key: str | None = None
    checks: bool = True
    """Whether the key is here with which what follows was sealed."""
    wrong: list[int] = field(default_factory=list)
    """The entries just before, one after the other, whose hashes do not fit."""
    broken: list[Broken] = field(default_factory=list)

    def step(self, row: Row[Any]) -> None:
        follows = row.number == self.number + 1
        if not follows:
            self._name_wrong()
            self.broken.append(Broken(_entries_named(self.number + 1, row.number - 1), "missing"))
        if row.kind == KEY:
            self._take(row)
        if follows and self.checks and link(self.hash, row._mapping, self.key) != row.hash:
            self.wrong.append(row.number)
        else:
            self._name_wrong()
        self.number, self.hash = row.number, row.hash

    def _take(self, row: Row[Any]) -> None:
        known = {mark(key): key for key in self.keys}
        self.key, self.checks = known.get(row.about), row.about in known
        if not self.checks:
            why = f"from here on it is sealed with the key {row.about}, which is not in `audit_keys`: unchecked"
            self.broken.append(Broken(f"entry {row.number}", why))

    def _name_wrong(self) -> None:
        if self.wrong:
            why = "not what was sealed, or not in its place"
            self.broken.append(Broken(_entries_named(self.wrong[0], self.wrong[-1]), why))
            self.wrong.clear()

    def end(self) -> None:
        self._name_wrong()
        if self.keys and self.checks and self.key is None:
            why = "not sealed with the key of the settings; if that is new there, the next sweep takes it up"
            self.broken.append(Broken("the trail", why))


def _entries_named(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


class _Heads:
    """Heads that are known from elsewhere, the first first."""

    def __init__(self, known: Sequence[Head]) -> None:
        self.known: dict[int, set[str]] = {}
        for one in known:
            self.known.setdefault(one.number, set()).add(one.hash)
        self.wrong: list[int] = []

    def passed(self, row: Row[Any]) -> None:
        if self.known.get(row.number, {row.hash}) != {row.hash}:
            self.wrong.append(row.number)

    def broken(self, end: int) -> list[Broken]:
        found = []
        if self.wrong:
            good = max((number for number in self.known if number < self.wrong[0]), default=0)
            why = f"not the one that was written down: the trail was made anew somewhere after entry {good}"
            found.append(Broken(f"head {self.wrong[0]}", why))
        if beyond := [number for number in self.known if number > end]:
            found.append(Broken(f"head {max(beyond)}", f"missing: the trail ends before it, at {end}"))
        return found


def _out_of_the_chain(connection: Connection) -> list[Broken]:
    """Entries with a number that none is given."""
    rows = connection.execute(select(audit.c.number).where(audit.c.number < 1).order_by(audit.c.number))
    return [Broken(f"entry {number}", "put in: it is no part of the chain") for number in rows.scalars()]


# What it stands for ---------------------------------------------------------------------------------------------------


def _rows(connection: Connection, trail: Trail, some: Sequence[Row[Any]]) -> list[Broken]:
    """Of the rows these entries stand for, those that are gone or are not as they were."""
    found = []
    for kind in (*(log.kind for log in trail.logs), MESSAGE):
        entries = {row.row_id: row for row in some if row.kind == kind}
        if kind == MESSAGE:
            entries = _still_so(connection, entries)
        there = contents(connection, trail, kind, entries)
        for number, row in entries.items():
            if number not in there:
                found.append(Broken(f"{kind} {number}", f"deleted since it was sealed, in entry {row.number}"))
            elif digest(there[number]) != row.digest:
                found.append(Broken(f"{kind} {number}", f"changed since it was sealed, in entry {row.number}"))
    return found


def _still_so(connection: Connection, entries: dict[int, Row[Any]]) -> dict[int, Row[Any]]:
    """Of messages, the entries that say how they are: what was sent or withheld stays so; else the last one counts."""
    last = func.max(func.coalesce(audit.c.number, _LATER))
    query = select(last).where(audit.c.kind == MESSAGE, audit.c.row_id.in_(entries)).group_by(audit.c.row_id)
    latest = set(connection.execute(query).scalars())
    return {
        number: row
        for number, row in entries.items()
        if row.did in ("sent", "withheld") or (row.number in latest and (row.digest or row.did in OVER))
    }


_LATER = 2**31 - 1
"""Stands for the number of what is noted and not sealed yet."""


def _without_entry(connection: Connection, log: Log) -> list[Broken]:
    """Rows that the trail knows nothing of, although it has sealed later ones."""
    entry = exists().where(audit.c.kind == log.kind, audit.c.row_id == log.number)
    sealed = select(func.max(audit.c.row_id)).where(audit.c.kind == log.kind).scalar_subquery()
    query = select(log.number).where(log.number <= sealed, ~entry).order_by(log.number)
    why = "without an entry, although later ones have theirs: put in afterwards, or its entry was taken out"
    return [Broken(f"{log.kind} {number}", why) for number in connection.execute(query).scalars()]


def _messages_without_entry(connection: Connection) -> list[Broken]:
    entry = exists().where(audit.c.kind == MESSAGE, audit.c.row_id == messages.c.id)
    query = select(messages.c.id, messages.c.state).where(messages.c.state.in_(OVER), ~entry).order_by(messages.c.id)
    return [
        Broken(f"message {row.id}", f"marked as {row.state} behind the back of the trail")
        for row in connection.execute(query)
    ]


_THERE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
    "WHERE NOT tgisinternal AND tgenabled <> 'D' AND prosrc LIKE '%RAISE EXCEPTION%'",
}


def _guards(connection: Connection, trail: Trail) -> list[Broken]:
    """The triggers that keep what is written from being changed, and are not there or refuse nothing any more."""
    tables = [audit.name, *(log.kind for log in trail.logs if log.guarded)]
    ends = ("kept", "unchanged") if is_sqlite(connection) else ("kept", "unchanged", "not_emptied")
    there = set(connection.execute(text(_THERE[connection.dialect.name])).scalars())
    wanted = [f"{table}_{end}" for table in tables for end in ends]
    return [Broken(f"trigger {name}", "taken away") for name in wanted if name not in there]
