"""Operators who never rest: they change, cancel, stop and pause what waits and runs."""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from mahaam import verbs
from mahaam.postgres import database
from mahaam.verbs import VerbResult
from tests.faults.evidence import WORK, Evidence

LIVE = """
SELECT id::text FROM job WHERE state IN ('queued', 'scheduled', 'retrying', 'running')
ORDER BY state = 'running' DESC, id DESC LIMIT 60
"""
QUEUES = ("default", "other")
TASK = f"{WORK}.work"
RUNNING = 8  # at most, in two consumers
PAUSE_S = 0.2
REST_S = 0.2  # at most, between two deeds
STARTING_NS = 10**9  # how long the start of a task may follow the start of its row

Ids = list[UUID]


def load_clients(options: argparse.Namespace) -> None:
    """Let `count` operators work at once until the file `enough` is there; notes what was promised."""
    folder: Path = options.accepted.parent
    database.repeatable(lambda cursor: cursor.execute(
        "INSERT INTO queue (name) VALUES ('other') ON CONFLICT DO NOTHING"
    ))  # fmt: skip
    promised = os.open(promises(folder), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with ThreadPoolExecutor(options.count) as threads:
        for done in [
            threads.submit(_operate, folder / "enough", promised) for _ in range(options.count)
        ]:
            done.result()
    verbs.resume_tasks([TASK], by="last")
    verbs.resume_queues(QUEUES, by="last")


def promises(folder: Path) -> Path:
    """Where the acknowledged cancels and stops are noted."""
    return folder / "promises"


def promised(folder: Path) -> dict[str, dict[str, int]]:
    """By verb: the jobs to which it was acknowledged, and when, in monotonic ns."""
    found: dict[str, dict[str, int]] = {"cancel": {}, "stop": {}}
    if promises(folder).exists():
        for line in promises(folder).read_text().splitlines():
            verb, id_, at_ns = line.split()
            found[verb].setdefault(id_, int(at_ns))
    return found


def keeps_promises(evidence: Evidence) -> Iterator[str]:
    """What was cancelled never runs afterwards; what was to stop is not started again."""
    for verb, soon_ns in (("cancel", 0), ("stop", STARTING_NS)):
        acknowledged = evidence.promised[verb]
        if not acknowledged:
            yield f"No {verb} was acknowledged."
        broken = [
            id_
            for id_, at_ns in acknowledged.items()
            for run in evidence.runs.get(id_, [])
            if run.started_ns > at_ns + soon_ns
        ]
        if broken:
            yield f"{len(broken)} jobs ran after an acknowledged {verb}: {', '.join(broken[:3])}."
    states = {job.id: job.state for job in evidence.jobs}
    living = [id_ for id_ in evidence.promised["cancel"] if states[id_] != "cancelled"]
    if living:
        yield f"{len(living)} acknowledged cancels are not cancelled: {', '.join(living[:3])}."


def _operate(enough: Path, promised: int) -> None:
    chance = random.Random()
    while not enough.exists():
        live = database.repeatable(_live)
        name = chance.choice(list(DEEDS))
        near = live[:RUNNING] if name == "stop" else live
        ids = chance.sample(near, min(2, len(near)))
        result = DEEDS[name](ids)
        if name in ("cancel", "stop"):
            lines = [f"{name} {id_} {time.monotonic_ns()}\n" for id_ in result.done]
            os.write(promised, "".join(lines).encode())
        time.sleep(chance.uniform(0, REST_S))


def _live(cursor: database.Cursor) -> Ids:
    cursor.execute(LIVE)
    return [UUID(id_) for (id_,) in cursor.fetchall()]


def _pause() -> verbs.Pause:
    return verbs.pause(by="bob", reason="a test", for_s=PAUSE_S)


DEEDS: dict[str, Callable[[Ids], VerbResult]] = {
    "cancel": lambda ids: verbs.apply("cancel", ids[:1], by="ann"),
    "stop": lambda ids: verbs.apply("stop", ids, by="ann"),
    "promote": lambda ids: verbs.apply("promote", ids, by="ann"),
    "reschedule": lambda ids: verbs.apply("reschedule", ids, delay_s=0.2, by="ann"),
    "priority": lambda ids: verbs.apply(
        "set_priority", ids, priority=random.randint(-9, 9), by="ann"
    ),
    "move": lambda ids: verbs.apply("move", ids, queue=random.choice(QUEUES), by="ann"),
    "pause queue": lambda _: verbs.pause_queues(["other"], _pause()),
    "resume queue": lambda _: verbs.resume_queues(["other"], by="ann"),
    "pause task": lambda _: verbs.pause_tasks([TASK], _pause()),
    "resume task": lambda _: verbs.resume_tasks([TASK], by="ann"),
}
