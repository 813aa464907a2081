"""The tasks of these tests; consumers load them by TASK_MODULES."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gevent import monkey
from huey.exceptions import CancelExecution, RetryTask

from mahaam import current_job, enqueue, huey, setting, task

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


class Hostile:
    """An object that ends whatever looks at it."""

    def _end(self, *_args: Any) -> Any:
        raise SystemExit("looked at")

    __str__ = __repr__ = __eq__ = __hash__ = __format__ = __bool__ = __len__ = _end  # type: ignore[assignment]
    write = flush = _end

    @property
    def closed(self) -> bool:
        raise GeneratorExit


class Silent(Exception):
    """An exception that ends whatever asks it."""

    def __str__(self) -> str:
        raise SystemExit("asked")

    __repr__ = __str__

    @property
    def __notes__(self) -> Any:
        raise KeyboardInterrupt

    @property
    def failure(self) -> Any:
        raise GeneratorExit


class Liar(BaseException):
    """No Exception, that says it was another's class."""

    @property
    def __class__(self) -> Any:
        return CancelExecution


class Faceless(Exception):
    """An exception that does not say what it is."""

    @property
    def __class__(self) -> Any:
        raise SystemExit("no class")


class Nameless(type):
    """A metaclass that keeps names to itself."""

    @property
    def __module__(cls) -> Any:  # type: ignore[override]
        raise SystemExit("no module")


class Anonymous(ValueError, metaclass=Nameless):
    """An exception whose class does not say where it is from."""


class Unwilling(RetryTask):
    """A wish for a retry that cannot be read."""

    @property
    def eta(self) -> Any:
        raise GeneratorExit

    @eta.setter
    def eta(self, _value: Any) -> None:
        pass


EXITS: dict[str, BaseException] = {
    "silent": Silent(),
    "liar": Liar("not what it says"),
    "faceless": Faceless("no face"),
    "anonymous": Anonymous("no name"),
    "unwilling": Unwilling(),
    "hostile argument": ValueError(Hostile()),
    "group": BaseExceptionGroup("all", [Silent(), KeyboardInterrupt("inner")]),
    "exit": SystemExit(3),
    "odd": Odd("odd"),
    "keyboard": KeyboardInterrupt("by the task"),
    "generator": GeneratorExit(),
    "mute": Mute(),
    "nul": ValueError("a\0b \ud800 c"),
    "long": LookupError("é" * 100_000),
    "many lines": RuntimeError("first\nsecond"),
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


@task(max_retries=0)
def return_hostile() -> Any:
    """Return an object that ends whatever looks at it."""
    return Hostile()


@task(max_retries=0)
def log_hostile() -> str:
    """Log what cannot be printed."""
    logging.getLogger("library").warning("%s and %r", Hostile(), Hostile())
    return "logged"


@task(max_retries=0)
def spoil(how: str) -> str:
    """Do harm to the streams that all share."""
    SPOILERS[how]()
    return how


SPOILERS: dict[str, Callable[[], object]] = {
    "close stdout": lambda: sys.stdout.close(),  # noqa: PLW0108 (the stream of that moment)
    "close stderr": lambda: sys.stderr.close(),  # noqa: PLW0108 (the stream of that moment)
    "close descriptors": lambda: (os.close(1), os.close(2)),
    "replace stdout": lambda: setattr(sys, "stdout", Hostile()),
    "replace stderr": lambda: setattr(sys, "stderr", Hostile()),
    "no stderr": lambda: setattr(sys, "stderr", None),
}


@task(max_retries=0)
def say(words: str) -> str:
    """Print to both streams."""
    print(words, flush=True)
    print(words, file=sys.stderr, flush=True)
    return words


@task(max_retries=0)
def fail_at_length(characters: int, how: str = "text") -> None:
    """Raise an exception that is as large as memory allows."""
    text = "x" * characters
    if how == "note":
        fault = ValueError("short")
        fault.add_note(text)
        raise fault
    if how == "cause":
        raise ValueError("short") from KeyError(text)
    if how == "argument":
        raise ValueError([text])
    raise ValueError(text)


@task(max_retries=0)
def log_at_length(characters: int) -> None:
    """Log a line that is as large as memory allows, with an exception."""
    try:
        raise ValueError("y" * characters)
    except ValueError:
        logging.getLogger("library").exception("%s", "z" * characters)


@task(max_retries=0)
def memory_kb(reset: bool = False) -> dict[str, int]:
    """What this process has in memory, and the most that it had; `reset`: begin to count anew."""
    gc.collect()
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {line[0]: int(line[1]) for line in lines if line[0] in ("VmRSS:", "VmHWM:")}


@task(max_retries=0)
def say_lines(lines: list[str]) -> None:
    """Say some lines."""
    for line in lines:
        current_job.log(line)
