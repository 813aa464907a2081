"""Wait on a condition with a limit; never sleep and hope."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.machine import within


def wait_until(
    holds: Callable[[], object],
    *,
    timeout_s: float = 10,
    every_s: float = 0.02,
    otherwise: Callable[[], str] | str = "it did not happen",
) -> None:
    """Return when `holds()` is true; fail with `otherwise` after `timeout_s`.

    The limit is longer on a machine that is slow or busy.
    """
    __tracebackhide__ = True
    began_at = time.monotonic()
    while not holds():
        waited_s = time.monotonic() - began_at
        if waited_s > timeout_s and waited_s > within(timeout_s):
            reason = otherwise() if callable(otherwise) else otherwise
            raise AssertionError(f"Waited {waited_s:.1f} s: {reason}")
        time.sleep(every_s)
