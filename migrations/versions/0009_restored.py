"""That a database was restored from a backup: nothing is sent from it until somebody has looked."""

import sqlalchemy as sa
from alembic import op

from models.tables import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("restored", sa.Column("as_of", UtcDateTime(timezone=True), nullable=False, primary_key=True))


def downgrade() -> None:
    op.drop_table("restored")
