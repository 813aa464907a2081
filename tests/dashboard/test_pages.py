"""Every page in every language for every role, and what all of them have in common."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from dashboard.auth import access
from dashboard.web.languages import LANGUAGES
from mahaam.jobs.states import HELD_UNTIL
from tests.dashboard.browser import Browser
from tests.dashboard.bulk_work import an_operation
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_failed_job, a_job, a_letter, a_line, a_worker, ask

PAGES = (
    "/admin/",
    "/admin/job/",
    "/admin/job/?state=failed",
    "/admin/job/?state=completed&queue=default&task=nobody",
    "/admin/job/{job}/",
    "/admin/deadletterqueue/",
    "/admin/deadletterqueue/?reprocessed=no&resolved=no&notified=yes",
    "/admin/deadletterqueue/{letter}/",
    "/admin/queues/",
    "/admin/queues/default/",
    "/admin/queues/default/?state=failed",
    "/admin/task/",
    "/admin/metrics/",
    "/admin/metrics/?window=30d&queue=default&task=tasks.demo.echo",
    "/admin/worker/",
    "/admin/operation/",
    "/admin/operation/{operation}/",
    "/admin/reconcile/",
    "/admin/set_aside/",
)
NEW_JOB_PAGES = ("/jobs/create/", "/jobs/create/?task=tasks.demo.progress")


class Inspector(HTMLParser):
    """Notes what our policy forbids, and form controls without a name."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.labelled: set[str] = set()
        self.controls: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.faults += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.faults.append(tag)
        if tag == "label":
            self.labelled.add(given.get("for") or "")
        is_shown = tag in ("input", "select", "textarea") and given.get("type") != "hidden"
        if is_shown and "aria-label" not in given and "data-tick-all" not in given:
            self.controls.add(given.get("id") or "?")


@pytest.fixture
def pages() -> list[str]:
    """Every page, with something on it."""
    job, letter = a_failed_job(), a_letter()
    a_line(job)
    for state in ("queued", "running", "completed", "scheduled", "cancelled"):
        a_job(state)
    a_worker()
    operation = an_operation(job)
    return [page.format(job=job, letter=letter, operation=operation) for page in PAGES]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("role", access.RANKS)
def test_every_page_opens_in_every_language_for_every_role(
    log_in: LogIn, pages: list[str], role: str, language: object
) -> None:
    browser = log_in(role)
    browser.speak(language.code)
    for path in pages:
        page = browser.get(path)
        assert page.status_code == 200, path
        assert f'<html lang="{language.code}" dir="{language.direction}"' in page.text


@pytest.mark.parametrize("role", access.RANKS)
@pytest.mark.parametrize("path", NEW_JOB_PAGES)
def test_only_those_who_may_create_see_the_form(log_in: LogIn, role: str, path: str) -> None:
    assert log_in(role).get(path).status_code == (403 if role == "viewer" else 200)


def test_a_viewer_sees_no_button_that_acts(log_in: LogIn, pages: list[str]) -> None:
    viewer = log_in("viewer")
    for path in pages:
        text = viewer.get(path).text
        assert 'name="action"' not in text
        assert "/jobs/create/" not in text


def test_no_page_needs_what_the_policy_forbids(operator: Browser, pages: list[str]) -> None:
    for path in (*pages, *NEW_JOB_PAGES, "/nothing", "/admin/job/?state=x"):
        inspector = Inspector()
        inspector.feed(operator.get(path).text)
        assert not inspector.faults, path
        assert inspector.controls <= inspector.labelled, path


def test_every_answer_carries_the_security_headers(operator: Browser, browser: Browser) -> None:
    for page in (operator.get("/admin/"), browser.get("/admin/login/"), browser.get("/nothing")):
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"


def test_a_job_page_shows_arguments_attempts_and_error(operator: Browser) -> None:
    text = operator.get(f"/admin/job/{a_failed_job()}/").text
    for shown in ("12345678901234567890", "FirstError", "Traceback: first", "LastError: the last"):
        assert shown in text


def test_a_job_page_shows_what_the_job_said(operator: Browser) -> None:
    job_id = a_failed_job()
    a_line(job_id)
    text = operator.get(f"/admin/job/{job_id}/").text
    for shown in ("WARNING", "shop.mail", "a &lt;b&gt;line&lt;/b&gt;"):
        assert shown in text


def test_a_held_job_is_shown_as_held_and_not_with_a_date(operator: Browser) -> None:
    job = a_job("scheduled")
    ask("UPDATE job SET run_at = %s WHERE id = %s", (HELD_UNTIL, str(job)))

    details, listed = operator.get(f"/admin/job/{job}/"), operator.get("/admin/job/")

    assert "held while its task is paused" in details.text
    assert "task paused" in listed.text
    assert "9999" not in details.text + listed.text


def test_a_dead_letter_page_shows_both_exceptions(operator: Browser) -> None:
    text = operator.get(f"/admin/deadletterqueue/{a_letter()}/").text
    for shown in ("LastError", "Traceback: last", "FirstError", "Traceback: first"):
        assert shown in text


def test_a_choice_of_language_outlives_the_session(log_in: LogIn) -> None:
    log_in("admin").speak("fa")
    assert 'lang="fa"' in log_in("admin").get("/admin/").text


def test_the_browser_speaks_first(browser: Browser) -> None:
    assert 'lang="ar"' in browser.get("/admin/login/", **{"Accept-Language": "ar-IQ,en;q=.5"}).text
    assert 'lang="en"' in browser.get("/admin/login/", **{"Accept-Language": "de"}).text


def test_a_theme_is_remembered(operator: Browser) -> None:
    assert operator.post("/preferences/", {"theme": "dark"}).status_code == 303
    assert 'data-bs-theme="dark"' in operator.get("/admin/").text


@pytest.mark.parametrize("form", [{"language": "xx"}, {"theme": "pink"}])
def test_a_choice_that_does_not_exist_is_refused(browser: Browser, form: dict[str, str]) -> None:
    assert browser.post("/preferences/", form).status_code == 400


def test_persian_numbers_have_persian_digits(operator: Browser) -> None:
    job_id = a_job("completed")
    operator.speak("fa")
    facts = operator.get(f"/admin/job/{job_id}/").text
    assert re.search(r"<dd>۰</dd>", facts)
