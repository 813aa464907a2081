"""`flask settings`: what the page of settings does, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mahaam.live_settings import current
from tests.cli.conftest import Flask_
from tests.dashboard.rows import ask


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    ask("DELETE FROM setting")
    current.forget()
    yield
    ask("DELETE FROM setting")
    current.forget()


def shown(flask: Flask_, name: str) -> dict[str, Any]:
    return dict(json.loads(flask("settings", "show", name, "--json").out))


def test_a_setting_is_listed_shown_set_and_reset(flask: Flask_) -> None:
    assert "undo_window_s" in flask("settings", "list").out
    answer = flask("settings", "set", "undo_window_s", "20")
    assert (answer.code, answer.out) == (0, "Setting undo_window_s was changed.\n")
    assert (
        shown(flask, "undo_window_s")["value"],
        flask("settings", "show", "undo_window_s").out,
    ) == (
        20,
        "20\n",
    )
    assert shown(flask, "undo_window_s")["changed_by"].startswith("cli:")
    assert flask("settings", "set", "undo_window_s", "20").out == "Nothing was changed.\n"
    assert flask("settings", "reset", "undo_window_s").code == 0
    assert shown(flask, "undo_window_s")["value"] == shown(flask, "undo_window_s")["default"]
    listed = json.loads(flask("settings", "list", "--json").out)
    assert {row["group"] for row in listed} >= {"retention", "console", "safety"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "nonsense"), "There is no setting nonsense."),
        (("set", "nonsense", "1"), "There is no setting nonsense."),
        (("reset", "nonsense"), "There is no setting nonsense."),
        (("set", "undo_window_s", "-1"), "undo_window_s: Enter a whole number from 0 to 300."),
        (("set", "environment_colour", "pink"), "environment_colour: Choose one of the list."),
    ],
)
def test_bad_input_gets_a_sentence(flask: Flask_, words: tuple[str, ...], sentence: str) -> None:
    answer = flask("settings", *words)
    assert (answer.code, answer.err.strip()) == (2, sentence)
