"""Handles on the results of several jobs, which are waited for without polling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from huey.api import Result, ResultGroup

from mahaam.huey_adapter.results.result_wait import LOOK_EVERY_S


class DurableResults(ResultGroup):  # type: ignore[misc]  # Huey has no types
    """Results of jobs, in the order in which they were enqueued."""

    def __init__(self, huey: Any, results: Sequence[Result]) -> None:
        super().__init__(results)
        self._huey = huey

    def as_completed(self, backoff: float = 1.15, max_delay: float = 1.0) -> Iterator[Any]:
        """Yield the results as they come. Raises TaskException for each that is an error."""
        if self._huey.immediate:
            yield from super().as_completed(backoff, max_delay)
            return
        open_ = {result.id: result for result in self._results}
        storage = self._huey.storage
        with storage.wait_for(open_, backoff=backoff, max_delay_s=max_delay) as wait:
            heard: str | None = None
            while open_:
                if heard is None:  # no end was heard of: read all
                    wait.ask()
                asked = list(open_) if heard is None else [heard]
                for id_ in asked:
                    if id_ not in open_ or not storage.is_over(id_, heard is not None):
                        continue
                    wait.ids.discard(id_)
                    yield open_.pop(id_).get()
                heard = wait.hear(LOOK_EVERY_S) if open_ else None
