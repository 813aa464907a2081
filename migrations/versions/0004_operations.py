"""Bulk work: operations and what they did to each job."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
OPEN = "state IN ('running', 'undoing', 'waiting')"


def upgrade() -> None:
    op.create_table(
        "operation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="of what: job or dead_letter"),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("filter", JSONB, nullable=True, comment="NULL: chosen one by one"),
        sa.Column("parameters", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("until", sa.Text(), nullable=True, comment="the newest id at the start"),
        sa.Column("cursor", sa.Text(), nullable=True, comment="the last id that was looked at"),
        sa.Column(
            "expected",
            sa.Integer(),
            nullable=True,
            comment="as counted before; NULL: more than that",
        ),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("aborted_by", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True, comment="why it could not go on"),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column(
            "undone_at", sa.DateTime(timezone=True), nullable=True, comment="when undoing ended"
        ),
        sa.Column("undo_cursor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("undone", sa.Integer(), server_default="0", nullable=False, comment="went back"),
        sa.Column(
            "kept",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="had moved on, or could not",
        ),
        sa.CheckConstraint("kind IN ('job', 'dead_letter')", name=op.f("operation_kind_is_known")),
        sa.CheckConstraint(
            "state IN ('aborted', 'finished', 'running', 'undoing', 'undone', 'waiting')",
            name=op.f("operation_state_is_known"),
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (state IN ('running', 'waiting'))",
            name=op.f("operation_end_is_whole"),
        ),
        sa.CheckConstraint(
            "(undone_by IS NOT NULL) = (state IN ('undoing', 'undone'))",
            name=op.f("operation_undo_is_whole"),
        ),
        sa.CheckConstraint(
            "done >= 0 AND refused >= 0 AND undone + kept <= done",
            name=op.f("operation_counts_fit"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operation_pkey")),
    )
    op.create_index("operation_open", "operation", ["id"], postgresql_where=sa.text(OPEN))
    op.create_table(
        "operation_result",
        sa.Column("operation_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="from 1"),
        sa.Column("job_id", sa.Uuid(), nullable=True, comment="may be deleted since"),
        sa.Column("dead_letter_id", sa.BigInteger(), nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("fact", JSONB, nullable=True, comment="why not, as a phrase"),
        sa.Column("before", JSONB, nullable=True),
        sa.Column("after", JSONB, nullable=True),
        sa.Column(
            "is_undone",
            sa.Boolean(),
            nullable=True,
            comment="NULL: undoing has not come here",
        ),
        sa.Column("undo_fact", JSONB, nullable=True, comment="why it did not go back, as a phrase"),
        sa.CheckConstraint(
            "num_nonnulls(job_id, dead_letter_id) > 0",
            name=op.f("operation_result_is_about_something"),
        ),
        sa.CheckConstraint(
            "is_done = (fact IS NULL)", name=op.f("operation_result_refusal_has_a_fact")
        ),
        sa.CheckConstraint(
            "undo_fact IS NULL OR is_undone IS NOT DISTINCT FROM false",
            name=op.f("operation_result_undo_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operation.id"],
            name=op.f("operation_result_operation_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("operation_result_pkey")),
    )
    op.create_index(
        "operation_result_job",
        "operation_result",
        ["operation_id", "job_id"],
        postgresql_where=sa.text("is_done"),
    )
    op.create_index(
        "operation_result_refused",
        "operation_result",
        ["operation_id", "number"],
        postgresql_where=sa.text("NOT is_done"),
    )
