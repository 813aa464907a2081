"""What must hold after every campaign, whatever the fault was."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from tests.faults.evidence import Evidence
from tests.faults.ledger import Run

PLACES = 4  # greenlets of one consumer
ASKING_TAKES_S = 0.5
# The campaigns' own jobs fail for good on purpose, and somebody is to hear of it.
ALWAYS_SAID = (
    r"Job failed for good",
    r"Alert opened\..* rule=(A job failed for good|Many dead letters arrive|Too many jobs fail) ",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What the fault of a campaign excuses; by default nothing."""

    completed_again: int = 0  # completed runs beyond the first of a job
    crashes: bool = False  # attempts may be taken from consumers
    freezes: bool = False  # consumers may be ended as frozen: what they held is released
    cuts: bool = False  # tasks may be stopped in the middle
    ends: bool = False  # consumers may end by themselves
    says: tuple[str, ...] = ()  # patterns of what may be logged as a WARNING or worse


def judge(evidence: Evidence, allowance: Allowance) -> list[str]:
    """A sentence for each broken rule; empty when all held."""
    return [sentence for rule in RULES for sentence in rule(evidence, allowance)]


Broken = Iterator[str]


def _all_accepted_are_there(evidence: Evidence, _: Allowance) -> Broken:
    missing = evidence.accepted - {job.id for job in evidence.jobs}
    if missing:
        yield _told(missing, "accepted jobs have no row")
    if len(evidence.jobs) < evidence.accepted_count:
        yield f"{evidence.accepted_count} jobs were accepted, {len(evidence.jobs)} have a row."


def _all_ended_as_they_must(evidence: Evidence, _: Allowance) -> Broken:
    wrong = [
        job
        for job in evidence.jobs
        if job.state != job.expected_state
        and not (job.state == "cancelled" and evidence.may_be_cancelled(job.id))
    ]
    if wrong:
        states = Counter(f"{job.state} instead of {job.expected_state}" for job in wrong)
        yield _told([job.id for job in wrong], f"jobs ended wrong ({dict(states)})")


def _completed_jobs_have_an_end(evidence: Evidence, _: Allowance) -> Broken:
    ended = {
        (run.job_id, run.number)
        for runs in evidence.runs.values()
        for run in runs
        if run.word == "end"
    }
    completed = {(job.id, job.attempt) for job in evidence.jobs if job.state == "completed"}
    if completed - ended:
        yield _told(completed - ended, "completed attempts have no end in the ledger")
    # A stopped one may have been killed between its end and the outcome.
    jobs = {job.id for job in evidence.jobs if job.state == "completed" or job.was_stopped}
    unknown = {id_ for id_, _ in ended} - jobs
    if unknown:
        yield _told(unknown, "jobs have an end in the ledger and are not completed")


def _again_only_after_a_crash(evidence: Evidence, allowance: Allowance) -> Broken:
    if evidence.completed_again > allowance.completed_again:
        yield (
            f"{evidence.completed_again} runs completed again, {allowance.completed_again} may: "
            + _told(evidence.ended_again, "jobs")
        )
    outcomes = evidence.outcomes
    excused = {"crashed", "released"} if allowance.freezes else {"crashed"}
    unexplained = {
        id_
        for id_, runs in evidence.ended_again.items()
        for run in runs[:-1]
        if (row := outcomes.get((id_, run.number))) is None or row.outcome not in excused
    }
    if unexplained:
        yield _told(unexplained, "jobs ran again although no crash is noted")


def _crashes_only_where_allowed(evidence: Evidence, allowance: Allowance) -> Broken:
    charged = [job.id for job in evidence.jobs if job.crash_count]
    if charged and not allowance.crashes:
        yield _told(charged, "jobs were charged with a crash")
    by_worker = Counter(row.worker_id for row in evidence.crashed)
    for worker_id, count in by_worker.items():
        if count > PLACES:
            yield f"Worker {worker_id} lost {count} attempts; it has {PLACES} places."


def _every_run_is_closed(evidence: Evidence, allowance: Allowance) -> Broken:
    runs = [run for runs in evidence.runs.values() for run in runs]
    unclosed = [run.job_id for run in runs if run.word is None and run.pid not in evidence.deaths]
    if unclosed:
        yield _told(unclosed, "runs have no end although their consumer lived")
    cut = [run.job_id for run in runs if run.word == "cut"]
    if cut and not allowance.cuts:
        yield _told(cut, "runs were stopped in the middle")


def _no_attempt_started_twice(evidence: Evidence, _: Allowance) -> Broken:
    starts = Counter((run.job_id, run.number) for runs in evidence.runs.values() for run in runs)
    twice = [key for key, count in starts.items() if count > 1]
    if twice:
        yield _told(twice, "attempts were started twice under one number")


def _no_stopped_job_starts_again(evidence: Evidence, _: Allowance) -> Broken:
    asked = {job.id: job.stop_asked_at for job in evidence.jobs if job.stop_asked_at is not None}
    starts = [(job.id, job.started_at) for job in evidence.jobs]
    starts += [(row.job_id, row.started_at) for row in evidence.attempts]
    # Who asks may wait for the very start that is to be stopped; his moment is the earlier one.
    takes = timedelta(seconds=ASKING_TAKES_S * evidence.slowness)
    again = {
        id_ for id_, at in starts if at is not None and id_ in asked and at > asked[id_] + takes
    }
    if again:
        yield _told(again, "jobs were started after they had been asked to stop")


def _runs_do_not_overlap(evidence: Evidence, _: Allowance) -> Broken:
    overlapping = [
        id_
        for id_, runs in evidence.runs.items()
        for first, second in pairwise(runs)
        if _end_ns(first, evidence) > second.started_ns and first.pid not in evidence.frozen
    ]
    if overlapping:
        yield _told(overlapping, "jobs ran twice at the same time")


def _end_ns(run: Run, evidence: Evidence) -> float:
    return evidence.deaths.get(run.pid, math.inf) if run.closed_ns is None else run.closed_ns


def _no_more_than_the_places(evidence: Evidence, _: Allowance) -> Broken:
    most = max(evidence.samples, default=0)
    if most > PLACES:
        yield f"{most} rows were running in one worker; it has {PLACES} places."


def _recovered_in_time(evidence: Evidence, _: Allowance) -> Broken:
    late = [found for found in evidence.recoveries if found.seconds > found.allowed_s]
    if late:
        worst = max(late, key=lambda found: found.seconds)
        yield (
            f"{len(late)} jobs ran again too late, the last one after {worst.seconds:.1f} s "
            f"({worst.allowed_s:.1f} s are allowed): job {worst.job_id}."
        )


def _late_results_are_noted(evidence: Evidence, _: Allowance) -> Broken:
    unnoted = [
        run.job_id
        for runs in evidence.runs.values()
        for run in runs
        if run.word and run.pid in evidence.lost and run.pid not in evidence.deaths
        and (row := evidence.outcomes.get((run.job_id, run.number))) is not None
        and row.outcome == "crashed" and not row.is_late
    ]  # fmt: skip
    if unnoted:
        yield _told(unnoted, "late results were not noted")


def _dead_letters_are_the_failed(evidence: Evidence, _: Allowance) -> Broken:
    letters = Counter(job_id for job_id, _ in evidence.letters)
    failed = Counter(job.id for job in evidence.jobs if job.state == "failed")
    if failed - letters:
        yield _told((failed - letters).elements(), "failed jobs have no dead letter")
    if letters - failed:
        yield _told((letters - failed).elements(), "dead letters belong to no failed job")


def _processes_ended_well(evidence: Evidence, allowance: Allowance) -> Broken:
    if not allowance.ends:
        yield from evidence.consumer_faults
    yield from evidence.client_faults


def _nothing_else_is_said(evidence: Evidence, allowance: Allowance) -> Broken:
    excused = [re.compile(pattern) for pattern in (*ALWAYS_SAID, *allowance.says)]
    said = [
        f"{level} {message[:200]}"
        for level, message in evidence.said
        if not any(pattern.search(message) for pattern in excused)
    ]
    if said:
        yield f"{len(said)} lines of WARNING or worse are not excused, the first: {said[0]}"


def _told(keys: Iterable[object], what: str) -> str:
    found = sorted(map(str, keys))
    return f"{len(found)} {what}: {', '.join(found[:3])}{' …' if len(found) > 3 else ''}"


RULES: tuple[Callable[[Evidence, Allowance], Broken], ...] = (
    _all_accepted_are_there,
    _all_ended_as_they_must,
    _completed_jobs_have_an_end,
    _again_only_after_a_crash,
    _crashes_only_where_allowed,
    _every_run_is_closed,
    _no_attempt_started_twice,
    _no_stopped_job_starts_again,
    _runs_do_not_overlap,
    _no_more_than_the_places,
    _recovered_in_time,
    _late_results_are_noted,
    _dead_letters_are_the_failed,
    _processes_ended_well,
    _nothing_else_is_said,
)
