"""What other parts of the product have every consumer do now and then, beside its jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent

from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.liveness import get_on
from mahaam.core.log_throttle import cause
from mahaam.core.repeated_warning import Complaint

log = logging.getLogger("mahaam.duties")
waits = Complaint(log, every_s=30.0)

LOOK_S = 0.5


@dataclass(slots=True)
class Duty:
    """Something to be done every so many seconds; it sees to it itself that one consumer is enough."""

    name: str
    every_s: float
    work: Callable[[], object]
    due_at: float = 0.0


duties: dict[str, Duty] = {}


def add(name: str, every_s: float, work: Callable[[], object]) -> None:
    """Have every consumer do `work` every `every_s` seconds."""
    duties[name] = Duty(name, every_s, work)


def loop() -> None:
    """Do what is due, for ever; one that fails does not keep the others from it."""
    while True:
        for duty in list(duties.values()):
            get_on()
            if time.monotonic() >= duty.due_at:
                duty.due_at = time.monotonic() + duty.every_s
                _do(duty)
        gevent.sleep(LOOK_S)


def _do(duty: Duty) -> None:
    try:
        duty.work()
    except DatabaseUnavailable as fault:
        waits.say("A duty waits for PostgreSQL. duty=%s fault=%s", duty.name, fault)
    except Exception:  # it must not end the loop, nor the consumer
        log.exception("A duty failed; trying again. duty=%s", duty.name, extra=cause(duty.name))
