"""The completions that are written and perhaps not on disk yet, in the order in which they were written."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.outcome import Ended


class Unflushed:
    """Keeps completions until a disk has confirmed them; `written` counts all that ever came."""

    def __init__(self) -> None:
        self.pairs: list[Ended] = []
        self.written = 0

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def add(self, pairs: Sequence[Ended]) -> None:
        """Keep some more."""
        self.pairs += pairs
        self.written += len(pairs)

    def clear(self) -> None:
        """Forget all: a turn that waited for the disk came after them."""
        self.pairs = []

    def forget(self, written: int) -> bool:
        """Forget the first `written` that ever came. Return True if any of them was here."""
        later = self.written - written
        is_any = later < len(self.pairs)
        if is_any:
            self.pairs = self.pairs[len(self.pairs) - later :]
        return is_any
