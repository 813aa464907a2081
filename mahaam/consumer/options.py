"""The options of a consumer, from its command line or Huey's `create_consumer`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mahaam.core.errors import OptionNotValid

SHUTDOWN_S = 8.0

# Options of Huey's consumer about polling have no meaning here: nothing is polled.
WITHOUT_MEANING = {
    "backoff",
    "check_worker_health",
    "graceful_signal",
    "health_check_interval",
    "initial_delay",
    "max_delay",
    "scheduler_interval",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerOptions:
    """The options of a consumer, and when it ends by itself; times in seconds, None: never."""

    workers: int = 4
    queues: list[str] = field(default_factory=list)
    weighted: bool = False
    shutdown_timeout_s: float = SHUTDOWN_S
    max_jobs: int | None = None
    max_time_s: float | None = None
    stop_when_empty: bool = False
    periodic: bool = True


def of_huey_options(options: dict[str, Any]) -> ConsumerOptions:
    """Return the options for those of Huey's consumer. Raises OptionNotValid."""
    given = {name: value for name, value in options.items() if name not in WITHOUT_MEANING}
    if given.pop("worker_type", "greenlet") != "greenlet":
        raise OptionNotValid(
            "This consumer runs greenlets; mark tasks that compute cpu_bound=True."
        )
    timeout_s = given.pop("shutdown_timeout", None)
    wanted = ConsumerOptions(
        workers=given.pop("workers", 1),
        periodic=given.pop("periodic", True),
        shutdown_timeout_s=SHUTDOWN_S if timeout_s is None else timeout_s,
    )
    if any(value is not None for value in given.values()):
        raise OptionNotValid(f"This consumer has no option {', '.join(sorted(given))}.")
    return wanted
