"""Random verbs, starts, ends, crashes and flushes on real rows, against the table of moves.

`STATE_MACHINE_STEPS=10000` makes the long form; `make faults` runs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from mahaam import enqueue, verbs
from mahaam.enqueuing import accept
from mahaam.jobs.claim import Claim
from mahaam.jobs.states import Event, State, sources
from mahaam.operations import lifecycle
from mahaam.postgres import database
from mahaam.queries import notices
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.search.job_filter import JobFilter
from mahaam.store import due, exchange, outcomes
from mahaam.store.actions import pauses
from mahaam.workers import store as workers_store
from tests.mahaam import rows
from tests.mahaam.model import BY, JOBS, TASKS, Draw, Model, draws
from tests.mahaam.stage import Stage

STEPS = int(os.environ.get("STATE_MACHINE_STEPS", "800"))
STEPS_OF_ONE = 50
ENDS = {
    State.FAILED: Event.FAILED,
    State.RETRYING: Event.RETRYING,
    State.CANCELLED: Event.CANCELLED,
    State.EXPIRED: Event.EXPIRED,
    State.QUEUED: Event.RELEASED,
}


class Consumers:
    """What consumers do to rows."""

    @staticmethod
    def start(model: Model, draw: Draw) -> None:
        """Start queued jobs, and others whose notices are old."""
        ids = model.those_in(State.QUEUED)[:2] + model.chosen(draw.slots)
        turn(model, ids, [], draw.worker, paused=model.paused_tasks() if draw.yes else [])

    @staticmethod
    def complete(model: Model, draw: Draw) -> None:
        """Complete an attempt, perhaps one that is long over, and start others in the same turn."""
        turn(model, model.chosen(draw.slots), model.told(draw.one), draw.worker)

    @staticmethod
    def end(model: Model, draw: Draw) -> None:
        """End an attempt, perhaps one that is long over, in another way."""
        state = list(ENDS)[(draw.one + draw.worker) % len(ENDS)]
        for claim in model.told(draw.one):
            model.may = {ENDS[state], Event.CANCELLED}
            with model.cursor() as cursor:
                written = outcomes.end(cursor, [rows.ended(claim, state)])
            assert bool(written) == model.is_current(claim)

    @staticmethod
    def make_due(model: Model, draw: Draw) -> None:
        for id_ in model.chosen(draw.slots):
            if not model.is_held(id_):
                model.stage.ask("UPDATE job SET run_at = now() WHERE id = %s", id_)
        model.may = {Event.DUE}
        with model.cursor() as cursor:
            accept.ring(due.make_due(cursor))

    @staticmethod
    def expire(model: Model, draw: Draw) -> None:
        for id_ in model.chosen({draw.one}):
            model.stage.ask("UPDATE job SET expires_at = now() WHERE id = %s", id_)
        model.may = {Event.EXPIRED}
        with model.cursor() as cursor:
            exchange.expire(cursor, model.chosen(draw.slots), worker_id=model.workers[0])

    @staticmethod
    def hold(model: Model, draw: Draw) -> None:
        model.may = {Event.HELD}
        with model.cursor() as cursor:
            ids = model.those_in(State.QUEUED)[:2] + model.chosen(draw.slots)
            found = pauses.hold(cursor, ids, TASKS)
        assert {job.task for job in found if job.is_held} <= set(model.paused_tasks())

    @staticmethod
    def end_pauses(model: Model, draw: Draw) -> None:
        if draw.yes:
            over = "UPDATE task_pause SET resume_at = now() WHERE task = %s"
            model.stage.ask(over, TASKS[draw.worker])
        model.may = {Event.RESUMED}
        with model.cursor() as cursor:
            accept.ring(pauses.end_pauses(cursor))


class Faults:
    """What happens to consumers and servers."""

    @staticmethod
    def crash(model: Model, draw: Draw) -> None:
        model.may = {Event.RESCUED, Event.CANCELLED}
        lost = "UPDATE worker SET state = 'lost' WHERE id = %s"
        model.stage.ask(lost, model.workers[draw.worker])
        with model.cursor() as cursor:
            workers_store.rescue(cursor, max_crashes=3, **rows.CRASH)
        model.workers[draw.worker] = rows.a_worker(model.stage)

    @staticmethod
    def release_all(model: Model, draw: Draw) -> None:
        model.may = {Event.RELEASED, Event.CANCELLED}
        with model.cursor() as cursor:
            workers_store.release_all(cursor, model.workers[draw.worker])

    @staticmethod
    def disown(model: Model, draw: Draw) -> None:
        """A consumer does not hold what the rows say it runs."""
        old = "UPDATE job SET started_at = now() - interval '1 min' WHERE state = 'running'"
        model.stage.ask(old)
        model.may = {Event.RELEASED, Event.CANCELLED}
        with model.cursor() as cursor:
            workers_store.disown(cursor, model.workers[draw.worker], model.chosen(draw.slots))

    @staticmethod
    def take_back(model: Model, draw: Draw) -> None:
        """PostgreSQL lost a start in a crash; its consumer runs the job."""
        model.may = {Event.STARTED}
        for claim in model.told(draw.one):
            attempt, worker_id = claim.attempt + 1, model.workers[draw.worker]
            lost = claim._replace(attempt=attempt, worker_id=worker_id)
            with model.cursor() as cursor:
                back = exchange.take_back(cursor, [claim, lost])
            model.claims = [lost] * (lost.id in back) + model.claims

    @staticmethod
    def redis_forgets(model: Model, _: Draw) -> None:
        """Every queued job is rung again."""
        with model.stage.redis() as client:
            client.delete(model.stage.key())
        for queue in ("default", "orders"):
            with model.cursor() as cursor:
                accept.ring(notices.expected(cursor, queue, grace_s=-1, limit=10_000))
        rung = set(model.stage.rung()) | set(model.stage.rung("orders"))
        assert set(model.those_in(State.QUEUED)) <= rung


class Operators:
    """What people do."""

    @staticmethod
    def enqueue(model: Model, draw: Draw) -> None:
        if len(model.before) < JOBS:
            enqueue(TASKS[draw.worker], (1, 2), delay=3600 if draw.yes else None)

    @staticmethod
    def cancel(model: Model, draw: Draw) -> None:
        waiting = set(sources(Event.CANCELLED)) - {State.RUNNING}
        ids = model.chosen({draw.one})
        model.end_for_good(model.asked("cancel", ids, Event.CANCELLED, states=waiting))

    @staticmethod
    def stop(model: Model, draw: Draw) -> None:
        """The row changes when the job has stopped."""
        running = model.those_in(State.RUNNING)[:1] + model.chosen({draw.one})
        model.end_for_good(verbs.apply("stop", map(UUID, running), by=BY))

    @staticmethod
    def retry(model: Model, draw: Draw) -> None:
        result = model.asked("retry", model.chosen(draw.slots), Event.RETRIED)
        model.begin_anew([str(id_) for id_ in result.done])

    @staticmethod
    def fail(model: Model, draw: Draw) -> None:
        result = model.asked("fail", model.chosen(draw.slots), Event.TURNED)
        assert all(model.before[str(id_)]["state"] == State.COMPLETED for id_ in result.done)

    @staticmethod
    def operate(model: Model, draw: Draw) -> None:
        """All that match, as consumers do it; sometimes it is undone at once."""
        verb, event = OPERATIONS[draw.one % len(OPERATIONS)]
        model.may = {event, Event.UNDONE}
        parameters = {"delay_s": 3600.0} if verb == "reschedule" else {}
        made = verbs.start(
            verbs.OperationRequest(verb, BY, parameters), JobFilter(task=TASKS[draw.worker])
        )
        while lifecycle.work_on_next():
            pass
        if draw.yes:
            answer = verbs.undo(made, by=BY)
            assert answer.refusal or not answer.kept

    @staticmethod
    def undo_later(model: Model, draw: Draw) -> None:
        """Undo whatever was done last: what has moved on meanwhile must stay."""
        model.may = {Event.UNDONE}
        newest = model.stage.ask("SELECT max(id) AS id FROM operation")[0]["id"]
        verbs.undo(newest or 0, by=BY)

    @staticmethod
    def promote(model: Model, draw: Draw) -> None:
        paused, ids = model.paused_tasks(), model.chosen(draw.slots)
        free = [id_ for id_ in ids if model.before[id_]["task"] not in paused]
        model.asked("promote", free, Event.PROMOTED)
        assert not verbs.apply("promote", map(UUID, set(ids) - set(free)), by=BY).done

    @staticmethod
    def reschedule(model: Model, draw: Draw) -> None:
        delay_s = 3600.0 * draw.yes
        model.asked("reschedule", model.chosen(draw.slots), Event.RESCHEDULED, delay_s=delay_s)

    @staticmethod
    def set_priority(model: Model, draw: Draw) -> None:
        ids = model.chosen(draw.slots)
        model.asked("set_priority", ids, Event.CHANGED, priority=draw.one)

    @staticmethod
    def move(model: Model, draw: Draw) -> None:
        queue = "default" if draw.yes else "orders"
        model.asked("move", model.chosen({draw.one}), Event.CHANGED, queue=queue)

    @staticmethod
    def edit(model: Model, draw: Draw) -> None:
        model.may = {Event.CHANGED, Event.RETRIED}
        for id_ in model.chosen({draw.one}):
            state = model.before[id_]["state"]
            result = verbs.edit(UUID(id_), args=[3, 4], by=BY)
            assert bool(result.done) == (state != State.RUNNING)
            model.begin_anew([id_] if state in sources(Event.RETRIED) else [])

    @staticmethod
    def duplicate(model: Model, draw: Draw) -> None:
        if len(model.before) < JOBS:
            verbs.apply("duplicate", map(UUID, model.chosen({draw.one})), by=BY)

    @staticmethod
    def reprocess(model: Model, draw: Draw) -> None:
        model.may = {Event.RETRIED}
        open_letters = DeadLetterFilter(reprocessed=False, resolved=False)
        verbs.start(verbs.OperationRequest("reprocess", BY), open_letters)
        while lifecycle.work_on_next():
            pass
        model.begin_anew(model.those_in(State.FAILED))

    @staticmethod
    def clear(model: Model, _: Draw) -> None:
        model.may = {Event.CANCELLED}
        verbs.clear("orders", by=BY)

    @staticmethod
    def pause(model: Model, draw: Draw) -> None:
        task = TASKS[draw.worker]
        was_paused = task in model.paused_tasks()
        assert bool(verbs.pause_tasks([task], verbs.pause(by=BY)).refused) == was_paused

    @staticmethod
    def resume(model: Model, draw: Draw) -> None:
        model.may = {Event.RESUMED}
        task = TASKS[draw.worker]
        was_paused = task in model.paused_tasks()
        assert bool(verbs.resume_tasks([task], by=BY).done) == was_paused
        assert task not in model.paused_tasks()


OPERATIONS = (
    ("cancel", Event.CANCELLED), ("promote", Event.PROMOTED), ("reschedule", Event.RESCHEDULED),
    ("fail", Event.TURNED),
)  # fmt: skip


def turn(
    model: Model,
    ids: list[str],
    ended: list[Claim],
    worker: int,
    *,
    paused: list[str] | None = None,
) -> None:
    """An exchange; what it answers must be what the rows allow."""
    model.may = {Event.STARTED, Event.COMPLETED}
    done = [rows.ended(claim, State.COMPLETED) for claim in ended]
    with model.cursor() as cursor:
        written, claims = exchange.exchange(
            cursor, done, ids, worker_id=model.workers[worker], unsure=[], durable=False,
            paused=paused or [],
        )  # fmt: skip
    model.claims = claims + model.claims
    assert {claim.id for claim in claims} <= set(model.those_in(State.QUEUED))
    assert not {claim.task for claim in claims} & set(paused or [])
    assert written == {claim.fence for claim in ended if model.is_current(claim)}


Deed = Callable[[Model, Draw], None]


def deeds(actor: type) -> list[Deed]:
    """Everything that an actor can do."""
    return [getattr(actor, name) for name in vars(actor) if not name.startswith("_")]


ALL = deeds(Operators) + deeds(Faults) + deeds(Consumers)
OFTEN = [
    Consumers.start, Consumers.start, Consumers.end, Consumers.end, Operators.retry,
    Operators.pause, Consumers.hold,
]  # fmt: skip


class Machine(Model):
    """One rule of many deeds: Hypothesis leaves rules out of a life, and one without starts is dull."""

    @rule(deed=st.sampled_from(ALL + 3 * OFTEN), draw=draws)
    def do(self, deed: Deed, draw: Draw) -> None:
        deed(self, draw)


@pytest.mark.timeout(900)
def test_no_random_life_breaks_the_table_of_moves(empty_stage: Stage) -> None:
    empty_stage.add("queue", name="orders")
    lives = settings(
        max_examples=max(1, STEPS // STEPS_OF_ONE),
        stateful_step_count=STEPS_OF_ONE,
        suppress_health_check=list(HealthCheck),
    )
    Model.steps = 0
    with closing(database.open_link("test")) as link:
        with link.cursor() as cursor:
            cursor.execute(exchange.PREPARE)
        while Model.steps < STEPS:
            run_state_machine_as_test(lambda: Machine(empty_stage, link), settings=lives)
    print(f"{Model.steps} steps; moves: {dict(Model.moves)}")
