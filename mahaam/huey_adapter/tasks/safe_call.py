"""Calls of users' hooks and signal handlers, which never change how a job ends."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any

import gevent
from huey.exceptions import CancelExecution
from huey.signals import Signal

from mahaam.config import get_settings
from mahaam.core.errors import TaskStopped
from mahaam.core.exception_text import shown
from mahaam.core.log_throttle import cause
from mahaam.run.run import current_run

log = logging.getLogger("huey")  # where Huey itself reports them


class HookTimeLimit:
    """How long a hook may take: HOOK_TIMEOUT_S in a consumer, without a limit elsewhere."""

    def __init__(self) -> None:
        self.is_limited = False

    @property
    def limit_s(self) -> float | None:
        """Return the limit in seconds; None for no limit."""
        return get_settings().hook_timeout_s if self.is_limited else None


class SafeSignal(Signal):  # type: ignore[misc]  # Huey has no types
    """Huey's signals, whose receivers may raise anything and take their time."""

    def __init__(self, patience: HookTimeLimit) -> None:
        super().__init__()
        self._patience = patience

    def hears(self, signal: str) -> bool:
        """Return True if a receiver is connected."""
        return bool(self.receivers.get(signal) or self.receivers["any"])

    def send(self, signal: str, task: Any, *args: Any, **kwargs: Any) -> None:
        """Call every receiver."""
        if not self.hears(signal):
            return
        for receiver in itertools.chain(
            self.receivers.get(signal, ()), tuple(self.receivers["any"])
        ):
            name = getattr(receiver, "__name__", None) or shown(receiver)
            what = f'Error occurred in receiver "{name}" for signal "{signal}"'
            try:
                call(receiver, signal, task, *args, what=what, patience=self._patience, **kwargs)
            except CancelExecution:  # has no meaning here
                log.exception("%s.", what, extra=cause(_name(receiver)))


def call(
    hook: Callable[..., Any], *args: Any, what: str, patience: HookTimeLimit, **kwargs: Any
) -> None:
    """Call a hook; an exception or a time-out is logged after `what`. Raises CancelExecution."""
    limit = gevent.Timeout(patience.limit_s)
    try:
        with limit:
            hook(*args, **kwargs)
    except CancelExecution:  # a pre-execute hook may raise it
        raise
    except BaseException as fault:
        run = current_run()
        if isinstance(fault, TaskStopped) or (
            isinstance(fault, KeyboardInterrupt) and run is not None and run.is_interrupted
        ):
            raise  # it is the job that is stopped, not the hook
        if fault is limit:
            log.error(
                "%s. It was cut off after %g s.", what, patience.limit_s, extra=cause(_name(hook))
            )
        else:
            log.exception("%s.", what, extra=cause(_name(hook)))


def _name(hook: Callable[..., Any]) -> str:
    """Return what tells one hook from another, whatever job it is called for."""
    return str(getattr(hook, "__qualname__", type(hook)))
