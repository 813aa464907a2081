"""Many jobs through one consumer: each is a story with a name, its rows are read afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage

Enqueue = Callable[[Stage], UUID | str]


@dataclass(frozen=True)
class Scenarios:
    """What became of the jobs."""

    stage: Stage
    consumer: Consumer
    ids: Mapping[str, str]

    def job(self, name: str) -> dict[str, Any]:
        """The row of a scenario's job; empty when it is not kept."""
        return self.stage.job(self.ids[name])

    def children(self, name: str) -> list[dict[str, Any]]:
        """The jobs that came of a scenario's job."""
        return self.stage.ask("SELECT * FROM job WHERE parent_id = %s ORDER BY id", self.ids[name])

    def attempts(self, name: str) -> list[dict[str, Any]]:
        """The noted attempts of a scenario's job."""
        return self.stage.attempts(self.ids[name])

    def letter(self, name: str) -> dict[str, Any]:
        """The dead letter of a scenario's job."""
        (letter,) = self.stage.letters(self.ids[name])
        return letter

    def lines(self, name: str) -> list[str]:
        """What the consumer's log says about a scenario's job."""
        return [line for line in self.consumer.log.splitlines() if self.ids[name] in line]


@contextmanager
def told(
    stage: Stage, table: Mapping[str, Enqueue], *arguments: str, timeout_s: float = 20, **more: Any
) -> Iterator[Scenarios]:
    """Enqueue each job of the table and wait until all have ended, or for `timeout_s`."""
    stage.clear()
    ids = {name: str(enqueue(stage)) for name, enqueue in table.items()}
    with stage.consumer(*arguments, **more).wait_ready() as consumer:
        with suppress(AssertionError):  # the scenarios whose jobs did not end will tell
            stage.wait_for_ends(timeout_s=timeout_s)
        yield Scenarios(stage, consumer, ids)
        if consumer.is_running:
            consumer.stop()
