"""One alert, channel or rule that cannot be handled keeps nobody from hearing of the others."""

from __future__ import annotations

from typing import Any

import pytest

from mahaam.alerts import channel_verbs, dispatch, rules
from mahaam.config import get_settings
from mahaam.postgres import database
from mahaam.set_aside import isolate
from mahaam.set_aside import store as set_aside_store
from tests.mahaam.alerts.conftest import look, open_subjects
from tests.mahaam.stage import Stage

ALERT = """
INSERT INTO alert (rule_id, subject, severity, what, path)
VALUES (%s, %s, 'critical', %s, '/admin/') RETURNING id
"""
READABLE = '{"template": "It fails.", "values": {}}'


@pytest.fixture(autouse=True)
def _nothing_aside(quiet: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WEBHOOK_ALLOW", "127.0.0.1")
    get_settings.cache_clear()
    quiet.ask("DELETE FROM set_aside")
    isolate.learn([])
    yield
    isolate.learn([])
    get_settings.cache_clear()


def a_rule(*channels: int) -> int:
    return rules.create_rule(
        {
            "name": "r",
            "kind": "job_failed",
            "severity": "critical",
            "cooldown_s": 0,
            "channels": [*channels],
        },
        by="ann",
    )


def a_hook(name: str) -> int:
    hook = {"name": name, "kind": "webhook", "url": "http://127.0.0.1/hook", "secret": "x" * 20}
    return channel_verbs.create_channel(hook, by="ann")


def an_alert(stage: Stage, rule: int, what: str) -> int:
    subject = f"group:{what[:9]}"
    return int(stage.ask(ALERT, rule, subject, what)[0]["id"])


def test_an_alert_that_cannot_be_read_is_put_aside_and_the_other_is_told(quiet: Stage) -> None:
    rule = a_rule(a_hook("h"))
    bad, good = an_alert(quiet, rule, '{"old": "shape"}'), an_alert(quiet, rule, READABLE)
    quiet.ask(
        "UPDATE alert_rule SET is_enabled = false"
    )  # it finds nothing: the alerts stay as they are
    quiet.ask("UPDATE alert SET closed_at = NULL, gone_at = NULL")
    tell()
    told = quiet.ask("SELECT alert_ids FROM alert_delivery")
    assert [row["alert_ids"] for row in told] == [[good]]
    assert quiet.ask("SELECT loop, key FROM set_aside") == [{"loop": "alerts", "key": str(bad)}]


def test_an_alert_that_can_be_read_again_is_told(quiet: Stage) -> None:
    rule = a_rule(a_hook("h"))
    bad = an_alert(quiet, rule, '{"old": "shape"}')
    tell()
    assert quiet.ask("SELECT FROM alert_delivery") == []
    quiet.ask("UPDATE alert SET what = %s", READABLE)
    quiet.ask("UPDATE set_aside SET retry_at = now()")
    isolate.learn(database.repeatable(set_aside_store.all_of_them))
    tell()
    assert [row["alert_ids"] for row in quiet.ask("SELECT alert_ids FROM alert_delivery")] == [
        [bad]
    ]
    assert quiet.ask("SELECT FROM set_aside") == []


def test_a_rule_that_cannot_be_looked_at_keeps_no_other_one_back(quiet: Stage) -> None:
    broken, sound = (
        a_rule(),
        rules.create_rule(
            {"name": "sound", "kind": "worker_lost", "severity": "warning"}, by="ann"
        ),
    )
    quiet.ask("UPDATE alert_rule SET parameters = '{\"no\": 1}' WHERE id = %s", broken)
    quiet.ask(
        "INSERT INTO worker (id, host, pid, version, queues, greenlets, state, lease_until, stopped_at)"
        " VALUES (gen_random_uuid(), 'h', 1, '1', '{}', 4, 'lost', now(), now())"
    )
    look(quiet)
    assert open_subjects(quiet) != []
    faults = {row["id"]: row["fault"] for row in quiet.ask("SELECT id, fault FROM alert_rule")}
    assert faults[sound] is None
    assert "FieldNotValid" in faults[broken]


def tell() -> None:
    """Tell of the alerts that are there."""
    database.repeatable(dispatch.tell, atomic=True)
