"""Questions about deploys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from mahaam.models import Deploy
from mahaam.postgres.query_limits import Reader

SHOWN = 100


@dataclass(frozen=True)
class DeployEntry:
    """A mark of a deploy."""

    id: int
    revision: str
    note: str | None
    marked_by: str
    marked_at: datetime


def deploys(
    session: Reader, *, since: datetime | None = None, limit: int = SHOWN
) -> tuple[DeployEntry, ...]:
    """Return the newest marks since a moment, newest first."""
    # Index: deploy_marked.
    question = select(Deploy.id, Deploy.revision, Deploy.note, Deploy.marked_by, Deploy.marked_at)
    if since is not None:
        question = question.where(Deploy.marked_at >= since)
    newest = question.order_by(Deploy.marked_at.desc(), Deploy.id.desc()).limit(limit)
    return tuple(DeployEntry(**row._mapping) for row in session.execute(newest))
