"""Removal of ended jobs, with the rows that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mahaam.jobs.states import FINAL
from mahaam.models.base import listed
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor

# Attempts, log lines and dead letters are deleted with their job. The rows are locked in the order
# in which other statements lock jobs.
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
    """Remove the jobs of `ids` that have ended, `before` a time if one is given. Return their ids."""
    cursor.execute(REMOVE, {"ids": list(ids), "before": before})
    return [id_ for (id_,) in cursor.fetchall()]
