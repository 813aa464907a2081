"""The wait of a failed job before its retry."""

from __future__ import annotations

import random


def backoff_s(
    retry_count: int,
    *,
    delay_s: float,
    factor: float,
    cap_s: float,
    jitter: bool,
    chance: float | None = None,
) -> float:
    """Return the seconds until the next attempt: `min(cap_s, delay_s * factor ** retry_count)`.

    `retry_count` counts the retries already made (0 before the first). With jitter the wait is
    drawn evenly from its upper half, so that jobs that failed together do not return together;
    `chance` (0 to 1) fixes the draw.
    """
    try:
        wait_s = min(cap_s, delay_s * factor**retry_count)
    except OverflowError:
        wait_s = cap_s
    if not jitter:
        return wait_s
    return wait_s * (0.5 + 0.5 * (random.random() if chance is None else chance))
