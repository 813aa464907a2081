"""Reads a list's query string. What cannot be understood is a fault on the page, never ignored.

An ignored filter would widen the list, and with it the rows that a bulk action changes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

from mahaam.queries.logs import LogPosition
from mahaam.redaction.redact import searches_secret, tells_secret
from mahaam.search.argument_text import wanted_json

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_NAME_LENGTH = 200
MAX_NAMES = 200
MAX_INTEGER = 2**63 - 1
MIN_LETTERS = 3  # fewer letters are in nearly every text, and in no index
MAX_NUMBER = 2**31 - 1
FLAGS = {"yes": True, "no": False}


class QueryString:
    """The parameters of one request, their faults, and which of them were understood."""

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.given = {name: value for name, value in arguments.items() if value != ""}
        self.understood: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.faults: list[str] = []
        self._asked: set[str] = set()

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """Return the parameter if it is one of `allowed`."""
        return self._read(name, lambda value: value if value in allowed else None)

    def name(self, name: str) -> str | None:
        """Return the name of a task or a queue."""
        return self._read(name, _name)

    def moment(self, name: str) -> datetime | None:
        """Return a date and a time, in UTC unless the text has a zone."""
        return self._read(name, moment)

    def letters(self, name: str) -> str | None:
        """Return a text to search for, of three or more letters."""
        too_short = _("Enter at least 3 letters of the error.")
        return self._read(name, _letters, warning=too_short)

    def argument(self, name: str, *, task: str | None) -> str | None:
        """Return the JSON that arguments must contain. To search for what `task` masks is a fault."""
        unclear = _('Write an argument as user_id=42, opts.batch=7 or {"a": 1}.')
        wanted: str | None = self._read(name, wanted_json, warning=unclear)
        if wanted is None or not searches_secret(json.loads(wanted), task):
            return wanted
        del self.understood[name]
        self.given[name] = ""
        self.faults.append(_("Secrets cannot be searched: look for an argument that is shown."))
        return None

    def flag(self, name: str) -> bool | None:
        """Return True for yes, False for no."""
        return self._read(name, FLAGS.get)

    def names(self, name: str) -> tuple[str, ...] | None:
        """Return several names, which are separated by commas."""
        return self._read(name, _names)

    def job_id(self, name: str) -> uuid.UUID | None:
        """Return the id of a job."""
        return self._read(name, job_id)

    def integer(self, name: str) -> int | None:
        """Return a whole number that is not negative."""
        return self._read(name, integer)

    def place(self, name: str) -> LogPosition | None:
        """Return the position of a log line: attempt and number, as 2.140."""
        return self._read(name, _place)

    def count(self, name: str) -> int | None:
        """Return the number of an attempt."""
        return self._read(name, lambda value: _at_most(integer(value), MAX_NUMBER))

    @property
    def filter(self) -> dict[str, str]:
        """Return the parameters that were understood, without the position of the page."""
        return self.without()

    def without(self, *names: str) -> dict[str, str]:
        """Return the parameters that were understood, without `names` and the position of the page."""
        left_out = {"after", "before", *names}
        return {name: text for name, text in self.understood.items() if name not in left_out}

    def narrowed(self, name: str, text: str) -> dict[str, str]:
        """Return the parameters that were understood, with one filter added or replaced."""
        return self.without() | {name: text}

    def shown(self, name: str) -> str:
        """Return the text for the field of a filter: what was typed, or a time in UTC."""
        value = self.values.get(name)
        return (
            f"{value:%Y-%m-%dT%H:%M:%S}"
            if isinstance(value, datetime)
            else self.given.get(name, "")
        )

    def close(self) -> list[str]:
        """Return all faults. Call this after every parameter of the page has been read."""
        unknown = sorted(self.given.keys() - self._asked)
        self.faults += [
            _("This list has no filter %(name)s.", name=repr(name[:50])) for name in unknown
        ]
        return self.faults

    def _read(self, name: str, parse: Any, *, warning: str = "") -> Any:
        self._asked.add(name)
        value = self.given.get(name)
        if value is None:
            return None
        if tells_secret(value):
            # Hits would confirm a guess, and the secret would be in addresses, logs and saved views.
            self.given[name] = ""
            self.faults.append(_("Secrets cannot be searched: look for an argument that is shown."))
            return None
        parsed = parse(value)
        if parsed is None:
            shown = repr(value[:50])
            self.faults.append(
                _("%(value)s is not a value for the filter %(name)s.", value=shown, name=name)
                + (f" {warning}" if warning else "")
            )
        else:
            self.understood[name] = value
            self.values[name] = parsed
        return parsed


def job_id(value: str) -> uuid.UUID | None:
    """Return the id of a job, or None when `value` is not one."""
    return uuid.UUID(value) if JOB_ID.fullmatch(value) else None


def integer(value: str) -> int | None:
    """Return the id of a row, or None when `value` is not one."""
    is_plain = value.isascii() and value.isdigit() and len(value) < 20
    return int(value) if is_plain and int(value) <= MAX_INTEGER else None


def _at_most(number: int | None, limit: int) -> int | None:
    return number if number is not None and number <= limit else None


def _place(value: str) -> LogPosition | None:
    attempt, _dot, number = value.partition(".")
    place = _at_most(integer(attempt), MAX_NUMBER), _at_most(integer(number), MAX_NUMBER)
    return None if place[0] is None or place[1] is None else LogPosition(place[0], place[1])


def moment(value: str) -> datetime | None:
    """Return a time in UTC, or None when `value` is not a time at which a job can be created."""
    try:
        at = datetime.fromisoformat(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC) if at.year > 1 and at.year < 9999 else None
    except (ValueError, OverflowError):
        return None


def _letters(value: str) -> str | None:
    value = value.strip()
    return value if len(value) >= MIN_LETTERS and _name(value) else None


def _names(value: str) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(value.split(",")))
    is_plain = len(names) <= MAX_NAMES and all(name and _name(name) for name in names)
    return names if is_plain else None


def _name(value: str) -> str | None:
    is_plain = value.isprintable() and len(value) <= MAX_NAME_LENGTH
    return value if is_plain else None
