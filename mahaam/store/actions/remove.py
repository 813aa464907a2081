"""Removes jobs that have ended, with all that hangs on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mahaam.jobs.states import FINAL
from mahaam.models.base import listed
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Attempts, lines and dead letters go with their job. In the order in which others lock jobs.
REMOVE = f"""
WITH ended AS (
  SELECT id FROM job WHERE id = ANY(%(ids)s::uuid[]) AND {recheck(f"state IN ({listed(FINAL)})")}
    AND finished_at < coalesce(%(before)s, 'infinity'::timestamptz) ORDER BY id FOR UPDATE
)
DELETE FROM job WHERE id = ANY(ARRAY(SELECT id FROM ended)) RETURNING id::text
"""


def remove_ended(
    cursor: Cursor, ids: Sequence[str], *, before: datetime | None = None
) -> list[str]:
    """Remove those of `ids` that have ended, `before` a moment if one is given; returns them."""
    cursor.execute(REMOVE, {"ids": list(ids), "before": before})
    return [id_ for (id_,) in cursor.fetchall()]
