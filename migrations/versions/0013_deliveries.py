"""Deliveries of notifications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "about", sa.Text(), nullable=False, comment="opened, closed, digest, letter or test"
        ),
        sa.Column(
            "message", postgresql.JSONB(), nullable=False, comment="what is told, as phrases"
        ),
        sa.Column(
            "alert_ids",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("dead_letter_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fault", sa.Text(), nullable=True, comment="of the last try"),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True, comment="who sent it by hand"),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint(
            "(state = 'waiting') = (ended_at IS NULL)", name=op.f("alert_delivery_end_is_known")
        ),
        sa.CheckConstraint(
            "about IN ('opened', 'closed', 'digest', 'letter', 'test')",
            name=op.f("alert_delivery_about"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'failed')", name=op.f("alert_delivery_state_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channel.id"],
            name=op.f("alert_delivery_channel_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_delivery_pkey")),
    )
    op.create_index("alert_delivery_channel", "alert_delivery", ["channel_id", "id"], unique=False)
    op.create_index("alert_delivery_created", "alert_delivery", ["created_at"], unique=False)
    op.create_index(
        "alert_delivery_failed",
        "alert_delivery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
