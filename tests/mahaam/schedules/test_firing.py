"""Firing: each due time becomes one job or a note of why not, whoever looks and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mahaam import verbs
from mahaam.postgres import database
from mahaam.schedules import fires_store, firing
from tests.mahaam.schedules.conftest import Make
from tests.mahaam.stage import Stage

FIRES = "SELECT state, reason, count, job_id FROM schedule_fire ORDER BY fire_at"


def fires(stage: Stage) -> list[tuple[str, str | None, int]]:
    return [(row["state"], row["reason"], row["count"]) for row in stage.ask(FIRES)]


def jobs(stage: Stage) -> list[dict[str, Any]]:
    return stage.ask("SELECT * FROM job ORDER BY id")


def fire() -> int:
    notices, _ = firing.fire_due()
    firing.ring(notices)
    return len(notices)


def test_a_due_schedule_makes_one_job_with_its_options(make: Make, clear: Stage) -> None:
    id_ = make(0, kwargs={"user_id": 42}, args=[1], priority=7, queue="emails", max_retries=5)

    assert (fire(), fire()) == (1, 0)

    (job,) = jobs(clear)
    assert (job["args"], job["kwargs"], job["priority"], job["queue"]) == (
        [1], {"user_id": 42}, 7, "emails",
    )  # fmt: skip
    assert (job["max_retries"], job["schedule_id"], job["state"]) == (5, id_, "queued")
    assert str(job["id"]) in clear.rung("emails")
    assert fires(clear) == [("fired", None, 1)]


def test_what_is_not_due_or_disabled_makes_none(make: Make, clear: Stage) -> None:
    make()
    off = make(0, name="off")
    verbs.disable_schedules([off], by="ali", reason="too loud")

    assert fire() == 0
    assert jobs(clear) == []


def test_ten_that_look_at_once_fire_once(make: Make, clear: Stage) -> None:
    for number in range(20):
        make(0, name=f"schedule {number}")

    with ThreadPoolExecutor(10) as threads:
        fired = list(threads.map(lambda _: fire(), range(10)))

    assert sum(fired) == 20
    assert len(jobs(clear)) == 20
    assert {
        row["next"] for row in clear.ask("SELECT next_run_at > now() AS next FROM schedule")
    } == {True}


def test_missed_times_are_made_up_as_the_schedule_says(make: Make, clear: Stage) -> None:
    for missed in ("skip", "once", "all"):
        make(200, name=missed, missed=missed, missed_limit=3)  # due 4 times: 200, 140, 80, 20 s ago
    fire()

    def states(name: str) -> list[str]:
        rows = clear.ask(
            "SELECT state FROM schedule_fire JOIN schedule ON schedule.id = schedule_id"
            " WHERE name = %s ORDER BY fire_at",
            name,
        )
        return [row["state"] for row in rows]

    assert states("skip") == ["skipped"] * 3 + ["fired"]
    assert states("once") == ["skipped"] * 3 + ["fired"]
    assert states("all") == ["skipped"] + ["fired"] * 3
    assert {row["reason"] for row in clear.ask(FIRES) if row["state"] == "skipped"} == {"missed"}


def test_one_that_skips_does_not_fire_a_late_time(make: Make, clear: Stage) -> None:
    make(90, kind="interval", every_s=3600, missed="skip")

    assert fire() == 0
    assert fires(clear) == [("skipped", "missed", 1)]


def test_one_that_skips_an_overlap_waits_for_the_end_of_its_job(make: Make, clear: Stage) -> None:
    make(1, every_s=1, overlap="skip", missed="all")
    fire()
    clear.ask("UPDATE schedule SET next_run_at = now()")
    fire()
    assert [state for state, *_ in fires(clear)] == ["fired", "skipped", "skipped"]
    assert {reason for _, reason, _ in fires(clear)} == {None, "overlap"}

    clear.ask("UPDATE job SET state = 'cancelled', finished_at = now()")
    clear.ask("UPDATE schedule SET next_run_at = now()")
    assert fire() == 1


def test_one_that_queues_an_overlap_runs_once_more_after_the_end(make: Make, clear: Stage) -> None:
    make(3, every_s=1, overlap="queue", missed="all")
    fire()

    assert fires(clear) == [
        ("fired", None, 1), ("waiting", "overlap", 1), ("skipped", "overlap", 1),
        ("skipped", "overlap", 1),
    ]  # fmt: skip
    assert firing.release() == []

    clear.ask("UPDATE job SET state = 'cancelled', finished_at = now()")
    assert len(firing.release()) == 1
    assert firing.release() == []
    assert [row["state"] for row in jobs(clear)] == ["cancelled", "queued"]


def test_a_schedule_without_its_task_is_broken_and_the_others_go_on(
    make: Make, clear: Stage
) -> None:
    gone, sound = make(10, name="gone"), make(10, name="sound")
    clear.ask("UPDATE schedule SET task = 'shop.jobs.gone' WHERE id = %s", gone)

    assert fire() == 1

    rows = {row["id"]: row for row in clear.ask("SELECT * FROM schedule")}
    assert rows[gone]["broken"]["values"] == {"name": "shop.jobs.gone"}
    assert rows[sound]["broken"] is None
    clear.ask("UPDATE schedule SET task = 'tests.mahaam.tasks.echo' WHERE id = %s", gone)
    assert fire() == 1
    assert clear.ask("SELECT broken FROM schedule WHERE id = %s", gone) == [{"broken": None}]


def test_a_schedule_whose_parameters_do_not_fit_any_more_is_broken(
    make: Make, clear: Stage
) -> None:
    id_ = make(10, task="tests.mahaam.tasks.add", kwargs={"a": 1, "b": 2})
    clear.ask("UPDATE schedule SET kwargs = '{\"c\": 1}'")

    assert fire() == 0
    (row,) = clear.ask("SELECT broken FROM schedule WHERE id = %s", id_)
    assert "missing a required argument: 'a'" in row["broken"]["values"]["fault"]


def test_one_that_another_process_may_know_is_left_to_it_for_a_while(
    make: Make, clear: Stage
) -> None:
    make(1)
    clear.ask("UPDATE schedule SET task = 'shop.jobs.elsewhere'")

    assert fire() == 0
    assert clear.ask("SELECT broken FROM schedule") == [{"broken": None}]


def test_a_schedule_that_ends_fires_no_more(make: Make, clear: Stage) -> None:
    make(30)
    clear.ask("UPDATE schedule SET ends_at = now()")

    assert (fire(), fire()) == (1, 0)
    assert clear.ask("SELECT next_run_at FROM schedule") == [{"next_run_at": None}]


def test_a_month_of_missed_seconds_is_two_handfuls_of_rows(make: Make, clear: Stage) -> None:
    make(30 * 86400, every_s=1)

    assert fire() == 1
    rows = clear.ask(FIRES)
    assert len(rows) < 30
    assert abs(sum(row["count"] for row in rows) - 30 * 86400) < 30 * 86400 * 0.01


def test_old_fires_are_forgotten_a_few_at_a_time(make: Make, clear: Stage) -> None:
    make(300, missed="all")
    fire()
    clear.ask(
        "UPDATE schedule_fire SET made_at = now() - interval '31 d' WHERE fire_at < now() - interval '100 s'"
    )

    forget = partial(fires_store.prune, days=30, limit=2)
    assert [database.repeatable(forget) for _ in range(3)] == [2, 2, 0]
    assert len(fires(clear)) == 2
