"""Settings of users' own: declared in code, typed, read by one call, seen by running consumers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mahaam import setting, verbs
from mahaam.core.errors import OptionNotValid
from mahaam.core.field import FieldNotValid
from mahaam.live_settings import current
from mahaam.live_settings.definitions import SETTINGS
from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _as_before(stage: Stage) -> Iterator[None]:
    known = dict(SETTINGS)
    stage.ask("DELETE FROM setting")
    current.forget()
    yield
    SETTINGS.clear()
    SETTINGS.update(known)
    stage.ask("DELETE FROM setting")
    current.forget()


def not_odd(value: int) -> None:
    if value % 2:
        raise ValueError("it must be even")


# default, further options, what is typed, what it means; None: it is refused
TYPED: tuple[tuple[Any, dict[str, Any], str, Any], ...] = (
    (False, {}, "on", True),
    (True, {}, "off", False),
    (True, {}, "true", None),
    (5, {}, "-7", -7),
    (5, {}, "1234567", 1_234_567),
    (5, {}, "12345678901234567890", None),
    (5, {}, "1.5", None),
    (5, {"low": 1, "high": 60}, "60", 60),
    (5, {"low": 1, "high": 60}, "61", None),
    (4, {"check": not_odd}, "6", 6),
    (4, {"check": not_odd}, "5", None),
    ("x", {}, "سلام", "سلام"),
    ("x", {}, "", ""),
    ("x", {}, "x" * 501, None),
    ("x", {}, "a\nb", None),
    ("a\nb", {}, "1\r\n2", "1\n2"),
    ("a\nb", {}, "1\x002", None),
    ("red", {"choices": ("red", "blue")}, "blue", "blue"),
    ("red", {"choices": ("red", "blue")}, "green", None),
    (["a"], {}, "b, c\nd", ["b", "c", "d"]),
    ([], {}, "b", ["b"]),
    ([1], {}, "2, -3", [2, -3]),
    ([1], {}, "", []),
    ([1], {}, "2, x", None),
)


@pytest.mark.parametrize(("default", "options", "text", "value"), TYPED)
def test_what_is_typed_is_checked_by_the_default(
    stage: Stage, default: Any, options: dict[str, Any], text: str, value: Any
) -> None:
    of_this_test = setting("of_this_test", default, **options)
    assert of_this_test() == default
    if value is None:
        with pytest.raises(FieldNotValid):
            verbs.change_setting("of_this_test", text, by="ann")
        assert of_this_test() == default
    else:
        verbs.change_setting("of_this_test", text, by="ann")
        assert (of_this_test(), type(of_this_test())) == (value, type(default))


@pytest.mark.parametrize(
    ("name", "default", "options"),
    [
        ("Sync", 1, {}),
        ("", 1, {}),
        ("1st", 1, {}),
        ("a b", 1, {}),
        ("a" * 101, 1, {}),
        ("api_token", "x", {}),
        ("db_password", "x", {}),
        ("undo_window_s", 1, {}),
        ("ratio", 1.5, {}),
        ("nothing", None, {}),
        ("table", {"a": 1}, {}),
        ("small", 0, {"low": 1}),
        ("odd", 5, {"check": not_odd}),
        ("colour", "pink", {"choices": ("red",)}),
        ("names", ["a,b"], {}),
    ],
)
def test_what_cannot_be_a_setting_is_refused(
    name: str, default: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(OptionNotValid):
        setting(name, default, **options)


def test_a_reason_is_told_as_the_check_says_it(stage: Stage) -> None:
    setting("even", 4, check=not_odd)
    with pytest.raises(FieldNotValid, match="it must be even"):
        verbs.change_setting("even", "5", by="ann")


def test_a_value_of_an_older_kind_counts_as_the_default(stage: Stage) -> None:
    setting("sort", "abc")
    verbs.change_setting("sort", "down", by="ann")
    newer = setting("sort", 3)
    assert newer() == 3


def test_a_reset_gives_the_default_again_and_is_audited(stage: Stage) -> None:
    kept = setting("kept", 3)
    verbs.change_setting("kept", "9", by="ann")
    assert verbs.reset_setting("kept", by="bob")
    assert kept() == 3
    assert not verbs.reset_setting("kept", by="bob")
    (event,) = stage.ask(
        "SELECT * FROM audit_event WHERE actor = 'bob' AND targets = ARRAY['kept']"
    )
    assert (event["before"], event["after"]) == (9, 3)


def test_a_running_consumer_sees_a_change_within_two_seconds(stage: Stage) -> None:
    with stage.here(), stage.consumer() as consumer:
        consumer.wait_ready()
        assert jobs.how_patient().get(blocking=True, timeout=within(10)) == 5
        verbs.change_setting("shop.patience_min", "42", by="ann")
        wait_until(
            lambda: jobs.how_patient().get(blocking=True, timeout=within(10)) == 42, timeout_s=2
        )
        assert consumer.stop() == 0
