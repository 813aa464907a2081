"""Exceptions on their way from a CPU process: what is raised there is raised here, alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from huey.exceptions import (
    CancelExecution,
    RateLimitExceeded,
    RetryTask,
    TaskLockedException,
    TaskTimeout,
)

from mahaam.core.errors import MahaamError
from mahaam.core.payload import dump, load
from mahaam.huey_adapter.cpu.channel import Message
from mahaam.jobs.outcome import Failure

# What Huey acts upon, and by which attributes.
KNOWN: dict[type[Exception], tuple[str, ...]] = {
    RetryTask: ("eta", "delay"),
    CancelExecution: ("retry",),
    RateLimitExceeded: ("key", "delay", "retry"),
    TaskLockedException: (),
    TaskTimeout: (),
}


class ProcessEnded(MahaamError):
    """The process that computed this task ended before the task did."""


class RemoteError(Exception):
    """An exception of another process. `failure` has its traceback there.

    What is raised is of a class made for it, with the name of the one there; where Huey acts upon
    that one, its class is a base.
    """

    failure: Failure

    def __str__(self) -> str:
        return self.failure.message


def told(fault: BaseException) -> Message:
    """What is sent of an exception."""
    base = next((kind for kind in KNOWN if issubclass(type(fault), kind)), None)
    details = {name: getattr(fault, name, None) for name in KNOWN[base]} if base else {}
    return {
        "kind": "fault",
        "name": type(fault).__name__,
        "module": type(fault).__module__,
        "base": base and base.__name__,
        "details": dump(details, what="What Huey acts upon"),
        "failure": asdict(Failure.of(fault)),
    }


def raised(message: Message) -> Exception:
    """The exception to raise for what was told."""
    base = next((kind for kind in KNOWN if kind.__name__ == message["base"]), Exception)
    bases = (RemoteError, base) if base is not Exception else (RemoteError,)
    kind: Any = type(message["name"], bases, {"__module__": message["module"]})
    fault = kind.__new__(kind)
    fault.failure = Failure(**message["failure"])
    fault.args = (fault.failure.message,)
    for name, value in load(message["details"]).items():
        setattr(fault, name, value)
    return fault  # type: ignore[no-any-return]
