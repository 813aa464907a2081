"""Rows that a loop could not handle."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "set_aside",
        sa.Column("loop", sa.Text(), nullable=False, comment="which loop: due, rescue, …"),
        sa.Column("key", sa.Text(), nullable=False, comment="of the row, in that loop's table"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_at", TIME, server_default=NOW, nullable=False),
        sa.Column("last_at", TIME, server_default=NOW, nullable=False),
        sa.Column("retry_at", TIME, nullable=False),
        sa.CheckConstraint("tries >= 1", name=op.f("set_aside_tries_are_some")),
        sa.PrimaryKeyConstraint("loop", "key", name=op.f("set_aside_pkey")),
    )
    op.create_index("set_aside_first", "set_aside", ["first_at"], unique=False)
