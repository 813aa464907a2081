"""What the console writes down and links to holds no secret."""

from __future__ import annotations

import json

from flask import Flask

from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import ask

SECRET = "Vt5Lxm97"


def test_a_password_typed_into_the_address_is_written_down_nowhere(app: Flask) -> None:
    for typed in (SECRET, f"{SECRET}@example.com", f"p@ss{SECRET}"):
        Browser(app).log_in(typed)
    events = ask("SELECT actor, targets, refused FROM audit_event WHERE verb = 'login'")
    assert events
    assert SECRET.lower() not in repr(events).lower()


def test_a_failed_login_to_an_account_names_it(app: Flask) -> None:
    Browser(app).log_in(" Viewer@example.com", "wrong")
    event = ask(
        "SELECT actor, targets FROM audit_event WHERE refused = 'wrong' ORDER BY id DESC LIMIT 1"
    )
    assert event == [("viewer@example.com", ["viewer@example.com"])]


def test_a_kept_filter_of_an_earlier_release_leads_to_no_secret(log_in: LogIn) -> None:
    kept = json.dumps({"error": f"password={SECRET}", "argument": f'{{"token": "{SECRET}"}}'})
    ask(
        "INSERT INTO operation (verb, kind, parameters, filter, created_by, expected, reason)"
        " VALUES ('retry', 'job', '{}', %s, 'ann', 1, %s)",
        (kept, f"token={SECRET}"),
    )
    ((operation,),) = ask("SELECT max(id) FROM operation")
    person = ask('SELECT id FROM "user" WHERE email = %s', ("viewer@example.com",))[0][0]
    ask("INSERT INTO saved_view (owner_id, name, filter) VALUES (%s, 'old', %s)", (person, kept))
    viewer = log_in("viewer")
    for path in ("/admin/operation/", f"/admin/operation/{operation}/", "/admin/job/"):
        page = viewer.get(path).text
        assert SECRET not in page
    ask("DELETE FROM saved_view")


def test_a_reason_and_a_filter_are_masked_in_the_audit(log_in: LogIn) -> None:
    form = {
        "action": "retry",
        "scope": "all",
        "url": "/admin/job/",
        "confirmed": "yes",
        "until": "",
    }
    log_in("operator").post(
        "/admin/job/action/?state=failed", form | {"reason": f"password={SECRET}"}
    )
    assert SECRET not in repr(ask("SELECT reason, filter, before, after, targets FROM audit_event"))
