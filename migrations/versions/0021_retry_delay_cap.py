"""How long a job waits before a retry at most, for each job and each schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Neither has a default: no row is rewritten, and NULL means what held before.
    op.add_column(
        "job", sa.Column("retry_delay_cap_s", sa.Double(), comment="NULL: RETRY_DELAY_CAP_S")
    )
    op.add_column(
        "schedule", sa.Column("retry_delay_cap_s", sa.Double(), comment="NULL: the task's own")
    )
