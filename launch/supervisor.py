"""The supervisor of a consumer, which starts it again after it was killed: `python -m launch.supervisor`."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from functools import partial
from types import FrameType

from mahaam.config import EXIT_CODE as CONFIGURATION_FAULT

from .processes import signal_on_death_of

COMMAND = [sys.executable, "huey_consumer.py"]
PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
LONG_LIFE_S = 10.0  # after such a life the next pause is the shortest again
TICK_S = 0.1


class Supervisor:
    """One consumer after another, until it is asked to end; console and servers keep running."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        """Keep the consumer running.

        Return the exit code of the last one, or of one that cannot be configured.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        short_lives = 0
        for life in itertools.count(1):
            started_at = time.monotonic()
            code = self._start().wait()
            lived_s = time.monotonic() - started_at
            if self._stopping or (code == CONFIGURATION_FAULT and life == 1):
                return code if code >= 0 else 1
            short_lives = short_lives + 1 if lived_s < LONG_LIFE_S else 0
            pause_s = pause_after(short_lives)
            print(
                f"The consumer ended ({_how(code)}) and is started again. "
                f"It lived for {lived_s:.0f} s; the next one starts in {pause_s:g} s.",
                flush=True,
            )
            self._rest(pause_s)
            if self._stopping:
                return 0
        raise AssertionError("The count has no end.")

    def _rest(self, pause_s: float) -> None:
        """Wait, in steps: a signal must not have to wait as well."""
        until = time.monotonic() + pause_s
        while time.monotonic() < until and not self._stopping:
            time.sleep(TICK_S)

    def _start(self) -> subprocess.Popen[bytes]:
        # A group of its own: a signal for the whole group would reach it twice, and the second
        # one means "at once".
        tie = partial(signal_on_death_of, os.getpid(), signal.SIGTERM)
        self._child = subprocess.Popen(COMMAND, process_group=0, preexec_fn=tie)  # noqa: PLW1509
        if self._stopping:
            self._child.terminate()
        return self._child

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._child is not None:
            self._child.send_signal(number)


def pause_after(short_lives: int) -> float:
    """Return the seconds to wait after so many short lives in a row.

    A consumer that ends at once ends again.
    """
    return min(LONGEST_PAUSE_S, PAUSE_S * 2.0 ** min(max(0, short_lives - 1), 9))


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(Supervisor().run())
