"""Personal details are kept encrypted, each database knows by which keys, and when they were erased."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from models.encrypted import Ring
from store.keys import know, ring_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTY = ("name", "address", "phone", "email", "language", "access_needs")
SURVIVOR = ("name", "phone", "email", "address", "workplace", "school", "safe_times")
BATCH = 500


def upgrade() -> None:
    op.create_table("personal_key", sa.Column("number", sa.String(), primary_key=True))
    restricted = context.config.attributes.get("restricted", False)
    connection = op.get_bind()
    ring = ring_of(connection.engine, restricted=restricted)
    know(connection.exec_driver_sql, ring, connection.dialect.name)
    _encrypt(ring, "party", "reference", PARTY)
    _encrypt_typed(
        ring, "party", "reference", {"date_of_birth": sa.Date(), "latitude": sa.Float(), "longitude": sa.Float()}
    )
    op.add_column("party", sa.Column("erased_on", sa.Date(), nullable=True))
    _encrypt(ring, "provider_text", "id", ("body",))
    if restricted:
        _encrypt(ring, "survivor", "pathway", SURVIVOR)
        _encrypt(ring, "survivor_before", "number", SURVIVOR)
        _encrypt(ring, "held_text", "number", ("body",))
        _encrypt(ring, "harm_concern", "number", ("body",))


def _encrypt(ring: Ring, table: str, key: str, columns: Sequence[str]) -> None:
    """Encrypt the texts of a table in their own columns."""
    at = sa.table(table, sa.column(key), *(sa.column(name, sa.Text()) for name in columns))
    for rows in _batches(at, key):
        _write(at, key, [{key: row[key]} | {n: _closed(ring, table, n, row[n]) for n in columns} for row in rows])
    if columns != ("body",):  # a text already
        with op.batch_alter_table(table) as batch:
            for name in columns:
                batch.alter_column(name, type_=sa.Text(), existing_type=sa.String())


def _encrypt_typed(ring: Ring, table: str, key: str, columns: dict[str, Any]) -> None:
    """Encrypt days and numbers into columns of text, which take the place of theirs."""
    for name in columns:
        op.add_column(table, sa.Column(f"closed_{name}", sa.Text(), nullable=True))
    closed = [sa.column(f"closed_{name}", sa.Text()) for name in columns]
    at = sa.table(table, sa.column(key), *(sa.column(name, kind) for name, kind in columns.items()), *closed)
    for rows in _batches(at, key):
        _write(
            at,
            key,
            [{key: row[key]} | {f"closed_{n}": _closed(ring, table, n, row[n]) for n in columns} for row in rows],
        )
    with op.batch_alter_table(table) as batch:
        for name in columns:
            batch.drop_column(name)
    with op.batch_alter_table(table) as batch:
        for name in columns:
            batch.alter_column(f"closed_{name}", new_column_name=name, existing_type=sa.Text(), existing_nullable=True)


def _closed(ring: Ring, table: str, column: str, value: Any) -> str | None:
    if value is None:
        return None
    return ring.close(f"{table}.{column}", value.isoformat() if isinstance(value, date) else str(value))


def _batches(table: Any, key: str) -> Iterator[Sequence[Any]]:
    """All rows, some hundred at a time, in the order of their key."""
    query = sa.select(table).order_by(table.c[key]).limit(BATCH)
    rows = op.get_bind().execute(query).mappings().all()
    while rows:
        yield rows
        rows = op.get_bind().execute(query.where(table.c[key] > rows[-1][key])).mappings().all()


def _write(table: Any, key: str, rows: Sequence[dict[str, Any]]) -> None:
    names = [name for name in rows[0] if name != key]
    query = (
        sa.update(table).where(table.c[key] == sa.bindparam("at")).values({n: sa.bindparam(f"to_{n}") for n in names})
    )
    op.get_bind().execute(query, [{"at": row[key]} | {f"to_{n}": row[n] for n in names} for row in rows])


def downgrade() -> None:
    raise NotImplementedError("personal details are not put back in the clear; restore a backup instead")
