"""What may be searched of a job's arguments, and how far old rows are looked through for secrets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "job",
        sa.Column(
            "shown",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="args and kwargs without secrets; NULL: there are none in them",
        ),
    )
    op.create_table(
        "mask_walk",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("names", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("part", sa.Text(), nullable=False, comment="the table that it is in"),
        sa.Column("below", sa.Text(), nullable=True, comment="the last row seen; NULL: it begins"),
        sa.Column(
            "count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="rows that were changed",
        ),
        sa.Column(
            "began_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("is_only", name=op.f("mask_walk_is_one_row")),
        sa.CheckConstraint(
            "part IN ('failure', 'error_group', 'dead_letter', 'job')",
            name=op.f("mask_walk_part_is_known"),
        ),
        sa.PrimaryKeyConstraint("is_only", name=op.f("mask_walk_pkey")),
    )
    # Where there are no rows yet, there is nothing to look through.
    op.execute(
        "INSERT INTO mask_walk (part, ended_at)"
        " SELECT 'failure', CASE WHEN EXISTS (SELECT FROM job) OR EXISTS (SELECT FROM error_group)"
        " THEN NULL ELSE now() END"
    )
