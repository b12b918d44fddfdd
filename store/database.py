"""The database: SQLite in a file, or PostgreSQL. One at a time writes to SQLite, and says so at its start."""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    String,
    Table,
    any_,
    bindparam,
    column,
    create_engine,
    event,
    func,
    literal,
    make_url,
    select,
    update,
)
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, ColumnElement, coercions, roles
from sqlalchemy.sql.visitors import InternalTraversal

from settings import settings, sqlite_file
from store.keys import admit

WRITES = "pathways_writes"
_PRAGMAS = (
    "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000", "secure_delete=ON",
    "recursive_triggers=ON",  # or INSERT OR REPLACE would change what is only added to
)  # fmt: skip
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
}


class WrongDatabase(Exception):
    """The database is that of the other side (SR-11)."""


@lru_cache(maxsize=8)
def database(url: str | None = None, *, restricted: bool = False) -> Engine:
    """The engine for a database URL; the one of the settings by default. `restricted` is the strand's (SR-11).

    To connect raises WrongDatabase where the tables are those of the other side, however the address is spelled.
    """
    url = url or settings().database_url
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(_with_psycopg(url), pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "connect", partial(_check_side, _TABLES["postgresql"], restricted))
        admit(engine, restricted=restricted)
        return engine
    engine = create_engine(url, hide_parameters=True)  # an error must not repeat what was to be written
    if file := sqlite_file(url):
        event.listen(engine, "do_connect", lambda *_: _owners_only(file))
    event.listen(engine, "connect", partial(_check_side, _TABLES["sqlite"], restricted))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    admit(engine, restricted=restricted)
    return engine


def _owners_only(file: Path) -> None:
    """Nobody else can read it; SQLite gives its log the same permissions."""
    with suppress(OSError):  # no folder yet, or somebody else's file
        file.touch(mode=0o600)
        file.chmod(0o600)


def _check_side(tables: str, restricted: bool, connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(tables)
    there = {name for (name,) in cursor.fetchall()}
    wrong = not restricted and "followed" in there
    if restricted and "case" in there and "followed" not in there:
        cursor.execute('SELECT 1 FROM "case" LIMIT 1')
        wrong = cursor.fetchone() is not None
    connection.rollback()
    if wrong:
        connection.close()
        whose = "holds the cases; the strand needs another" if restricted else "is the restricted strand's"
        raise WrongDatabase(f"SR-11: this database {whose}. See `database` and `restricted_database` in the settings.")


def _with_psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that starts as a reader can find, when it comes to write, that another has written meanwhile.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it is committed, or none."""
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        yield connection


def wiped(engine: Engine) -> bool:
    """Whether nothing of what was deleted is left in SQLite's log; False where somebody else is reading it."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.execute("PRAGMA busy_timeout=2000")
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        raw.execute("PRAGMA busy_timeout=30000")
    return not busy


def copied(engine: Engine, file: Path) -> None:
    """Copy a SQLite database into a new file, whole and as of one moment, whoever writes meanwhile.

    Raises FileExistsError where there is something already, and other OSErrors where it cannot be written.
    """
    file.touch(mode=0o600, exist_ok=False)
    try:
        with engine.connect() as connection, closing(sqlite3.connect(file)) as copy:
            connection.connection.driver_connection.backup(copy)
    except BaseException:
        file.unlink()
        raise


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def claiming(connection: Connection, query: Any, of: Table) -> Any:
    """Lock the rows of a table that a query finds, and pass by those another worker has.

    SQLite has one writer and needs no locks. The lock lets others refer to the rows by foreign key, so that writing a
    notice does not wait for an advance.
    """
    return query if is_sqlite(connection) else query.with_for_update(skip_locked=True, key_share=True, of=of)


def insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, which all have the same columns."""
    if rows:
        connection.execute(*_inserting(connection, table, rows, new_only=False))


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those whose key is there already are left as they are."""
    if rows:
        connection.execute(*_inserting(connection, table, rows, new_only=True))


def insert_returning(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], column: Any) -> list[Any]:
    """Insert rows as `insert_new` does, and say of which ones it was we who inserted them."""
    if not rows:
        return []
    statement, values = _inserting(connection, table, rows, new_only=True)
    return list(connection.execute(statement.returning(column), values).scalars())


def change(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    by: tuple[str, ...] = ("id",),
    where: Any = None,
    **also: Any,
) -> int:
    """Change rows, each found by its values of the columns `by`, to its other values; and to what `also` says.

    Those that are not as `where` says are left as they are. Returns how many were changed.
    """
    if not rows:
        return 0
    as_set = _as_set(connection, rows)
    changing = _changing(table, tuple(rows[0]), by, where, tuple(also.items()), as_set=as_set)
    return connection.execute(changing, _values(rows, as_set=as_set)).rowcount


_FEW = 4


def _as_set(connection: Connection, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether rows go as arrays, one a column: many a one costs PostgreSQL several times as much in a statement each.

    SQLite, in our own process, does not mind.
    """
    return len(rows) > _FEW and not is_sqlite(connection)


def _inserting(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, new_only: bool) -> Any:
    """The statement that inserts some rows, and the values to execute it with."""
    as_set = _as_set(connection, rows)
    return _insert(table, tuple(rows[0]), new_only=new_only, as_set=as_set), _values(rows, as_set=as_set)


class _on_conflict_do_nothing(ClauseElement):
    """The same in both databases. SQLAlchemy's own would be put together anew with every statement."""

    inherit_cache = True
    _traverse_internals = []


@compiles(_on_conflict_do_nothing)
def _as_it_is_said(*_: Any, **__: Any) -> str:
    return "ON CONFLICT DO NOTHING"


@lru_cache(maxsize=64)
def _insert(table: Table, names: tuple[str, ...], *, new_only: bool, as_set: bool) -> Any:
    given, into = _given(table, names, as_set=as_set), insert_into(table)
    made = into.from_select(names, select(*given.values())) if as_set else into.values(given)
    if new_only:
        made._post_values_clause = _on_conflict_do_nothing()
    return made


@lru_cache(maxsize=64)
def _changing(table: Table, names: tuple[str, ...], by: tuple[str, ...], where: Any, also: Any, *, as_set: bool) -> Any:
    given = _given(table, names, as_set=as_set)
    found = [table.c[name] == given[name] for name in by]
    values = {name: given[name] for name in names if name not in by}
    return update(table).where(*found, *([] if where is None else [where])).values({**values, **dict(also)})


def _given(table: Table, names: tuple[str, ...], *, as_set: bool) -> dict[str, Any]:
    """What stands in a statement for the values of each column: of one row, or of all."""
    if not as_set:
        return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    arrays = (bindparam(f"new_{name}", type_=postgresql.ARRAY(table.c[name].type)) for name in names)
    columns = (column(name, table.c[name].type) for name in names)
    return dict(func.unnest(*arrays).table_valued(*columns, name="given").render_derived().c)


def _values(rows: Sequence[dict[str, Any]], *, as_set: bool) -> Any:
    if as_set:
        return {f"new_{name}": [row[name] for row in rows] for name in rows[0]}
    named = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    return named if len(named) > 1 else named[0]


def one_of(column: Any, *values: str) -> Any:
    """That a column holds one of these, written out in the query: SQLite uses an index of such rows for no less."""
    written = [literal(value, literal_execute=True) for value in values]
    return column == written[0] if len(written) == 1 else column.in_(written)


class one_among(ColumnElement[Any]):
    """In a query: that a column holds one of some values, which `among` gives.

    Such a query is written once, and is the same for any number of values, so that nobody puts it together each time.
    It has no type: of a Boolean, SQLite would be asked whether it is 1, for which it has no index.
    """

    inherit_cache = True
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]

    def __init__(self, column: Any) -> None:
        self.column = coercions.expect(roles.ColumnArgumentRole, column)


@compiles(one_among)
def _in_a_list(element: one_among, compiler: Any, **how: Any) -> str:
    return compiler.process(element.column.in_(bindparam("some", expanding=True)), **how)


@compiles(one_among, "postgresql")
def _in_an_array(element: one_among, compiler: Any, **how: Any) -> str:
    return compiler.process(element.column == any_(bindparam("some", type_=postgresql.ARRAY(String))), **how)


def among(connection: Connection, query: Any, values: Iterable[Any], size: int = 500) -> Iterator[Any]:
    """What a query finds, or changes, of many values, a few hundred at a time and in order; as named tuples."""
    for some in in_batches(sorted(values), size):
        result = connection.execute(query, {"some": some})
        if result.returns_rows:
            yield from plain(result)


def plain(result: CursorResult[Any]) -> list[Any]:
    """The rows of a result as named tuples: SQLAlchemy's own take ten times as long to say what stands under a name."""
    return list(map(_tuple_of(tuple(result.keys())), result.all()))


@lru_cache(maxsize=256)
def _tuple_of(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    return namedtuple("Plain", names)._make


def in_batches(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
