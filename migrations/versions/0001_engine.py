"""The engine: jobs, attempts, dead letters, queues, workers and the rollup per minute."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

QUEUES = [
    {"name": "notifications", "rank": 10, "weight": 4},
    {"name": "orders", "rank": 10, "weight": 4},
    {"name": "emails", "rank": 20, "weight": 2},
    {"name": "default", "rank": 30, "weight": 2},
    {"name": "reports", "rank": 40, "weight": 1},
]

JOB_IS_SOUND = """
CREATE FUNCTION job_is_sound(
  state text, run_at timestamptz, started_at timestamptz, finished_at timestamptz, worker_id uuid,
  progress int, attempt int, retry_count int, max_retries int, crash_count int
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN attempt >= 0 AND retry_count >= 0 AND max_retries >= 0 AND crash_count >= 0
    AND (progress IS NULL OR progress BETWEEN 0 AND 100)
    AND CASE
      WHEN state = 'queued' THEN finished_at IS NULL
      WHEN state = 'running' THEN
        finished_at IS NULL AND started_at IS NOT NULL AND worker_id IS NOT NULL
      WHEN state IN ('scheduled', 'retrying') THEN finished_at IS NULL AND run_at IS NOT NULL
      ELSE finished_at IS NOT NULL AND state IN ('cancelled', 'completed', 'expired', 'failed')
    END;
END
$$
"""


def upgrade() -> None:
    op.execute(JOB_IS_SOUND)
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: time order"),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "args",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column(
            "kwargs",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=Text()),
            nullable=True,
            comment="what rides along: chain, hooks, removal",
        ),
        sa.Column("tags", postgresql.ARRAY(Text()), nullable=True),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="starts so far"
        ),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_retries", sa.Integer(), server_default="3", nullable=False),
        sa.Column("crash_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_delay_s", sa.Double(), server_default="1", nullable=False),
        sa.Column(
            "retry_backoff",
            sa.Double(),
            server_default="2",
            nullable=False,
            comment="1: fixed delay",
        ),
        sa.Column("retry_jitter", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timeout_s", sa.Double(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("progress_text", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=Text()), nullable=True),
        sa.Column(
            "error", sa.Text(), nullable=True, comment="class and message of the last failure"
        ),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("schedule_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "job_is_sound(state, run_at, started_at, finished_at, worker_id, progress, attempt, retry_count, max_retries, crash_count)",
            name=op.f("job_is_sound"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("job_pkey")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02"},
    )
    op.create_index(
        "job_dedupe_key_live",
        "job",
        ["dedupe_key"],
        unique=True,
        postgresql_where=sa.text(
            "dedupe_key IS NOT NULL AND state IN ('queued', 'retrying', 'running', 'scheduled')"
        ),
    )
    op.create_index(
        "job_due",
        "job",
        ["run_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('scheduled', 'retrying')"),
    )
    op.create_index(
        "job_rare_state",
        "job",
        ["state", "id"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('scheduled', 'retrying', 'failed', 'cancelled', 'expired')"
        ),
    )
    op.create_index(
        "job_running",
        "job",
        ["worker_id"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "job_waiting",
        "job",
        ["queue", sa.literal_column("priority DESC"), "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "job_minute",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column(
            "worker_id", sa.Uuid(), nullable=False, comment="keeps two consumers off one row"
        ),
        sa.Column("completed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retried", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expired", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashed", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "wait_ms",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="sum, first starts only",
        ),
        sa.Column(
            "waited",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="first starts in wait_ms",
        ),
        sa.Column("run_ms", sa.BigInteger(), server_default="0", nullable=False, comment="sum"),
        sa.PrimaryKeyConstraint(
            "minute", "queue", "task", "worker_id", name=op.f("job_minute_pkey")
        ),
    )
    op.create_table(
        "queue",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), server_default="100", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "rate_limit", sa.Integer(), nullable=True, comment="starts allowed per rate_period_s"
        ),
        sa.Column("rate_period_s", sa.Double(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'", name=op.f("queue_name_is_a_word")
        ),
        sa.CheckConstraint(
            "(rate_limit IS NULL) = (rate_period_s IS NULL) AND rate_limit > 0 AND rate_period_s > 0 OR rate_limit IS NULL AND rate_period_s IS NULL",
            name=op.f("queue_rate_is_whole"),
        ),
        sa.CheckConstraint("weight >= 1", name=op.f("queue_weight_is_positive")),
        sa.PrimaryKeyConstraint("name", name=op.f("queue_pkey")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("queues", postgresql.ARRAY(Text()), nullable=False, comment="empty: all"),
        sa.Column("greenlets", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'stopping', 'stopped', 'lost')",
            name=op.f("worker_state_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("worker_pkey")),
    )
    op.create_table(
        "attempt",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column(
            "late_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a refused result arrived after the rescue",
        ),
        sa.Column("late_outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('completed', 'failed', 'retrying', 'cancelled', 'expired', 'released', 'crashed')",
            name=op.f("attempt_outcome_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("attempt_job_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("attempt_pkey")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column("first_error_class", sa.Text(), nullable=False),
        sa.Column("first_error_message", sa.Text(), nullable=False),
        sa.Column("first_traceback", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("reprocessed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reprocessed_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution_note", sa.Text(), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("dead_letter_job_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dead_letter_pkey")),
    )
    op.create_index("dead_letter_fingerprint", "dead_letter", ["fingerprint", "id"], unique=False)
    op.create_index("dead_letter_job_attempt", "dead_letter", ["job_id", "attempt"], unique=True)
    op.create_index(
        "dead_letter_open",
        "dead_letter",
        ["id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL AND reprocessed_at IS NULL"),
    )
    queue = sa.table("queue", sa.column("name"), sa.column("rank"), sa.column("weight"))
    op.bulk_insert(queue, QUEUES)
