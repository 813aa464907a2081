"""Which tasks a worker knows, and which nobody does."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column(
        "worker",
        sa.Column(
            "tasks", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False,
            comment="names of those that it knows",
        ),
    )  # fmt: skip
    op.create_table(
        "unknown_task",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since", TIME, server_default=NOW, nullable=False),
        sa.Column(
            "seen_at",
            TIME,
            server_default=NOW,
            nullable=False,
            comment="when one of its jobs came last",
        ),
        sa.PrimaryKeyConstraint("task", "queue", name=op.f("unknown_task_pkey")),
    )
