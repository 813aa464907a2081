"""Which verbs a job or a dead letter takes as it is now; the engine asks again when it acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.engine import states
from tasks.engine.states import Event


def can(verb: str, row: Any) -> bool:
    """Whether `row`, a job or a dead letter, takes this verb."""
    return RULES[verb](row)


def _can_cancel(job: Any) -> bool:
    return states.can(Event.CANCELLED, job.state) and job.cancel_requested_at is None


def _is_open(letter: Any) -> bool:
    return letter.resolved_at is None and letter.reprocessed_at is None


RULES: dict[str, Callable[[Any], bool]] = {
    "retry": lambda job: states.can(Event.RETRIED, job.state),
    "cancel": _can_cancel,
    "reprocess": _is_open,
    "resolve": lambda letter: letter.resolved_at is None,
}
