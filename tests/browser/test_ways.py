"""The main ways: make a job, see it end, find what failed, run it again, compare, copy."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.person import Person
from tests.dashboard.rows import a_failed_job, a_job, ask, jobs, state_of
from tests.mahaam.consumer_process import Consumer

MANY = "tests.browser.tasks.of_many_kinds"
UNTIL_TOLD = "tests.browser.tasks.until_told"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    return new_person(permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture
def consumer(rows: dict[str, Any], tmp_path: Path) -> Iterator[Consumer]:
    ask("DELETE FROM job")
    with Consumer({}, tmp_path / "consumer.log") as consumer:
        yield consumer.wait_ready()
        consumer.stop()


@pytest.mark.usefixtures("consumer")
def test_a_job_that_is_made_is_seen_running_and_ending_without_a_reload(
    person: Person, tmp_path: Path
) -> None:
    person.open(f"/jobs/create/?task={UNTIL_TOLD}")
    person.page.get_by_label("path").fill(str(tmp_path / "end"))
    person.page.get_by_role("button", name="Create the job").click()

    expect(person.page.locator("h1 .state")).to_have_text("running")
    expect(person.page.get_by_text("It has begun.")).to_be_visible()
    expect(person.page.locator(".progress-card")).to_contain_text("half of it")
    (tmp_path / "end").touch()
    expect(person.page.locator("h1 .state")).to_have_text("completed")


def test_a_failed_job_is_retried_in_two_presses(person: Person) -> None:
    job = a_failed_job()
    person.open(f"/admin/job/{job}/")
    expect(person.page.locator(".error-line")).to_contain_text("LastError: the last message")

    person.page.get_by_role("button", name="Retry…").click()
    person.page.get_by_role("button", name="Retry 1 job").click()

    expect(person.page.locator("h1 .state")).to_have_text("queued")
    assert state_of(job) == "queued"


def test_arguments_are_edited_and_the_job_runs_again(person: Person) -> None:
    job = a_job("failed", task=MANY, error="E: x")
    person.open(f"/admin/job/{job}/")
    person.page.get_by_role("link", name="Edit and run again").click()
    person.page.get_by_label("Arguments by name").fill('{"order_id": 12345678901234567891}')
    person.page.get_by_role("button", name="Save and run again").click()

    expect(person.page.locator("h1 .state")).to_have_text("queued")
    expect(person.page.locator("#json-kwargs")).to_contain_text("12345678901234567891")


def test_the_form_begins_as_the_last_job_of_the_same_person(person: Person) -> None:
    person.open(f"/jobs/create/?task={MANY}")
    person.page.get_by_label("order_id").fill("4711")
    person.page.get_by_label("email").fill("a@example.com")
    person.page.get_by_role("button", name="Create the job").click()
    person.page.wait_for_url(re.compile("/admin/job/"))

    person.open(f"/jobs/create/?task={MANY}")

    expect(person.page.get_by_label("order_id")).to_have_value("4711")
    expect(person.page.get_by_label("email")).to_have_value("a@example.com")


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        ('{"a": 1}', "This is good JSON."),
        ('{"a": 1,\n "b": tru}', "Not JSON: line 2, column 7"),
        ('{"a" 1}', "Not JSON: line 1, column 6"),
        ("[1]", "Enter a JSON object"),
        ('{"a": 01}', "Not JSON: line 1, column 8"),
        ('{"a": "x', "Not JSON: line 1, column 7"),
    ],
)
def test_json_is_judged_while_it_is_typed(person: Person, typed: str, verdict: str) -> None:
    person.open(f"/jobs/create/?task={MANY}&as=json")
    area = person.page.get_by_label("Arguments by name")
    area.fill(typed)
    expect(person.page.locator("#about-kwargs .json-verdict")).to_contain_text(verdict)


def test_tidying_json_changes_no_digit(person: Person) -> None:
    person.open(f"/jobs/create/?task={MANY}&as=json")
    area = person.page.get_by_label("Arguments by name")
    area.fill('{"order_id":12345678901234567890,"share":0.10,"email":"1 \\" 2"}')
    person.page.locator("[data-json=object] [data-tidy]").click()

    expect(area).to_have_value(
        '{\n  "order_id": 12345678901234567890,\n  "share": 0.10,\n  "email": "1 \\" 2"\n}'
    )
    person.page.get_by_role("button", name="Create the job").click()
    person.page.wait_for_url(re.compile("/admin/job/"))
    made = next(job for job in jobs() if job["task"] == MANY)
    assert made["kwargs"]["order_id"] == 12345678901234567890


def test_two_attempts_stand_side_by_side(person: Person) -> None:
    job = a_failed_job()
    person.open(f"/admin/job/{job}/")
    person.page.get_by_role("link", name="Compare the last two").click()

    expect(person.page.locator(".sides").first).to_contain_text("Attempt 2")
    expect(person.page.locator(".own-left").first).to_contain_text("LastError")
    expect(person.page.locator(".own-right").first).to_contain_text("FirstError")


def test_ids_and_arguments_are_copied_as_they_are(person: Person) -> None:
    job = a_failed_job()
    person.open(f"/admin/job/{job}/")
    person.page.get_by_role("button", name="Copy the id").click()
    assert uuid.UUID(person.page.evaluate("navigator.clipboard.readText()")) == job

    person.page.get_by_role("button", name="Copy as JSON").first.click()
    copied = json.loads(person.page.evaluate("navigator.clipboard.readText()"))
    assert copied == {"order_id": 12345678901234567890}


def test_without_scripts_a_job_is_made_all_the_same(new_person: NewPerson) -> None:
    person = new_person(java_script_enabled=False)
    person.open(f"/jobs/create/?task={MANY}&as=json")
    person.page.get_by_label("Arguments by name").fill('{"order_id": 5}')
    person.page.get_by_role("button", name="Create the job").click()

    expect(person.page.locator("#json-kwargs")).to_contain_text('"order_id": 5')


def test_persian_times_are_jalali_and_have_persian_digits(new_person: NewPerson) -> None:
    person = new_person("fa", timezone_id="Asia/Tehran")
    person.open(f"/admin/job/{a_failed_job()}/")
    ask("UPDATE job SET created_at = '2026-03-21T12:00:00Z'")
    person.page.reload()
    expect(person.page.locator(".timeline-list time").first).to_contain_text("۱ فروردین ۱۴۰۵")


def test_an_ended_session_leads_to_the_login_page_by_itself(person: Person) -> None:
    person.open("/admin/job/")
    person.context.clear_cookies()
    person.page.wait_for_url(re.compile("/admin/login/"), timeout=10_000)
