"""Chords and pipelines under faults: their tasks, who enqueues them, and what must be there at the end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from huey.api import Task, chord
from huey.utils import Error

from mahaam import current_job, huey, task
from tests.faults.evidence import Evidence, JobRow
from tests.faults.work import pen, work

MEMBERS = 10
LINKS = 3
CHORD_JOBS = MEMBERS + 1
FAILING_CHORDS = 10  # of each so many chords one has a member that fails for good
FAILING_PLACE = 3

GATHER, LINK = "tests.faults.chains.gather", "tests.faults.chains.link"


@task(max_retries=0)
def gather(values: list[Any], number: int, ms: int) -> int:
    """The callback of chord `number`: are all members here, in their order?"""
    with pen().attempt(current_job.id, current_job.attempt):
        shown = ["failed" if isinstance(value, Error) else value for value in values]
        assert shown == _expected(number, ms), shown
    return number


@task(max_retries=0)
def link(so_far: int = 0, *, number: int, ms: int) -> int:
    """One link of pipeline `number`, called with how many came before it."""
    with pen().attempt(current_job.id, current_job.attempt):
        time.sleep(ms / 1000)
    return so_far + 1


def a_chord(number: int, ms: int) -> list[str]:
    """Enqueue chord `number`; the ids of its members."""
    members = [_member(number, place, ms) for place in range(MEMBERS)]
    huey.enqueue(chord(members, gather.s(number=number, ms=ms)))
    return [member.id for member in members]


def a_pipeline(number: int, ms: int) -> list[str]:
    """Enqueue pipeline `number`; the id of its first job."""
    head = link.s(number=number, ms=ms)
    for _ in range(LINKS - 1):
        head.then(link, number=number, ms=ms)
    huey.enqueue(head)
    return [head.id]


def each_called_back_once(evidence: Evidence) -> Iterator[str]:
    """For every chord there is one callback; it has checked what it was called with."""
    count = len(evidence.jobs) // CHORD_JOBS
    callbacks = Counter(job.kwargs["number"] for job in evidence.jobs if job.task == GATHER)
    wrong = {number for number in range(count) if callbacks[number] != 1}
    if wrong or len(callbacks) != count:
        yield f"{len(wrong)} of {count} chords have no callback or several: {sorted(wrong)[:5]}."


def each_chain_is_whole(evidence: Evidence) -> Iterator[str]:
    """Every pipeline has each of its links once, called with how many came before it."""
    chains: dict[int, list[JobRow]] = defaultdict(list)
    for job in evidence.jobs:
        chains[job.kwargs["number"]].append(job)
    whole = [[], *([came] for came in range(1, LINKS))]
    broken = [number for number, jobs in chains.items() if sorted(j.args for j in jobs) != whole]
    if broken:
        yield f"{len(broken)} of {len(chains)} pipelines are not whole: {sorted(broken)[:5]}."


def _member(number: int, place: int, ms: int) -> Task:
    fails = number % FAILING_CHORDS == 0 and place == FAILING_PLACE
    return work.s(ms + place, failures=2 if fails else 0)


def _expected(number: int, ms: int) -> list[Any]:
    values: list[Any] = [ms + place for place in range(MEMBERS)]
    if number % FAILING_CHORDS == 0:
        values[FAILING_PLACE] = "failed"
    return values
