"""What became of a message for each of its recipients."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "delivery_effect",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="an address of mail, or a host"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fault", sa.Text(), nullable=True, comment="of the last try"),
        sa.Column("changed_at", TIME, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'refused')", name=op.f("delivery_effect_state_is_known")
        ),
        sa.CheckConstraint(
            "state <> 'sent' OR fault IS NULL", name=op.f("delivery_effect_sent_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["alert_delivery.id"],
            name=op.f("delivery_effect_delivery_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "target", name=op.f("delivery_effect_pkey")),
    )
    op.create_index(
        "alert_delivery_waiting",
        "alert_delivery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
