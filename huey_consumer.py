"""Starts a consumer: `python huey_consumer.py --help` tells all."""

import gc
import os
import signal
import sys

gc.disable()  # nothing that imports make is garbage: to look for it is a fifth of the start


def _heed_early(number, _frame):  # type: ignore[no-untyped-def]
    """End, or begin again, before there is anything to be finished."""
    if number == signal.SIGHUP:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 (ourselves, as we were started)
    sys.exit(0)


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is not signal.SIG_IGN:  # what nohup ignores stays ignored
        signal.signal(number, _heed_early)

from gevent import monkey

monkey.patch_all()

from psycogreen.gevent import patch_psycopg

patch_psycopg()

from dashboard.addresses import ADDRESSES
from mahaam.alerts import pages
from mahaam.consumer.command import main

pages.use(ADDRESSES)
gc.freeze()  # it stays for good, and need not be looked at again
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
