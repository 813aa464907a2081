"""Wait on a condition with a limit; never sleep and hope."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    holds: Callable[[], object],
    *,
    timeout_s: float = 10,
    every_s: float = 0.02,
    otherwise: Callable[[], str] | str = "it did not happen",
) -> None:
    """Return when `holds()` is true; fail with `otherwise` after `timeout_s`."""
    __tracebackhide__ = True
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            reason = otherwise() if callable(otherwise) else otherwise
            raise AssertionError(f"Waited {timeout_s:g} s: {reason}")
        time.sleep(every_s)
