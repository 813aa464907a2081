"""The table of addresses that mails and alerts are made with leads to pages that there are."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask, url_for

from dashboard.addresses import ADDRESSES
from mahaam.alerts.pages import LinkedPage, address_of
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import (
    a_failed_job,
    a_letter,
    a_schedule,
    an_alert,
    an_error_group,
    ask,
)

Of = Callable[[], int | str | UUID]
NOTHING: Of = str
# What each page is of, and the endpoint that shows it.
PAGES: dict[LinkedPage, tuple[Of, str]] = {
    LinkedPage.HOME: (NOTHING, "admin.index"),
    LinkedPage.ALERTS: (NOTHING, "alert.index"),
    LinkedPage.DEAD_LETTER: (a_letter, "deadletterqueue.details"),
    LinkedPage.ERROR: (lambda: an_error_group(a_letter()), "error.details"),
    LinkedPage.ERRORS: (NOTHING, "error.index"),
    LinkedPage.FAILED_JOBS_OF_QUEUE: (lambda: "default", "job.index"),
    LinkedPage.FAILED_JOBS_OF_TASK: (lambda: "tasks.demo.echo", "job.index"),
    LinkedPage.JOB: (a_failed_job, "job.details"),
    LinkedPage.OPEN_DEAD_LETTERS: (NOTHING, "deadletterqueue.index"),
    LinkedPage.QUEUE: (lambda: "default", "queues.details"),
    LinkedPage.RECONCILE: (NOTHING, "reconcile.index"),
    LinkedPage.SCHEDULE: (a_schedule, "schedule.details"),
    LinkedPage.TASK: (lambda: "tasks.demo.echo", "definition.task"),
    LinkedPage.WORKERS: (NOTHING, "worker.index"),
}


def test_every_page_has_an_address_and_no_other_has() -> None:
    assert set(ADDRESSES) == set(LinkedPage) == set(PAGES)


@pytest.mark.parametrize("page", LinkedPage)
def test_each_address_opens_its_page(app: Flask, log_in: LogIn, page: LinkedPage) -> None:
    make, endpoint = PAGES[page]
    address = address_of(page, make())
    adapter = app.url_map.bind("localhost")
    assert adapter.match(address.partition("?")[0])[0] == endpoint
    assert log_in("viewer").get(address).status_code == 200


def test_failed_jobs_are_those_of_the_queue_or_task(app: Flask, log_in: LogIn) -> None:
    job = a_failed_job()
    browser = log_in("viewer")
    for page in (LinkedPage.FAILED_JOBS_OF_QUEUE, LinkedPage.FAILED_JOBS_OF_TASK):
        column = "queue" if page == LinkedPage.FAILED_JOBS_OF_QUEUE else "task"
        ((name,),) = ask(f"SELECT {column} FROM job WHERE id = %s", (str(job),))
        assert str(job) in browser.get(address_of(page, name)).text
        assert str(job) not in browser.get(address_of(page, f"{name}x")).text


def test_the_page_of_an_alert_has_the_way_to_its_page(app: Flask, log_in: LogIn) -> None:
    alert = an_alert()
    path = address_of(LinkedPage.QUEUE, "default")
    ask("UPDATE alert SET path = %s WHERE id = %s", (path, alert))
    with app.test_request_context():
        address = url_for("alert.details", id=alert)
    assert f'href="{path}"' in log_in("operator").get(address).text
    ask("UPDATE alert SET path = '' WHERE id = %s", (alert,))
    assert "To the button that helps" not in log_in("operator").get(address).text
