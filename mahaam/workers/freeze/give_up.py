"""The program that gives up the jobs of a frozen consumer after its end; started by the watcher."""

from __future__ import annotations

import json
import logging
import sys
from functools import partial

from mahaam.config import get_settings
from mahaam.core.errors import DatabaseUnavailable, WorkerFrozen
from mahaam.enqueuing import accept
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Failure
from mahaam.logs.log_setup import set_up_logging
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.workers import store as workers_store
from mahaam.workers.freeze import dump
from mahaam.workers.freeze.dump import Frozen
from mahaam.workers.lease import by_state
from mahaam.workers.store import GivenBack, Rescued

log = logging.getLogger("mahaam.freeze")

FREEZES = 2  # of a consumer by one job; then the job fails for good


def main() -> None:
    """Read the watcher's report on standard input, then give the jobs up; do nothing without one."""
    text = sys.stdin.read()
    if not text:
        return  # the consumer has come back
    told = json.loads(text)
    settings = get_settings()
    set_up_logging(settings.log_level, settings.log_format)
    slots = bytes.fromhex(told["slots"])
    frozen, worker_id = dump.read(told["dump"], slots), dump.worker_of(slots)
    log.error(
        "A consumer was frozen: no other code ran in it for %g s. It has been ended. function=%s job=%s "
        "worker=%s pid=%s What computes or blocks in C belongs into @task(cpu_bound=True).",
        told["frozen_s"],
        frozen.function,
        frozen.job_id,
        worker_id,
        told["pid"],
    )
    try:
        charged, released = give_up(worker_id, frozen, frozen_s=told["frozen_s"])
    except DatabaseUnavailable as fault:
        log.warning("Its jobs are rescued when its lease is over. fault=%s", fault)
        return
    for job in charged:
        log.error(
            "Job charged: it froze its consumer. job=%s task=%s state=%s",
            job.id,
            job.task,
            job.state,
        )
    if released:
        log.warning("Jobs given back uncharged. %s", by_state(released))


def give_up(
    worker_id: str, frozen: Frozen, *, frozen_s: float
) -> tuple[list[Rescued], list[GivenBack]]:
    """Charge the job that blocked the consumer, give the others back. Return both.

    If it is not known what blocked it, all jobs are left to the rescue of lost workers. Raises
    DatabaseUnavailable.
    """
    failure = _failure(frozen, frozen_s)
    work = partial(_written, worker_id=worker_id, frozen=frozen, failure=failure)
    charged, released, notices = database.repeatable(work, atomic=True)
    accept.ring(notices)
    return charged, released


def _written(
    cursor: Cursor, *, worker_id: str, frozen: Frozen, failure: Failure
) -> tuple[list[Rescued], list[GivenBack], list[Notice]]:
    charged: list[Rescued] = []
    notices: list[Notice] = []
    if frozen.job_id is not None:
        charged, notices = workers_store.charge(
            cursor, worker_id, frozen.job_id, failure, max_crashes=_freezes()
        )
    released = workers_store.release_all(cursor, worker_id) if frozen.is_known else []
    workers_store.stop(cursor, worker_id, state="stopped")
    return charged, released, notices


def _failure(frozen: Frozen, frozen_s: float) -> Failure:
    told = Failure.told(
        WorkerFrozen(
            f"It held its consumer for {frozen_s:g} s, so that nothing else ran there, and the consumer "
            f"was ended: {frozen.function}. Mark the task cpu_bound=True, or let it pause."
        )
    )
    return Failure(
        told.error_class, told.message, f"{frozen.stack}\n{told.traceback}", told.fingerprint
    )


def _freezes() -> int:
    return min(FREEZES, get_settings().max_crashes)


if __name__ == "__main__":
    main()
