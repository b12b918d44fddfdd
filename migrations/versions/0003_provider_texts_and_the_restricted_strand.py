"""Provider texts everywhere; whom support follows, survivors and held texts in the restricted database only."""

import sqlalchemy as sa
from alembic import context, op

import models.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", models.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["pathway"], ["pathway.reference"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("held"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_provider_text_pathway", "provider_text", ["pathway"])
    if context.config.attributes.get("restricted"):
        _restricted_tables()


def _restricted_tables() -> None:
    op.create_table(
        "followed",
        sa.Column("man", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("man"),
        sa.UniqueConstraint("reference"),
    )
    details = ("phone", "email", "address", "workplace", "school", "safe_times")
    op.create_table(
        "survivor",
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in details),
        sa.PrimaryKeyConstraint("pathway"),
    )
    op.create_table(
        "survivor_before",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in details),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_survivor_before_pathway", "survivor_before", ["pathway"])
    op.create_table(
        "screened",
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("known", sa.String(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pathway"),
    )
    op.create_table(
        "held_text",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pathway", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", models.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", models.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("taken_back", sa.Integer(), nullable=True),
        sa.Column("left_behind", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("taken_back"),
    )
    op.create_index("ix_held_text_pathway", "held_text", ["pathway"])


def downgrade() -> None:
    raise NotImplementedError("held texts and survivors have no place in the tables before; restore a backup instead")
