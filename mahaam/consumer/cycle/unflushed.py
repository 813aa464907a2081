"""The completions that are written but perhaps not on disk yet, in the order of writing."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.outcome import Ended


class Unflushed:
    """Completions that the disk has not confirmed; `written` counts all that were ever added."""

    def __init__(self) -> None:
        self.pairs: list[Ended] = []
        self.written = 0

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def add(self, pairs: Sequence[Ended]) -> None:
        """Add completions."""
        self.pairs += pairs
        self.written += len(pairs)

    def clear(self) -> None:
        """Drop all, after a later cycle that waited for the disk."""
        self.pairs = []

    def forget(self, written: int) -> bool:
        """Drop the first `written` completions ever added. Return True if any of them was here."""
        later = self.written - written
        is_any = later < len(self.pairs)
        if is_any:
            self.pairs = self.pairs[len(self.pairs) - later :]
        return is_any
