"""One server and one browser for all tests of a worker; rows for every page to show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from dashboard import create_app
from dashboard.auth.accounts import create_person
from dashboard.web.languages import LANGUAGES
from tests.browser.person import Person
from tests.browser.server import web_server
from tests.browser.site_map import pages
from tests.dashboard.browser import PASSWORD
from tests.dashboard.bulk_work import an_operation
from tests.dashboard.conftest import CHEAP, CLEAN, _forget_engine, run
from tests.dashboard.rows import (
    a_channel,
    a_definition,
    a_failed_job,
    a_job,
    a_letter,
    a_line,
    a_redrive,
    a_rule,
    a_schedule,
    a_worker,
    an_alert,
    an_error_group,
    ask,
    put_aside,
)
from tests.servers import TestServers, fresh_database
from tests.strays import MARK

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
EMAIL = "admin@example.com"
expect.set_options(timeout=15_000)  # on a machine that may be busy
NewPerson = Callable[..., Person]


@pytest.fixture(scope="package")
def app(servers: TestServers) -> Iterator[Flask]:
    """The application on a database of its own, with an administrator."""
    with fresh_database(servers) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("REDIS_URL", servers.redis.url)
        patch.setenv("TASK_MODULES", "tests.browser.tasks")
        _forget_engine()
        app = create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)
        with app.app_context():
            create_person(EMAIL, password=PASSWORD, role="admin")
            from dashboard.web.database import db

            db.session.remove()
        yield app
        with app.app_context():
            db.engine.dispose()
    _forget_engine()


@pytest.fixture(scope="package")
def address(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the real server answers."""
    with web_server(tmp_path_factory.mktemp("web") / "log") as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium; each person has a context of his own in it."""
    # Its own processes come and go: that none is left is this fixture's business.
    without_mark = {name: value for name, value in os.environ.items() if name != MARK}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), env=without_mark
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def session(browser: Browser, address: str) -> StorageState:
    """The cookies of somebody who has logged in; to log in anew for each test takes a second."""
    person = Person(browser, address)
    person.log_in(EMAIL)
    cookies = person.context.storage_state()
    person.context.close()
    assert person.faults == []
    return cookies


@pytest.fixture
def new_person(
    browser: Browser, address: str, session: StorageState, rows: dict[str, Any]
) -> Iterator[NewPerson]:
    """Make a person who has logged in; at the end nothing may have gone wrong on his pages."""
    people: list[Person] = []

    def make(language: str = "en", theme: str = "light", **context: Any) -> Person:
        own = {"locale": LANGUAGES[language].intl[:5], "storage_state": session}
        person = Person(browser, address, **(own | context))
        people.append(person)
        person.open("/admin/account/")  # a light page, for the token of its forms
        person.like("language", language)
        person.like("theme", theme)
        return person

    yield make
    for person in people:
        person.context.close()
    assert [fault for person in people for fault in person.faults] == []


@pytest.fixture
def rows(app: Flask, redis_url: str) -> dict[str, Any]:
    """Something for every page to show: what fills the places in the addresses of a view."""
    run(os.environ["DATABASE_URL"], CLEAN)
    job, letter = a_failed_job(), a_letter()
    a_line(job)
    for state in (
        "queued",
        "running",
        "completed",
        "scheduled",
        "retrying",
        "cancelled",
        "expired",
    ):
        a_job(state)
    a_worker()
    schedule_id, definition_id = a_schedule(), a_definition()
    operation, channel = an_operation(job), a_channel()
    put_aside(job)
    rule = a_rule(channel)
    return {
        "job": {"id": job, "number": 1, "part": "kwargs"},
        "job_edit": {"id": job},
        "deadletterqueue": {"id": letter},
        "operation": {"id": operation},
        "alert": {"id": an_alert(rule)},
        "rule": {"id": rule},
        "channel": {"id": channel},
        "error": {"id": an_error_group(letter), "subject": "tasks.demo.echo"},
        "redrive": {"id": a_redrive(operation)},
        "queues": {"subject": "default", "id": job, "verb": "retry"},
        "task": {"subject": "tasks.demo.echo"},
        "schedule": {"id": schedule_id},
        "schedule_form": {"id": schedule_id},
        "definition": {"id": definition_id, "subject": "tasks.demo.echo"},
        "user": {"id": ask('SELECT id FROM "user"')[0][0]},
        "worker": {"id": ask("SELECT id FROM worker")[0][0], "verb": "quiet"},
    }


@pytest.fixture
def paths(app: Flask, rows: dict[str, Any]) -> list[str]:
    """Every page there is."""
    return pages(app, rows)
