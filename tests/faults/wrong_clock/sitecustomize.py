"""Sleep in a way that libfaketime lets through; Python loads this before anything else.

With FAKETIME_DONT_FAKE_MONOTONIC it refuses what time.sleep asks the kernel for (clock_nanosleep until a
monotonic time), and without it the ledger's times, which are compared across processes, would be wrong.
"""

import select
import time


def sleep(seconds: float) -> None:
    """Wait."""
    select.select([], [], [], seconds)


time.sleep = sleep
