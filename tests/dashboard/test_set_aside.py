"""What a loop could not handle is shown with its reason, and can be tried again at once."""

from __future__ import annotations

from tests.dashboard.browser import Browser
from tests.dashboard.rows import ask

PUT = """
INSERT INTO set_aside (loop, key, reason, tries, retry_at)
VALUES (%(loop)s, %(key)s, 'CheckViolation: password=hunter22 is not sound', 3, now() + interval '1 hour')
"""
JOB = "01a00000-0000-7000-8000-00000000abcd"


def put_aside(loop: str = "due", key: str = JOB) -> None:
    ask("DELETE FROM set_aside")
    ask(PUT, {"loop": loop, "key": key})


def test_a_row_is_shown_with_its_reason_and_on_the_overview(operator: Browser) -> None:
    put_aside()
    page = operator.get("/admin/set_aside/").text
    assert "make a job due" in page
    assert "CheckViolation" in page
    assert "hunter22" not in page
    ask("DELETE FROM set_aside")
    assert "Nothing is put aside." in operator.get("/admin/set_aside/").text


def test_an_operator_has_it_tried_again(operator: Browser) -> None:
    put_aside()
    values = {"loop": "due", "key": JOB}
    assert operator.post("/admin/set_aside/again/", values).location == "/admin/set_aside/"
    assert ask("SELECT retry_at <= now() FROM set_aside") == [(True,)]
    ((verb, targets),) = ask("SELECT verb, targets FROM audit_event ORDER BY id DESC LIMIT 1")
    assert verb == "try_again"
    assert JOB in str(targets)


def test_what_is_handled_meanwhile_is_said(operator: Browser) -> None:
    ask("DELETE FROM set_aside")
    operator.post("/admin/set_aside/again/", {"loop": "due", "key": JOB})
    assert "It is not put aside any more." in operator.get("/admin/set_aside/").text
