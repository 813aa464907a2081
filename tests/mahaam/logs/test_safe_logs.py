"""What leaves a process in its log holds no secret, and no line of it can be forged."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable

import pytest

from mahaam.core import plain_text
from mahaam.logs.log_setup import TEXT, TIME, JsonFormatter, TextFormatter
from tests.mahaam.masked_texts import MASKED, SECRET

FORMATTERS = {"text": TextFormatter(TEXT, TIME), "json": JsonFormatter()}
FORGED = "2026-01-01T00:00:00Z ERROR    mahaam.consumer forged"
# What would begin a line, steer a terminal, or turn the reading: line breaks, ANSI, OSC, C1, bidi.
STEERING = (
    "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b[2K\x1b[1A", "\x1b]0;title\x07", "\x1b]8;;https://e.com\x1b\\",
    "\x9b31m", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069", "\u200f", "\x08", "\x00", "\x7f",
    "\ufeff", "\U000e0041",
)  # fmt: skip
UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0041]"
)
BEGINNING = re.compile(r"^\d{4}-\d\d-\d\dT", re.MULTILINE)

Write = Callable[..., str]


def written(
    form: str, message: str, *values: object, name: str = "shop", fault: object = None
) -> str:
    """A record as the process writes it."""
    exc_info = (type(fault), fault, None) if isinstance(fault, BaseException) else None
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, values, exc_info)
    return FORMATTERS[form].format(record)


def chained(text: str) -> BaseException:
    """An exception with a cause and a note, each with the text."""
    try:
        try:
            raise KeyError(text)
        except KeyError as cause:
            raise ValueError(text) from cause
    except ValueError as fault:
        fault.add_note(text)
        return fault


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("text", MASKED)
def test_no_secret_is_in_a_line(form: str, text: str) -> None:
    for line in (written(form, text), written(form, "it failed: %s", text)):
        assert "Xy7" not in line
        assert "s3cr" not in line


@pytest.mark.parametrize("form", FORMATTERS)
def test_no_secret_is_in_a_traceback_nor_in_its_causes_and_notes(form: str) -> None:
    line = written(form, "failed", fault=chained(f"no answer, password={SECRET}"))
    assert "ValueError" in line
    assert "KeyError" in line
    assert SECRET not in line


@pytest.mark.parametrize("form", FORMATTERS)
def test_what_another_formatter_has_left_in_a_record_is_not_taken(form: str) -> None:
    record = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, "m", (), (ValueError, ValueError("y"), None)
    )
    record.exc_text = f"password={SECRET}"
    assert SECRET not in FORMATTERS[form].format(record)


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("sign", STEERING)
def test_nothing_in_a_message_steers(form: str, sign: str) -> None:
    for line in (
        written(form, f"a{sign}{FORGED}"),
        written(form, "a %s", f"b{sign}{FORGED}"),
        written(form, "a", name=f"shop{sign}{FORGED}"),
    ):
        assert "\n" not in line
        assert not UNSAFE.search(line)
        if form == "json":
            assert not UNSAFE.search(json.loads(line)["message"])


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("sign", STEERING)
def test_nothing_in_a_traceback_steers(form: str, sign: str) -> None:
    line = written(form, "failed", fault=chained(f"a{sign}{FORGED}"))
    assert not UNSAFE.search(line)
    assert len(BEGINNING.findall(line)) == (1 if form == "text" else 0)


def test_tracebacks_stay_readable() -> None:
    line = written("text", "failed", fault=chained("no answer\nat all"))
    assert line.count("\n") > 5
    assert "ValueError: no answer\\nat all" in line


@pytest.mark.parametrize("text", ["سلام دنیا، می\u200cروم", "مرحبا 123", "a\tb", "日本", "é"])
def test_what_people_write_stays(text: str) -> None:
    assert text in written("text", text)


def test_json_with_escapes_says_the_same() -> None:
    value = {"a": "x\x9b\u202e\U000e0041"}
    text = plain_text.in_json(json.dumps(value, ensure_ascii=False))
    assert not UNSAFE.search(text)
    assert json.loads(text) == value
