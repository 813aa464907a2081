"""Rollups: what consumers write, what is added up of it, and that doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from mahaam import enqueue
from mahaam.core.histogram import bucket_of
from mahaam.metrics import store as metrics_store
from mahaam.metrics.store import LatencyRow
from mahaam.postgres.database import Cursor
from tests.factory import Sql
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

WORKERS = ("00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002")
MIDNIGHT = 29_479_680  # in minutes since the epoch
PERIODS = """
SELECT extract(epoch FROM starts_at)::bigint / 60 AS minute, queue, task, completed, failed, waits,
       wait_counts, runs, run_counts, oldest_s
FROM job_period WHERE length_s = %s ORDER BY starts_at, queue, task
"""


@pytest.fixture
def clean(empty_stage: Stage) -> Stage:
    """The stage without rollups of earlier tests."""
    empty_stage.ask("TRUNCATE job_minute, job_spread, queue_age, job_period")
    return empty_stage


def carry_out(stage: Stage, work: Callable[[Cursor], Any]) -> Any:
    """What `work` returns, in a transaction of its own."""
    link = psycopg2.connect(stage.database_url)
    try:
        with link, link.cursor() as cursor:
            return work(cursor)
    finally:
        link.close()


def write(stage: Stage, *rows: LatencyRow) -> None:
    carry_out(stage, lambda cursor: metrics_store.write_latencies(cursor, rows))


def counted(
    stage: Stage, minute: int, queue: str, task: str, worker: str, completed: int, failed: int
) -> None:
    """What a worker counted in a minute."""
    stage.add(
        "job_minute", minute=Sql(f"to_timestamp({minute * 60})"), queue=queue, task=task,
        worker_id=worker, completed=completed, failed=failed,
    )  # fmt: skip


def add_up(stage: Stage) -> None:
    carry_out(stage, metrics_store.add_up_minutes)
    carry_out(stage, metrics_store.add_up_periods)


def periods(stage: Stage, length_s: int = 60) -> dict[tuple[int, str, str], dict[str, Any]]:
    """The periods of one length by minute since midnight, queue and task."""
    rows = stage.ask(PERIODS, length_s)
    return {(row["minute"] - MIDNIGHT, row["queue"], row["task"]): row for row in rows}


def spread(row: dict[str, Any], kind: str) -> dict[int, int]:
    return dict(zip(row[f"{kind}s"], row[f"{kind}_counts"], strict=True))


def test_a_minute_that_is_written_again_counts_once(clean: Stage) -> None:
    write(clean, LatencyRow(MIDNIGHT, "mail", "send", WORKERS[0], {3: 1}, {5: 1}))
    write(clean, LatencyRow(MIDNIGHT, "mail", "send", WORKERS[0], {3: 2}, {5: 1, 7: 4}))
    add_up(clean)
    row = periods(clean)[0, "mail", "send"]
    assert (spread(row, "wait"), spread(row, "run")) == ({3: 2}, {5: 1, 7: 4})


@pytest.mark.parametrize("queue", ["mail", ""])
def test_a_row_without_a_name_stops_nobodys_figures(clean: Stage, queue: str) -> None:
    write(clean, LatencyRow(MIDNIGHT, queue, "", WORKERS[0], {3: 1}, {}))
    write(clean, LatencyRow(MIDNIGHT, queue, metrics_store.NAMELESS, WORKERS[0], {3: 2}, {}))
    write(clean, LatencyRow(MIDNIGHT, "mail", "send", WORKERS[0], {3: 4}, {}))
    counted(clean, MIDNIGHT, queue, "", WORKERS[0], 5, 1)
    clean.ask("INSERT INTO queue_age VALUES (to_timestamp(%s * 60), '', 7)", MIDNIGHT)
    add_up(clean)
    found = periods(clean)
    assert spread(found[0, "mail", "send"], "wait") == {3: 4}
    assert spread(found[0, queue or metrics_store.NAMELESS, metrics_store.NAMELESS], "wait") == {
        3: 3
    }
    assert spread(found[0, "", ""], "wait") == {3: 7}
    assert (found[0, "", ""]["completed"], found[0, "", ""]["oldest_s"]) == (5, 7)


def test_what_two_consumers_saw_is_one_period(clean: Stage) -> None:
    for worker in WORKERS:
        write(clean, LatencyRow(MIDNIGHT, "mail", "send", worker, {3: 2, 9: 1}, {}))
    add_up(clean)
    assert spread(periods(clean)[0, "mail", "send"], "wait") == {3: 4, 9: 2}


def test_all_queues_and_all_tasks_have_periods_of_their_own(clean: Stage) -> None:
    for queue, task, completed in (("a", "one", 1), ("a", "two", 2), ("b", "one", 4)):
        counted(clean, MIDNIGHT, queue, task, WORKERS[0], completed, 0)
        write(clean, LatencyRow(MIDNIGHT, queue, task, WORKERS[0], {completed: 1}, {1: completed}))
    add_up(clean)
    found = {key[1:]: row["completed"] for key, row in periods(clean).items()}
    assert found == {
        ("a", "one"): 1, ("a", "two"): 2, ("b", "one"): 4,
        ("a", ""): 3, ("b", ""): 4, ("", "one"): 5, ("", "two"): 2, ("", ""): 7,
    }  # fmt: skip
    whole = periods(clean)[0, "", ""]
    assert (spread(whole, "wait"), spread(whole, "run")) == ({1: 1, 2: 1, 4: 1}, {1: 7})


@pytest.mark.parametrize(("length_s", "starts"), [(600, {0, 10}), (3600, {0}), (86400, {0})])
def test_longer_periods_are_the_sum_of_shorter_ones(
    clean: Stage, length_s: int, starts: set[int]
) -> None:
    for minute in (0, 9, 10):
        counted(clean, MIDNIGHT + minute, "a", "one", WORKERS[0], 5, 1)
        write(clean, LatencyRow(MIDNIGHT + minute, "a", "one", WORKERS[0], {3: 1}, {minute: 1}))
    add_up(clean)
    rows = {key[0]: row for key, row in periods(clean, length_s).items() if key[1:] == ("a", "one")}
    assert rows.keys() == starts
    assert sum(row["completed"] for row in rows.values()) == 15
    assert sum(sum(row["wait_counts"]) for row in rows.values()) == 3


def test_adding_up_twice_changes_nothing(clean: Stage) -> None:
    counted(clean, MIDNIGHT, "a", "one", WORKERS[0], 5, 1)
    write(clean, LatencyRow(MIDNIGHT, "a", "one", WORKERS[0], {3: 1}, {4: 1}))
    add_up(clean)
    before = {length_s: periods(clean, length_s) for length_s in (60, 600, 3600, 86400)}
    add_up(clean)
    assert {length_s: periods(clean, length_s) for length_s in before} == before


def test_a_time_in_which_nobody_added_up_is_made_good(clean: Stage) -> None:
    counted(clean, MIDNIGHT, "a", "one", WORKERS[0], 1, 0)
    add_up(clean)
    for minute in (0, 60, 500, 2000):
        counted(clean, MIDNIGHT + minute, "a", "one", WORKERS[1], 1, 0)
    add_up(clean)
    days = periods(clean, 86400)
    assert [days[minute, "", ""]["completed"] for minute in (0, 1440)] == [4, 1]


def test_only_one_adds_up_at_a_time(clean: Stage) -> None:
    counted(clean, MIDNIGHT, "a", "one", WORKERS[0], 1, 0)

    def while_another(cursor: Cursor) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (metrics_store.ONE_AT_A_TIME,))
        carry_out(clean, metrics_store.add_up_minutes)

    carry_out(clean, while_another)
    assert periods(clean) == {}


def test_the_age_of_a_queue_is_the_greatest_seen_in_its_minute(clean: Stage) -> None:
    job = enqueue("tests.mahaam.tasks.echo", queue="default")
    for waited in (90, 30):
        clean.ask(
            "UPDATE job SET queued_at = now() - %s * interval '1 s' WHERE id = %s",
            waited,
            str(job.id),
        )
        carry_out(clean, metrics_store.sample_ages)
    (age,) = clean.ask("SELECT max(oldest_s) AS s FROM queue_age WHERE queue = 'default'")
    assert 90 <= age["s"] < 100
    add_up(clean)
    (whole,) = clean.ask(
        "SELECT max(oldest_s) AS s FROM job_period WHERE length_s = 86400 AND queue = '' AND task = ''"
    )
    assert whole["s"] == age["s"]


def test_an_empty_queue_has_no_age(clean: Stage) -> None:
    carry_out(clean, metrics_store.sample_ages)
    assert {row["oldest_s"] for row in clean.ask("SELECT oldest_s FROM queue_age")} <= {0.0}


def test_old_minutes_go_after_three_days_and_hours_after_ninety(clean: Stage) -> None:
    for table in ("job_minute", "job_spread"):
        clean.ask(
            f"INSERT INTO {table} (minute, queue, task, worker_id)"
            " SELECT now() - days * interval '1 day', 'a', 'one', gen_random_uuid()"
            " FROM unnest(ARRAY[2.9, 3.1]) AS days"
        )
    clean.ask(
        "INSERT INTO job_period (length_s, starts_at, queue, task)"
        " SELECT length_s, now() - days * interval '1 day', 'a', '' FROM"
        " (VALUES (60, 2.9), (60, 3.1), (600, 7.9), (600, 8.1), (3600, 89), (3600, 91), (86400, 91))"
        " AS p(length_s, days)"
    )
    carry_out(clean, metrics_store.prune)
    left = clean.ask("SELECT length_s FROM job_period ORDER BY 1")
    assert [row["length_s"] for row in left] == [60, 600, 3600]
    for table in ("job_minute", "job_spread"):
        assert len(clean.ask(f"SELECT minute FROM {table}")) == 1


def test_a_consumer_counts_waits_of_first_starts_and_every_run(clean: Stage) -> None:
    ok = enqueue("tests.mahaam.tasks.echo")
    fails = enqueue("tests.mahaam.tasks.fall", max_retries=2, retry_delay=0)
    with clean.consumer("--workers", "2") as consumer:
        clean.wait_for_ends()
        assert (clean.job(ok.id)["state"], clean.job(fails.id)["attempt"]) == ("completed", 3)
        consumer.stop()
    rows = clean.ask("SELECT task, waits, wait_counts, runs, run_counts FROM job_spread")
    counted = {"waits": 0, "runs": 0}
    for row in rows:
        counted["waits"] += sum(row["wait_counts"])
        counted["runs"] += sum(row["run_counts"])
    assert counted == {"waits": 2, "runs": 4}
    assert all(bucket < bucket_of(20_000) for row in rows for bucket in row["runs"])


def test_a_running_consumer_adds_up(clean: Stage) -> None:
    enqueue("tests.mahaam.tasks.echo")
    with clean.consumer("--workers", "1"):
        wait_until(lambda: (0, "", "") in {(0, *key[1:]) for key in periods(clean)}, timeout_s=20)
