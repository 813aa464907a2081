"""The jobs of all scenarios, by name."""

from __future__ import annotations

from datetime import timedelta

from huey.api import Task

from mahaam import enqueue, huey
from mahaam.huey_adapter.tasks.task import DurableTask
from tasks import demo
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.scenario_run import Enqueue
from tests.mahaam.stage import Stage

LIMIT_BYTES = 65_536
SHORT = {"retry_delay": 0.1, "retry_jitter": False}


def of(task: DurableTask, *args: object, **options: object) -> Enqueue:
    """A story of one job."""
    return lambda stage: enqueue(task, args, **options).id


def sent(message: Task) -> str:
    """Enqueue what Huey calls a task; its id."""
    huey.enqueue(message)
    return str(message.id)


def pipeline(_stage: Stage) -> str:
    return sent(jobs.add.s(1, 2).then(jobs.add, 10).then(jobs.add, 100))


def with_error_handler(_stage: Stage) -> str:
    return sent(jobs.fall.s("for the handler").error(jobs.echo, "told"))


def handler_unused(_stage: Stage) -> str:
    return sent(jobs.add.s(1, 2).error(jobs.echo))


def revoked(_stage: Stage) -> str:
    handle = jobs.nap(0)
    handle.revoke()
    return str(handle.id)


def unknown_task(stage: Stage) -> str:
    return rows.a_job(stage, task="'tests.mahaam.tasks.nowhere'")


def called_wrongly(stage: Stage) -> str:
    """As by a client with another version of the code: ours refuses such a call."""
    return rows.a_job(stage, task="'tests.mahaam.tasks.add'", args="'[1]'", max_retries="0")


SCENARIOS: dict[str, Enqueue] = {
    "completes": of(jobs.add, 2, 3),
    "returns none": of(jobs.nothing),
    "returns too much": of(jobs.text, LIMIT_BYTES),
    "returns just enough": of(jobs.text, LIMIT_BYTES - 2),
    "returns too many quotes": of(jobs.text, LIMIT_BYTES, '"'),
    "returns an object": of(jobs.strange_result),
    "returns a mystery": of(jobs.strange_result, False),
    "is called wrongly": called_wrongly,
    "is unknown": unknown_task,
    "has expired": of(jobs.nothing, expires=0),
    "falls for good": of(jobs.fall_in_turn, max_retries=3, retry_backoff=2, **SHORT),
    "waits with jitter": of(jobs.fall, max_retries=1, retry_delay=0.4, retry_jitter=True),
    "never retries": of(jobs.fall, max_retries=0),
    "falls alike": of(jobs.fall, "It fell.\nThis is another one."),
    "falls elsewhere": of(jobs.fall_elsewhere),
    "recovers": of(demo.flaky, 2, **SHORT, max_retries=5),
    "takes too long": of(jobs.nap, 30, timeout=0.3, max_retries=1, **SHORT),
    "is stubborn": of(jobs.stubborn_nap, 30, timeout=0.3, max_retries=1, **SHORT),
    "does not yield": of(jobs.hold, 0.2, timeout=0.1),
    "is in time": of(jobs.nap, 0.05, timeout=5),
    "retries itself": of(jobs.retry_itself, 0.3),
    "cancels itself": of(jobs.cancel_itself, False, max_retries=3),
    "cancels itself in the end": of(jobs.cancel_itself, max_retries=1, **SHORT),
    "is removed when complete": of(jobs.nothing, remove_on_complete=True),
    "is removed when failed": of(jobs.fall, remove_on_fail=True),
    "is kept when failed": of(jobs.fall, remove_on_complete=True),
    "begins a pipeline": pipeline,
    "has an error handler": with_error_handler,
    "needs no handler": handler_unused,
    "has a child": of(jobs.spawn),
    "knows itself": of(jobs.tell, priority=3, max_retries=1),
    "reports": of(jobs.report, 42.7, "half", 1.2),
    "reports too much": of(jobs.report, 1e9, None, 1.2),
    "has context": of(jobs.with_context, 5),
    "is vetoed": lambda stage: enqueue(jobs.nothing, kwargs={"veto": True}).id,
    "has a witness": lambda stage: enqueue(jobs.nothing, kwargs={"witness": True}).id,
    "is revoked": revoked,
    "wants the lock": of(jobs.through_a_narrow_place, 0.2, max_retries=9, **SHORT),
    "wants it too": of(jobs.through_a_narrow_place, 0.2, max_retries=9, **SHORT),
    "is delayed": of(jobs.nothing, delay=0.5),
    "has special arguments": of(jobs.echo, {1: (2.0, b"x", timedelta(1))}, float("inf")),
}
