"""Keeps a consumer running: started again when it was killed, `python -m launch.keeper`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from types import FrameType

from config import EXIT_CODE as CONFIGURATION_FAULT
from launch.processes import signal_on_death_of

COMMAND = [sys.executable, "huey_consumer.py"]
PAUSE_S = 1.0
SHORT_LIFE_S = 10.0
SHORT_LIVES = 3  # one after another: starting it again does not help


class Keeper:
    """One consumer after another, until one ends well or is asked to end."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        """Keep it running; the exit code of the last one."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        short_lives = 0
        while True:
            started_at = time.monotonic()
            code = self._start().wait()
            short_lives = short_lives + 1 if time.monotonic() - started_at < SHORT_LIFE_S else 0
            if self._stopping or code in (0, CONFIGURATION_FAULT) or short_lives >= SHORT_LIVES:
                return code if code >= 0 else 1
            print(f"The consumer ended ({_how(code)}) and is started again.", flush=True)
            time.sleep(PAUSE_S)

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


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    sys.exit(Keeper().run())
