"""The result of a verb: the ids that it changed, and the reasons for the others."""

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
    """The ids that a verb changed, and for each of the others the reason why not.

    `made` has the new job of each id, where the verb makes jobs. `operation_id` is None for a verb that
    keeps no record of its own, and if no id was given.
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
    """Call `step`, which returns the ids that it changed, with batches of `ids`. Return the result."""
    wanted = list(dict.fromkeys(ids))
    done: set[Known] = set()
    for chunk in chunks(wanted):
        done.update(step(chunk))
    left = [id_ for id_ in wanted if id_ not in done]
    return VerbResult(tuple(id_ for id_ in wanted if id_ in done), reasons(left) if left else {})
