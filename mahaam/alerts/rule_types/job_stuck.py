"""A job runs much longer than other jobs of its task."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    TASK,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
    minutes,
)
from mahaam.core.histogram import bucket_of, percentiles_ms
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor
from mahaam.queries.rejection_text import ago

YOUNG_S = 60.0  # a job that runs for less is not stuck, whatever is usual
KNOWN_RUNS = 20  # fewer runs in a day say nothing about what is usual

WHAT = Translatable("Job %(id)s of task %(task)s has been running for %(span)s.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    values = {"task": look.parameters.get("task"), "young_s": YOUNG_S, "limit": MOST_FINDINGS}
    cursor.execute(causes.JOB_STUCK_RUNNING, values)
    running = cursor.fetchall()
    limits_s = _limits_s(cursor, look.parameters, {task for _id, task, _s in running})
    return [
        Cause(
            f"job:{id_}",
            WHAT.about(id=id_[-12:], task=task, span=ago(ran_s)),
            address_of(LinkedPage.JOB, id_),
        )
        for id_, task, ran_s in running
        if ran_s >= limits_s[task]
    ]


def _limits_s(cursor: Cursor, parameters: Parameters, tasks: set[str]) -> dict[str, float]:
    """Return after how many seconds a job of each task is stuck.

    That is the rule's minutes, or so many times the task's p99 if that is less.
    """
    limits = dict.fromkeys(tasks, parameters["minutes"] * 60.0)
    times = parameters.get("times")
    if times is None or not tasks:
        return limits
    cursor.execute(causes.JOB_STUCK_RUNS, (sorted(tasks),))
    latencies: dict[str, list[tuple[int, int]]] = {}
    for task, bucket, count in cursor.fetchall():
        latencies.setdefault(task, []).append((bucket, count))
    for task, counted in latencies.items():
        buckets, counts = zip(*counted, strict=True)
        (p99_ms,) = percentiles_ms(buckets, counts, (0.99,))
        if p99_ms is not None and sum(counts) >= KNOWN_RUNS:
            limits[task] = min(limits[task], max(times * p99_ms / 1000, YOUNG_S))
    return limits


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    bucket = bucket_of(parameters["minutes"] * 60_000.0)
    cursor.execute(causes.JOB_STUCK_PAST, {"task": parameters.get("task"), "bucket": bucket})
    return list(cursor.fetchall())


JOB_STUCK = RuleType(
    "job_stuck",
    Translatable("A job is stuck"),
    Translatable("It runs longer than so many minutes, or than so many times the p99 of its task."),
    _look,
    _past,
    (
        minutes(60, Translatable("Longer than so many minutes")),
        RuleParameter(
            "times",
            Translatable("Or so many times the p99 of its task; empty: minutes alone"),
            high=10_000,
        ),
        TASK,
    ),
)
