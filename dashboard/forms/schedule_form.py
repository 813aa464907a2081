"""The form of a schedule: texts as they were typed, and what is wrong with each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from mahaam.redaction.redact import MaskLeftOver, masked_call, unmasked_call
from mahaam.schedules.queries import ScheduleEntry
from mahaam.schedules.rules.spec import ScheduleNotValid, Spec, spec, zones

from ..web.languages import said
from .kinds import INTEGER, LIST, OBJECT, TEXT
from .options import OF_SCHEDULES, typed

PLAIN = ("name", "task", "definition", "kind", "cron", "timezone", "missed", "overlap")
JOB_NUMBERS = {words.field: words.kind for words in OF_SCHEDULES if words.kind is not TEXT}
NUMBERS = {"every_s": INTEGER, "missed_limit": INTEGER} | JOB_NUMBERS
MOMENTS = ("run_at", "starts_at", "ends_at")
JSON = {"args": LIST, "kwargs": OBJECT}
OF_KIND = {"once": "run_at", "interval": "every_s", "cron": "cron"}
MOST_TEXT = 100_000
EMPTY = {
    "kind": "cron",
    "cron": "0 2 * * *",
    "timezone": "UTC",
    "missed": "once",
    "missed_limit": "10",
    "overlap": "allow",
    "args": "[]",
    "kwargs": "{}",
}


class ScheduleForm:
    """What a person says of a schedule. `texts` and `faults` are by field."""

    def __init__(self, entry: ScheduleEntry | None = None, **begin: str) -> None:
        self.entry = entry
        self.texts: dict[str, str] = EMPTY | (_texts(entry) if entry else {}) | begin
        self.faults: dict[str, str] = {}

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """The fields as the verbs take them; None, and `faults`, when a text is no value at all."""
        self.texts = {name: typed.get(name, "")[:MOST_TEXT].strip() for name in FIELDS}
        given = self._times() | {name: self._json(name) for name in JSON}
        given |= {
            name: self.texts[name] or None for name in ("name", "task", "definition", "queue")
        }
        given |= {name: self.texts[name] for name in ("missed", "overlap")}
        given |= {name: self._number(name) for name in ("missed_limit", *JOB_NUMBERS)}
        if not self.faults:
            self._put_secrets_back(given)
        return None if self.faults else given

    def preview(self, typed: Mapping[str, str], now: datetime) -> Spec | None:
        """The times alone; None, and a fault, when they are not valid."""
        self.texts = {name: typed.get(name, "")[:MOST_TEXT].strip() for name in FIELDS}
        times = self._times()
        if self.faults:
            return None
        try:
            return spec(now=now, **times)
        except ScheduleNotValid as fault:
            self.refuse(fault)
            return None

    def refuse(self, fault: ScheduleNotValid) -> None:
        """Show the engine's refusal beside its field."""
        self.faults[fault.field] = said(fault.phrase)

    def _times(self) -> dict[str, Any]:
        kind = self.texts["kind"]
        values: dict[str, Any] = {"kind": kind, "timezone": self.texts["timezone"] or "UTC"}
        values |= dict.fromkeys(OF_KIND.values())
        field = OF_KIND.get(kind)
        if field == "cron":
            values["cron"] = self.texts["cron"]
        elif field == "every_s":
            values["every_s"] = self._number("every_s")
        elif field == "run_at":
            values["run_at"] = self._moment("run_at")
        for name in ("starts_at", "ends_at"):
            values[name] = self._moment(name)
        if self.entry is not None and values["starts_at"] is None:
            values["starts_at"] = self.entry.starts_at
        return values

    def _number(self, name: str) -> float | None:
        text = self.texts[name]
        if not text:
            return None
        try:
            return cast("float", NUMBERS[name].read(text))
        except ValueError as fault:
            self.faults[name] = str(fault)
            return None

    def _moment(self, name: str) -> datetime | None:
        text, zone = self.texts[name], self.texts["timezone"] or "UTC"
        if not text or zone not in zones():
            return None  # an unknown zone is refused as such
        try:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
            if not 1970 <= at.year <= 9000:
                raise ValueError
        except (ValueError, OverflowError):
            self.faults[name] = _("Enter a date and a time.")
            return None
        return at

    def _json(self, name: str) -> Any:
        kind = JSON[name]
        try:
            return kind.read(self.texts[name] or kind.example)
        except ValueError as fault:
            self.faults[name] = str(fault)
            return kind.parse(kind.example)

    def _put_secrets_back(self, given: dict[str, Any]) -> None:
        old = (self.entry.args, self.entry.kwargs) if self.entry else ([], {})
        try:
            given["args"], given["kwargs"] = unmasked_call(
                given["args"], given["kwargs"], old=old, task=given["task"] or ""
            )
        except MaskLeftOver as fault:
            self.faults["kwargs"] = str(fault)


FIELDS = (*PLAIN, *NUMBERS, *MOMENTS, *JSON, "queue")


def _texts(entry: ScheduleEntry) -> dict[str, str]:
    """A schedule as its form begins: times in its own zone, secrets masked."""
    args, kwargs = masked_call(entry.args, entry.kwargs, entry.task)
    texts = {name: str(getattr(entry, name) or "") for name in PLAIN}
    texts["queue"] = entry.job_options.get("queue", "")
    for name in NUMBERS:
        value = entry.job_options.get(name) if name in JOB_NUMBERS else getattr(entry, name)
        texts[name] = typed(value)
    for name in MOMENTS:
        at = getattr(entry, name)
        local = at.astimezone(ZoneInfo(entry.timezone)) if at else None
        texts[name] = f"{local:%Y-%m-%dT%H:%M:%S}" if local else ""
    shown = {"args": args, "kwargs": kwargs}
    return texts | {
        name: json.dumps(value, indent=2, ensure_ascii=False) for name, value in shown.items()
    }
