"""The application of the soak: enqueues, schedules and operates, as steadily as the table says."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from huey.api import chord

from mahaam import enqueue, enqueue_many, huey, verbs
from mahaam.core.errors import MahaamError
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.search.job_filter import JobFilter
from tests.soak import jobs

WAITING = """
SELECT id::text FROM job WHERE state IN ('scheduled', 'retrying') AND queue = 'soak'
ORDER BY id DESC LIMIT 20
"""
LETTERS = "SELECT id FROM dead_letter WHERE resolved_at IS NULL ORDER BY id DESC LIMIT 5"
SCHEDULES = 5
PAUSE_S = 0.3
TICK_S = 0.01
KEPT_FOR = timedelta(minutes=1)  # of failed jobs: long enough to be retried, reprocessed, resolved


@dataclass(slots=True)
class Deed:
    """Something that the application does every `every_s` seconds."""

    every_s: float
    do: Callable[[], object]
    due_at: float = 0.0


def main() -> None:
    """Do everything in its turn until the file `enough` is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--enough", type=Path, required=True)
    enough: Path = parser.parse_args().enough
    _make_schedules()
    now = time.monotonic()
    for deed in DEEDS:
        deed.due_at = now + random.uniform(0, deed.every_s)
    while not enough.exists():
        for deed in DEEDS:
            if time.monotonic() >= deed.due_at:
                deed.due_at += deed.every_s
                deed.do()
        time.sleep(TICK_S)


def _make_schedules() -> None:
    for number in range(SCHEDULES):
        verbs.create_schedule(
            {"name": f"soak {number}", "task": "tests.soak.jobs.tick", "kind": "interval", "every_s": 1},
            by="soak",
        )  # fmt: skip


def _chord() -> None:
    members = [jobs.nothing.s(number) for number in range(4)]
    huey.enqueue(chord(members, jobs.gather.s()))


def _pipeline() -> None:
    huey.enqueue(jobs.nothing.s(1).then(jobs.nothing).then(jobs.nothing))


def _waiting(count: int) -> list[UUID]:
    def read(cursor: Cursor) -> list[UUID]:
        cursor.execute(WAITING)
        return [UUID(id_) for (id_,) in cursor.fetchall()]

    found = database.repeatable(read)
    return random.sample(found, min(count, len(found)))


def _letters() -> list[int]:
    def read(cursor: Cursor) -> list[int]:
        cursor.execute(LETTERS)
        return [id_ for (id_,) in cursor.fetchall()]

    return database.repeatable(read)


def _reprocess() -> None:
    """Run some dead letters again, and resolve others, so that they do not pile up."""
    letters = _letters()
    verbs.apply("reprocess", letters[:2], by="soak")
    verbs.apply("resolve", letters[2:], by="soak", note="soaked")


def _retry_by_filter() -> None:
    wanted = JobFilter(task="tests.soak.jobs.fall", state="failed")
    try:
        verbs.start(verbs.OperationRequest("retry", "soak", reason="the soak"), wanted)
    except MahaamError:  # nothing has failed yet
        return


def _clean() -> None:
    """Remove what has completed, and what failed some time ago, so that the tables stay as they are.

    Each failed job is retried every while, and its attempts add up.
    """
    for old in (
        JobFilter(state="completed"),
        JobFilter(state="failed", created_to=datetime.now(UTC) - KEPT_FOR),
    ):
        verbs.start(verbs.OperationRequest("clean", "soak", reason="the soak"), old)


def _pause() -> None:
    verbs.pause_queues(["soak"], verbs.pause(by="soak", reason="a moment", for_s=PAUSE_S))


DEEDS = [
    Deed(0.5, jobs.probe),
    Deed(0.05, jobs.nothing),
    Deed(0.2, lambda: jobs.rest(20)),
    Deed(2.0, lambda: enqueue_many(jobs.nothing, [(n,) for n in range(60)])),
    Deed(1.0, lambda: jobs.stumble(1)),
    Deed(4.0, lambda: jobs.stumble(2)),
    Deed(5.0, lambda: jobs.fall(random.randrange(5))),
    Deed(0.5, lambda: enqueue(jobs.nothing, delay=random.uniform(0.5, 3))),
    Deed(1.5, lambda: enqueue(jobs.rest, (5,), delay=30)),
    Deed(0.5, lambda: enqueue(jobs.rest, (5,), dedupe_key="one of us")),
    Deed(2.0, _chord),
    Deed(3.0, _pipeline),
    Deed(1.0, lambda: jobs.speak(10)),
    Deed(5.0, lambda: verbs.apply("promote", _waiting(2), by="soak")),
    Deed(7.0, lambda: verbs.apply("cancel", _waiting(1), by="soak")),
    Deed(
        6.0,
        lambda: verbs.apply("set_priority", _waiting(2), priority=random.randint(-5, 5), by="soak"),
    ),
    Deed(9.0, _reprocess),
    Deed(20.0, _retry_by_filter),
    Deed(15.0, _pause),
    Deed(10.0, _clean),
]


if __name__ == "__main__":
    main()
