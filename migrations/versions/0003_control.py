"""Control: stops, pauses, logs, wishes for workers; and what Huey's API keeps beside the jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORKER_CHECKS = {
    "worker_state_is_known": "state IN ('running', 'quiet', 'stopping', 'stopped', 'lost')",
    "worker_wanted_state_is_known": "wanted_state IN ('running', 'quiet', 'stopped')",
    "worker_wanted_greenlets_are_some": "wanted_greenlets BETWEEN 1 AND 1000",
}


def upgrade() -> None:
    op.create_table(
        "chord",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "arrived",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="members that have ended",
        ),
        sa.Column(
            "callback",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="a message, as in a job's options",
        ),
        sa.Column("callback_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "fired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the callback is a job since then",
        ),
        sa.CheckConstraint(
            "size > 0 AND arrived BETWEEN 0 AND size", name=op.f("chord_arrived_fits")
        ),
        sa.CheckConstraint(
            "(fired_at IS NULL) = (arrived < size)", name=op.f("chord_fires_when_whole")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("chord_pkey")),
    )
    op.create_index(
        "chord_fired", "chord", ["fired_at"], postgresql_where=sa.text("fired_at IS NOT NULL")
    )
    op.create_table(
        "chord_member",
        sa.Column("chord_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column(
            "job_id",
            sa.Uuid(),
            nullable=False,
            comment="no row has it while its pipeline runs",
        ),
        sa.Column(
            "value",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="its result, its error, or that it was skipped",
        ),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(value IS NULL) = (arrived_at IS NULL)", name=op.f("chord_member_arrival_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["chord_id"], ["chord.id"], name=op.f("chord_member_chord_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("chord_id", "place", name=op.f("chord_member_pkey")),
    )
    op.create_index("chord_member_job", "chord_member", ["job_id"])
    op.create_table(
        "kept_counter",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column(
            "counted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the end of a window",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("kept_counter_pkey")),
    )
    op.create_table(
        "kept_value",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("kept_value_pkey")),
    )
    op.create_table(
        "periodic_fire",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("fire_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("task", "fire_at", name=op.f("periodic_fire_pkey")),
    )
    op.create_table(
        "task_lock",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "holder", sa.Uuid(), nullable=False, comment="of one acquisition: only it releases"
        ),
        sa.Column("job_id", sa.Uuid(), nullable=True, comment="NULL: taken outside of jobs"),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column(
            "acquired_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("task_lock_pkey")),
    )
    op.create_table(
        "task_pause",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column(
            "paused_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("task", name=op.f("task_pause_pkey")),
    )
    op.create_table(
        "job_log",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1 within an attempt"),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "level", sa.SmallInteger(), nullable=False, comment="as logging counts: 20 is INFO"
        ),
        sa.Column("logger", sa.Text(), nullable=True, comment="NULL: current_job.log"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("job_log_job_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "attempt", "number", name=op.f("job_log_pkey")),
    )
    op.add_column(
        "attempt",
        sa.Column(
            "error_metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what Huey's TaskException tells beside the traceback",
        ),
    )
    op.add_column("job", sa.Column("cancel_requested_by", sa.Text(), nullable=True))
    op.add_column(
        "job",
        sa.Column("stop_note", sa.Text(), nullable=True, comment="why it could not be stopped yet"),
    )
    op.add_column(
        "job",
        sa.Column(
            "result_taken",
            sa.Integer(),
            nullable=True,
            comment="the attempt whose result Huey's Result.get has handed out",
        ),
    )
    op.alter_column(
        "job",
        "cancel_requested_at",
        existing_type=postgresql.TIMESTAMP(timezone=True),
        comment="of a running job: it is stopping",
        existing_nullable=True,
    )
    op.add_column(
        "worker",
        sa.Column(
            "wanted_state",
            sa.Text(),
            nullable=True,
            comment="what an operator asks for: running, quiet, stopped",
        ),
    )
    op.add_column("worker", sa.Column("wanted_greenlets", sa.Integer(), nullable=True))
    op.drop_constraint(op.f("worker_state_is_known"), "worker")
    for name, rule in WORKER_CHECKS.items():
        op.create_check_constraint(op.f(name), "worker", rule)
