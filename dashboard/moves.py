"""Which verbs a job or a dead letter takes as it is now; the engine asks again when it acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.engine.verbs import CANCELLABLE, RETRYABLE, STOPPABLE
from tasks.engine.verbs.plans import CHANGEABLE


def can(verb: str, row: Any) -> bool:
    """Whether `row`, a job or an entry of the dead letters, takes this verb."""
    return RULES[verb](row)


RULES: dict[str, Callable[[Any], bool]] = {
    "retry": lambda job: job.state in RETRYABLE,
    "cancel": lambda job: job.state in CANCELLABLE,
    "stop": lambda job: job.state in STOPPABLE and job.cancel_requested_at is None,
    "edit": lambda job: job.state in CHANGEABLE | RETRYABLE,
    "reprocess": lambda letter: letter.is_open and letter.job_state in RETRYABLE,
    "resolve": lambda letter: letter.resolved_at is None,
}
