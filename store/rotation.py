"""Rotation: what is encrypted is written anew with the newest key, a batch a transaction, until it is all of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, TableClause, bindparam, func, select

from models.encrypted import Encrypted, Ring
from models.personal import tables
from models.tables import PersonalKey
from store.database import is_sqlite, reading, writing
from store.keys import Kept, know, new_key, put

keys = PersonalKey.__table__
BATCH = 500


@dataclass
class Rotated:
    """What came of a rotation."""

    newest: str
    written: int = 0
    """How many values were written anew."""
    out_of_use: list[str] = field(default_factory=list)
    """The keys that nothing is encrypted with any more."""


def rotate(engine: Engine) -> Rotated:
    """Write every value anew that another than the newest key has encrypted. Safe to interrupt, and to repeat.

    A key in the settings is put there by hand; in a file one is drawn first, unless a rotation is to be finished.
    """
    ring: Ring = engine.dialect.personal_keys
    with reading(engine) as connection:
        finished = set(used(connection)) <= {ring.numbers[-1]}
    if finished and isinstance(ring, Kept) and not ring.of_settings:
        put(ring.file, [*ring.read(), new_key()])
    done = Rotated(ring.numbers[-1])
    with writing(engine) as connection:
        know(connection.exec_driver_sql, ring, engine.dialect.name)
        places = _encrypted(connection)
    for raw, key, columns in places:
        done.written += sum(_batches(engine, ring, raw, key, columns))
    with writing(engine) as connection:
        _wait_for_writers(connection, [raw.name for raw, _, _ in places])
        unused = keys.c.number.not_in([*used(connection), done.newest])
        done.out_of_use = list(connection.execute(sa.delete(keys).where(unused).returning(keys.c.number)).scalars())
    return done


def _wait_for_writers(connection: Connection, tables: Sequence[str]) -> None:
    """Who began to write before may yet commit what an older key has encrypted; on SQLite, who writes is alone."""
    if tables and not is_sqlite(connection):
        names = ", ".join(f'"{name}"' for name in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def used(connection: Connection) -> Counter[str]:
    """How many values each key has encrypted, by its number."""
    found: Counter[str] = Counter()
    for raw, _, columns in _encrypted(connection):
        for name in columns:
            number = func.substr(raw.c[name], 1, 8)
            query = select(number, func.count()).where(raw.c[name].is_not(None)).group_by(number)
            found.update(dict(connection.execute(query).all()))
    return found


def _encrypted(connection: Connection) -> list[tuple[TableClause, str, list[str]]]:
    """Each table of this database that has encrypted columns, as it is stored; its key; and those columns."""
    there, found = set(sa.inspect(connection).get_table_names()), []
    for one in tables():
        columns = [each.name for each in one.columns if isinstance(each.type, Encrypted)]
        if columns and one.name in there:
            (key,) = one.primary_key.columns.keys()
            found.append((sa.table(one.name, sa.column(key), *map(sa.column, columns)), key, columns))
    return found


def _batches(engine: Engine, ring: Ring, raw: TableClause, key: str, columns: Sequence[str]) -> Iterator[int]:
    """Write some hundred rows anew at a time. Yields how many values that were."""
    old = sa.or_(*(raw.c[name].not_like(f"{ring.numbers[-1]}.%") for name in columns))
    query = select(raw).where(old).order_by(raw.c[key]).limit(BATCH)
    some: Sequence[Any] = ()
    while True:
        with writing(engine) as connection:
            after = query.where(raw.c[key] > some[-1][key]) if some else query
            some = connection.execute(after if is_sqlite(connection) else after.with_for_update()).mappings().all()
            if not some:
                return
            rows = [{f"to_{name}": _anew(ring, f"{raw.name}.{name}", row[name]) for name in columns} for row in some]
            at = [{"at": row[key], **to} for row, to in zip(some, rows, strict=True)]
            values = {name: bindparam(f"to_{name}") for name in columns}
            connection.execute(sa.update(raw).where(raw.c[key] == bindparam("at")).values(values), at)
        yield sum(row[name] != to[f"to_{name}"] for row, to in zip(some, rows, strict=True) for name in columns)


def _anew(ring: Ring, place: str, closed: str | None) -> str | None:
    """A value encrypted with the newest key; one that is already stays as it is."""
    if closed is None or closed.startswith(f"{ring.numbers[-1]}."):
        return closed
    return ring.close(place, ring.open(place, closed))
