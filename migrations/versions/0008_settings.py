"""Settings that change while the product runs, retention among them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("setting_pkey")),
    )
    op.create_table(
        "pruning",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "after",
            sa.Uuid(),
            server_default=sa.text("'00000000-0000-0000-0000-000000000000'"),
            nullable=False,
            comment="the pass under way has looked at the jobs up to this one",
        ),
        sa.Column("pass_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("is_only", name=op.f("pruning_is_one_row")),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pruning_pkey")),
    )
    op.execute("INSERT INTO pruning DEFAULT VALUES")
    op.create_table(
        "pruned",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "state", name=op.f("pruned_pkey")),
    )
