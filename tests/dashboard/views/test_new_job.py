"""The form that makes jobs: every kind of parameter, every option, one job however often sent."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mahaam import task
from mahaam.core.payload import load
from tests.dashboard.browser import Browser, Form
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import ask, jobs

PATH = "/jobs/create/"


@task(queue="emails", priority=7, max_retries=1)
def of_every_kind(
    count: int,
    name: str = "x",
    share: float = 0.5,
    loud: bool = True,
    at: datetime | None = None,
    day: date | None = None,
    hour: time | None = None,
    price: Decimal = Decimal("1.50"),
    key: uuid.UUID | None = None,
    items: list[int] | None = None,
    options: dict[str, int] | None = None,
    anything: Any = None,
) -> None:
    """Take one of each."""


@task
def with_rest(first: int, /, second: int = 2, *rest: int, third: int = 3, **more: int) -> None:
    """Take what comes."""


KINDS = "tests.dashboard.views.test_new_job.of_every_kind"
REST = "tests.dashboard.views.test_new_job.with_rest"


def send(browser: Browser, name: str, **fields: str | None) -> TestResponse:
    """Send the form of a task as a browser does, some fields changed; None: not sent."""
    form = Form(browser.get(f"{PATH}?task={name}").text, with_field="token").fields | fields
    return browser.post(PATH, {name: text for name, text in form.items() if text is not None})


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("count", "42", 42),
        ("count", "-1", -1),
        ("name", "سلام", "سلام"),
        ("name", "", ""),
        ("share", "1e-3", 0.001),
        ("at", "2026-12-31T18:30", datetime(2026, 12, 31, 18, 30, tzinfo=UTC)),
        ("at", "2026-12-31T18:30+03:00", datetime(2026, 12, 31, 15, 30, tzinfo=UTC)),
        ("at", "", None),
        ("day", "2026-12-31", date(2026, 12, 31)),
        ("hour", "18:30", time(18, 30)),
        ("price", "12.50", Decimal("12.50")),
        (
            "key",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            uuid.UUID("01890a5dac96774bbcceb302099a8057"),
        ),
        ("items", "[1, 2]", [1, 2]),
        ("options", '{"a": 1}', {"a": 1}),
        ("anything", '"text"', "text"),
        ("anything", "[null, 1.5]", [None, 1.5]),
        ("loud", "yes", True),
        ("loud", None, False),
    ],
)
def test_a_value_of_each_kind_reaches_the_row(
    operator: Browser, field: str, typed: str | None, expected: Any
) -> None:
    answer = send(operator, KINDS, **({"arg-count": "1"} | {f"arg-{field}": typed}))
    assert answer.status_code == 303, answer.text
    (job,) = jobs()
    assert load(json.dumps(job["kwargs"][field])) == expected
    assert answer.location == f"/admin/job/{job['id']}/"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("arg-count", "", "This must be filled in."),
        ("arg-count", "4.5", "Enter a whole number"),
        ("arg-count", "9" * 5000, "Enter a whole number"),
        ("arg-share", "nan", "Enter a number"),
        ("arg-share", "much", "Enter a number"),
        ("arg-name", "a\x00b", "NUL"),
        ("arg-at", "tomorrow", "Enter a date and a time"),
        ("arg-day", "31.12.2026", "Enter a date."),
        ("arg-hour", "25:00", "Enter a time of day"),
        ("arg-price", "NaN", "Enter a decimal number"),
        ("arg-key", "abc", "Enter a UUID"),
        ("arg-items", '{"a": 1}', "Enter a JSON list"),
        ("arg-options", "[]", "Enter a JSON object"),
        ("arg-anything", "{", "Enter JSON"),
        ("arg-anything", "NaN", "Enter JSON"),
        ("arg-anything", "[" * 100_000, "Enter JSON"),
        ("priority", "high", "Enter a whole number"),
        ("priority", "99999999999", "Enter a number from"),
        ("max_retries", "-1", "Enter a number from"),
        ("retry_delay_cap", "0", "Enter a number from 0.001 to 316224000."),
        ("retry_delay_cap", "long", "Enter a number"),
        ("delay", "-1", "Enter a number from"),
        ("delay", "soon", "Enter a number"),
        ("eta", "later", "Enter a date and a time"),
        ("eta", "2001-01-01T00:00", "That time has passed"),
        ("eta", "0001-01-01T00:00", "That time has passed"),
        ("queue", "nowhere", "There is no queue"),
    ],
)
def test_bad_input_is_told_beside_the_field_and_kept(
    operator: Browser, field: str, typed: str, sentence: str
) -> None:
    answer = send(operator, KINDS, **({"arg-count": "77"} | {field: typed}))
    assert answer.status_code == 400
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert field == "arg-count" or 'value="77"' in answer.text
    assert jobs() == []


def test_the_task_s_own_options_are_the_defaults(operator: Browser) -> None:
    send(operator, KINDS, **{"arg-count": "1"})
    (job,) = jobs()
    assert (job["queue"], job["priority"], job["max_retries"]) == ("emails", 7, 1)
    assert (job["state"], job["created_by"]) == ("queued", "operator@example.com")


def test_chosen_options_are_taken(operator: Browser) -> None:
    options = {"queue": "reports", "priority": "-3", "max_retries": "0", "delay": "60"}
    options |= {"retry_delay_cap": "2.5"}
    send(operator, KINDS, **({"arg-count": "1"} | options))
    (job,) = jobs()
    assert (job["queue"], job["priority"], job["max_retries"]) == ("reports", -3, 0)
    assert job["retry_delay_cap_s"] == 2.5
    assert job["state"] == "scheduled"
    assert job["delay_s"] == pytest.approx(60, abs=1)


def test_a_time_is_meant_in_the_zone_that_is_said(operator: Browser) -> None:
    local = datetime.now(UTC) + timedelta(hours=3, minutes=30)
    fields = {"arg-count": "1", "eta": local.strftime("%Y-%m-%dT%H:%M:%S"), "zone": "Asia/Baghdad"}
    assert send(operator, KINDS, **fields).status_code == 303
    assert jobs()[0]["delay_s"] == pytest.approx(1800, abs=5)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 300])
def test_an_unknown_zone_is_told(operator: Browser, zone: str) -> None:
    fields = {"arg-count": "1", "eta": "2099-01-01T00:00", "zone": zone}
    answer = send(operator, KINDS, **fields)
    assert (answer.status_code, "There is no time zone" in answer.text) == (400, True)


def test_a_delay_and_a_time_exclude_each_other(operator: Browser) -> None:
    fields = {"arg-count": "1", "eta": "2099-01-01T00:00", "delay": "5"}
    assert "not both" in send(operator, KINDS, **fields).text


@pytest.mark.parametrize(
    ("fields", "args", "kwargs"),
    [
        ({"arg-first": "1"}, [1], {"second": 2, "third": 3}),
        ({"arg-first": "1", "arg-rest": "[8, 9]"}, [1, 2, 8, 9], {"third": 3}),
        ({"arg-first": "1", "arg-more": '{"a": 5}'}, [1], {"second": 2, "third": 3, "a": 5}),
    ],
)
def test_every_way_of_passing_an_argument_works(
    operator: Browser, fields: dict[str, str], args: list[int], kwargs: dict[str, int]
) -> None:
    assert send(operator, REST, **fields).status_code == 303
    (job,) = jobs()
    assert (job["args"], job["kwargs"]) == (args, kwargs)


def test_a_form_sent_again_makes_no_second_job(operator: Browser) -> None:
    form = {"task": REST, "arg-first": "1", "token": str(uuid.uuid4()), "queue": "default"}
    first = operator.post(PATH, form)
    ask("UPDATE job SET state = 'completed', finished_at = now()")
    second = operator.post(PATH, form)
    assert first.location == second.location
    assert len(jobs()) == 1
    assert "had been sent before" in operator.get(second.location).text


def test_a_form_sent_many_times_at_once_makes_one_job(app: Flask, log_in: LogIn) -> None:
    form = {"task": REST, "arg-first": "1", "token": str(uuid.uuid4()), "queue": "default"}
    browsers = [log_in("operator") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda browser: browser.post(PATH, form), browsers))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == len(jobs()) == 1


def test_a_refused_form_can_be_sent_again(operator: Browser) -> None:
    form = {"task": KINDS, "arg-count": "1", "token": str(uuid.uuid4()), "queue": "default"}
    too_large = form | {"arg-name": "x" * 300_000}
    answer = operator.post(PATH, too_large)
    assert answer.status_code == 400
    assert "bytes" in answer.text
    assert operator.post(PATH, form).status_code == 303


@pytest.mark.parametrize("token", ["", "abc", "\x00"])
def test_a_form_without_its_own_token_is_refused(operator: Browser, token: str) -> None:
    form = {"task": REST, "arg-first": "1", "token": token, "queue": "default"}
    assert operator.post(PATH, form).status_code == 400
    assert jobs() == []


def test_an_unknown_task_is_told(operator: Browser) -> None:
    answer = operator.post(PATH, {"task": "os.system", "token": str(uuid.uuid4())})
    assert answer.status_code == 400
    assert "There is no task" in answer.text


def test_a_viewer_cannot_make_a_job(log_in: LogIn) -> None:
    form = {"task": REST, "arg-first": "1", "token": str(uuid.uuid4()), "queue": "default"}
    assert log_in("viewer").post(PATH, form).status_code == 403
    assert jobs() == []
