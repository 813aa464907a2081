"""A task module that takes its time to be imported."""

from __future__ import annotations

import sys
import time

print("importing", file=sys.stderr, flush=True)
time.sleep(60)
