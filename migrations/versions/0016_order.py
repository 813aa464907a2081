"""Order: among equal priorities the time of queueing decides, by PostgreSQL's clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No statement leaves it out; a row that was made by hand would have no place in its queue.
    op.execute("UPDATE job SET queued_at = created_at WHERE state = 'queued' AND queued_at IS NULL")
    op.execute("ALTER INDEX job_waiting RENAME TO job_waiting_by_id")
    op.create_index(
        "job_waiting",
        "job",
        ["queue", sa.text("priority DESC"), "queued_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("job_waiting_by_id", table_name="job")
    # A queue that somebody adds by hand shares with the queue default, too.
    op.alter_column("queue", "rank", server_default="30")
