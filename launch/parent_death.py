"""Binding of a process to its parent, so that a killed launcher stops web and consumer with it."""

from __future__ import annotations

import os
import signal
from functools import partial
from types import FrameType
from typing import Any

from honcho.process import Popen, Process

from .processes import signal_on_death_of


class BoundProcess(Process):  # type: ignore[misc]
    """Honcho's process beside a command.

    It forwards the output, and stops the command when the launcher is gone.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._launcher_pid = os.getpid()

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        self._events = events
        signal.signal(signal.SIGUSR1, self._stop_alone)
        signal_on_death_of(self._launcher_pid, signal.SIGUSR1)
        tie = partial(signal_on_death_of, os.getpid(), signal.SIGTERM)
        self._child_ctor = partial(Popen, preexec_fn=tie)
        super().run(events, ignore_signals)

    def _stop_alone(self, _signal_number: int, _frame: FrameType | None) -> None:
        """Stop the command and read on until it has ended: a full pipe would block it."""
        if self._events is not None:
            self._events.cancel_join_thread()  # nobody reads the queue any more
        self._events = None
        if self._child is None:
            os._exit(1)
        os.killpg(self._child.pid, signal.SIGTERM)
