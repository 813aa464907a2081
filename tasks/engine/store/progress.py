"""Writes how far running jobs say they are."""

from __future__ import annotations

from tasks.engine.claim import Claim
from tasks.engine.database import Cursor

PROGRESS = """
UPDATE job SET progress = said.percent, progress_text = said.words
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(percents)s::int[], %(words)s::text[])
  AS said(id, attempt, percent, words)
WHERE job.id = said.id AND job.attempt = said.attempt AND job.state = 'running'
"""


def write(cursor: Cursor, said: list[tuple[Claim, int, str | None]]) -> None:
    """Store percent and text of attempts that still run."""
    cursor.execute(
        PROGRESS,
        {
            "ids": [claim.id for claim, _, _ in said],
            "attempts": [claim.attempt for claim, _, _ in said],
            "percents": [percent for _, percent, _ in said],
            "words": [words for _, _, words in said],
        },
    )
