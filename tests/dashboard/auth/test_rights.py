"""Every role on every route with every method: what the table says, and nothing else, goes through.

The routes are those of the application, so that a new one without a row here fails the test.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.actions import catalog, direct
from dashboard.actions.direct import DirectAction
from dashboard.auth import access
from dashboard.auth.accounts import create_person
from tests.dashboard import walk
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_job, a_letter, ask

PUBLIC, SIGNED_IN = "public", "signed in"

# endpoint -> the verb that it needs, PUBLIC, or SIGNED_IN; by method where they differ
NEEDED: dict[str, str | dict[str, str]] = {
    "static": PUBLIC,
    "healthz": PUBLIC,
    "livez": PUBLIC,
    "readyz": PUBLIC,
    "root": "look",
    "sign_in.form": PUBLIC,
    "sign_in.enter": PUBLIC,
    "sign_in.leave": SIGNED_IN,
    "preferences.save": PUBLIC,
    "admin.index": "look",
    "job.index": "look",
    "job.count": "look",
    "job.details": "look",
    "job.export": "export",
    "job.action_view": "retry",
    "view.save": "save_view",
    "view.delete": "save_view",
    "deadletterqueue.index": "look",
    "deadletterqueue.details": "look",
    "deadletterqueue.action_view": "resolve",
    "alert.index": "look",
    "alert.details": "look",
    "alert.act": "acknowledge",
    "alert.maintain": "maintain",
    "alert.end_maintenance": "maintain",
    "rule.index": "look",
    "rule.create": "rules",
    "rule.edit": "rules",
    "rule.delete": "rules",
    "channel.index": "look",
    "channel.create": "channels",
    "channel.edit": "channels",
    "channel.delete": "channels",
    "channel.test": "channels",
    "channel.again": "channels",
    "error.index": "look",
    "error.details": "look",
    "error.act": "ignore",
    "error.runbook": "runbook",
    "error.task_runbook": "runbook",
    "redrive.index": "look",
    "redrive.form": "redrive",
    "redrive.details": "look",
    "redrive.stop": "redrive",
    "job.attempt": "look",
    "job.attempts": "look",
    "job.compare": "look",
    "job.json": "look",
    "job.log": "look",
    "job_edit.index": "edit",
    "job_edit.save": "edit",
    "schedule.index": "look",
    "schedule.details": "look",
    "schedule.act": "run",
    "schedule.backfill": "backfill",
    "schedule_form.create": "define",
    "schedule_form.edit": "define",
    "schedule_form.preview": "define",
    "definition.index": "look",
    "definition.task": "look",
    "definition.details": "look",
    "definition.create": "define",
    "definition.edit": "define",
    "definition.delete": "define",
    "definition.execute": "execute",
    "execution.index": "look",
    "metrics.index": "look",
    "old_queues": "look",
    "operation.index": "look",
    "operation.details": "look",
    "operation.abort": "abort",
    "operation.undo": "undo",
    "queues.index": "look",
    "queues.details": "look",
    "queues.job": "look",
    "queues.pause": "pause",
    "queues.resume": "resume",
    "queues.sweep": "retry",
    "reconcile.index": "look",
    "reconcile.repair": "repair",
    "set_aside.index": "look",
    "set_aside.again": "repair",
    "task.index": "look",
    "task.pause": "pause",
    "task.resume": "resume",
    "worker.index": "look",
    "worker.steer": "quiet",
    "new_job.index": "create",
    "new_job.create": "create",
    "audit.index": "audit",
    "user.index": "users",
    "user.create": "users",
    "user.details": "users",
    "user.change": "users",
    "setting.index": "settings",
    "setting.save": "settings",
    "account.index": SIGNED_IN,
    "account.password": SIGNED_IN,
    "account.end_session": SIGNED_IN,
    "account.logout_everywhere": SIGNED_IN,
}
# What a form must hold so that the refusal is one of the role and not of the form.
FORMS: dict[str, dict[str, Any]] = {
    "job.action_view": {"action": "retry"},
    "deadletterqueue.action_view": {"action": "resolve"},
    "schedule.act": {"action": "run"},
    "error.act": {"action": "ignore"},
    "alert.act": {"action": "acknowledge"},
}
ENDS_SESSIONS = {"sign_in.leave", "account.logout_everywhere"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Flask-Admin serves its own files under these; they are not ours and hold nothing.
FOREIGN = {"admin.static"}


def routes(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in FOREIGN]


@pytest.fixture
def visitors(app: Flask, log_in: LogIn) -> Visitors:
    """People of every role, and rows that exist for the addresses that need one."""
    return Visitors(app, log_in)


class Visitors:
    """Asks for routes, each role with one browser: a token is read once."""

    def __init__(self, app: Flask, log_in: LogIn) -> None:
        self._app = app
        self._ids = walk.PARTS | {"id": a_job(), "deadletterqueue.id": a_letter()}
        self._browsers = {
            role: log_in(role) if role else Browser(app) for role in (None, *access.RANKS)
        }

    def ask(self, rule: Rule, method: str, role: str | None) -> str:
        """What becomes of a request: allowed, refused, login, missing or no such method."""
        browser = self._browsers[role]
        if rule.endpoint in ENDS_SESSIONS and role and method == "POST":
            browser = somebody_else(self._app, role)
        form = {**FORMS.get(rule.endpoint, {}), "csrf_token": browser.token()}
        answer = browser.client.open(
            walk.address(rule, self._ids), method=method, data=None if method == "GET" else form
        )
        answer.close()
        words = {401: "login", 403: "refused", 404: "missing", 405: "no such method"}
        is_wrong_password = rule.endpoint == "sign_in.enter" and answer.status_code == 401
        if answer.status_code in words and not is_wrong_password:
            return words[answer.status_code]
        if answer.status_code == 302 and answer.location.startswith("/admin/login/"):
            return "login"
        assert answer.status_code < 500, (rule, method, answer.status_code)
        return "allowed"


def test_every_route_has_a_row(app: Flask) -> None:
    missing = {rule.endpoint for rule in routes(app)} - NEEDED.keys()
    assert not missing, f"Say in NEEDED who may use {sorted(missing)}."


@pytest.mark.parametrize("role", [None, *access.RANKS])
def test_a_role_may_do_what_the_table_says(
    app: Flask, visitors: Visitors, role: str | None
) -> None:
    wrong = []
    for rule in routes(app):
        for method in METHODS:
            answer = visitors.ask(rule, method, role)
            is_right = answer in expected(rule, method, role)
            if not is_right:
                wrong.append((rule.endpoint, method, answer, expected(rule, method, role)))
    assert not wrong


def expected(rule: Rule, method: str, role: str | None) -> tuple[str, ...]:
    needed = NEEDED[rule.endpoint]
    verb = needed if isinstance(needed, str) else needed.get(method, "")
    others = [
        one
        for one in rule.map.iter_rules()
        if str(one) == str(rule) and method in (one.methods or ())
    ]
    if not others:
        return ("missing",) if role is None else ("no such method",)
    if rule.endpoint != others[0].endpoint:  # the same address with another method has its own row
        return ("allowed", "refused", "login", "missing")
    if verb == PUBLIC:
        return ("allowed", "no such method")
    if role is None:
        return ("login",)
    if verb == SIGNED_IN or access.RANKS[role] >= access.RANKS[access.NEEDED[verb]]:
        return ("allowed", "missing")
    return ("refused",)


def somebody_else(app: Flask, role: str) -> Browser:
    """Somebody of this role whose sessions no other test needs."""
    email = f"{uuid.uuid4().hex}@example.com"
    with app.app_context():
        create_person(email, password=PASSWORD, role=role)
    browser = Browser(app)
    browser.log_in(email)
    return browser


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_refusal_is_audited(app: Flask, visitors: Visitors, role: str) -> None:
    for rule in routes(app):
        needed = NEEDED[rule.endpoint]
        if not isinstance(needed, str) or needed not in access.NEEDED:
            continue
        if access.RANKS[role] >= access.RANKS[access.NEEDED[needed]]:
            continue
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        before = newest_event()
        assert visitors.ask(rule, method, role) == "refused"
        assert newest_event() > before
        event = ask(
            "SELECT actor, verb, kind, channel, refused FROM audit_event ORDER BY id DESC LIMIT 1"
        )[0]
        assert event == (f"{role}@example.com", needed, "page", "console", "role"), rule


def newest_event() -> int:
    return int(ask("SELECT coalesce(max(id), 0) FROM audit_event")[0][0])


@pytest.mark.parametrize("verb", sorted(access.NEEDED))
def test_a_bulk_action_of_a_form_is_refused_by_its_own_verb(log_in: LogIn, verb: str) -> None:
    for page, own in (
        ("/admin/job/action/", tuple(catalog.JOB)),
        ("/admin/deadletterqueue/action/", tuple(catalog.LETTER)),
    ):
        if verb in own:
            form = {"action": verb, "rowid": str(uuid.uuid4()), "confirmed": "yes"}
            assert log_in("viewer").post(page, form).status_code == 403


@pytest.mark.parametrize(
    ("page", "acts"),
    [
        ("/admin/error/act/", direct.of_kind("error_group")),
        ("/admin/alert/act/", direct.of_kind("alert")),
        ("/admin/schedule/act/", direct.of_kind("schedule")),
    ],
)
@pytest.mark.parametrize("role", access.RANKS)
def test_each_verb_of_a_list_is_refused_by_its_own_right(
    log_in: LogIn, page: str, acts: dict[str, DirectAction], role: str
) -> None:
    for verb, act in acts.items():
        answer = log_in(role).post(page, {"action": verb, "rowid": "1", "confirmed": "yes"})
        is_allowed = access.RANKS[role] >= access.RANKS[access.NEEDED[act.right]]
        assert (answer.status_code != 403) is is_allowed, (verb, answer.status_code)
