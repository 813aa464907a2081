"""Children of a job can be found, and a form remembers what its person made last.

Jobs without a parent are not in the index and pay nothing for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "job_parent",
        "job",
        ["parent_id", "id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_table(
        "last_call",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False, comment="it may have been deleted since"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("last_call_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "task", name=op.f("last_call_pkey")),
    )
