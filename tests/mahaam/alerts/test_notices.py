"""Who is told, how often, and when nobody is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mahaam.alerts import channel_verbs, rules, verbs
from mahaam.alerts.messages.alert_message import Item, Message
from mahaam.alerts.messages.texts import words
from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.core.translatable import Translatable
from tests.mahaam.alerts.conftest import alerts, look
from tests.mahaam.alerts.test_rules import a_letter
from tests.mahaam.stage import Stage

HOOK = {"name": "hook", "kind": "webhook", "url": "http://127.0.0.1:1/"}


@pytest.fixture
def hook(quiet: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A channel, and a rule that tells through it of failed jobs."""
    monkeypatch.setenv("WEBHOOK_ALLOW", "127.0.0.1")
    monkeypatch.setenv("WEBHOOK_PORTS", "1-65535")
    get_settings.cache_clear()
    id_ = channel_verbs.create_channel(HOOK, by="ann")
    rules.create_rule(
        {"name": "failed", "kind": "job_failed", "severity": "critical", "channels": [id_]},
        by="ann",
    )
    yield id_
    get_settings.cache_clear()


def told(stage: Stage) -> list[tuple[str, int]]:
    """What is on its way: about what, and how many items."""
    rows = stage.ask("SELECT about, message -> 'count' AS count FROM alert_delivery ORDER BY id")
    return [(row["about"], row["count"]) for row in rows]


def mend(stage: Stage) -> None:
    stage.ask("UPDATE dead_letter SET resolved_at = now(), resolved_by = 'ann'")


def test_people_are_told_once_when_it_opens_and_once_when_it_closes(
    quiet: Stage, hook: int
) -> None:
    a_letter()(quiet)
    for _ in range(3):
        look(quiet)
    assert told(quiet) == [("opened", 1)]
    mend(quiet)
    for _ in range(3):
        look(quiet)
    assert told(quiet) == [("opened", 1), ("closed", 1)]
    jobs = quiet.ask("SELECT task, queue, priority FROM job WHERE task LIKE 'mahaam.alerts%'")
    assert {(job["task"], job["queue"]) for job in jobs} == {
        ("mahaam.alerts.tasks.deliver", "notifications")
    }


@pytest.mark.parametrize(("causes", "expected"), [(3, [("opened", 1)] * 3), (4, [("digest", 4)])])
def test_many_at_once_are_a_digest(
    quiet: Stage, hook: int, causes: int, expected: list[tuple[str, int]]
) -> None:
    for number in range(causes):
        a_letter(f"f{number}")(quiet)
    look(quiet)
    assert told(quiet) == expected


def test_the_same_subject_is_told_again_after_the_cooldown(quiet: Stage, hook: int) -> None:
    a_letter()(quiet)
    look(quiet)
    mend(quiet)
    look(quiet)
    a_letter()(quiet)
    look(quiet)
    assert [about for about, _count in told(quiet)] == ["opened", "closed"]
    quiet.ask("UPDATE alert SET notified_at = notified_at - interval '1 hour'")
    look(quiet)
    assert [about for about, _count in told(quiet)] == ["opened", "closed", "opened"]


@pytest.mark.parametrize("quiet_by", ["silence", "acknowledge", "maintenance"])
def test_nobody_is_told_when_somebody_wants_quiet(quiet: Stage, hook: int, quiet_by: str) -> None:
    quiet.ask("UPDATE alert_rule SET channels = '{}'")  # it opens, and nobody is told yet
    a_letter()(quiet)
    look(quiet)
    (alert,) = alerts(quiet)
    now = datetime.now(UTC)
    if quiet_by == "silence":
        verbs.silence_alerts([alert["id"]], minutes=60, by="ann")
    elif quiet_by == "acknowledge":
        verbs.acknowledge_alerts([alert["id"]], by="ann")
    else:
        soon = now + timedelta(hours=1)
        id_ = verbs.begin_maintenance(now - timedelta(hours=1), soon, reason="move", by="ann")
    quiet.ask("UPDATE alert_rule SET channels = ARRAY[%s::bigint]", hook)
    look(quiet)
    assert told(quiet) == []
    if quiet_by == "maintenance":
        assert verbs.end_maintenance(id_, by="ann")
        assert not verbs.end_maintenance(id_, by="ann")
        look(quiet)
        assert told(quiet) == [("opened", 1)]


def test_a_closed_alert_of_whom_nobody_heard_is_not_told(quiet: Stage, hook: int) -> None:
    quiet.ask("UPDATE alert_rule SET channels = '{}'")
    a_letter()(quiet)
    look(quiet)
    quiet.ask("UPDATE alert_rule SET channels = ARRAY[%s::bigint]", hook)
    mend(quiet)
    look(quiet)
    assert told(quiet) == []


def test_nobody_is_told_that_nobody_can_be_told(quiet: Stage, hook: int) -> None:
    a_letter(task="mahaam.alerts.tasks.deliver")(quiet)
    look(quiet)
    assert len(alerts(quiet)) == 1
    assert told(quiet) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE channel SET is_enabled = false",
        "UPDATE channel SET kind = 'email', url = NULL, secret = NULL",  # and no mail server
    ],
)
def test_a_channel_that_reaches_nobody_gets_no_message(
    quiet: Stage, hook: int, change: str
) -> None:
    quiet.ask(change)
    a_letter()(quiet)
    look(quiet)
    assert told(quiet) == []
    assert alerts(quiet)[0]["notified_at"] is None


def test_letters_of_a_told_cause_count_as_notified(quiet: Stage, hook: int) -> None:
    a_letter()(quiet)
    a_letter("other", task="u")(quiet)
    quiet.ask('UPDATE alert_rule SET parameters = \'{"task": "t"}\'')
    look(quiet)
    rows = quiet.ask("SELECT fingerprint, notified_at IS NOT NULL AS is_told FROM dead_letter")
    assert {row["fingerprint"]: row["is_told"] for row in rows} == {"f": True, "other": False}


def test_verbs_say_why_not(quiet: Stage, hook: int) -> None:
    a_letter()(quiet)
    look(quiet)
    (alert,) = alerts(quiet)
    id_ = alert["id"]
    assert verbs.acknowledge_alerts([id_], by="ann").done == (id_,)
    assert "acknowledged by ann" in str(verbs.acknowledge_alerts([id_], by="bob").refused[id_])
    assert verbs.resolve_alerts([id_], by="ann").done == (id_,)
    for again in (verbs.resolve_alerts, verbs.acknowledge_alerts):
        assert "is closed" in str(again([id_], by="bob").refused[id_])
    assert "No alert" in str(next(iter(verbs.resolve_alerts([2**70], by="x").refused.values())))
    with pytest.raises(OptionNotValid):
        verbs.silence_alerts([id_], minutes=0, by="x")


@pytest.mark.parametrize(
    ("starts", "ends", "reason"), [(0, 60, ""), (60, 0, "x"), (-60, -10, "x"), (0, 0, "x")]
)
def test_nonsense_is_no_maintenance(quiet: Stage, starts: int, ends: int, reason: str) -> None:
    now = datetime.now(UTC)
    with pytest.raises(OptionNotValid):
        verbs.begin_maintenance(
            now + timedelta(minutes=starts), now + timedelta(minutes=ends), reason=reason, by="ann"
        )


HOSTILE = "x\r\nBcc: all@example.com\r\n\r\n<script>\x00\u2028"


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_no_text_breaks_out_of_a_subject(stage: Stage, language: str) -> None:
    what = Translatable("%(task)s fails for good: %(error)s").about(task=HOSTILE, error="y" * 5000)
    message = Message(1, "opened", [Item(what, "/admin/")], 1)
    subject = message.subject(words(language))
    assert subject.isprintable() or set(subject) & {"\u2068", "\u2069"}
    assert "\n" not in subject
    assert "\r" not in subject
    assert len(subject) <= 150


def test_secrets_are_masked_in_what_is_told() -> None:
    what = Translatable("%(task)s: %(error)s").about(task="t", error="password=hunter2 refused")
    kept: dict[str, Any] = Item(what, "/", detail="token: abcdef").kept()
    item = Item.of_kept(kept)
    assert "hunter2" not in str(item.what)
    assert "abcdef" not in item.detail
