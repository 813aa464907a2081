"""Web and consumer side by side, run by honcho, with a bounded stop."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import honcho.manager
from honcho.manager import Manager

from .faults import ChildEnded
from .parent_death import BoundProcess

START_TIMEOUT_S = 5


class Children(Manager):  # type: ignore[misc]
    """Commands that run until one ends or a signal asks; then all of them are stopped."""

    def __init__(self, *, stop_timeout_s: float, watch: Callable[[Children], None]) -> None:
        """`watch` runs in a thread beside the commands."""
        super().__init__()
        self._terminating = False
        self._process_ctor = BoundProcess
        self._stop_timeout_s = stop_timeout_s
        self._watch = watch
        self._ended_alone: str | None = None
        honcho.manager.KILL_WAIT = stop_timeout_s

    def add(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Add a command; `loop` starts it."""
        # exec: the signals go to the command itself, not to a shell before it.
        self.add_process(name, f"exec {shlex.join(command)}", env=environment)

    @property
    def is_stopping(self) -> bool:
        return bool(self._terminating)

    def terminate(self) -> None:
        """Stop all commands; honcho calls this again when the first of them has ended."""
        if self._terminating:
            return
        self._terminating = True
        self._ended_alone = self._first_ended()
        threading.Thread(target=self._end_all, daemon=True).start()

    def raise_if_one_ended(self) -> None:
        """Raise ChildEnded, after `loop`, when the end was not asked for."""
        if self._ended_alone is not None:
            raise ChildEnded(
                f"The {self._ended_alone} ended by itself ({self._how_it_ended()}), "
                "so everything was stopped: its last lines above say why."
            )

    def _start(self) -> None:
        super()._start()
        for signal_number in (signal.SIGINT, signal.SIGTERM, *self._hang_up()):
            signal.signal(signal_number, self._asked)
        # Threads only now: a process is forked without them.
        threading.Thread(target=self._watch, args=(self,), daemon=True).start()

    def _hang_up(self) -> list[signal.Signals]:
        """Return SIGHUP, unless nohup ignores it: a closed terminal stops the product, too."""
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        return [] if ignored else [signal.SIGHUP]

    def _asked(self, signal_number: int, _frame: FrameType | None) -> None:
        """Handle a signal: stop; the second one is passed on, and tells a consumer to hurry."""
        self._system_print(f"{signal.Signals(signal_number).name} received\n")
        if self._terminating:
            self._killall()
        self.terminate()

    def _end_all(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._all_started() and time.monotonic() < deadline:
            time.sleep(0.05)  # honcho gets a process id a moment after the start
        self._killall()
        time.sleep(self._stop_timeout_s)
        self._killall(force=True)

    def _killall(self, force: bool = False) -> None:
        if self._all_started():
            super()._killall(force)

    def _first_ended(self) -> str | None:
        ended = [n for n, p in self._processes.items() if p.get("returncode") is not None]
        return ended[0] if ended else None

    def _how_it_ended(self) -> str:
        code = self._processes[self._ended_alone]["returncode"]
        return f"signal {-code}" if code < 0 else f"exit code {code}"
