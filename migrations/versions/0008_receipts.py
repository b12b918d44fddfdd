"""Receipts are found by whose they are: they are listed on the page of what is owed."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("receipt_of", "receipt", ["code", "given_at"])


def downgrade() -> None:
    op.drop_index("receipt_of", "receipt")
