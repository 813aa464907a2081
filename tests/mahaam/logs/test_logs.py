"""The log: readable lines whatever is logged, each cause once in ten seconds, whoever sets logging up."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest

from mahaam.core import log_throttle
from mahaam.core.log_throttle import LogThrottle, cause
from mahaam.logs import log_setup

own = logging.getLogger("mahaam.test")


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets the log up in a form; gives back what it wrote since."""
    root, huey = logging.getLogger(), logging.getLogger("huey")
    before = (
        root.handlers[:],
        root.level,
        huey.filters[:],
        huey.level,
        logging.getLogger("mahaam").level,
    )
    stream = io.StringIO()
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr("threading.excepthook", None)

    def written(form: str | None = None) -> list[str]:
        if form is not None:  # not before: pytest captures anew for each phase
            monkeypatch.setattr("sys.stderr", stream)
            log_setup.set_up_logging("INFO", form)
        return stream.getvalue().splitlines()

    yield written
    for logger in (huey, logging.getLogger("mahaam")):
        logger.handlers, logger.propagate = [], True
    root.handlers[:], root.level, huey.filters[:], huey.level, logging.getLogger("mahaam").level = (
        before
    )
    root.setLevel(root.level)
    monkeypatch.setattr(log_setup, "_handler", None)


LOGGED = {
    "arguments that do not fit": ("%d jobs of %s", ("three",)),
    "too many arguments": ("nothing", (1, 2)),
    "a value that cannot be printed": ("found %s", (Unprintable(),)),
    "a message that is none": (Unprintable(), ()),
    "line breaks": ("one\ntwo\r\nthree %s", ("four\n",)),
    "a lone surrogate": ("\ud800", ()),
    "an object": ({"a": 1}, ()),
}


@pytest.mark.parametrize("name", LOGGED)
def test_every_record_is_one_line_of_json(lines: Any, name: str) -> None:
    message, values = LOGGED[name]
    lines("json")
    own.info(message, *values, extra={"lock": Unprintable()})
    own.info("after it")

    told = [json.loads(line) for line in lines()]
    assert len(told) == 2
    assert told[0]["logger"] == "mahaam.test"
    assert told[1]["message"] == "after it"


@pytest.mark.parametrize("name", LOGGED)
def test_no_record_breaks_the_log_of_text(lines: Any, name: str) -> None:
    message, values = LOGGED[name]
    lines("text")
    own.info(message, *values)
    assert "Traceback" not in "\n".join(lines())
    assert "INFO     mahaam.test" in lines()[0]


def test_a_traceback_is_a_field(lines: Any) -> None:
    lines("json")
    try:
        raise ValueError("once\nmore")
    except ValueError:
        own.exception("It failed. job=%s", 1, stack_info=True)
    (line,) = map(json.loads, lines())
    assert line["message"] == "It failed. job=1"
    assert "ValueError: once" in line["traceback"]
    assert line["stack"].startswith("Stack")


def test_a_cause_is_warned_of_once_in_ten_seconds(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(log_throttle.time, "monotonic", lambda: now)
    lines("text")
    for number in range(50):
        own.warning("Redis is away. fault=%s", number)
        own.error("Schedule is broken. schedule=%s", number % 2, extra=cause(number % 2))
        logging.getLogger("shop").warning("mine %s", number)
        own.info("planned")
    told = "\n".join(lines())
    assert told.count("Redis is away") == 1
    assert told.count("Schedule is broken") == 2  # each is a cause of its own
    assert told.count("mine") == told.count("planned") == 50  # what users log is theirs

    now += 10.5
    own.warning("Redis is away. fault=%s", "last")
    assert lines()[-1].endswith("fault=last (49 more like it since the last one)")


def test_a_complaint_is_made_once_whatever_its_words(lines: Any) -> None:
    lines("text")
    redis_away = LogThrottle(own, every_s=10)
    redis_away.warn("Redis is away; trying again. fault=%s", 1)
    redis_away.warn("Redis is away; rung later. fault=%s", 2)
    assert len(lines()) == 1


@pytest.mark.parametrize(
    "message",
    ["Unhandled exception in task %s.", "Task %s not run, %s.", "Task %s timed out after %ss."],
)
def test_what_huey_says_of_a_planned_retry_is_no_warning(lines: Any, message: str) -> None:
    lines("text")
    logging.getLogger("huey").error(message, *("x",) * message.count("%s"))
    logging.getLogger("huey").error("Something else.")
    assert len(lines()) == 1


RUDE = {
    "switches loggers off": {"version": 1},
    "replaces the root": {
        "version": 1, "handlers": {"n": {"class": "logging.NullHandler"}}, "root": {"handlers": ["n"]},
    },
    "names ours": {"version": 1, "loggers": {"mahaam": {"level": "INFO", "propagate": False}}},
}  # fmt: skip


@pytest.mark.parametrize("name", RUDE)
def test_our_log_survives_dict_config(lines: Any, name: str) -> None:
    lines("json")
    kept = logging.NullHandler()
    log_setup.keep(kept)
    logging.config.dictConfig(RUDE[name])
    assert log_setup.restore()
    assert not log_setup.restore()

    own.info("still here")
    logging.getLogger("huey").error("and so is Huey")
    assert [json.loads(line)["message"] for line in lines()] == ["still here", "and so is Huey"]
    assert kept in logging.getLogger().handlers


def test_our_log_survives_basic_config(lines: Any) -> None:
    lines("text")
    logging.basicConfig(force=True, handlers=[logging.NullHandler()])
    assert log_setup.restore()
    own.info("still here")
    assert lines()[-1].endswith("still here")
