"""Takes a step of a verb with ids, a part at a time, and asks why not for those that are left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TypeVar
from uuid import UUID

from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import LARGEST_ID, Id, VerbResult
from mahaam.enqueuing import accept
from mahaam.postgres import database
from mahaam.queries import rejection_text, rejections

__all__ = ["LARGEST_ID", "Id", "VerbResult", "judged", "why_not"]

Known = TypeVar("Known", UUID, int, str)


def judged(
    ids: Iterable[Known],
    step: Callable[[list[Known]], list[Known]],
    reasons: Callable[[list[Known]], dict[Id, Translatable]],
) -> VerbResult:
    """Take `step`, which returns what it was done to, with chunks of `ids`."""
    wanted = list(dict.fromkeys(ids))
    done: set[Known] = set()
    for chunk in accept.chunks(wanted):
        done.update(step(chunk))
    left = [id_ for id_ in wanted if id_ not in done]
    return VerbResult(tuple(id_ for id_ in wanted if id_ in done), reasons(left) if left else {})


def why_not(verb: str, states: Collection[str]) -> Callable[[list[UUID]], dict[Id, Translatable]]:
    """The reasons why jobs were not `verb` (a participle), which is possible from `states`."""
    return partial(_of_jobs, verb, states)


def _of_jobs(verb: str, states: Collection[str], left: list[UUID]) -> dict[Id, Translatable]:
    ids = {id_: str(id_) for id_ in left}
    facts = database.repeatable(lambda cursor: rejections.job_facts(cursor, list(ids.values())))
    return {
        id_: rejection_text.of_job(text, facts.get(text), verb, sources=states)
        for id_, text in ids.items()
    }
