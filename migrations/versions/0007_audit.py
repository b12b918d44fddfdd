"""The audit trail; and that facts, and what is written in the trail, can be neither changed nor deleted.

A migration that makes one of these tables anew on SQLite loses its triggers, and puts them back.
"""

import sqlalchemy as sa
from alembic import context, op

from models.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SAID = ("id", "at", "who", "did", "about", "kind", "row_id")
"""Of an entry: what is noted, and stays as it is when it is sealed."""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("did", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("row_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("hash", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sqlite_autoincrement=True,
    )
    unsealed = sa.text("number IS NULL")
    op.create_index("audit_unsealed", "audit", ["id"], sqlite_where=unsealed, postgresql_where=unsealed)
    op.create_index("audit_of", "audit", ["kind", "row_id", "id"])
    op.create_index("audit_about", "audit", ["about"])
    # What was sent before there was a trail.
    op.execute(
        "INSERT INTO audit (at, who, did, about, kind, row_id) "
        "SELECT coalesce(sent_at, try_at), 'PATHWAYS', state, to_code, 'message', id FROM message "
        "WHERE state IN ('sent', 'failed', 'withheld') ORDER BY id"
    )
    logs = ["fact", "concern_read"] if context.config.attributes.get("restricted") else ["fact"]
    _on_sqlite(logs) if op.get_bind().dialect.name == "sqlite" else _on_postgresql(logs)


def _on_sqlite(logs: list[str]) -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
    for table in [*logs, "audit"]:
        op.execute(f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} {refuse.format(table=table)}")
    for table in logs:
        op.execute(f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} {refuse.format(table=table)}")
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in SAID)
    when = f"WHEN OLD.number IS NOT NULL OR {changed}"
    op.execute(f"CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit {when} {refuse.format(table='audit')}")


def _on_postgresql(logs: list[str]) -> None:
    op.execute(
        "CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
        "'% is only added to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    refuse = "EXECUTE FUNCTION only_added_to()"
    for table in [*logs, "audit"]:
        op.execute(f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW {refuse}")
        op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
    for table in logs:
        op.execute(f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} FOR EACH ROW {refuse}")
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in SAID)
    when = f"WHEN (OLD.number IS NOT NULL OR {changed})"
    op.execute(f"CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit FOR EACH ROW {when} {refuse}")


def downgrade() -> None:
    raise NotImplementedError("the audit trail has no place in the tables before; restore a backup instead")
