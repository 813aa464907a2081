"""Enqueueing: what stands in the row, and what is refused with one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks import enqueue, enqueue_many, task
from tasks.engine import accept
from tasks.engine.errors import (
    ArgumentNotStorable,
    DatabaseUnavailable,
    MahaamError,
    OptionNotValid,
    UnknownQueue,
    UnknownTask,
)
from tasks.engine.states import FINAL, LIVE
from tests.engine import jobs
from tests.engine.stage import Stage

NOWHERE = "postgresql://mahaam@127.0.0.1:1/mahaam"
AHEAD = datetime(2090, 1, 2, 3, 4, 5, tzinfo=UTC)
AHEAD_NAIVE = AHEAD.replace(tzinfo=None)


def rung(stage: Stage, queue: str = "default") -> dict[str, float]:
    """The ids that Redis holds, with their scores."""
    with stage.redis() as client:
        pairs = client.zrange(stage.key(queue), 0, -1, withscores=True)
    return {id_.decode(): score for id_, score in pairs}


def test_calling_a_task_enqueues_it(empty_stage: Stage) -> None:
    handle = jobs.tell()

    row = empty_stage.job(handle.id)
    assert (row["task"], row["state"]) == ("tests.engine.jobs.tell", "queued")
    assert (row["priority"], row["max_retries"], row["queue"]) == (7, 2, "default")
    assert (row["retry_delay_s"], row["retry_backoff"], row["retry_jitter"]) == (1, 2, True)
    assert rung(empty_stage) == {handle.id: -7}


def test_arguments_reach_the_row(empty_stage: Stage) -> None:
    made = enqueue("tests.engine.jobs.echo", [1, "b"], {"c": (3,)})

    row = empty_stage.job(made.id)
    assert (row["args"], row["kwargs"]) == ([1, "b"], {"c": {"$tuple": [3]}})
    assert (made.state, made.deduplicated) == ("queued", False)


@pytest.mark.parametrize("by_name", [True, False])
def test_every_option_reaches_the_row(empty_stage: Stage, by_name: bool) -> None:
    made = enqueue(
        "tests.engine.jobs.nothing" if by_name else jobs.nothing,
        queue="reports",
        priority=-3,
        max_retries=9,
        retry_delay=timedelta(seconds=2),
        retry_backoff=1.5,
        retry_jitter=False,
        timeout=12.5,
        delay=timedelta(minutes=1),
        expires=timedelta(minutes=2),
        dedupe_key="key 1",
        tags=["a", "b"],
        created_by="ann",
        remove_on_complete=True,
        remove_on_fail=True,
    )

    row = empty_stage.job(made.id)
    expected = {
        "queue": "reports",
        "priority": -3,
        "max_retries": 9,
        "retry_delay_s": 2,
        "retry_backoff": 1.5,
        "retry_jitter": False,
        "timeout_s": 12.5,
        "dedupe_key": "key 1",
        "tags": ["a", "b"],
        "created_by": "ann",
        "options": {"remove_on_complete": True, "remove_on_fail": True},
        "state": "scheduled",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["run_at"] - row["created_at"] == timedelta(minutes=1)
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=2)
    assert rung(empty_stage, "reports") == {}


def test_an_option_that_is_none_leaves_the_tasks_own(empty_stage: Stage) -> None:
    made = enqueue(jobs.tell, priority=None, queue=None, max_retries=None, delay=None, tags=None)

    row = empty_stage.job(made.id)
    assert (row["priority"], row["max_retries"], row["state"]) == (7, 2, "queued")


def test_eta_is_utc_where_it_says_nothing_else(empty_stage: Stage) -> None:
    for eta in (AHEAD, AHEAD_NAIVE, AHEAD.astimezone(timezone(timedelta(hours=9)))):
        made = enqueue(jobs.nothing, eta=eta)

        row = empty_stage.job(made.id)
        assert (row["run_at"], row["state"], made.state) == (AHEAD, "scheduled", "scheduled")
    assert rung(empty_stage) == {}


def test_a_job_whose_eta_is_over_runs_now(empty_stage: Stage) -> None:
    made = enqueue(jobs.nothing, eta=AHEAD.replace(year=2001))

    assert (empty_stage.job(made.id)["state"], made.state) == ("queued", "queued")
    assert rung(empty_stage).keys() == {str(made.id)}


def test_expires_may_be_a_moment_or_a_time_span(empty_stage: Stage) -> None:
    for expires in (AHEAD, AHEAD_NAIVE, 60, timedelta(seconds=60)):
        row = empty_stage.job(enqueue(jobs.nothing, expires=expires).id)
        is_moment = isinstance(expires, datetime)
        assert row["expires_at"] == (AHEAD if is_moment else row["created_at"] + timedelta(0, 60))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"priority": True}, "priority must be a whole number"),
    ({"priority": 1.0}, "priority must be a whole number"),
    ({"priority": 2**31}, "priority must be a whole number"),
    ({"priority": "high"}, "priority must be a whole number"),
    ({"max_retries": -1}, "max_retries must be a whole number from 0 to 10000; it is -1"),
    ({"max_retries": 10_001}, "max_retries must be a whole number"),
    ({"delay": float("nan")}, "delay must be a number of seconds"),
    ({"delay": float("inf")}, "delay must be a number of seconds"),
    ({"delay": -1}, "delay must be a number of seconds from 0"),
    ({"delay": "soon"}, "delay must be a number of seconds"),
    ({"delay": True}, "delay must be a number of seconds"),
    ({"delay": 1, "eta": AHEAD}, "Give delay or eta, not both"),
    ({"eta": "tomorrow"}, "eta must be a datetime; it is str"),
    ({"eta": 5}, "eta must be a datetime; it is int"),
    ({"eta": AHEAD.replace(year=9999)}, "eta must lie between the years 1970 and 9000"),
    ({"eta": AHEAD.replace(year=1969)}, "eta must lie between the years 1970 and 9000"),
    ({"eta": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "eta is outside the cal"),
    ({"expires": "soon"}, "expires must be a number of seconds"),
    ({"expires": -5}, "expires must be a number of seconds"),
    ({"expires": AHEAD.date()}, "expires must be a datetime; it is date"),
    ({"timeout": 0}, "timeout must be a number of seconds from 0.001"),
    ({"timeout": float("nan")}, "timeout must be a number of seconds"),
    ({"retry_delay": -1}, "retry_delay must be a number of seconds"),
    ({"retry_backoff": float("nan")}, "retry_backoff must be a factor"),
    ({"retry_backoff": 1001}, "retry_backoff must be a factor"),
    ({"retry_jitter": "no"}, "retry_jitter"),
    ({"dedupe_key": ""}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": "x" * 201}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": "a\0"}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": 5}, "dedupe_key must be 1 to 200 printable characters"),
    ({"tags": [""]}, "tags must be 1 to 200 printable characters"),
    ({"tags": [5]}, "tags must be 1 to 200 printable characters"),
    ({"tags": "urgent"}, "tags"),
    ({"tags": 5}, "tags"),
    ({"created_by": "a\0b"}, "created_by"),
    ({"remove_on_complete": "no"}, "remove_on_complete"),
    ({"nonsense": 1}, "Unknown option nonsense"),
    ({"a": 1, "b": 2}, "Unknown option a, b"),
]


def test_a_bad_option_is_refused_with_one_sentence(empty_stage: Stage) -> None:
    broken = []
    for options, said in REFUSED:
        try:
            enqueue(jobs.nothing, **options)
        except OptionNotValid as refusal:
            if not str(refusal).startswith(said) or "\n" in str(refusal):
                broken.append((options, str(refusal)))
        except Exception as fault:  # noqa: BLE001 (all wrong ones are told together)
            broken.append((options, repr(fault)))
        else:
            broken.append((options, "accepted"))

    assert broken == []
    assert empty_stage.count() == 0


def test_a_bad_default_is_refused_where_the_task_is_made() -> None:
    with pytest.raises(OptionNotValid, match="max_retries must be a whole number"):
        task(name="never_made", max_retries=-1)(lambda: None)
    with pytest.raises(UnknownTask):
        enqueue("tests.engine.test_enqueue.never_made")


def test_what_does_not_exist_is_refused_by_name(empty_stage: Stage) -> None:
    with pytest.raises(UnknownTask, match="There is no task 'tests"):
        enqueue("tests.engine.jobs.nowhere")
    with pytest.raises(UnknownQueue, match="There is no queue 'nowhere'"):
        enqueue(jobs.nothing, queue="nowhere")
    with pytest.raises(ArgumentNotStorable, match="Argument 2 is of type object"):
        enqueue(jobs.nothing, (1, object()))

    assert empty_stage.count() == 0


def test_a_queue_that_a_task_names_is_added(empty_stage: Stage) -> None:
    named = task(name="for_a_new_queue", queue="new-queue")(lambda: None)
    try:
        assert empty_stage.job(enqueue(named).id)["queue"] == "new-queue"
    finally:
        named.unregister()


def test_while_a_job_with_the_dedupe_key_lives_no_second_one_is_made(empty_stage: Stage) -> None:
    first = enqueue(jobs.nothing, dedupe_key="k")
    for state in sorted(LIVE):
        empty_stage.ask(
            "UPDATE job SET state = %s, run_at = now(), started_at = now(), worker_id = id", state
        )

        second = enqueue(jobs.nothing, dedupe_key="k", priority=9)

        assert (second.id, second.state, second.deduplicated) == (first.id, state, True)
    assert empty_stage.count() == 1


def test_the_dedupe_key_of_a_job_that_has_ended_is_free(empty_stage: Stage) -> None:
    made = {enqueue(jobs.nothing, dedupe_key="k").id}
    for state in sorted(FINAL):
        empty_stage.ask("UPDATE job SET state = %s, finished_at = now()", state)

        next_one = enqueue(jobs.nothing, dedupe_key="k")

        assert not next_one.deduplicated
        made.add(next_one.id)
    assert len(made) == 1 + len(FINAL)


def test_many_calls_become_as_many_jobs(empty_stage: Stage) -> None:
    calls = ((n, "x") if n % 2 else {"n": n} for n in range(4500))

    assert enqueue_many(jobs.echo, calls, priority=2) == 4500

    assert empty_stage.count("args = '[]' AND kwargs->>'n' IS NOT NULL") == 2250
    assert empty_stage.count("jsonb_array_length(args) = 2 AND priority = 2") == 2250
    assert len(rung(empty_stage)) == 4500


def test_many_keep_the_order_of_the_calls(empty_stage: Stage) -> None:
    enqueue_many(jobs.echo, [(n,) for n in range(50)])

    in_order = empty_stage.ask("SELECT args->>0 AS n FROM job ORDER BY id")
    assert [int(row["n"]) for row in in_order] == list(range(50))


def test_no_calls_make_no_jobs(empty_stage: Stage) -> None:
    assert enqueue_many(jobs.echo, []) == 0
    assert empty_stage.count() == 0


def failing() -> Iterator[tuple[int]]:
    yield from ((n,) for n in range(2500))
    raise LookupError("the source broke")


@pytest.mark.parametrize(
    ("calls", "fault"),
    [
        ([*((n,) for n in range(2500)), (object(),)], ArgumentNotStorable),
        ([(1,), [2]], OptionNotValid),
        ([(1,), "ab"], OptionNotValid),
        (failing(), LookupError),
    ],
    ids=["argument", "list", "text", "generator"],
)
def test_one_bad_call_among_many_makes_no_job(
    empty_stage: Stage, calls: Any, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        enqueue_many(jobs.echo, calls)

    assert empty_stage.count() == 0
    assert rung(empty_stage) == {}


def test_many_share_no_dedupe_key(empty_stage: Stage) -> None:
    with pytest.raises(OptionNotValid, match="dedupe_key belongs to one job"):
        enqueue_many(jobs.echo, [(1,)], dedupe_key="k")


def test_a_broken_connection_does_not_cost_or_double_a_job(empty_stage: Stage) -> None:
    enqueue(jobs.nothing)
    empty_stage.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
        " application_name = 'mahaam' AND datname = current_database()"
    )

    enqueue(jobs.nothing)

    assert empty_stage.count() == 2


@pytest.mark.parametrize(
    "attempt",
    [
        jobs.nothing,
        lambda: enqueue(jobs.nothing),
        lambda: enqueue(jobs.nothing, dedupe_key="k"),
        lambda: enqueue_many(jobs.nothing, [()]),
    ],
)
def test_without_postgresql_a_job_is_refused(stage: Stage, attempt: Any) -> None:
    accept.queue_names.check("default")  # known: the queue's name is not what fails
    known_until = accept.queue_names._known.until
    with stage.here(database_url=NOWHERE):
        accept.queue_names._known.until = known_until
        with pytest.raises(DatabaseUnavailable, match="PostgreSQL does not answer") as refusal:
            attempt()
    assert isinstance(refusal.value, MahaamError)
