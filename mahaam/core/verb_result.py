"""The result of a verb of a person: what it was done to, and why not to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from mahaam.core.chunks import chunks
from mahaam.core.translatable import Translatable

Id = UUID | int | str  # of a job, of a dead letter; the name of a queue or a task
Known = TypeVar("Known", UUID, int, str)
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class VerbResult:
    """The ids that a verb was done to, and for each of the others the reason why not.

    `made` has the new job of each, where the verb makes jobs. `operation_id` is None for a verb that
    keeps no record of its own, and when nothing was named.
    """

    done: tuple[Id, ...] = ()
    refused: dict[Id, Translatable] = field(default_factory=dict)
    made: dict[UUID, UUID] = field(default_factory=dict)
    operation_id: int | None = None


def judged(
    ids: Iterable[Known],
    step: Callable[[list[Known]], list[Known]],
    reasons: Callable[[list[Known]], dict[Id, Translatable]],
) -> VerbResult:
    """Take `step`, which returns what it was done to, with chunks of `ids`."""
    wanted = list(dict.fromkeys(ids))
    done: set[Known] = set()
    for chunk in chunks(wanted):
        done.update(step(chunk))
    left = [id_ for id_ in wanted if id_ not in done]
    return VerbResult(tuple(id_ for id_ in wanted if id_ in done), reasons(left) if left else {})
