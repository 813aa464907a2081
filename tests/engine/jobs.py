"""The tasks of these tests; consumers load them by TASK_MODULES."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gevent import monkey
from huey.exceptions import CancelExecution, RetryTask

from tasks import current_job, enqueue, huey, setting, task

hold_everything = monkey.get_original("time", "sleep")


@task(max_retries=0)
def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Return at once."""


@task(max_retries=0)
def echo(*args: Any, **kwargs: Any) -> Any:
    """Return all arguments."""
    return [list(args), kwargs]


@task(max_retries=0)
def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


@task(max_retries=0)
def text(length: int, character: str = "x") -> str:
    """Return a long text."""
    return character * length


@task(max_retries=0)
def strange_result(prints: bool = True) -> Any:
    """Return what JSON cannot hold, and what perhaps cannot even be shown."""
    return object() if prints else Unprintable()


@task(max_retries=0)
def nap(seconds: float) -> float:
    """Wait as for a slow server."""
    time.sleep(seconds)
    return seconds


@task(max_retries=0)
def stubborn_nap(seconds: float) -> float:
    """Wait, and catch what is an Exception."""
    with suppress(Exception):
        time.sleep(seconds)
    return seconds


@task(max_retries=0)
def hold(seconds: float) -> float:
    """Hold the whole process without burning it."""
    hold_everything(seconds)
    return seconds


@task(max_retries=0)
def burn(seconds: float) -> float:
    """Compute without ever yielding."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds


@task(max_retries=0)
def fall(message: str = "It fell.") -> None:
    """Fail."""
    raise ValueError(message)


@task(max_retries=0)
def fall_elsewhere() -> None:
    """Fail with the same class in another function."""
    raise ValueError("It fell.")


@task
def fall_in_turn() -> None:
    """Fail with another exception each time."""
    kind = (ValueError, KeyError, OSError, TypeError)[current_job.retry_count % 4]
    raise kind(f"try {current_job.retry_count}")


@task(max_retries=0)
def retry_itself(delay: float | None = 0.1) -> int:
    """Ask for another start, once."""
    if current_job.attempt == 1:
        raise RetryTask(delay=delay)
    return current_job.attempt


@task(max_retries=0)
def cancel_itself(retry: bool | None = None) -> None:
    """Give up without having failed."""
    raise CancelExecution("not needed any more", retry=retry)


@task(max_retries=0)
def spawn() -> str:
    """Enqueue another job; its id."""
    return str(enqueue(nothing).id)


@task(max_retries=2, queue="default", priority=7)
def tell() -> dict[str, Any]:
    """Everything that a job knows about itself."""
    names = ("id", "attempt", "retry_count", "max_retries", "queue", "priority")
    return {name: getattr(current_job, name) for name in names} | {"here": bool(current_job)}


@task(max_retries=0)
def report(percent: float, words: str | None, seconds: float) -> None:
    """Say how far it is, then go on for a while."""
    current_job.progress(percent, words and f"{words}\n\0way")
    time.sleep(seconds)


@task(max_retries=0, context=True)
def with_context(a: int, task: Any = None) -> list[Any]:
    """Return what Huey's own context says."""
    return [a, task.id]


class Unprintable:
    """A value that cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Odd(BaseException):
    """No Exception."""


class Mute(Exception):
    """An exception without a message."""

    def __str__(self) -> str:
        raise RuntimeError("no message")


EXITS: dict[str, BaseException] = {
    "exit": SystemExit(3),
    "odd": Odd("odd"),
    "keyboard": KeyboardInterrupt("by the task"),
    "generator": GeneratorExit(),
    "mute": Mute(),
    "nul": ValueError("a\0b \ud800 c"),
    "long": ValueError("é" * 100_000),
    "many lines": ValueError("first\nsecond"),
}


@task(max_retries=0)
def leave(how: str) -> None:
    """Leave in an unusual way."""
    raise EXITS[how]


@task(max_retries=0)
def fall_deep(depth: int = 300) -> None:
    """Fail at the end of a long chain of calls and causes."""
    try:
        if depth:
            fall_deep.call_local(depth - 1)
        raise ValueError("at the bottom")
    except ValueError as fault:
        raise ValueError(f"level {depth}") from fault


@huey.pre_execute()
def veto(message: Any) -> None:
    """Let no job run that carries a veto."""
    if "veto" in message.kwargs:
        raise CancelExecution("vetoed")


@huey.post_execute()
def witness(message: Any, value: Any, fault: BaseException | None) -> None:
    """Enqueue what was seen of a job that wants a witness."""
    if "witness" in message.kwargs:
        echo(message.id, value, repr(fault))


@task(max_retries=0)
@huey.lock_task("narrow")
def through_a_narrow_place(seconds: float) -> list[float]:
    """Work that must not be done twice at once; returns when it began and ended, in seconds."""
    began = time.monotonic()
    time.sleep(seconds)
    return [began, time.monotonic()]


@task(max_retries=3)
def until_told(swallow: str = "", limit: float = 30) -> str:
    """Wait until it is to stop; with `swallow` catch what comes then and return."""
    try:
        for _ in range(int(limit * 100)):
            time.sleep(0.01)
            current_job.check()
    except BaseException as fault:
        if swallow:
            return f"{swallow} {type(fault).__name__}"
        raise
    return "was never told"


@task(max_retries=3)
def bear(seconds: float) -> float:
    """Wait and catch everything, again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(BaseException):
            time.sleep(end - time.monotonic())
    return seconds


@task(max_retries=3)
def turn(seconds: float, into: str) -> None:
    """Wait, and answer an interruption in a way of its own."""
    try:
        time.sleep(seconds)
    except BaseException:  # noqa: BLE001 (that is the point)
        raise {"error": ValueError("no"), "retry": RetryTask(delay=0)}[into] from None


@task(max_retries=0, cpu_bound=True)
def compute(seconds: float) -> float:
    """Compute without a pause, beside everything else."""
    return float(burn.call_local(seconds))


@task(max_retries=0, cpu_bound=True)
def where() -> int:
    """The process that computes."""
    return os.getpid()


@task(max_retries=0, cpu_bound=True, context=True)
def tell_from_afar(a: Any, task: Any = None) -> dict[str, Any]:
    """What a computed job knows and says."""
    current_job.progress(42, "half")
    current_job.log("one line")
    logging.getLogger("library").warning("another line")
    child = enqueue(nothing)
    return {"told": tell.call_local(), "a": a, "task": task.id, "child": str(child.id)}


@task(max_retries=1, retry_delay=0.05, cpu_bound=True)
def die(how: str) -> str:
    """End the process at the first attempt."""
    if current_job.attempt == 1:
        ENDS[how]()
    return how


@task(max_retries=2, cpu_bound=True)
def compute_until_told() -> None:
    """Compute until it is to stop."""
    while True:
        current_job.check()


ENDS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(3),
    "signal": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "sys.exit": lambda: sys.exit(4),
}
FAR_FAULTS: dict[str, Callable[[], object]] = {
    "value": lambda: fall.call_local("far away"),
    "retry": lambda: retry_itself.call_local(0.05),
    "cancel": lambda: cancel_itself.call_local(False),
    "unstorable": Unprintable,
    "nothing": lambda: None,
}


@task(max_retries=0, cpu_bound=True)
def far(what: str) -> Any:
    """Return or raise something in a process."""
    return FAR_FAULTS[what]()


patience_min = setting(
    "shop.patience_min", 5, low=1, high=60, description="How long the shop waits."
)


@task(max_retries=0)
def how_patient() -> int:
    """Return what the setting says now."""
    return patience_min()
