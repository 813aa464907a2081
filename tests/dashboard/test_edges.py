"""What is refused before a page is made: wrong host names, too many fields, JSON that means nothing."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from flask import Flask

from dashboard import create_app
from dashboard.auth.login_required import PUBLIC
from dashboard.web.bounded_request import MOST_FIELDS
from mahaam.config import get_settings
from tests.dashboard import walk
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import CHEAP, LogIn
from tests.dashboard.test_every_page import some_ids

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application, which answers to jobs.example.com and to all below example.org."""
    monkeypatch.setenv("TRUSTED_HOSTS", "jobs.example.com,.example.org")
    get_settings.cache_clear()
    return create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP)


@pytest.mark.parametrize(
    "host", ["jobs.example.com", "JOBS.example.com:8443", "a.example.org", "example.org"]
)
def test_a_name_of_ours_is_answered(named: Flask, host: str) -> None:
    assert Browser(named).get("/admin/login/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "jobs.example.com.evil.example", "xjobs.example.com", "evilexample.org",
     "127.0.0.1", "localhost", "jobs.example.com@evil.example", ""],
)  # fmt: skip
def test_another_name_is_a_400_with_a_sentence(named: Flask, host: str) -> None:
    page = Browser(named).get("/admin/login/", Host=host)
    assert page.status_code == 400
    assert "TRUSTED_HOSTS" in page.text


def test_a_probe_asks_by_address(named: Flask) -> None:
    assert Browser(named).get("/healthz", Host="10.1.2.3:8000").status_code == 200


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "<script>", "a:b", "jobs\texample"])
def test_what_is_no_host_name_is_refused_without_a_list(browser: Browser, host: str) -> None:
    assert browser.get("/admin/login/", Host=host).status_code == 400


def test_without_login_every_page_leads_to_it_with_and_without_its_last_slash(app: Flask) -> None:
    ids = some_ids()
    for rule in walk.pages(app):
        if rule.endpoint in PUBLIC:
            continue
        path = walk.address(rule, ids)
        for asked in {path, path.rstrip("/") or "/"}:
            answer = Browser(app).get(asked)
            assert answer.status_code == 302, (asked, answer.status)
            assert answer.location.startswith("/admin/login/"), (asked, answer.location)


@pytest.mark.parametrize("path", ["/admin/login/", "/jobs/create/", "/admin/job/action/"])
def test_a_form_of_too_many_fields_is_a_413(operator: Browser, path: str) -> None:
    body = "&".join(["a"] * (MOST_FIELDS + 1))
    answer = operator.client.post(path, data=body, content_type=FORM)
    assert answer.status_code == 413
    assert "1,000 fields" in answer.text


def test_a_form_of_many_parts_is_a_413_too(operator: Browser) -> None:
    fields = {f"field{number}": "x" for number in range(MOST_FIELDS + 1)}
    answer = operator.client.post("/jobs/create/", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 413


def test_as_many_fields_as_are_allowed_are_read(operator: Browser) -> None:
    fields = [("action", "retry"), ("csrf_token", operator.token())]
    fields += [("x", "")] * (MOST_FIELDS - len(fields))
    answer = operator.client.post("/admin/job/action/", data=urlencode(fields), content_type=FORM)
    assert answer.status_code == 303  # nothing is ticked


@pytest.mark.parametrize("text", ['{"value": 1e400}', '{"value": NaN}', '{"value": 1, "value": 2}'])
@pytest.mark.parametrize(
    ("role", "path", "form"),
    [
        ("operator", "/jobs/create/", {"task": "tasks.demo.echo", "as": "json", "args": "[]"}),
        (
            "admin",
            "/admin/schedule/form/",
            {"name": "n", "task": "tasks.demo.echo", "kind": "cron"},
        ),
        ("admin", "/admin/definition/form/", {"name": "n", "task": "tasks.demo.echo"}),
    ],
)
def test_json_that_means_nothing_is_refused_by_each_form(
    log_in: LogIn, role: str, path: str, form: dict[str, str], text: str
) -> None:
    answer = log_in(role).post(path, form | {"kwargs": text})
    assert answer.status_code == 400
    assert "is not a number that can be stored" in answer.text or "twice" in answer.text
