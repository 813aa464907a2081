"""Jobs that mean harm: poison, junk, unknown tasks, two hundred of one key."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import redis

from mahaam.core.ids import new_id
from tests.faults.evidence import WORK, Evidence
from tests.faults.stage import Stage

SAME_KEY = 200
CRASHES = 5
SLOWED_S = 10.0  # two thousand jobs of 1 ms take two to three
NEIGHBOURS = 3  # they fill the places beside it
JUNK = 1000
FREEZES = 2
FORKERS = 40
STRANGE_ROWS: tuple[
    tuple[str, list[Any], dict[str, Any], str], ...
] = (  # task, args, kwargs, error class that its dead letter must name
    ("nowhere.nothing", [], {}, "UnknownTask"),
    (f"{WORK}.gone", [1], {"a": 2}, "UnknownTask"),
    ("no name at all", [], {}, "UnknownTask"),
    ("", [], {}, "UnknownTask"),
    (f"{WORK}.work ", [], {}, "UnknownTask"),
    ("os.system", ["true"], {}, "UnknownTask"),
)
INSERT = """
INSERT INTO job (id, task, queue, state, args, kwargs, max_retries, queued_at)
VALUES (%s, %s, 'default', 'queued', %s, %s, %s, now())
"""


def insert(stage: Stage, task: str, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Write a row as no client of ours would, and ring for it; returns its id."""
    id_ = new_id()
    stage.rows.ask(INSERT, (id_, task, json.dumps(args), json.dumps(kwargs), 0))
    with redis.Redis.from_url(stage.servers.redis_url) as client:
        client.zadd("mahaam:queue:default", {id_: 0})
    stage.accepted_count += 1
    return id_


def enqueue_poison(stage: Stage) -> None:
    """Two jobs that end their process, each in another way, in line with longer ones."""
    for how in ("exit", "kill"):
        for _ in range(NEIGHBOURS):
            insert(stage, f"{WORK}.work", [], {"ms": 1500})
        insert(stage, f"{WORK}.end_process", [how], {})


def poison_failed_after_five(evidence: Evidence) -> Iterator[str]:
    """Each poisonous job took its consumer down five times and no more."""
    poison = [job for job in evidence.jobs if job.task == f"{WORK}.end_process"]
    for job in poison:
        if job.crash_count != CRASHES or job.state != "failed":
            yield f"Job {job.id} is {job.state} after {job.crash_count} crashes."
    if len(poison) != 2:
        yield f"There are {len(poison)} poisonous jobs."


def enqueue_freezers(stage: Stage) -> None:
    """Jobs that freeze their consumer, each in another way, in line with others."""
    stage.settings["FREEZE_LIMIT_S"] = "2"
    for how in ("python", "c", "interpreter"):
        for _ in range(NEIGHBOURS):
            insert(stage, f"{WORK}.work", [], {"ms": 1500})
        insert(stage, f"{WORK}.freeze", [how], {})


def freezers_alone_were_charged(evidence: Evidence) -> Iterator[str]:
    """Each froze its consumer twice and no more; nobody else was charged for it."""
    freezers = [job for job in evidence.jobs if job.task == f"{WORK}.freeze"]
    for job in freezers:
        if job.crash_count != FREEZES or job.state != "failed":
            yield f"Job {job.id} is {job.state} after {job.crash_count} freezes."
    charged = [job.id for job in evidence.jobs if job.crash_count and job not in freezers]
    if charged:
        yield f"{len(charged)} jobs were charged for the freeze of others: {charged[:3]}."
    if Counter(error_class for _, error_class in evidence.letters)["WorkerFrozen"] != len(freezers):
        yield "Not each dead letter of a freeze says what it was."


def enqueue_forkers(stage: Stage) -> None:
    """Jobs that fork, in line with others."""
    for place in range(FORKERS):
        child = ("fork", "process")[place % 2]
        insert(stage, f"{WORK}.work", [], {"ms": 20, "child": child})


def spread_junk(stage: Stage) -> None:
    """Members of every kind at the head of the queue, and rows of tasks that nobody knows."""
    members = [*_texts(stage.chance), *(str(uuid4()) for _ in range(JUNK))]
    with redis.Redis.from_url(stage.servers.redis_url) as client:
        client.zadd("mahaam:queue:default", dict.fromkeys(members, -1e18))
    for task, args, kwargs, _ in STRANGE_ROWS:
        insert(stage, task, args, kwargs)


def has_reasons(evidence: Evidence) -> Iterator[str]:
    """Every strange row became a dead letter that says why, and good jobs did not wait for it."""
    ended_ns = max(run.closed_ns or 0 for runs in evidence.runs.values() for run in runs)
    took_s = (ended_ns - min(ready_ns for ready_ns, _ in evidence.lives)) / 1e9
    allowed_s = SLOWED_S * evidence.slowness
    if took_s > allowed_s:
        yield f"The jobs behind the junk took {took_s:.1f} s; {allowed_s:.0f} s are allowed."
    found = Counter(error_class for _, error_class in evidence.letters)
    wanted = Counter(error_class for *_, error_class in STRANGE_ROWS)
    for error_class, count in wanted.items():
        if found[error_class] != count:
            yield f"{found[error_class]} dead letters say {error_class}; {count} should."


def enqueue_one_key(stage: Stage) -> None:
    """Two hundred enqueues at one moment, before a consumer could end the first job."""
    stage.start_client("same-key", count=SAME_KEY, ms=1)
    stage.accepted_count -= SAME_KEY - 1
    stage.watch_for(0)
    stage.watch_until_clients_ended()
    answers = stage.client_output.read_text().split()
    stage.answers = Counter(zip(answers[::2], answers[1::2], strict=True))


def has_one_job(evidence: Evidence) -> Iterator[str]:
    """One job was made, everybody got its id, one was told that it is new."""
    if len(evidence.jobs) != 1:
        yield f"{len(evidence.jobs)} jobs were made."
    for job in evidence.jobs:
        told = {"False": 1, "True": SAME_KEY - 1}
        for word, count in told.items():
            if evidence.answers[job.id, word] != count:
                yield f"{evidence.answers[job.id, word]} clients were told {word}, not {count}."


def _texts(chance: random.Random) -> Iterator[bytes | str]:
    yield from ("", " ", "null", "{}", "'; DROP TABLE job; --", "\x00", "-" * 36, "x" * 1_000_000)
    yield str(uuid4()).upper()
    for _ in range(JUNK):
        yield chance.randbytes(chance.randrange(1, 64))
