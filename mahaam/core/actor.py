"""The actor's channel, address and reason, for the audit, without passing them through the verbs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

CHANNELS = ("console", "cli", "api", "system")


@dataclass(frozen=True, slots=True)
class Actor:
    """The channel and the address from which a request came, and the reason given for it."""

    channel: str = "system"
    address: str | None = None
    reason: str | None = None


NOBODY = Actor()
_origin: ContextVar[Actor] = ContextVar("origin", default=NOBODY)


def current() -> Actor:
    """Return the actor of the request that is being executed."""
    return _origin.get()


def begin(origin: Actor) -> None:
    """Let this thread or greenlet act for an actor from now on; `begin(Actor())` ends that."""
    _origin.set(origin)


@contextmanager
def acting(origin: Actor) -> Iterator[None]:
    """Act for an actor within the block."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def because(reason: str | None) -> Iterator[None]:
    """Set the reason within the block; None keeps the previous one."""
    with acting(replace(current(), reason=reason) if reason else current()):
        yield
