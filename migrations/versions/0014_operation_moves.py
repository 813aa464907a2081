"""When an operation moved last; what it did to a job, by the job."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

IS_DONE = sa.text("is_done")


def upgrade() -> None:
    op.add_column(
        "operation",
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when its last chunk was done",
        ),
    )
    op.create_index(
        "operation_result_done_job",
        "operation_result",
        ["job_id", "operation_id"],
        postgresql_where=IS_DONE,
    )
    op.drop_index("operation_result_job", "operation_result")
