"""Alerts: rules, what they found, channels, maintenance; and what rules look at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")

# What everybody wants to know. People change, add and delete rules on the page.
CHANNEL = (
    "INSERT INTO channel (name, kind, created_by) VALUES ('Administrators', 'email', 'mahaam')"
)
RULES = """
INSERT INTO alert_rule (name, kind, parameters, severity, channels, created_by)
SELECT name, kind, parameters::jsonb, severity, ARRAY(SELECT id FROM channel), 'mahaam'
FROM (VALUES
  ('A job failed for good', 'job_failed', '{}', 'critical'),
  ('Jobs wait too long', 'queue_latency', '{"seconds": 300}', 'warning'),
  ('A job is stuck', 'job_stuck', '{"minutes": 60}', 'warning'),
  ('A schedule is overdue or broken', 'schedule_overdue', '{}', 'critical'),
  ('A worker was lost', 'worker_lost', '{"minutes": 10}', 'warning'),
  ('Redis lost its memory', 'redis_memory_lost', '{"minutes": 15}', 'warning'),
  ('Memory or disk is near its end', 'storage', '{"percent": 90}', 'critical')
) AS rule(name, kind, parameters, severity)
"""


def upgrade() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "cooldown_s",
            sa.Integer(),
            server_default="300",
            nullable=False,
            comment="nobody is told of the same subject again sooner",
        ),
        sa.Column(
            "channels",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="ids; empty: the console alone",
        ),
        sa.Column("fault", sa.Text(), nullable=True, comment="why the last look failed"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "name <> '' AND length(name) <= 200", name=op.f("alert_rule_name_is_short")
        ),
        sa.CheckConstraint(
            "severity IN ('info', 'warning', 'critical')", name=op.f("alert_rule_severity_is_known")
        ),
        sa.CheckConstraint(
            "cooldown_s BETWEEN 0 AND 604800", name=op.f("alert_rule_cooldown_is_bounded")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_rule_pkey")),
        sa.UniqueConstraint("name", name=op.f("alert_rule_name_key")),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("what", postgresql.JSONB(), nullable=False, comment="a phrase"),
        sa.Column(
            "path", sa.Text(), nullable=False, comment="of the page with the button that helps"
        ),
        sa.Column("opened_at", TIME, server_default=NOW, nullable=False),
        sa.Column(
            "seen_at", TIME, server_default=NOW, nullable=False, comment="when it was last there"
        ),
        sa.Column("gone_at", TIME, nullable=True, comment="when the cause was gone"),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True, comment="NULL: by itself"),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("silenced_until", TIME, nullable=True),
        sa.Column("silenced_by", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("notified_at", TIME, nullable=True, comment="somebody was told that it opened"),
        sa.Column(
            "told_closed_at",
            TIME,
            nullable=True,
            comment="somebody was told that it closed, or need not be",
        ),
        sa.CheckConstraint(
            "severity IN ('info', 'warning', 'critical')", name=op.f("alert_severity_is_known")
        ),
        sa.CheckConstraint(
            "gone_at IS NULL OR closed_at IS NOT NULL", name=op.f("alert_gone_is_closed")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alert_rule.id"], name=op.f("alert_rule_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_pkey")),
    )
    op.create_index(
        "alert_closed",
        "alert",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "alert_live",
        "alert",
        ["rule_id", "subject"],
        unique=True,
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_index(
        "alert_open", "alert", ["id"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("alert_rule_opened", "alert", ["rule_id", "subject", "opened_at"], unique=False)
    op.create_index(
        "alert_untold",
        "alert",
        ["id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL AND told_closed_at IS NULL"),
    )
    op.create_table(
        "maintenance",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("maintenance_ends_after_start")),
        sa.PrimaryKeyConstraint("id", name=op.f("maintenance_pkey")),
    )
    op.create_index("maintenance_ends", "maintenance", ["ends_at"], unique=False)
    op.create_table(
        "alert_pass",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.CheckConstraint("is_only", name=op.f("alert_pass_is_one_row")),
        sa.PrimaryKeyConstraint("is_only", name=op.f("alert_pass_pkey")),
    )
    op.create_table(
        "queue_depth",
        sa.Column("minute", TIME, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "queue", name=op.f("queue_depth_pkey")),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_at", TIME, server_default=NOW, nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("incident_pkey")),
    )
    op.create_index("incident_happened", "incident", ["kind", "happened_at"], unique=False)
    op.create_table(
        "channel",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "recipients",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="of mail; empty: ADMIN_EMAILS",
        ),
        sa.Column("url", sa.Text(), nullable=True, comment="of a webhook or of Slack"),
        sa.Column("secret", sa.Text(), nullable=True, comment="signs a webhook"),
        sa.Column(
            "language",
            sa.Text(),
            server_default="en",
            nullable=False,
            comment="for those who have not chosen one",
        ),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, nullable=True),
        sa.CheckConstraint(
            "(kind = 'email') = (url IS NULL)", name=op.f("channel_address_is_whole")
        ),
        sa.CheckConstraint(
            "(kind = 'webhook') = (secret IS NOT NULL)", name=op.f("channel_secret_is_of_a_webhook")
        ),
        sa.CheckConstraint(
            "kind IN ('email', 'webhook', 'slack')", name=op.f("channel_kind_is_known")
        ),
        sa.CheckConstraint(
            "language IN ('en', 'ar', 'fa')", name=op.f("channel_language_is_known")
        ),
        sa.CheckConstraint(
            "name <> '' AND length(name) <= 200", name=op.f("channel_name_is_short")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("channel_pkey")),
        sa.UniqueConstraint("name", name=op.f("channel_name_key")),
    )
    op.execute("INSERT INTO alert_pass DEFAULT VALUES")
    op.execute(CHANNEL)
    op.execute(RULES)
