"""The verdict: every kind of trouble, with its way to the button, and nothing when all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.dashboard import situations
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, a_letter, a_schedule, ask

HEALTHY = "All is well"


def wait_for(job: object, minutes: float) -> None:
    """Let a queued job have waited for so long."""
    ask(
        "UPDATE job SET queued_at = now() - %s * interval '1 min' WHERE id = %s",
        (minutes, str(job)),
    )


def test_when_nothing_is_wrong_the_verdict_says_so(operator: Browser) -> None:
    situations.a_worker()
    a_job("queued")
    situations.a_minute(ago_s=300, completed=10)
    text = operator.get("/admin/").text
    assert HEALTHY in text
    assert 'class="trouble ' not in text


def test_no_worker_is_the_worst(operator: Browser) -> None:
    situations.a_worker(lease_s=-1)
    text = operator.get("/admin/").text
    assert "No worker is alive" in text
    assert 'href="/admin/worker/"' in text
    assert "verdict-red" in text


def test_a_queue_that_nobody_serves_says_so_when_jobs_wait_in_it(operator: Browser) -> None:
    situations.a_worker("emails")
    a_job("queued", queue="emails")
    a_job("queued", queue="default")
    text = operator.get("/admin/").text
    assert text.count("No worker serves this queue, and jobs wait in it.") == 1
    assert ">default</bdi></strong> No worker serves" in text


def test_a_quiet_worker_serves_nothing(operator: Browser) -> None:
    situations.a_worker(state="quiet")
    a_job("queued")
    assert "No worker serves this queue, and jobs wait in it." in operator.get("/admin/").text


@pytest.mark.parametrize(
    ("minutes", "is_told"), [(4.5, False), (6, True)], ids=["just waits", "waits for long"]
)
def test_a_job_that_waits_for_long_is_told(
    operator: Browser, minutes: float, is_told: bool
) -> None:
    situations.a_worker()
    wait_for(a_job("queued"), minutes)
    assert ("longer than it should" in operator.get("/admin/").text) is is_told


def test_a_paused_queue_may_wait_but_the_pause_is_told(operator: Browser) -> None:
    situations.a_worker()
    wait_for(a_job("queued"), 60)
    situations.pause_queue("default", "Provider <b>down</b>")
    text = operator.get("/admin/").text
    assert "longer than it should" not in text
    assert "This queue is paused by ann." in text
    assert "Provider &lt;b&gt;down&lt;/b&gt;" in text
    assert 'href="/admin/queues/default/resume/"' in text


def test_a_paused_task_is_told(operator: Browser) -> None:
    situations.a_worker()
    situations.pause_task("tasks.demo.echo")
    text = operator.get("/admin/").text
    assert "This task is paused by ann." in text
    assert 'href="/admin/task/tasks.demo.echo/resume/"' in text


@pytest.mark.parametrize(
    ("now", "before", "level"),
    [
        ({"failed": 4, "completed": 100}, {"failed": 0}, "orange"),
        ({"failed": 5, "completed": 100}, {"failed": 0}, "red"),  # many more than before
        ({"failed": 5, "completed": 1000}, {"failed": 3}, "orange"),
        ({"failed": 1, "completed": 9}, {"failed": 1}, "red"),  # a tenth of all
        ({"failed": 0, "completed": 9}, {"failed": 9}, None),  # it is over
    ],
)
def test_a_failing_task_is_as_grave_as_its_share_and_its_growth(
    operator: Browser, now: dict[str, int], before: dict[str, int], level: str | None
) -> None:
    situations.a_worker()
    situations.a_minute(ago_s=600, **now)
    situations.a_minute(ago_s=5400, **before)
    text = operator.get("/admin/").text
    assert (HEALTHY in text) is (level is None)
    if level:
        assert f"verdict-{level}" in text


def test_a_grave_failure_leads_to_the_filtered_list_with_its_newest_error(
    operator: Browser,
) -> None:
    situations.a_worker()
    situations.a_minute(ago_s=120, failed=7)
    a_job("failed", error="OldError: before")
    a_job("failed", error="NewError: <script>now</script>")
    text = operator.get("/admin/").text
    assert "Failed 7 times in the last hour, 0 in the hour before." in text
    assert 'href="/admin/job/?state=failed&amp;task=tasks.demo.echo"' in text
    assert "NewError: &lt;script&gt;" in text
    assert "OldError" not in text


def test_many_failing_tasks_do_not_bury_the_rest(operator: Browser) -> None:
    situations.a_worker()
    for number in range(8):
        situations.a_minute(ago_s=120, task=f"shop.t{number}", failed=10 + number)
    text = operator.get("/admin/").text
    assert "4 more tasks fail." in text
    assert text.count('class="trouble ') == 5
    assert all(f"shop.t{number}<" in text for number in range(8))


def test_a_lost_worker_is_told_for_an_hour(operator: Browser) -> None:
    situations.a_worker()
    situations.a_worker(state="lost", silent_s=600)
    assert "This worker was lost." in operator.get("/admin/").text


@pytest.mark.parametrize(("state", "silent_s"), [("lost", 4000), ("stopped", 60)])
def test_old_losses_and_good_ends_are_not(operator: Browser, state: str, silent_s: float) -> None:
    situations.a_worker()
    situations.a_worker(state=state, silent_s=silent_s)
    assert HEALTHY in operator.get("/admin/").text


def test_open_dead_letters_are_told(operator: Browser) -> None:
    situations.a_worker()
    a_letter()
    text = operator.get("/admin/").text
    assert "1 dead letter is open." in text
    assert "/admin/deadletterqueue/?reprocessed=no&amp;resolved=no" in text


def test_the_time_to_drain_is_told_from_the_rate(operator: Browser) -> None:
    situations.a_worker()
    for _ in range(10):
        a_job("queued")
    assert "does not shrink" in operator.get("/admin/").text
    second = (datetime.now(UTC) + timedelta()).second
    situations.a_minute(ago_s=0, completed=60 + second)  # one per second, of the last two minutes
    operator.client.application.extensions["snapshot"].forget()
    text = operator.get("/admin/").text
    assert "does not shrink" not in text
    assert any(f"<bdi>{seconds} s</bdi>" in text for seconds in (9, 10, 11))


def test_a_broken_schedule_is_told_with_the_way_to_it(operator: Browser) -> None:
    situations.a_worker()
    id_ = a_schedule("nightly")
    ask('UPDATE schedule SET broken_at = now(), broken = \'{"template": "x", "values": {}}\'')
    text = operator.get("/admin/").text
    assert ">nightly</bdi></strong> This schedule is broken" in text
    assert f'href="/admin/schedule/{id_}/"' in text


@pytest.mark.parametrize(("minutes", "is_told"), [(4, False), (6, True)])
def test_overdue_schedules_are_told(operator: Browser, minutes: int, is_told: bool) -> None:
    situations.a_worker()
    for name in ("one", "two"):
        a_schedule(name)
    ask("UPDATE schedule SET next_run_at = now() - %s * interval '1 min'", (minutes,))
    text = operator.get("/admin/").text
    assert ("2 schedules are overdue" in text) is is_told
    assert ("/admin/schedule/?state=overdue" in text) is is_told


def test_a_disabled_schedule_is_no_trouble(operator: Browser) -> None:
    situations.a_worker()
    a_schedule("off")
    ask(
        "UPDATE schedule SET next_run_at = now() - interval '1 day', disabled_at = now(),"
        " disabled_by = 'ann'"
    )
    assert HEALTHY in operator.get("/admin/").text
