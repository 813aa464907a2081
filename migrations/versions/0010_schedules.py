"""Schedules, the definitions of tasks, and what became of each due time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    for name in ("wait_ms", "waited", "run_ms"):  # dropped when no older consumer runs any more
        op.alter_column("job_minute", name, comment="no longer written: job_spread tells more")
    op.create_table(
        "task_definition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("queue", sa.Text(), nullable=True, comment="NULL: the task's own"),
        sa.Column("kwargs", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, nullable=True),
        sa.CheckConstraint(
            "name <> '' AND length(name) <= 200", name=op.f("task_definition_name_is_short")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_definition_pkey")),
        sa.UniqueConstraint("name", name=op.f("task_definition_name_key")),
    )
    op.create_index("task_definition_task", "task_definition", ["task", "id"])
    op.create_table(
        "schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("definition_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_at", TIME, nullable=True, comment="of once"),
        sa.Column(
            "every_s", sa.Integer(), nullable=True, comment="of interval, counted from starts_at"
        ),
        sa.Column("cron", sa.Text(), nullable=True, comment="five fields"),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("starts_at", TIME, server_default=NOW, nullable=False),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("args", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("kwargs", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "priority", sa.Integer(), nullable=True, comment="NULL: the task's own, as the next two"
        ),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("max_retries", sa.Integer(), nullable=True),
        sa.Column("missed", sa.Text(), server_default="once", nullable=False),
        sa.Column(
            "missed_limit", sa.Integer(), server_default="10", nullable=False, comment="of all"
        ),
        sa.Column("overlap", sa.Text(), server_default="allow", nullable=False),
        sa.Column("next_run_at", TIME, nullable=True, comment="NULL: never again"),
        sa.Column("last_fire_at", TIME, nullable=True),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("disabled_by", sa.Text(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("broken_at", TIME, nullable=True),
        sa.Column(
            "broken", postgresql.JSONB(), nullable=True, comment="why it cannot fire, as a phrase"
        ),
        sa.Column(
            "code",
            postgresql.JSONB(),
            nullable=True,
            comment="what the code says; NULL: it says nothing",
        ),
        sa.Column(
            "edited_at", TIME, nullable=True, comment="by people, who win over the code since then"
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "name <> '' AND length(name) <= 200", name=op.f("schedule_name_is_short")
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'once' THEN run_at IS NOT NULL AND num_nonnulls(every_s, cron) = 0"
            " WHEN 'interval' THEN every_s >= 1 AND num_nonnulls(run_at, cron) = 0"
            " WHEN 'cron' THEN cron IS NOT NULL AND num_nonnulls(run_at, every_s) = 0"
            " ELSE false END",
            name=op.f("schedule_kind_is_whole"),
        ),
        sa.CheckConstraint(
            "missed IN ('skip', 'once', 'all')", name=op.f("schedule_missed_is_known")
        ),
        sa.CheckConstraint(
            "missed_limit BETWEEN 1 AND 1000", name=op.f("schedule_missed_limit_is_bounded")
        ),
        sa.CheckConstraint(
            "overlap IN ('allow', 'skip', 'queue')", name=op.f("schedule_overlap_is_known")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("schedule_ends_after_start")),
        sa.CheckConstraint(
            "(broken IS NULL) = (broken_at IS NULL)", name=op.f("schedule_fault_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["task_definition.id"],
            name=op.f("schedule_definition_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("schedule_pkey")),
        sa.UniqueConstraint("name", name=op.f("schedule_name_key")),
    )
    op.create_index(
        "schedule_due",
        "schedule",
        ["next_run_at"],
        postgresql_where=sa.text("disabled_at IS NULL AND next_run_at IS NOT NULL"),
    )
    op.create_index(
        "schedule_broken",
        "schedule",
        ["broken_at"],
        postgresql_where=sa.text("disabled_at IS NULL AND broken_at IS NOT NULL"),
    )
    op.create_index("schedule_task", "schedule", ["task", "id"])
    op.create_table(
        "schedule_fire",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("fire_at", TIME, nullable=False, comment="the due time"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="of what was skipped or waits"),
        sa.Column("made_at", TIME, server_default=NOW, nullable=False),
        sa.Column(
            "made_by", sa.Text(), nullable=True, comment="who ran it by hand; NULL: the clock"
        ),
        sa.Column("job_id", sa.Uuid(), nullable=True, comment="it may have been deleted since"),
        sa.Column(
            "count",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="due times that this row stands for, the first of them fire_at",
        ),
        sa.CheckConstraint(
            "state IN ('fired', 'skipped', 'waiting')", name=op.f("schedule_fire_state_is_known")
        ),
        sa.CheckConstraint(
            "(state = 'fired') = (job_id IS NOT NULL)", name=op.f("schedule_fire_fired_has_a_job")
        ),
        sa.CheckConstraint(
            "(state = 'fired') = (reason IS NULL)", name=op.f("schedule_fire_rest_has_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedule.id"],
            name=op.f("schedule_fire_schedule_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "fire_at", name=op.f("schedule_fire_pkey")),
    )
    op.create_index(
        "schedule_fire_waiting",
        "schedule_fire",
        ["schedule_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "schedule_fire_job",
        "schedule_fire",
        ["job_id"],
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_index("schedule_fire_made", "schedule_fire", ["made_at"])
