"""The failure desk: one dead letter for every job, error groups, notes, runbooks, phased re-drives."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")
TEXTS = postgresql.ARRAY(sa.TEXT())
OPEN = sa.text("resolved_at IS NULL AND reprocessed_at IS NULL")

# A job had a letter for each time that it failed for good; now the newest stands for all.
COUNT = """
UPDATE dead_letter AS letter SET failures = told.count, failed_at = letter.created_at, created_at = told.first
FROM (SELECT max(id) AS id, count(*) AS count, min(created_at) AS first FROM dead_letter GROUP BY job_id)
  AS told
WHERE letter.id = told.id
"""
ONE_FOR_A_JOB = """
DELETE FROM dead_letter AS old USING dead_letter AS newer
WHERE newer.job_id = old.job_id AND newer.id > old.id
"""
GATHER = """
INSERT INTO error_group (fingerprint, error_class, message, tasks, queues, releases, first_seen_at,
                         last_seen_at, count, sample_id)
SELECT fingerprint, (array_agg(error_class ORDER BY id DESC))[1],
       (array_agg(left(error_message, 500) ORDER BY id DESC))[1], (array_agg(DISTINCT task))[1 : 20],
       (array_agg(DISTINCT queue))[1 : 20], '{}', min(created_at), max(failed_at), sum(failures), max(id)
FROM dead_letter GROUP BY fingerprint
"""
HOURS = """
INSERT INTO error_hour (group_id, hour, count)
SELECT error_group.id, date_trunc('hour', failed_at), count(*)
FROM dead_letter JOIN error_group USING (fingerprint)
WHERE failed_at > now() - interval '30 days' GROUP BY 1, 2
"""


def upgrade() -> None:
    _letters()
    _groups()
    _redrives()
    op.execute(GATHER)
    op.execute(HOURS)


def _letters() -> None:
    op.add_column(
        "dead_letter",
        sa.Column(
            "failures",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="how often its job failed for good",
        ),
    )
    op.add_column(
        "dead_letter",
        sa.Column("failed_at", TIME, server_default=NOW, nullable=False, comment="last time"),
    )
    op.add_column("dead_letter", sa.Column("owner", sa.Text(), nullable=True))
    op.execute(COUNT)
    op.execute(ONE_FOR_A_JOB)
    op.drop_index("dead_letter_job_attempt", table_name="dead_letter")
    op.create_index("dead_letter_job", "dead_letter", ["job_id"], unique=True)
    op.create_index(
        "dead_letter_reprocessed",
        "dead_letter",
        ["id"],
        postgresql_where=sa.text("reprocessed_at IS NOT NULL AND resolved_at IS NULL"),
    )
    op.create_index(
        "dead_letter_open_cause", "dead_letter", ["fingerprint", "id"], postgresql_where=OPEN
    )
    op.create_index("dead_letter_task", "dead_letter", ["task", "id"])
    op.create_index("dead_letter_queue", "dead_letter", ["queue", "id"])
    op.create_index(
        "dead_letter_owner",
        "dead_letter",
        ["owner", "id"],
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.create_table(
        "dead_letter_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dead_letter_id", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", TIME, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["dead_letter_id"],
            ["dead_letter.id"],
            name=op.f("dead_letter_note_dead_letter_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dead_letter_note_pkey")),
    )
    op.create_index("dead_letter_note_letter", "dead_letter_note", ["dead_letter_id", "id"])


def _groups() -> None:
    op.create_table(
        "failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dead_letter_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="its beginning"),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("failed_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("failure_pkey")),
    )
    op.create_table(
        "error_group",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column(
            "message", sa.Text(), nullable=False, comment="of the newest failure, its beginning"
        ),
        sa.Column("tasks", TEXTS, nullable=False, comment="at most 20"),
        sa.Column("queues", TEXTS, nullable=False, comment="at most 20"),
        sa.Column(
            "releases", TEXTS, nullable=False, comment="that were live when it struck, at most 20"
        ),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column(
            "sample_id",
            sa.BigInteger(),
            nullable=True,
            comment="the newest dead letter; it may be deleted since",
        ),
        sa.Column("resolved_at", TIME, nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column(
            "returned_at",
            TIME,
            nullable=True,
            comment="when it struck again after it was resolved or ignored",
        ),
        sa.Column("ignored_at", TIME, nullable=True),
        sa.Column("ignored_by", sa.Text(), nullable=True),
        sa.Column("ignored_until", TIME, nullable=True),
        sa.Column("ignored_until_count", sa.BigInteger(), nullable=True),
        sa.Column("ignored_until_rate", sa.Integer(), nullable=True, comment="failures in an hour"),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("runbook", sa.Text(), nullable=True, comment="Markdown"),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolved_by IS NULL)",
            name=op.f("error_group_resolution_is_whole"),
        ),
        sa.CheckConstraint(
            "(ignored_at IS NULL) = (ignored_by IS NULL)",
            name=op.f("error_group_ignoring_is_whole"),
        ),
        sa.CheckConstraint(
            "resolved_at IS NULL OR ignored_at IS NULL", name=op.f("error_group_one_of_two")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("error_group_pkey")),
        sa.UniqueConstraint("fingerprint", name=op.f("error_group_fingerprint_key")),
    )
    op.create_index("error_group_seen", "error_group", ["last_seen_at", "id"])
    op.create_index(
        "error_group_ignored",
        "error_group",
        ["id"],
        postgresql_where=sa.text("ignored_at IS NOT NULL"),
    )
    op.create_table(
        "error_hour",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["error_group.id"],
            name=op.f("error_hour_group_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "hour", name=op.f("error_hour_pkey")),
    )
    op.create_index("error_hour_hour", "error_hour", ["hour"])
    op.create_table(
        "task_runbook",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("task_runbook_pkey")),
    )


def _redrives() -> None:
    op.create_table(
        "redrive",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("expected", sa.Integer(), nullable=False, comment="dead letters at the start"),
        sa.Column(
            "until",
            sa.BigInteger(),
            nullable=False,
            comment="the newest dead letter at the start",
        ),
        sa.Column(
            "shares",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="percent of each phase",
        ),
        sa.Column("max_failed_percent", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column(
            "operations",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="of the phases that have begun",
        ),
        sa.Column(
            "stopped_by", sa.Text(), nullable=True, comment="NULL: the share that failed again"
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'finished', 'stopped')", name=op.f("redrive_state_is_known")
        ),
        sa.CheckConstraint(
            "max_failed_percent BETWEEN 0 AND 100", name=op.f("redrive_percent_is_one")
        ),
        sa.CheckConstraint(
            "(state = 'running') = (finished_at IS NULL)", name=op.f("redrive_end_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("redrive_pkey")),
    )
    op.create_index(
        "redrive_running", "redrive", ["id"], postgresql_where=sa.text("state = 'running'")
    )
