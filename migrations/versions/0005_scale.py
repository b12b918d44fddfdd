"""What keeps a round's cost to what is due: indexes, a pathway's version, how far the strand has listened."""

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_on IS NULL")
WAITING = sa.text("bundle IS NULL AND withheld IS NULL")
SENT = sa.text("state = 'sent'")


def upgrade() -> None:
    op.add_column("pathway", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("pathway_open", "pathway")
    _partial("pathway_open", "pathway", ["programme", "label", "on_role", "on_code", "due_on"], OPEN)
    _partial("pathway_held", "pathway", ["provider", "programme", "state"], OPEN)
    _partial("message_sent", "message", ["sent_at", "channel"], SENT)
    op.drop_index("notice_waiting", "notice")
    _partial("notice_waiting", "notice", ["to_code", "to_role", "id"], WAITING)
    if context.config.attributes.get("restricted"):
        op.create_table(
            "listened",
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("upto", sa.Integer(), nullable=False),
            sa.Column("whole_on", sa.Date(), nullable=False),
            sa.PrimaryKeyConstraint("id"),
        )


def downgrade() -> None:
    if context.config.attributes.get("restricted"):
        op.drop_table("listened")
    op.drop_index("notice_waiting", "notice")
    _partial("notice_waiting", "notice", ["id"], WAITING)
    op.drop_index("message_sent", "message")
    op.drop_index("pathway_held", "pathway")
    op.drop_index("pathway_open", "pathway")
    _partial("pathway_open", "pathway", ["label", "on_code"], OPEN)
    op.drop_column("pathway", "version")


def _partial(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
