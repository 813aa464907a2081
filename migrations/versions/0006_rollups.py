"""What charts are drawn from: spreads of waits and runs, ages of queues, periods, deploys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SPREAD = (
    ("waits", sa.SmallInteger(), "buckets of waits of first starts"),
    ("wait_counts", sa.Integer(), None),
    ("runs", sa.SmallInteger(), "buckets of runs"),
    ("run_counts", sa.Integer(), None),
)
COUNTS = ("completed", "failed", "retried", "cancelled", "expired", "crashed")
ARE_PAIRS = (
    "cardinality(waits) = cardinality(wait_counts) AND cardinality(runs) = cardinality(run_counts)"
)


def _spread() -> list[sa.Column]:
    return [
        sa.Column(
            name,
            postgresql.ARRAY(kind),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment=comment,
        )
        for name, kind, comment in SPREAD
    ]


def upgrade() -> None:
    # Earlier releases kept minutes for ever, and nothing read the old ones: the first time that minutes
    # are added up shall not take all of them at once.
    op.execute("DELETE FROM job_minute WHERE minute < now() - interval '1 day'")
    op.create_table(
        "job_spread",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column(
            "worker_id",
            sa.Uuid(),
            nullable=False,
            comment="who alone writes the row, again and again",
        ),
        *_spread(),
        sa.CheckConstraint(ARE_PAIRS, name=op.f("job_spread_are_pairs")),
        sa.PrimaryKeyConstraint(
            "minute", "queue", "task", "worker_id", name=op.f("job_spread_pkey")
        ),
    )
    op.create_table(
        "queue_age",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("oldest_s", sa.Float(), nullable=False, comment="of what waited; 0: nothing did"),
        sa.PrimaryKeyConstraint("minute", "queue", name=op.f("queue_age_pkey")),
    )
    op.create_table(
        "job_period",
        sa.Column("length_s", sa.Integer(), nullable=False, comment="60, 600, 3600 or 86400"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False, comment="empty: all queues together"),
        sa.Column("task", sa.Text(), nullable=False, comment="empty: all tasks together"),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTS),
        *_spread(),
        sa.Column(
            "oldest_s", sa.Float(), nullable=True, comment="longest seen to wait; of all tasks only"
        ),
        sa.CheckConstraint(
            "length_s IN (60, 600, 3600, 86400)", name=op.f("job_period_length_is_known")
        ),
        sa.CheckConstraint(ARE_PAIRS, name=op.f("job_period_are_pairs")),
        sa.PrimaryKeyConstraint(
            "length_s", "starts_at", "queue", "task", name=op.f("job_period_pkey")
        ),
    )
    op.create_table(
        "deploy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("marked_by", sa.Text(), nullable=False),
        sa.Column(
            "marked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("revision <> ''", name=op.f("deploy_has_a_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("deploy_pkey")),
    )
    op.create_index("deploy_marked", "deploy", ["marked_at"])
