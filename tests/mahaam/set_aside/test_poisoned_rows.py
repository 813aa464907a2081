"""One row that cannot be handled keeps no other row back: each loop is given one beside a good one.

A trigger raises on every write of the rows that the table `poison` names, as a rule of somebody's own,
a broken index or a value that no longer fits would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from tests.factory import NOW, Sql
from tests.machine import within
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.rows import a_job, a_worker
from tests.mahaam.stage import Stage
from tests.servers import owner_url
from tests.waiting import wait_until

POISON = """
CREATE TABLE poison (key text);
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM poison
    WHERE key = concat_ws(':', TG_TABLE_NAME, to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[0])) THEN
    RAISE EXCEPTION 'this row is poisoned';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
GRANT ALL ON poison TO PUBLIC;
"""
TABLES = {
    "job": "id", "dead_letter": "id", "operation": "id", "error_group": "fingerprint",
    "job_period": "task", "job_log": "message",
}  # fmt: skip
HELD_UNTIL = "'9999-01-01'"
OLD = "now() - interval '400 days'"


@dataclass
class Case:
    """What is there before the loop looks, and how a good row shows that it was handled.

    `make` has a poisoned row or a good one, by the word that it is given; its key in `set_aside`.
    """

    make: Callable[[Stage, bool], str]
    is_handled: Callable[[Stage, str], object]


def poisoned(stage: Stage, table: str, key: str, *, is_bad: bool) -> str:
    if is_bad:
        stage.ask("INSERT INTO poison VALUES (%s)", f"{table}:{key}")
    return key


def in_state(state: str) -> Callable[[Stage, str], object]:
    return lambda stage, key: stage.job(key).get("state") == state


def scalar(stage: Stage, sql: str, *values: Any) -> Any:
    (row,) = stage.ask(sql, *values)
    return next(iter(row.values()))


def due(stage: Stage, is_bad: bool) -> str:
    id_ = a_job(stage, "scheduled", run_at="now() + interval '1 s'")
    return poisoned(stage, "job", id_, is_bad=is_bad)


def start(stage: Stage, is_bad: bool) -> str:
    id_ = a_job(stage, "scheduled", run_at="now() + interval '1 h'")
    stage.ask(
        "UPDATE job SET state = 'queued', queued_at = now(), run_at = NULL WHERE id = %s", id_
    )
    return poisoned(stage, "job", id_, is_bad=is_bad)


def orphan(stage: Stage, is_bad: bool) -> str:
    worker = a_worker(stage, state="stopped")
    stage.ask("UPDATE worker SET stopped_at = now() WHERE id = %s", worker)
    id_ = a_job(stage, "running", worker_id=f"'{worker}'")
    return poisoned(stage, "job", id_, is_bad=is_bad)


def held(stage: Stage, is_bad: bool) -> str:
    stage.add("task_pause", resume_at=NOW)
    id_ = a_job(stage, "scheduled", run_at=HELD_UNTIL)
    return poisoned(stage, "job", id_, is_bad=is_bad)


def failure(stage: Stage, is_bad: bool) -> str:
    cause = f"cause {is_bad}"
    made = stage.add("failure", dead_letter_id=1, fingerprint=cause)
    poisoned(stage, "error_group", cause, is_bad=is_bad)
    return str(made)


def ignored(stage: Stage, is_bad: bool) -> str:
    cause = f"ignored {is_bad}"
    made = stage.add(
        "error_group", fingerprint=cause, ignored_at=NOW, ignored_by="a", ignored_until_count=1
    )
    poisoned(stage, "error_group", cause, is_bad=is_bad)
    return str(made)


def letter(stage: Stage, is_bad: bool) -> str:
    id_ = a_job(stage, "completed")
    made = stage.add("dead_letter", of=id_, attempt=1, reprocessed_at=NOW)
    return poisoned(stage, "dead_letter", str(made), is_bad=is_bad)


def minute(stage: Stage, is_bad: bool) -> str:
    task = f"task.{is_bad}"
    stage.add("job_minute", task=task, completed=3)
    return poisoned(stage, "job_period", task, is_bad=is_bad)


def old_job(stage: Stage, is_bad: bool) -> str:
    id_ = a_job(stage, "completed", finished_at=OLD)
    old_id = f"017{id_[3:]}"  # ids begin with their time
    stage.ask("UPDATE job SET id = %s WHERE id = %s", old_id, id_)
    return poisoned(stage, "job", old_id, is_bad=is_bad)


def old_operation(stage: Stage, is_bad: bool) -> str:
    made = stage.add("operation", verb="cancel", state="finished", finished_at=Sql(OLD))
    return poisoned(stage, "operation", str(made), is_bad=is_bad)


def redrive(stage: Stage, is_bad: bool) -> str:
    # Its filter cannot be read, as one of an older version.
    words = {"no such filter": 1} if is_bad else {}
    return str(stage.add("redrive", filter=words, until=0, shares=[100], max_failed_percent=10))


def schedule(stage: Stage, is_bad: bool) -> str:
    """The bad one's zone is gone from the time zones of this machine."""
    name = f"schedule {is_bad}"
    zone = "Mars/Olympus" if is_bad else "UTC"
    stage.add(
        "schedule", name=name, cron="* * * * *", timezone=zone, next_run_at=NOW, starts_at=NOW
    )
    return name


def is_gone(table: str) -> Callable[[Stage, str], object]:
    return lambda stage, key: not stage.ask(f"SELECT FROM {table} WHERE id::text = %s", key)


def too_late(stage: Stage, is_bad: bool) -> str:
    id_ = a_job(stage, expires_at="now() - interval '1 s'")
    return poisoned(stage, "job", id_, is_bad=is_bad)


CASES = {
    "due": Case(due, in_state("completed")),
    "starts": Case(start, in_state("completed")),
    "rescue": Case(orphan, in_state("completed")),
    "pauses": Case(held, in_state("completed")),
    "error groups": Case(failure, is_gone("failure")),
    "ignored errors": Case(
        ignored,
        lambda s, key: scalar(
            s, "SELECT ignored_at IS NULL FROM error_group WHERE id::text = %s", key
        ),
    ),
    "dead letters": Case(
        letter,
        lambda s, key: scalar(
            s, "SELECT resolved_at IS NOT NULL FROM dead_letter WHERE id::text = %s", key
        ),
    ),
    "add up minutes": Case(
        minute,
        lambda s, key: s.ask("SELECT FROM job_period WHERE task = %s AND completed = 3", key),
    ),
    "delete jobs": Case(old_job, is_gone("job")),
    "delete operations": Case(old_operation, is_gone("operation")),
    "re-drives": Case(
        redrive,
        lambda s, key: scalar(s, "SELECT operations <> '{}' FROM redrive WHERE id::text = %s", key),
    ),
}


# The same loops, met in another way.
MORE = {"too late": Case(too_late, in_state("expired"))}


@dataclass
class Scene:
    """A consumer beside good rows and poisoned ones."""

    stage: Stage
    consumer: Consumer
    keys: dict[tuple[str, bool], str]


@pytest.fixture(scope="module")
def scene(make_stage: MakeStage) -> Iterator[Scene]:
    with make_stage() as stage:
        with psycopg2.connect(owner_url(stage.database_url)) as owner, owner.cursor() as cursor:
            cursor.execute(POISON)
            for table, column in TABLES.items():
                cursor.execute(
                    f"CREATE TRIGGER refuse_poison BEFORE INSERT OR UPDATE OR DELETE ON {table}"
                    f" FOR EACH ROW EXECUTE FUNCTION refuse_poison('{column}')"
                )
        owner.close()
        keys = {
            (loop, is_bad): case.make(stage, is_bad)
            for loop, case in (CASES | MORE).items()
            for is_bad in (True, False)
        }
        for is_bad in (True, False):
            schedule(stage, is_bad)
        with stage.consumer().wait_ready() as consumer:
            yield Scene(stage, consumer, keys)


@pytest.mark.parametrize("loop", CASES)
def test_the_good_row_is_handled_and_the_other_put_aside(scene: Scene, loop: str) -> None:
    stage, case, good = scene.stage, CASES[loop], scene.keys[loop, False]
    wait_until(
        lambda: case.is_handled(stage, good),
        timeout_s=within(40),
        otherwise=lambda: f"{stage.ask('SELECT * FROM set_aside')}\n{scene.consumer.log[-3000:]}",
    )

    def aside() -> list[dict[str, Any]]:
        return stage.ask("SELECT * FROM set_aside WHERE loop = %s", loop)

    wait_until(aside, timeout_s=within(40), otherwise=lambda: scene.consumer.log[-3000:])
    (row,) = [row for row in aside() if row["key"] == scene.keys[loop, True]]
    assert row["reason"]
    told = [
        line for line in scene.consumer.log.splitlines() if f"loop={loop} key={row['key']}" in line
    ]
    assert len(told) == 1  # once, however often the loop has turned


def test_a_job_that_cannot_expire_keeps_no_other_one_from_it(scene: Scene) -> None:
    good, bad = scene.keys["too late", False], scene.keys["too late", True]
    scene.stage.wait_for_state(good, "expired", timeout_s=within(30))
    wait_until(
        lambda: scene.stage.ask("SELECT FROM set_aside WHERE loop = 'starts' AND key = %s", bad),
        timeout_s=within(30),
        otherwise=lambda: scene.consumer.log[-3000:],
    )


def test_a_line_that_cannot_be_kept_takes_no_other_one_along(scene: Scene) -> None:
    stage = scene.stage
    stage.ask("INSERT INTO poison VALUES ('job_log:the bad line')")
    job = a_job(
        stage,
        task="'tests.mahaam.tasks.say_lines'",
        args='\'[["before", "the bad line", "after"]]\'',
    )
    stage.wait_for_state(job, "completed", timeout_s=within(30))
    wait_until(
        lambda: len(stage.ask("SELECT FROM job_log WHERE job_id = %s", job)) == 2,
        timeout_s=within(30),
    )
    kept = {
        row["message"] for row in stage.ask("SELECT message FROM job_log WHERE job_id = %s", job)
    }
    assert kept == {"before", "after"}


def test_a_schedule_that_cannot_fire_is_marked_and_the_others_fire(scene: Scene) -> None:
    ask = scene.stage.ask
    wait_until(
        lambda: scalar(
            scene.stage,
            "SELECT last_fire_at IS NOT NULL FROM schedule WHERE name = 'schedule False'",
        ),
        timeout_s=within(30),
    )
    wait_until(lambda: ask("SELECT FROM schedule WHERE broken IS NOT NULL"), timeout_s=within(30))
    (row,) = ask("SELECT name, broken FROM schedule WHERE broken IS NOT NULL")
    assert row["name"] == "schedule True"
    assert "Mars/Olympus" in str(row["broken"])


def test_a_job_whose_end_cannot_be_written_costs_its_own_row_only(scene: Scene) -> None:
    stage = scene.stage
    bad, good = (a_job(stage, task="'tests.mahaam.tasks.nap'", args="'[1.5]'") for _ in range(2))
    stage.wait_for_state(bad, "running", timeout_s=within(30))
    stage.ask("INSERT INTO poison VALUES (%s)", f"job:{bad}")
    stage.wait_for_state(good, "completed", timeout_s=within(30))
    wait_until(
        lambda: stage.ask("SELECT FROM set_aside WHERE loop = 'give back' AND key = %s", bad),
        timeout_s=within(40),
        otherwise=lambda: scene.consumer.log[-3000:],
    )
    assert stage.job(bad)["attempt"] == 1  # it does not run again and again
    assert scene.consumer.is_running


def test_what_was_put_aside_is_handled_when_it_can_be(scene: Scene) -> None:
    stage, key = scene.stage, scene.keys["due", True]
    wait_until(lambda: stage.ask("SELECT FROM set_aside WHERE key = %s", key), timeout_s=within(30))
    stage.ask("DELETE FROM poison WHERE key = %s", f"job:{key}")
    stage.ask("UPDATE set_aside SET retry_at = now() WHERE key = %s", key)
    stage.wait_for_state(key, "completed", timeout_s=within(30))
    wait_until(
        lambda: not stage.ask("SELECT FROM set_aside WHERE key = %s", key), timeout_s=within(30)
    )


def test_the_consumer_lives_on(scene: Scene) -> None:
    assert scene.consumer.stop() == 0
    assert "Traceback" not in scene.consumer.log
