"""The settings that change while the product runs: each once, with its kind, default and words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mahaam.config import get_settings
from mahaam.core.field import BAD_NUMBER, FieldNotValid, one_of
from mahaam.core.translatable import Translatable

MAX_NAMES = 200
MAX_NAME_LENGTH = 200
OWN = "own"  # the group of settings that users' code declares
WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


NAMES = Translatable("Enter names of at most 200 characters, one a line or separated by commas.")
DAYS_OF_TASKS = Translatable("Enter a task and its days on each line, such as shop.jobs.sync = 7.")
SHORT_TEXT = Translatable("Enter at most %(count)s characters on one line.")
LONG_TEXT = Translatable("Enter at most %(count)s characters.")
NUMBERS = Translatable("Enter whole numbers, one a line or separated by commas.")


@dataclass(frozen=True, slots=True)
class ValueType:
    """How a value is typed: `parse` takes a field and its text, `text` is its inverse.

    `widget` is number, text, lines or choice.
    """

    widget: str
    parse: Callable[[str, str], Any]
    text: Callable[[Any], str]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveSetting:
    """One setting; its default is computed when it is needed, because the environment may define it."""

    name: str
    group: str
    kind: ValueType
    default: Callable[[], Any]
    label: Translatable
    help: Translatable | None

    def parse(self, text: str) -> Any:
        """Return the value that was typed as `text`. Raises FieldNotValid."""
        return self.kind.parse(self.name, text.strip())

    def usable(self, value: Any) -> Any:
        """Return `value` if it can be typed today, else the default: the code may have changed since."""
        try:
            is_good = self.kind.parse(self.name, self.kind.text(value)) == value
        except (FieldNotValid, TypeError, ValueError, AttributeError):
            is_good = False
        return value if is_good else self.default()


def whole(low: int, high: int) -> ValueType:
    """Return the type of a whole number within bounds."""

    def parse(field: str, text: str) -> int:
        if not WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise FieldNotValid(field, BAD_NUMBER.about(low=low, high=high))
        return int(text)

    return ValueType("number", parse, _number)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def short_text(most: int) -> ValueType:
    """Return the type of a text of one line."""

    def parse(field: str, text: str) -> str:
        if len(text) > most or not text.isprintable():
            raise FieldNotValid(field, SHORT_TEXT.about(count=most))
        return text

    return ValueType("text", parse, str)


def long_text(most: int) -> ValueType:
    """Return the type of a text of several lines."""

    def parse(field: str, text: str) -> str:
        lines = text.replace("\r\n", "\n")
        if len(lines) > most or not all(line.isprintable() for line in lines.split("\n")):
            raise FieldNotValid(field, LONG_TEXT.about(count=most))
        return lines

    return ValueType("lines", parse, str)


def switch() -> ValueType:
    """Return the type of a switch, on or off."""

    def parse(field: str, text: str) -> bool:
        return one_of(field, text, ("on", "off")) == "on"

    return ValueType("choice", parse, lambda value: "on" if value else "off", ("on", "off"))


def list_of(kind: type[int | str]) -> ValueType:
    """Return the type of a list of texts without commas, or of whole numbers; none twice."""
    if kind is str:
        return LIST_OF_NAMES

    def parse(field: str, text: str) -> list[int]:
        words = _parse_names(field, text)
        if not all(map(WHOLE.fullmatch, words)):
            raise FieldNotValid(field, NUMBERS)
        return list(map(int, words))

    return ValueType("lines", parse, lambda value: "\n".join(map(str, value)))


def choice(*names: str) -> ValueType:
    """Return the type of one of some words."""

    def parse(field: str, text: str) -> str:
        return one_of(field, text, names)

    return ValueType("choice", parse, str, names)


def _parse_names(field: str, text: str) -> list[str]:
    names = [name.strip() for line in text.splitlines() for name in line.split(",")]
    names = list(dict.fromkeys(name for name in names if name))
    if len(names) > MAX_NAMES or not all(map(_is_name, names)):
        raise FieldNotValid(field, NAMES)
    return names


def _parse_days(field: str, text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in filter(str.strip, text.splitlines()):
        task, _, days = (part.strip() for part in line.partition("="))
        if not _is_name(task) or len(found) >= MAX_NAMES:
            raise FieldNotValid(field, DAYS_OF_TASKS)
        found[task] = int(DAYS.parse(field, days))
    return found


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()


DAYS = whole(0, 3650)
LIST_OF_NAMES = ValueType("lines", _parse_names, "\n".join)
DAYS_BY_TASK = ValueType(
    "lines",
    _parse_days,
    lambda value: "\n".join(f"{task} = {days}" for task, days in sorted(value.items())),
)
COLOURS = ("red", "orange", "green", "blue", "purple", "grey")
FOR_EVER = Translatable("In days after their end. 0: for ever.")


def _retention(
    state: str, days: int, label: Translatable, help_: Translatable = FOR_EVER
) -> LiveSetting:
    return LiveSetting(f"retention_{state}_days", "retention", DAYS, lambda: days, label, help_)


SETTINGS = {
    setting.name: setting
    for setting in (
        _retention("completed", 30, Translatable("Keep completed jobs")),
        _retention(
            "failed",
            90,
            Translatable("Keep failed jobs"),
            Translatable(
                "In days after their end. 0: for ever. Those with an open dead letter are kept."
            ),
        ),
        _retention("cancelled", 30, Translatable("Keep cancelled jobs")),
        _retention("expired", 30, Translatable("Keep expired jobs")),
        LiveSetting(
            "retention_by_task",
            "retention",
            DAYS_BY_TASK,
            dict,
            Translatable("Other times for some tasks"),
            Translatable(
                "One a line, such as shop.jobs.sync = 7; in days, for all states of that task. 0: for ever."
            ),
        ),
        _retention(
            "operations",
            90,
            Translatable("Keep operations"),
            Translatable(
                "In days after their end, with what they did to each job. 0: for ever."
                " What people did stays in the audit."
            ),
        ),
        _retention(
            "fires",
            30,
            Translatable("Keep the history of schedules"),
            Translatable(
                "In days: what became of their due times. 0: for ever. The jobs have times of their own."
            ),
        ),
        LiveSetting(
            "undo_window_s",
            "console",
            whole(0, 300),
            lambda: get_settings().undo_window_s,
            Translatable("Time to undo"),
            Translatable("In seconds, after bulk work and cancelling. 0: nothing can be undone."),
        ),
        LiveSetting(
            "stop_grace_s",
            "console",
            whole(0, 3600),
            lambda: get_settings().stop_grace_s,
            Translatable("Grace time of a stop"),
            Translatable("In seconds. A task that runs on after that is interrupted."),
        ),
        LiveSetting(
            "schedule_overdue_s",
            "schedules",
            whole(10, 86400),
            lambda: 300,
            Translatable("A schedule is overdue"),
            Translatable("In seconds, after its time has come and nobody fired it."),
        ),
        LiveSetting(
            "environment_name",
            "console",
            short_text(20),
            lambda: "production" if get_settings().is_production else "",
            Translatable("Name of this environment"),
            Translatable(
                "Shown beside the name of the product on every page. Empty: nothing is shown."
            ),
        ),
        LiveSetting(
            "environment_colour",
            "console",
            choice(*COLOURS),
            lambda: "red" if get_settings().is_production else "blue",
            Translatable("Its colour"),
            Translatable("Red for where a mistake hurts."),
        ),
        LiveSetting(
            "masked_keys",
            "safety",
            LIST_OF_NAMES,
            list,
            Translatable("Further names of secrets"),
            Translatable(
                "What stands under such a name in arguments, results, logs and errors is hidden,"
                " as it is always under password, token, secret, card, authorization and their like."
            ),
        ),
        LiveSetting(
            "session_idle_min",
            "safety",
            whole(5, 60 * 24 * 30),
            lambda: 8 * 60,
            Translatable("End sessions that rest"),
            Translatable(
                "In minutes without a click. A page that refreshes itself does not count."
            ),
        ),
        LiveSetting(
            "session_max_h",
            "safety",
            whole(1, 24 * 7),
            lambda: 12,
            Translatable("End every session"),
            Translatable("In hours since the login, whatever the person does."),
        ),
    )
}
