"""What a loop could not handle is shown with its reason, and can be tried again at once."""

from __future__ import annotations

from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_channel, a_rule, an_alert, ask, put_aside

JOB = "01a00000-0000-7000-8000-00000000abcd"


def test_a_row_is_shown_with_its_reason_and_on_the_overview(operator: Browser) -> None:
    put_aside(JOB, "CheckViolation: password=hunter22 is not sound")
    page = operator.get("/admin/set_aside/").text
    assert "make a job due" in page
    assert "CheckViolation" in page
    assert "hunter22" not in page
    ask("DELETE FROM set_aside")
    assert "Nothing is put aside." in operator.get("/admin/set_aside/").text


def test_an_operator_has_it_tried_again(operator: Browser) -> None:
    put_aside(JOB)
    values = {"loop": "due", "key": JOB}
    assert operator.post("/admin/set_aside/again/", values).location == "/admin/set_aside/"
    assert ask("SELECT retry_at <= now() FROM set_aside") == [(True,)]
    ((verb, targets),) = ask("SELECT verb, targets FROM audit_event ORDER BY id DESC LIMIT 1")
    assert verb == "try_again"
    assert JOB in str(targets)


def test_what_is_handled_meanwhile_is_said(operator: Browser) -> None:
    operator.post("/admin/set_aside/again/", {"loop": "due", "key": JOB})
    assert "It is not put aside any more." in operator.get("/admin/set_aside/").text


def test_a_message_shows_what_became_of_it_for_each_recipient(operator: Browser) -> None:
    an_alert(a_rule(a_channel()), text="550 <i>no</i> such user password=hunter22")
    page = operator.get("/admin/channel/").text
    assert "1 of 3 sent" in page
    for address, words in (("ann", "sent"), ("bob", "refused"), ("a.rather.long.name", "given up")):
        assert f"{address}@" in page
        assert words in page
    assert "550 &lt;i&gt;no&lt;/i&gt; such user" in page
    assert "hunter22" not in page
