"""A Huey without a consumer: run by hand, listed, flushed, immediate; and the options it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from huey import signals
from huey.api import Result
from huey.serializer import Serializer, SignedSerializer

from mahaam import TaskException, chord, enqueue, enqueue_many, group, huey
from mahaam.consumer.consumer import from_huey_options
from mahaam.core.errors import ArgumentsNotFitting, OptionNotValid, UnknownTask
from mahaam.huey_adapter.durable_huey import MahaamHuey
from mahaam.huey_adapter.inline_worker import hand
from mahaam.jobs import task_registry
from tests.mahaam import huey_jobs, rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage


@pytest.fixture(autouse=True)
def _fresh(empty_stage: Stage) -> Iterator[None]:
    yield
    hand().close()


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[MahaamHuey]:
    """A Huey with tasks of its own."""
    monkeypatch.setattr(task_registry, "tasks", {})
    other = MahaamHuey("other")
    yield other
    other.storage.close()


def run_next() -> object:
    task = huey.dequeue()
    assert task is not None
    return huey.execute(task)


# By hand.


def test_a_queue_is_drained_by_hand(stage: Stage) -> None:
    low, high = huey_jobs.plain("low"), huey_jobs.plain("high", priority=5)

    assert [run_next(), run_next(), huey.dequeue()] == ["high", "low", None]
    assert [low.get(), high.get()] == ["low", "high"]
    assert stage.rung() == {}


def test_what_is_run_by_hand_has_a_worker_and_a_fence(stage: Stage) -> None:
    handle = huey_jobs.plain(1)
    task = huey.dequeue()
    job = stage.job(handle.id)
    (worker,) = stage.ask("SELECT * FROM worker WHERE id = %s", str(job["worker_id"]))
    assert (job["state"], job["attempt"], worker["state"]) == ("running", 1, "running")

    hand().close()

    assert stage.job(handle.id)["state"] == "queued"
    assert stage.ask("SELECT state FROM worker WHERE id = %s", str(worker["id"])) == [
        {"state": "stopped"}
    ]
    assert huey.execute(task) == 1, "it is started again"


def test_a_result_of_hand_that_comes_late_is_refused(stage: Stage) -> None:
    handle = huey_jobs.plain(1)
    task = huey.dequeue()
    stage.ask("UPDATE job SET attempt = 2 WHERE id = %s", handle.id)

    huey.execute(task)

    assert stage.job(handle.id)["state"] == "running"


def test_a_failure_by_hand_is_retried_and_then_a_dead_letter(stage: Stage) -> None:
    handle = huey_jobs.fails("again")

    assert [run_next(), run_next(), huey.dequeue()] == [None, None, None]
    with pytest.raises(TaskException, match="again"):
        handle.get()
    assert len(stage.letters(handle.id)) == 1


def test_pipelines_and_error_handlers_by_hand(stage: Stage) -> None:
    results = huey.enqueue(jobs.add.s(1, 2).then(jobs.add, 4).then(jobs.echo))
    assert [run_next() for _ in results] == [3, 7, [[7], {}]]

    huey.enqueue(jobs.fall.s("oh").error(jobs.echo))
    assert run_next() is None
    ((error,), _) = run_next()  # type: ignore[misc]
    assert isinstance(error, ValueError)
    assert (str(error), repr(error), type(error).__name__) == (
        "oh",
        "ValueError('oh')",
        "ValueError",
    )


def test_what_is_paused_or_unknown_is_not_run_by_hand(stage: Stage) -> None:
    unknown = rows.a_job(stage, task="'no.such'")

    with pytest.raises(UnknownTask):
        huey.dequeue()
    assert stage.job(unknown)["state"] == "failed"

    huey_jobs.plain()
    stage.ask("UPDATE queue SET paused_at = now() WHERE name = 'default'")
    assert huey.dequeue() is None
    stage.ask("UPDATE queue SET paused_at = NULL")


def test_an_expired_job_is_not_run_by_hand(stage: Stage) -> None:
    handle = huey.enqueue(huey_jobs.plain.s(1, expires=datetime(2020, 1, 1, tzinfo=UTC)))

    assert run_next() is None
    assert stage.job(handle.id)["state"] == "expired"


def test_a_task_that_is_enqueued_again_has_its_job_queued_again(stage: Stage) -> None:
    message = huey_jobs.plain.s("twice")
    huey.enqueue(message)
    assert run_next() == "twice"

    huey.enqueue(message)

    assert run_next() == "twice"
    assert (stage.count(), stage.job(message.id)["attempt"]) == (1, 2)


def test_an_id_that_is_no_uuid_is_refused(stage: Stage) -> None:
    with pytest.raises(OptionNotValid, match="must be a UUID; it is 'mine'"):
        huey_jobs.plain(1, id="mine")

    id_ = str(uuid4())
    assert huey_jobs.plain(1, id=id_).id == id_


def test_what_is_no_json_is_refused_with_its_name(stage: Stage) -> None:
    with pytest.raises(Exception, match=r"Argument 1 is of type .*object"):
        huey_jobs.plain(object())


# Lists.


@pytest.fixture
def _a_consumer(stage: Stage) -> Iterator[None]:
    """Somebody lives who looks at what is delayed."""
    id_ = rows.a_worker(stage)
    yield
    stage.ask("DELETE FROM worker WHERE id = %s", id_)


def test_a_delayed_job_is_pending_until_somebody_looks_at_it(stage: Stage) -> None:
    plain, late = huey_jobs.plain("now"), huey_jobs.plain.schedule(("late",), delay=60)
    urgent = huey_jobs.plain.schedule(("urgent",), delay=90, priority=5)

    assert [task.id for task in huey.pending()] == [urgent.id, plain.id, late.id]
    assert (len(huey), huey.scheduled_count(), huey.scheduled()) == (3, 0, [])
    assert [run_next(), run_next()] == [None, "now"]
    assert ([task.id for task in huey.pending()], len(huey)) == ([late.id], 1)
    assert ([task.id for task in huey.scheduled()], huey.scheduled_count()) == ([urgent.id], 1)
    assert run_next() is None
    assert [task.id for task in huey.scheduled()] == [late.id, urgent.id]
    assert stage.count("state = 'scheduled' AND attempt = 0") == 2


def test_a_delayed_job_that_nobody_looked_at_starts_when_its_time_comes(stage: Stage) -> None:
    huey_jobs.plain.schedule(("late",), delay=60)
    stage.ask("UPDATE job SET run_at = now() - interval '1 s'")

    assert run_next() == "late"


def test_a_retry_at_a_time_of_its_own_is_tried_at_that_time(stage: Stage) -> None:
    at = datetime.now(UTC).replace(microsecond=123456) + timedelta(minutes=5)
    handle = huey_jobs.retries_at(at)

    assert run_next() is None

    assert (stage.job(handle.id)["state"], stage.job(handle.id)["run_at"]) == ("retrying", at)


def test_an_expiry_and_a_priority_read_as_they_were_given(stage: Stage) -> None:
    huey_jobs.plain.schedule((1,), delay=60, expires=30)
    huey_jobs.plain.schedule((2,), delay=60, priority=2)

    (first, second) = huey.pending()

    assert (first.priority, first.expires, second.priority, second.expires) == (2, None, None, 30)
    assert second.expires_resolved is not None


@pytest.mark.parametrize("args", [3, "text", None])
def test_arguments_that_are_no_tuple_are_refused_at_the_call(stage: Stage, args: object) -> None:
    if args is None:
        huey_jobs.plain.schedule(delay=60)  # none at all
        return
    with pytest.raises(ArgumentsNotFitting, match="is called with a tuple"):
        huey_jobs.plain.schedule(args, delay=60)


@pytest.mark.usefixtures("_a_consumer")
def test_lists_show_what_waits(stage: Stage) -> None:
    first, second = huey_jobs.plain(1), huey_jobs.plain(2, priority=3)
    late = huey_jobs.plain.schedule((3,), delay=60)
    later = huey_jobs.plain.schedule((4,), delay=90)

    assert [task.id for task in huey.pending()] == [second.id, first.id]
    assert [task.args for task in huey.pending(limit=1)] == [(2,)]
    assert [task.id for task in huey.scheduled()] == [late.id, later.id]
    assert [task.id for task in huey.scheduled(limit=1)] == [late.id]
    assert (len(huey), huey.pending_count(), huey.scheduled_count()) == (2, 2, 2)
    assert abs(huey.scheduled()[0].eta - late.task.eta) < timedelta(seconds=1)


@pytest.mark.usefixtures("_a_consumer")
def test_what_is_read_off_the_schedule_is_queued(stage: Stage) -> None:
    late, _ = (huey_jobs.plain.schedule((n,), delay=60 * n) for n in (1, 2))
    soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=90)

    (task,) = huey.read_schedule(soon)

    assert (task.id, huey.scheduled_count(), len(huey)) == (late.id, 1, 1)
    assert huey.read_schedule(soon) == []
    assert huey.execute(task, soon) == 1


def test_results_are_counted_until_they_are_taken(stage: Stage) -> None:
    handle = huey_jobs.plain("x")
    huey_jobs.plain(None)
    run_next(), run_next()

    assert huey.result_count() == 2
    assert json.loads(huey.all_results()[handle.id]) == "x"
    assert handle.get() == "x"
    assert huey.result_count() == 1


def test_a_flush_cancels_what_waits_and_keeps_what_ended(stage: Stage) -> None:
    done = huey_jobs.plain("kept")
    run_next()
    waits = [huey_jobs.plain(1), huey_jobs.plain.schedule((2,), delay=60)]
    huey.put("value", 1)

    huey.flush()

    assert [stage.job(handle.id)["state"] for handle in waits] == ["cancelled", "cancelled"]
    assert (len(huey), huey.scheduled_count(), huey.get("value")) == (0, 0, None)
    assert (done.get(), huey.result_count()) == (None, 0)
    assert stage.job(done.id)["result"] == "kept"
    assert stage.rung() == {}


def test_a_flush_leaves_no_callback_of_a_chord(stage: Stage) -> None:
    inner = chord([huey_jobs.plain.s(1), huey_jobs.plain.s(2)], huey_jobs.plain.s())
    huey.enqueue(chord([inner, huey_jobs.plain.s(3)], huey_jobs.plain.s()))

    huey.flush()

    assert stage.count("finished_at IS NULL") == 0


# Immediate mode.


def twice(n: int) -> int:
    """Return twice as much."""
    return 2 * n


def test_immediate_mode_needs_no_servers_and_leaves_no_rows(
    stage: Stage, other: MahaamHuey
) -> None:
    double = other.task(retries=1)(twice)
    other.immediate = True
    lock, limit = other.lock_task("l"), other.rate_limit("r", limit=1, per=60)

    assert double(4).get() == 8
    assert [result.get() for result in other.enqueue(group([double.s(1), double.s(2)]))] == [2, 4]
    assert [each.get() for each in other.enqueue(double.s(1).then(double))] == [2, 4]
    assert other.enqueue(group([double.s(1), double.s(2)]).then(double)).get() == [2, 4, 2, 4]
    with lock, limit:
        assert lock.is_locked()
    assert enqueue(double, (3,)).state == "completed"
    assert enqueue(double, ({},)).state == "failed"
    assert enqueue_many(double, [(1,), {"n": 2}]) == 2
    assert stage.count() == 0

    other.immediate = False
    double(5)
    assert stage.count() == 1


def test_a_huey_may_be_born_immediate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_registry, "tasks", {})
    born = MahaamHuey(immediate=True, store_none=True, utc=False)

    assert born.task()(len)("four").get() == 4


# Options.


@pytest.mark.parametrize(
    "options",
    [
        {"serializer": Serializer()},
        {"serializer": SignedSerializer(secret="s")},
        {"compression": True},
        {"storage_class": object},
        {"url": "redis://elsewhere"},
    ],
)
def test_what_would_store_jobs_in_another_way_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionNotValid, match="jobs are JSON in PostgreSQL"):
        MahaamHuey(**options)  # type: ignore[arg-type]


def test_without_results_there_are_none(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huey, "results", False)

    assert huey_jobs.plain(7) is None
    assert run_next() == 7
    assert huey.result_count() == 0


@pytest.mark.usefixtures("_a_consumer")
def test_local_times_are_local(stage: Stage, other: MahaamHuey) -> None:
    other.utc = False
    later = other.task()(len)
    ahead = datetime.now().astimezone() + timedelta(hours=1)
    eta = ahead.replace(microsecond=0, tzinfo=None)

    handle = later.schedule(("x",), eta=eta)

    assert stage.job(handle.id)["run_at"] == eta.astimezone()
    assert other.scheduled()[0].eta == eta


def test_a_huey_task_has_hueys_defaults_and_ours_has_ours(stage: Stage) -> None:
    assert (huey_jobs.plain.retries, huey_jobs.plain.retry_delay) == (0, 0)
    assert (jobs.fall_in_turn.retries, jobs.fall_in_turn.retry_delay) == (3, 1.0)


def test_a_consumer_is_made_of_hueys_options(stage: Stage, other: MahaamHuey) -> None:
    consumer = other.create_consumer(workers=3, periodic=False, initial_delay=0.1, backoff=1.15)

    assert (consumer.workers, consumer.periodic) == (3, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"worker_type": "process"}, "runs greenlets"),
        ({"worker_type": "thread"}, "runs greenlets"),
        ({"max_tasks": 5}, "no option max_tasks"),
        ({"colour": "red"}, "no option colour"),
    ],
)
def test_a_consumer_refuses_what_it_cannot_do(
    stage: Stage, other: MahaamHuey, options: dict[str, object], words: str
) -> None:
    with pytest.raises(OptionNotValid, match=words):
        from_huey_options(other, options)


def test_a_handler_may_read_the_result_of_the_job_that_completes(stage: Stage) -> None:
    seen = []

    def read(_signal: str, task: object, *_: object) -> None:
        seen.append(Result(huey, task).get())

    huey.signal(signals.SIGNAL_COMPLETE)(read)
    try:
        huey_jobs.plain("now")
        run_next()
    finally:
        huey.disconnect_signal(read)
    assert seen == ["now"]
