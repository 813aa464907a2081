"""The settings that change while the product runs: each once, with its kind, default and words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config import get_settings
from tasks.engine.errors import MahaamError
from tasks.engine.phrase import Phrase

MAX_NAMES = 200
MAX_NAME_LENGTH = 200
OWN = "own"  # the group of what users' code declares
WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class SettingNotValid(MahaamError):
    """The setting cannot have this value."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


WHOLE_NUMBER = Phrase("Enter a whole number from %(low)s to %(high)s.")
NAMES = Phrase("Enter names of at most 200 characters, one a line or separated by commas.")
DAYS_OF_TASKS = Phrase("Enter a task and its days on each line, such as shop.jobs.sync = 7.")
ONE_OF = Phrase("Choose one of the list.")
SHORT_TEXT = Phrase("Enter at most %(count)s characters on one line.")
LONG_TEXT = Phrase("Enter at most %(count)s characters.")
NUMBERS = Phrase("Enter whole numbers, one a line or separated by commas.")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is typed: `parse` makes it of a text or raises SettingNotValid, `text` is its inverse.

    `widget` is number, text, lines or choice.
    """

    widget: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveSetting:
    """One setting; its default is asked for when it is needed, because the environment may say it."""

    name: str
    group: str
    kind: Kind
    default: Callable[[], Any]
    label: Phrase
    help: Phrase | None

    def usable(self, value: Any) -> Any:
        """`value` if it can be typed today, else the default: the code may have changed since."""
        try:
            is_good = self.kind.parse(self.kind.text(value)) == value
        except (SettingNotValid, TypeError, ValueError, AttributeError):
            is_good = False
        return value if is_good else self.default()


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        if not WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise SettingNotValid(WHOLE_NUMBER.about(low=low, high=high))
        return int(text)

    return Kind("number", parse, _number)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def short_text(most: int) -> Kind:
    """A text of one line."""

    def parse(text: str) -> str:
        if len(text) > most or not text.isprintable():
            raise SettingNotValid(SHORT_TEXT.about(count=most))
        return text

    return Kind("text", parse, str)


def long_text(most: int) -> Kind:
    """A text of several lines."""

    def parse(text: str) -> str:
        lines = text.replace("\r\n", "\n")
        if len(lines) > most or not all(line.isprintable() for line in lines.split("\n")):
            raise SettingNotValid(LONG_TEXT.about(count=most))
        return lines

    return Kind("lines", parse, str)


def switch() -> Kind:
    """On or off."""

    def parse(text: str) -> bool:
        if text not in ("on", "off"):
            raise SettingNotValid(ONE_OF)
        return text == "on"

    return Kind("choice", parse, lambda value: "on" if value else "off", ("on", "off"))


def list_of(kind: type[int | str]) -> Kind:
    """A list of texts without commas, or of whole numbers; none twice."""
    if kind is str:
        return LIST_OF_NAMES

    def parse(text: str) -> list[int]:
        words = _parse_names(text)
        if not all(map(WHOLE.fullmatch, words)):
            raise SettingNotValid(NUMBERS)
        return list(map(int, words))

    return Kind("lines", parse, lambda value: "\n".join(map(str, value)))


def choice(*names: str) -> Kind:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in names:
            raise SettingNotValid(ONE_OF)
        return text

    return Kind("choice", parse, str, names)


def _parse_names(text: str) -> list[str]:
    names = [name.strip() for line in text.splitlines() for name in line.split(",")]
    names = list(dict.fromkeys(name for name in names if name))
    if len(names) > MAX_NAMES or not all(map(_is_name, names)):
        raise SettingNotValid(NAMES)
    return names


def _parse_days(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in filter(str.strip, text.splitlines()):
        task, _, days = (part.strip() for part in line.partition("="))
        if not _is_name(task) or len(found) >= MAX_NAMES:
            raise SettingNotValid(DAYS_OF_TASKS)
        found[task] = int(DAYS.parse(days))
    return found


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()


DAYS = whole(0, 3650)
LIST_OF_NAMES = Kind("lines", _parse_names, "\n".join)
DAYS_BY_TASK = Kind(
    "lines",
    _parse_days,
    lambda value: "\n".join(f"{task} = {days}" for task, days in sorted(value.items())),
)
COLOURS = ("red", "orange", "green", "blue", "purple", "grey")
FOR_EVER = Phrase("In days after their end. 0: for ever.")


def _retention(state: str, days: int, label: Phrase, help_: Phrase = FOR_EVER) -> LiveSetting:
    return LiveSetting(f"retention_{state}_days", "retention", DAYS, lambda: days, label, help_)


SETTINGS = {
    setting.name: setting
    for setting in (
        _retention("completed", 30, Phrase("Keep completed jobs")),
        _retention(
            "failed",
            90,
            Phrase("Keep failed jobs"),
            Phrase(
                "In days after their end. 0: for ever. Those with an open dead letter are kept."
            ),
        ),
        _retention("cancelled", 30, Phrase("Keep cancelled jobs")),
        _retention("expired", 30, Phrase("Keep expired jobs")),
        LiveSetting(
            "retention_by_task",
            "retention",
            DAYS_BY_TASK,
            dict,
            Phrase("Other times for some tasks"),
            Phrase(
                "One a line, such as shop.jobs.sync = 7; in days, for all states of that task. 0: for ever."
            ),
        ),
        _retention(
            "operations",
            90,
            Phrase("Keep operations"),
            Phrase(
                "In days after their end, with what they did to each job. 0: for ever."
                " What people did stays in the audit."
            ),
        ),
        _retention(
            "fires",
            30,
            Phrase("Keep the history of schedules"),
            Phrase(
                "In days: what became of their due times. 0: for ever. The jobs have times of their own."
            ),
        ),
        LiveSetting(
            "undo_window_s",
            "console",
            whole(0, 300),
            lambda: get_settings().undo_window_s,
            Phrase("Time to undo"),
            Phrase("In seconds, after bulk work and cancelling. 0: nothing can be undone."),
        ),
        LiveSetting(
            "stop_grace_s",
            "console",
            whole(0, 3600),
            lambda: get_settings().stop_grace_s,
            Phrase("Grace time of a stop"),
            Phrase("In seconds. A task that runs on after that is interrupted."),
        ),
        LiveSetting(
            "schedule_overdue_s",
            "schedules",
            whole(10, 86400),
            lambda: 300,
            Phrase("A schedule is overdue"),
            Phrase("In seconds, after its time has come and nobody fired it."),
        ),
        LiveSetting(
            "environment_name",
            "console",
            short_text(20),
            lambda: "production" if get_settings().is_production else "",
            Phrase("Name of this environment"),
            Phrase("Shown beside the name of the product on every page. Empty: nothing is shown."),
        ),
        LiveSetting(
            "environment_colour",
            "console",
            choice(*COLOURS),
            lambda: "red" if get_settings().is_production else "blue",
            Phrase("Its colour"),
            Phrase("Red for where a mistake hurts."),
        ),
        LiveSetting(
            "masked_keys",
            "safety",
            LIST_OF_NAMES,
            list,
            Phrase("Further names of secrets"),
            Phrase(
                "What stands under such a name in arguments, results, logs and errors is hidden,"
                " as it is always under password, token, secret, card, authorization and their like."
            ),
        ),
        LiveSetting(
            "session_idle_min",
            "safety",
            whole(5, 60 * 24 * 30),
            lambda: 8 * 60,
            Phrase("End sessions that rest"),
            Phrase("In minutes without a click. A page that refreshes itself does not count."),
        ),
        LiveSetting(
            "session_max_h",
            "safety",
            whole(1, 24 * 7),
            lambda: 12,
            Phrase("End every session"),
            Phrase("In hours since the login, whatever the person does."),
        ),
    )
}
