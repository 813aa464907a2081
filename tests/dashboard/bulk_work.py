"""Operations for the pages to show, and the forms that begin them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from mahaam import verbs
from mahaam.operations import lifecycle
from mahaam.search.job_filter import JobFilter
from tests.dashboard.browser import Browser
from tests.dashboard.rows import ask

JOBS, LETTERS = "/admin/job/action/", "/admin/deadletterqueue/action/"
UNTIL = re.compile(r'name="until" value="([^"]*)"')
# What each verb asks for beside the rows.
FIELDS = {
    "set_priority": {"priority": "7"},
    "move": {"queue": "orders"},
    "reschedule": {"delay": "3600"},
    "annotate": {"note": "seen"},
}


def an_operation(*jobs: UUID) -> int:
    """The id of an operation that cancelled those of `jobs` that it could."""
    order = verbs.OperationRequest("cancel", "ann@example.com", reason="<b>a test</b>")
    return verbs.carry_out(order, jobs, wanted=None).operation_id


def a_waiting_operation(verb: str = "retry") -> int:
    """The id of an operation that no consumer has begun."""
    return verbs.start(verbs.OperationRequest(verb, "ann@example.com"), JobFilter(state="failed"))


def work_off() -> None:
    """Be the consumer until all operations are at their end."""
    while lifecycle.work_on_next():
        pass


def act(browser: Browser, path: str, action: str, *ids: object, **more: str) -> TestResponse:
    """Send an action that has been confirmed."""
    form = {"action": action, "rowid": [str(id_) for id_ in ids], "confirmed": "yes"}
    return browser.post(path, form | {"url": "/admin/job/?state=failed"} | fields(action) | more)


def act_on_all(browser: Browser, path: str, action: str, **more: str) -> TestResponse:
    """Preview an action on all that match, then confirm it."""
    form = {"action": action, "scope": "all", "url": "/admin/job/", "reason": "a test"}
    found = UNTIL.search(browser.post(path, form).text)
    until = found[1] if found else ""
    confirmed = {"confirmed": "yes", "until": until}
    return browser.post(path, form | confirmed | fields(action) | more)


def fields(action: str) -> dict[str, str]:
    """What is typed beside the rows."""
    return FIELDS.get(action, {})


def newest_operation() -> dict[str, Any]:
    """The operation that was made last."""
    rows = ask("SELECT row_to_json(operation) FROM operation ORDER BY id DESC LIMIT 1")
    assert rows, "there is none"
    return dict(rows[0][0])
