"""The page of a job: what it shows of a life, that it stays small, and what may be done on it."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

import pytest

from mahaam import task
from mahaam.jobs.states import State
from mahaam.redaction.redact import MASK
from tests.dashboard.browser import Browser, Form
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_failed_job, a_job, a_line, ask, jobs, state_of

MANY_ATTEMPTS = """
INSERT INTO attempt (job_id, number, queued_at, started_at, finished_at, outcome, error_class,
                     error_message, traceback)
SELECT %s, number, now(), now() + interval '1 s', now() + interval '4 s', 'retrying', 'E', 'no ' || number,
       repeat('  File "/srv/shop/jobs.py", line 1\n', 200) || 'E: no ' || number
FROM generate_series(1, 999) AS number
"""
MANY_LINES = """
INSERT INTO job_log
SELECT %s, 1 + number / 200, number, now(), CASE WHEN number %% 1000 = 0 THEN 40 ELSE 20 END, NULL,
       'line number ' || number FROM generate_series(1, 100000) AS number
"""
LARGE = """UPDATE job SET kwargs = jsonb_build_object('first', 1, 'rows',
  (SELECT jsonb_agg(jsonb_build_object('id', n, 'name', md5(n::text))) FROM generate_series(1, 18000) AS n))
WHERE id = %s"""
MOST_TIMES = 5  # what the page of a small job costs, whatever the machine


@task
def pay(order_id: int, token: str = "", note: str = "") -> None:
    """Pay."""


PAY = "tests.dashboard.views.test_job_page.pay"


def a_call(state: str = State.FAILED, **kwargs: Any) -> uuid.UUID:
    """A job of `pay` with these arguments."""
    job = a_job(state, task=PAY, error="E: x" if state == State.FAILED else None)
    ask("UPDATE job SET kwargs = %s WHERE id = %s", (json.dumps(kwargs), str(job)))
    return job


def edit(browser: Browser, job: uuid.UUID, **fields: str) -> Any:
    """Send the form of the arguments as a browser does, some fields changed."""
    path = f"/admin/job/{job}/edit/"
    return browser.post(path, Form(browser.get(path).text, with_field="kwargs").fields | fields)


def busy_ms(browser: Browser, path: str) -> float:
    """What the page costs this process; what PostgreSQL does for it is bounded by its LIMITs."""
    times = []
    for _ in range(10):
        started_at = time.thread_time()
        assert browser.get(path).status_code == 200
        times.append((time.thread_time() - started_at) * 1000)
    return min(times)


def times_a_small_page(browser: Browser, path: str) -> float:
    """How many times the page of a job with nothing to show the page costs."""
    small = busy_ms(browser, f"/admin/job/{a_job()}/")
    return busy_ms(browser, path) / small


def test_a_job_shows_its_longest_wait_or_that_of_the_settings(operator: Browser) -> None:
    job = a_job()
    assert "Longest wait before a retry</dt><dd>600 s<" in operator.get(f"/admin/job/{job}/").text

    ask("UPDATE job SET retry_delay_cap_s = 2.5 WHERE id = %s", (str(job),))

    assert "Longest wait before a retry</dt><dd>2.5 s<" in operator.get(f"/admin/job/{job}/").text


WAITS = {"cancel", "reschedule", "set_priority", "move", "duplicate", "edit"}
ENDED = {"retry", "duplicate", "edit", "clean"}


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("queued", WAITS),
        ("scheduled", WAITS | {"promote"}),
        ("retrying", WAITS | {"promote"}),
        ("running", {"stop", "duplicate"}),
        ("failed", ENDED),
        ("completed", ENDED | {"fail"}),
        ("cancelled", ENDED),
        ("expired", ENDED),
    ],
)
def test_a_job_has_the_buttons_that_its_state_allows(
    operator: Browser, state: str, verbs: set[str]
) -> None:
    job = a_job(state)
    text = operator.get(f"/admin/job/{job}/").text
    links = {"edit"} if f"/admin/job/{job}/edit/" in text else set()
    assert set(re.findall(r'name="action" value="(\w+)"', text)) | links == verbs


def test_a_page_of_a_thousand_attempts_shows_the_newest_and_leads_to_the_rest(
    operator: Browser,
) -> None:
    job = a_job(State.FAILED, attempt=1000, error="E: no 1000")
    ask(MANY_ATTEMPTS, (str(job),))

    page = operator.get(f"/admin/job/{job}/").text
    older = operator.get(f"/admin/job/{job}/attempts/?before=991").text
    first = operator.get(f"/admin/job/{job}/attempts/?before=20").text

    assert "Attempt 1,000" in page
    assert "Attempt 991" in page
    assert "Attempt 990" not in page
    assert f"/admin/job/{job}/attempts/?before=991" in page
    assert "Attempt 990" in older
    assert "Attempt 1<" in first
    assert "Older" not in first
    assert times_a_small_page(operator, f"/admin/job/{job}/") < MOST_TIMES
    assert times_a_small_page(operator, f"/admin/job/{job}/attempts/?before=991") < MOST_TIMES


def test_an_attempt_has_its_whole_traceback_on_a_page_of_its_own(operator: Browser) -> None:
    job = a_job(State.FAILED, attempt=1000, error="E: no 1000")
    ask(MANY_ATTEMPTS, (str(job),))
    line = "/srv/shop/jobs.py"
    page = operator.get(f"/admin/job/{job}/attempts/999/").text
    listed = operator.get(f"/admin/job/{job}/").text

    assert page.count(line) == 200
    assert "The whole traceback" in listed
    assert listed.count(line) < 200 * 20
    assert operator.get(f"/admin/job/{job}/attempts/1001/").status_code == 404


def test_a_page_of_a_hundred_thousand_lines_shows_the_last_and_leads_to_the_rest(
    operator: Browser,
) -> None:
    job = a_job(State.RUNNING, attempt=501)
    ask(MANY_LINES, (str(job),))

    page = operator.get(f"/admin/job/{job}/").text
    assert "line number 100000" in page
    assert "line number 99951" in page
    assert "line number 99950<" not in page

    log = f"/admin/job/{job}/log/"
    assert "line number 99901" in operator.get(log).text
    before = operator.get(f"{log}?before=500.99901").text
    assert "line number 99900" in before
    assert "line number 99901" not in before
    for path in (f"/admin/job/{job}/", log, f"{log}?level=error", f"{log}?attempt=7"):
        assert times_a_small_page(operator, path) < MOST_TIMES, path


def test_a_log_is_narrowed_by_level_and_attempt(operator: Browser) -> None:
    job = a_job(State.RUNNING, attempt=501)
    ask(MANY_LINES, (str(job),))
    errors = operator.get(f"/admin/job/{job}/log/?level=error").text
    third = operator.get(f"/admin/job/{job}/log/?attempt=3").text

    assert "line number 99000<" in errors
    assert "line number 99001<" not in errors
    assert "line number 599<" in third
    assert "line number 600<" not in third


@pytest.mark.parametrize(
    "query",
    [
        "level=loud",
        "attempt=x",
        "attempt=-1",
        "attempt=99999999999",
        "before=1",
        "before=1.x",
        "page=2",
    ],
)
def test_a_filter_of_the_log_that_is_not_understood_is_told(operator: Browser, query: str) -> None:
    answer = operator.get(f"/admin/job/{a_failed_job()}/log/?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_large_arguments_show_their_beginning_and_lead_to_all_of_them(operator: Browser) -> None:
    job = a_job(State.COMPLETED)
    ask(LARGE, (str(job),))

    page = operator.get(f"/admin/job/{job}/")
    assert "only the beginning" in page.text
    assert len(page.data) < 100_000
    whole = operator.get(f"/admin/job/{job}/json/kwargs/")
    assert len(whole.json["rows"]) == 18_000
    assert times_a_small_page(operator, f"/admin/job/{job}/") < MOST_TIMES


def test_secrets_are_nowhere_on_the_pages_of_a_job(operator: Browser) -> None:
    job = a_call(order_id=1, token="tok_9876")
    for path in ("", "json/kwargs/", "edit/", "compare/", "attempts/", "log/"):
        assert "tok_9876" not in operator.get(f"/admin/job/{job}/{path}").text
    assert "tok_9876" not in operator.get(f"/jobs/create/?task={PAY}&like={job}").text
    assert "tok_9876" not in operator.get(f"/jobs/create/?task={PAY}&like={job}&as=json").text


def test_a_mask_that_is_left_keeps_the_secret(operator: Browser) -> None:
    job = a_call(order_id=1, token="tok_9876")
    answer = edit(operator, job, kwargs=json.dumps({"order_id": 2, "token": MASK}))

    assert answer.status_code == 303
    (row,) = jobs()
    assert row["kwargs"] == {"order_id": 2, "token": "tok_9876"}
    assert row["state"] == "queued"


def test_a_new_job_is_never_called_with_a_mask(operator: Browser) -> None:
    job = a_call(order_id=1, token="tok_9876")
    path = f"/jobs/create/?task={PAY}&like={job}&as=json"
    form = Form(operator.get(path).text, with_field="token").fields
    answer = operator.post("/jobs/create/", form)

    assert answer.status_code == 400
    assert "mask" in answer.text
    assert len(jobs()) == 1


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("kwargs", "{", "Enter a JSON object"),
        ("kwargs", "[]", "Enter a JSON object"),
        ("args", "{}", "Enter a JSON list"),
        ("args", '["\x00"]', "NUL"),
        ("kwargs", '{"nobody": 1}', "cannot be called so"),
        ("kwargs", '{"order_id": {"$nonsense": 1}}', "is unknown"),
    ],
)
def test_arguments_that_are_wrong_are_told_and_nothing_changes(
    operator: Browser, field: str, typed: str, sentence: str
) -> None:
    job = a_call(order_id=1)
    answer = edit(operator, job, **{field: typed})

    assert answer.status_code == 400
    assert sentence in answer.text
    assert state_of(job) == "failed"


def test_what_cannot_be_edited_any_more_says_why(operator: Browser) -> None:
    job = a_call("failed", order_id=1)
    form = Form(operator.get(f"/admin/job/{job}/edit/").text, with_field="kwargs").fields
    ask("UPDATE job SET state = 'running', finished_at = NULL WHERE id = %s", (str(job),))

    operator.post(f"/admin/job/{job}/edit/", form)

    assert "cannot be edited: it is running" in operator.get(f"/admin/job/{job}/").text


def test_a_viewer_cannot_edit(log_in: LogIn) -> None:
    job, viewer = a_call(order_id=1), log_in("viewer")
    assert viewer.get(f"/admin/job/{job}/edit/").status_code == 403
    assert viewer.post(f"/admin/job/{job}/edit/", {"args": "[]", "kwargs": "{}"}).status_code == 403
    assert state_of(job) == "failed"


def test_two_jobs_are_compared_and_only_what_differs_is_marked(operator: Browser) -> None:
    one, other = a_call(order_id=1, note="same"), a_call(order_id=2, note="same")
    text = operator.get(f"/admin/job/{one}/compare/?with={other}").text

    assert '<span class="own-left">  &#34;order_id&#34;: 1' in text
    assert '<span class="own-right">  &#34;order_id&#34;: 2' in text
    assert "<span>  &#34;note&#34;: &#34;same&#34;," in text


def test_two_attempts_are_compared_the_earlier_one_by_itself(operator: Browser) -> None:
    text = operator.get(f"/admin/job/{a_failed_job()}/compare/").text
    for shown in ("Attempt 2", "Attempt 1", "LastError", "FirstError", "Traceback: first"):
        assert shown in text


@pytest.mark.parametrize(
    "query",
    ["attempt=9", "with=nonsense", "with=01890a5d-ac96-774b-bcce-b302099a8057", "other=x", "to=1"],
)
def test_a_comparison_with_what_is_not_there_says_so(operator: Browser, query: str) -> None:
    answer = operator.get(f"/admin/job/{a_failed_job()}/compare/?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_script_in_what_a_job_says_is_shown_as_text(operator: Browser) -> None:
    job, evil = a_failed_job(), "<script>alert(1)</script>"
    a_line(job)
    ask(
        "UPDATE job SET task = %s, error = %s, queue = %s WHERE id = %s",
        (evil, evil, evil, str(job)),
    )
    ask("UPDATE attempt SET error_class = %s, error_message = %s, traceback = %s", (evil,) * 3)
    ask("UPDATE job_log SET message = %s, logger = %s", (evil, evil))
    for path in ("", "attempts/", "attempts/1/", "log/", "compare/", "edit/"):
        assert evil not in operator.get(f"/admin/job/{job}/{path}").text
    answer = operator.get(f"/admin/job/{job}/json/kwargs/")
    assert answer.content_type == "application/json"


def test_what_people_did_to_a_job_stands_on_its_page(operator: Browser) -> None:
    job = a_call(order_id=1, token="tok_9876")
    edit(operator, job, kwargs=json.dumps({"order_id": 2, "token": MASK}))

    text = operator.get(f"/admin/job/{job}/").text.partition('id="done-to-it"')[2]

    assert "Edit" in text
    assert "operator@example.com" in text
    assert "tok_9876" not in text
