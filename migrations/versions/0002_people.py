"""People who use the console, their roles, and the forms that they have already sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = [
    {"name": "viewer", "rank": 10},
    {"name": "operator", "rank": 20},
    {"name": "admin", "rank": 30},
]


def upgrade() -> None:
    roles = op.create_table(
        "role",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "rank", sa.Integer(), nullable=False, comment="a higher rank may do all of a lower"
        ),
        sa.PrimaryKeyConstraint("name", name="role_pkey"),
        sa.UniqueConstraint("rank", name="role_rank_key"),
    )
    op.bulk_insert(roles, ROLES)
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False, comment="argon2id"),
        sa.Column("role_name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("language", sa.Text(), nullable=True, comment="as chosen; NULL: never chosen"),
        sa.Column(
            "fs_uniquifier", sa.Text(), nullable=False, comment="a new one ends all sessions"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("email = lower(email)", name="user_email_is_lower"),
        sa.CheckConstraint("language IN ('en', 'ar', 'fa')", name="user_language_is_known"),
        sa.ForeignKeyConstraint(["role_name"], ["role.name"], name="user_role_name_fkey"),
        sa.PrimaryKeyConstraint("id", name="user_pkey"),
        sa.UniqueConstraint("email", name="user_email_key"),
        sa.UniqueConstraint("fs_uniquifier", name="user_fs_uniquifier_key"),
    )
    op.create_table(
        "sent_form",
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True, comment="what the first sending made"),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("token", name="sent_form_pkey"),
    )
