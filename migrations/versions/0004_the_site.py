"""Return links, sessions of the site and receipts; harm concerns in the restricted database only."""

import sqlalchemy as sa
from alembic import context, op

from models.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "return_link",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    in_force = sa.text("withdrawn_at IS NULL")
    once = ["role", "code", "mailbox", "issued_on"]
    op.create_index(
        "return_link_once", "return_link", once, unique=True, sqlite_where=in_force, postgresql_where=in_force
    )
    op.create_table(
        "site_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("verified_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("code_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["link"], ["return_link.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "receipt",
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("submission", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("given_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("reference"),
        sa.UniqueConstraint("submission"),
    )
    if context.config.attributes.get("restricted"):
        _concerns()


def _concerns() -> None:
    op.create_table(
        "harm_concern",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("risk"),
    )
    op.create_index("ix_harm_concern_pathway", "harm_concern", ["pathway"])
    op.create_table(
        "concern_read",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("concern", sa.Integer(), nullable=False),
        sa.Column("read_by", sa.String(), nullable=False),
        sa.Column("read_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_concern_read_concern", "concern_read", ["concern"])


def downgrade() -> None:
    if context.config.attributes.get("restricted"):
        raise NotImplementedError("harm concerns have no place in the tables before; restore a backup instead")
    for table in ("receipt", "site_session", "return_link"):
        op.drop_table(table)
