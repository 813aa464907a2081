"""Exceptions from a CPU process: what is raised there is raised here, in the same form."""

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

# The exceptions that Huey acts upon, and the attributes that it reads.
KNOWN: dict[type[Exception], tuple[str, ...]] = {
    RetryTask: ("eta", "delay"),
    CancelExecution: ("retry",),
    RateLimitExceeded: ("key", "delay", "retry"),
    TaskLockedException: (),
    TaskTimeout: (),
}


class ProcessEnded(MahaamError):
    """The process that ran this task ended before the task did."""


class RemoteError(Exception):
    """An exception of another process. `failure` has its traceback there.

    The raised exception is of a class made for it, with the name of the class there. Where Huey
    acts upon the original class, that class is a base.
    """

    failure: Failure

    def __str__(self) -> str:
        return self.failure.message


def told(fault: BaseException) -> Message:
    """Return the message for an exception."""
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
    """Return the exception to raise for a message."""
    base = next((kind for kind in KNOWN if kind.__name__ == message["base"]), Exception)
    bases = (RemoteError, base) if base is not Exception else (RemoteError,)
    kind: Any = type(message["name"], bases, {"__module__": message["module"]})
    fault = kind.__new__(kind)
    fault.failure = Failure(**message["failure"])
    fault.args = (fault.failure.message,)
    for name, value in load(message["details"]).items():
        setattr(fault, name, value)
    return fault  # type: ignore[no-any-return]
