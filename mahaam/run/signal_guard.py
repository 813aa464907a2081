"""Signals and tasks: in a consumer signals are the consumer's, in a CPU process the task's."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any

from mahaam.core.errors import SignalNotAllowed
from mahaam.run import fork
from mahaam.run.log_buffer import LOGGER, said
from mahaam.run.run import current_run

# Functions that would affect all jobs of the process, each with a test for harmless calls.
GUARDED: dict[str, Callable[..., bool]] = {
    "signal": lambda *_: False,
    "alarm": lambda seconds, *_: not seconds,
    "setitimer": lambda _which, seconds, *_: not seconds,
    "pthread_sigmask": lambda _how, mask, *_: not mask,
    "set_wakeup_fd": lambda *_args, **_options: False,
    "siginterrupt": lambda *_: False,
}
TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
REFUSED = (
    "signal.{name} is refused in a task: other jobs run in the same process, and its signals are the "
    "consumer's. Limit the time with @task(timeout=…), or mark the task cpu_bound=True: in a process of "
    "its own signals are the task's."
)


def guard() -> None:
    """Refuse calls from tasks that would change the signals of their consumer, from now on."""
    for name, is_harmless in GUARDED.items():
        setattr(signal, name, _guarded(getattr(signal, name), name, is_harmless))


def _guarded(
    function: Callable[..., Any], name: str, is_harmless: Callable[..., bool]
) -> Callable[..., Any]:
    @wraps(function)
    def for_the_consumer_alone(*args: Any, **options: Any) -> Any:
        run = current_run()
        if run is None or fork.is_child() or is_harmless(*args, **options):
            return function(*args, **options)
        sentence = REFUSED.format(name=name)
        said.line(run, logging.WARNING, sentence, logger=LOGGER)
        raise SignalNotAllowed(sentence)

    return for_the_consumer_alone


class Handlers:
    """The signal handlers of a CPU process, to be restored after each task."""

    def __init__(self) -> None:
        self._handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def restore(self) -> None:
        """Stop timers, and restore handlers that a task has replaced."""
        for timer in TIMERS:
            signal.setitimer(timer, 0)
        for number, handler in self._handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
