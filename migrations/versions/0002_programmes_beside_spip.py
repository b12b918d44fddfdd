"""Programmes beside SPIP: for both parents, run by our own practitioners, with closed weeks and final orders."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "closure",
        sa.Column("provider", sa.String(), sa.ForeignKey("provider.code"), nullable=False),
        sa.Column("closed_from", sa.Date(), nullable=False),
        sa.Column("closed_until", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "closed_from"),
    )
    with op.batch_alter_table("area") as area:
        area.add_column(sa.Column("research_analyst", sa.String(), nullable=True))
        area.create_foreign_key("area_research_analyst_fkey", "practitioner", ["research_analyst"], ["code"])
    with op.batch_alter_table("direction") as direction:
        direction.add_column(sa.Column("in_final_order", sa.Boolean(), nullable=False, server_default=sa.false()))
        direction.add_column(sa.Column("assessment_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("pathway") as pathway:
        pathway.alter_column("party", existing_type=sa.String(), nullable=True)
    with op.batch_alter_table("practitioner") as practitioner:
        practitioner.add_column(sa.Column("trained_in", sa.String(), nullable=False, server_default=""))
        practitioner.add_column(sa.Column("capacity", sa.Integer(), nullable=True))
    # A compliance note is one of the papers that are signed for the court.
    op.execute(
        "UPDATE fact SET kind = 'court_paper_signed', "
        "identity = replace(identity, 'note_signed|', 'court_paper_signed|note|') WHERE kind = 'note_signed'"
    )


def downgrade() -> None:
    raise NotImplementedError("a pathway for both parents has no place in the tables before; restore a backup instead")
