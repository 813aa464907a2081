"""Settings that change while the product runs: typed, checked, audited, seen by all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mahaam import verbs
from mahaam.core.field import FieldNotValid
from mahaam.live_settings import current
from mahaam.live_settings.definitions import SETTINGS
from mahaam.redaction.redact import MASK, masked
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _defaults(stage: Stage) -> Iterator[None]:
    stage.ask("DELETE FROM setting")
    current.forget()
    yield
    stage.ask("DELETE FROM setting")
    current.forget()


def events(stage: Stage, name: str) -> list[dict[str, Any]]:
    return stage.ask(
        "SELECT * FROM audit_event WHERE kind = 'setting' AND %s = ANY(targets) ORDER BY id", name
    )


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_a_default_can_be_typed(stage: Stage, setting: Any) -> None:
    assert setting.parse(setting.kind.text(setting.default())) == setting.default()
    assert current.value(setting.name) == setting.default()


# what is typed, what it means; None: it is refused
TYPED = (
    ("retention_failed_days", "7", 7),
    ("retention_failed_days", "0", 0),
    ("retention_failed_days", "-1", None),
    ("retention_failed_days", "3651", None),
    ("retention_failed_days", "", None),
    ("retention_failed_days", "٧", None),
    ("retention_failed_days", "1e3", None),
    ("retention_failed_days", "9" * 5000, None),
    ("retention_by_task", "a.b = 7\n\n c.d=0 ", {"a.b": 7, "c.d": 0}),
    ("retention_by_task", "", {}),
    ("retention_by_task", "a.b", None),
    ("retention_by_task", "= 7", None),
    ("retention_by_task", "a\x00b = 7", None),
    ("masked_keys", "iban, IBAN\niban\n", ["iban", "IBAN"]),
    ("masked_keys", "x" * 201, None),
    ("masked_keys", "\x00", None),
    ("environment_name", "staging", "staging"),
    ("environment_name", "", ""),
    ("environment_name", "x" * 21, None),
    ("environment_name", "a\nb", None),
    ("environment_colour", "purple", "purple"),
    ("environment_colour", "pink", None),
    ("session_idle_min", "4", None),
    ("session_idle_min", "5", 5),
)


@pytest.mark.parametrize(("name", "text", "value"), TYPED)
def test_what_is_typed_is_checked(stage: Stage, name: str, text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(FieldNotValid):
            verbs.change_setting(name, text, by="ann")
        value = SETTINGS[name].default()
    else:
        verbs.change_setting(name, text, by="ann")
    assert current.value(name) == value


def test_a_change_is_audited_with_what_was_before(stage: Stage) -> None:
    verbs.change_setting("undo_window_s", "20", by="ann")
    assert verbs.change_setting("undo_window_s", "30", by="bob")
    event = events(stage, "undo_window_s")[-1]
    assert (event["actor"], event["before"], event["after"]) == ("bob", 20, 30)


def test_the_same_value_again_is_no_change(stage: Stage) -> None:
    known = len(events(stage, "undo_window_s"))
    assert not verbs.change_setting("undo_window_s", "10", by="ann")
    assert len(events(stage, "undo_window_s")) == known
    assert stage.ask("SELECT FROM setting") == []


def test_another_process_change_is_seen_within_two_seconds(stage: Stage) -> None:
    assert current.value("undo_window_s") == 10
    stage.add("setting", name="undo_window_s", value="5")
    wait_until(lambda: current.value("undo_window_s") == 5)


def test_further_names_of_secrets_are_hidden(stage: Stage) -> None:
    assert masked({"shelf": "x"}) == {"shelf": "x"}
    verbs.change_setting("masked_keys", "shelf", by="ann")
    assert masked({"shelf": "x", "token": "y"}) == {"shelf": MASK, "token": MASK}
