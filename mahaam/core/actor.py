"""From where and why somebody acts: what the audit needs to know and no verb has to pass on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

CHANNELS = ("console", "cli", "api", "system")


@dataclass(frozen=True, slots=True)
class Actor:
    """The way by which an order came, the address that it came from, and the reason given for it."""

    channel: str = "system"
    address: str | None = None
    reason: str | None = None


NOBODY = Actor()
_origin: ContextVar[Actor] = ContextVar("origin", default=NOBODY)


def current() -> Actor:
    """Where the order comes from that is being carried out."""
    return _origin.get()


def begin(origin: Actor) -> None:
    """From now on, this thread or greenlet acts for somebody; `begin(Origin())` ends it."""
    _origin.set(origin)


@contextmanager
def acting(origin: Actor) -> Iterator[None]:
    """Within the block, act for somebody."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def because(reason: str | None) -> Iterator[None]:
    """Within the block, `reason` is why; None leaves what was said before."""
    with acting(replace(current(), reason=reason) if reason else current()):
        yield
