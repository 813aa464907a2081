"""The form of a schedule: what it runs, when, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam.core.field import FieldNotValid
from mahaam.redaction.redact import MaskLeftOver, masked_call, unmasked_call
from mahaam.schedules.queries import ScheduleEntry
from mahaam.schedules.rules.spec import Spec, spec, zones

from ..present.template_helpers import json_text
from .field import Field
from .form import Form
from .kinds import INTEGER, LIST, LOCAL_TIME, OBJECT, TEXT
from .options import OF_SCHEDULES, typed

MOST = 100_000
YEARS = (1970, 9000)
MISSED = {
    "once": _l("run once"),
    "skip": _l("skip"),
    "all": _l("run all, up to a number"),
}
OVERLAP = {
    "allow": _l("run beside it"),
    "skip": _l("skip"),
    "queue": _l("run once after it"),
}
KINDS = {
    "cron": _l("by a cron expression"),
    "interval": _l("every so many seconds"),
    "once": _l("once"),
}
OF_KIND = {"cron": "cron", "interval": "every_s", "once": "run_at"}
MOMENTS = ("run_at", "starts_at", "ends_at")
TIMES = ("kind", "timezone", *OF_KIND.values(), "starts_at", "ends_at")
OPTIONS = tuple(words.field for words in OF_SCHEDULES)


def _what(tasks: tuple[str, ...], definitions: tuple[str, ...]) -> Iterable[Field]:
    own_name = _l("Empty: the name of the task.")
    counts = _l("Empty: none. Its arguments and its queue count where this schedule says nothing.")
    yield Field("name", _l("Name"), TEXT, None, own_name, most=MOST)
    yield Field("task", _l("Task"), TEXT, None, most=MOST, suggestions=tasks)
    yield Field(
        "definition", _l("Definition"), TEXT, None, counts, most=MOST, suggestions=definitions
    )
    yield Field("kwargs", _l("Arguments by name"), OBJECT, {}, text="{}", most=MOST)
    yield Field("args", _l("Arguments by place"), LIST, [], text="[]", most=MOST)


def _when() -> Iterable[Field]:
    cron = _l(
        "Minute, hour, day of month, month, day of week; or @daily, @hourly, @weekly, @monthly."
    )
    here = _l("In the time zone above. Empty: from now on.")
    yield Field("kind", _l("How"), TEXT, "", text="cron", choices=tuple(KINDS), words=KINDS)
    yield Field(
        "cron",
        _l("Cron expression"),
        TEXT,
        "",
        cron,
        text="0 2 * * *",
        most=MOST,
        only_for="cron",
    )
    yield Field(
        "every_s", _l("Every so many seconds"), INTEGER, None, most=MOST, only_for="interval"
    )
    yield Field("run_at", _l("Once at"), LOCAL_TIME, None, most=MOST, only_for="once")
    yield Field(
        "timezone",
        _l("Time zone"),
        TEXT,
        "UTC",
        text="UTC",
        most=MOST,
        suggestions=tuple(sorted(zones())),
    )
    yield Field("starts_at", _l("Not before"), LOCAL_TIME, None, here, most=MOST)
    yield Field("ends_at", _l("Not after"), LOCAL_TIME, None, _l("Empty: for ever."), most=MOST)


def _how(queues: tuple[str, ...]) -> Iterable[Field]:
    usual = _("Empty: the task's own.")
    for words in OF_SCHEDULES:
        if words.field == "queue":
            yield Field(
                "queue",
                words.label,
                TEXT,
                None,
                choices=("", *queues),
                words={"": _l("the task's own")},
            )
        else:
            hint = f"{words.hint} {usual}".strip()
            yield Field(words.field, words.label, words.kind, None, hint, most=MOST)
    yield Field(
        "missed", _l("Missed runs"), TEXT, "", text="once", choices=tuple(MISSED), words=MISSED
    )
    yield Field("missed_limit", _l("That number"), INTEGER, None, text="10", most=MOST)
    yield Field(
        "overlap",
        _l("While its last job runs"),
        TEXT,
        "",
        text="allow",
        choices=tuple(OVERLAP),
        words=OVERLAP,
    )


class ScheduleForm(Form):
    """The fields of a schedule, in three parts: what, when and how."""

    def __init__(
        self,
        entry: ScheduleEntry | None = None,
        *,
        tasks: tuple[str, ...] = (),
        definitions: tuple[str, ...] = (),
        queues: tuple[str, ...] = (),
        **begin: str,
    ) -> None:
        parts = {"what": _what(tasks, definitions), "when": _when(), "how": _how(queues)}
        self.parts = {name: tuple(fields) for name, fields in parts.items()}
        fields = [field for part in self.parts.values() for field in part]
        super().__init__(fields, (_texts(entry) if entry else {}) | begin)
        self.entry = entry

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the fields as the verbs take them, or None when something typed is not valid."""
        given = self.values(typed)
        given |= self._times(given)
        if self.is_right:
            self._put_secrets_back(given)
        return given if self.is_right else None

    def preview(self, typed: Mapping[str, str], now: datetime) -> Spec | None:
        """Return only the times, or None after setting a fault when they are not valid."""
        times = self._times({name: self[name].read(typed) for name in TIMES})
        if not self.is_right:
            return None
        try:
            return spec(now=now, **times)
        except FieldNotValid as fault:
            self.refuse(fault)
            return None

    def _times(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that make up the times. Those that the chosen kind does not use are None."""
        times = {name: given[name] for name in TIMES}
        for kind, name in OF_KIND.items():
            if kind != times["kind"]:
                times[name], self[name].fault = None, None
        for name in MOMENTS:
            times[name] = self._in_zone(self[name], times[name], times["timezone"])
        if self.entry is not None and times["starts_at"] is None:
            times["starts_at"] = self.entry.starts_at
        return times

    def _in_zone(self, field: Field, at: datetime | None, zone: str) -> datetime | None:
        if at is None or zone not in zones():
            return None  # the verb refuses an unknown zone
        first, last = YEARS
        if not first <= at.year <= last:
            field.fault = _("Enter a date and a time.")
            return None
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))

    def _put_secrets_back(self, given: dict[str, Any]) -> None:
        old = (self.entry.args, self.entry.kwargs) if self.entry else ([], {})
        try:
            given["args"], given["kwargs"] = unmasked_call(
                given["args"], given["kwargs"], old=old, task=given["task"] or ""
            )
        except MaskLeftOver as fault:
            self.fault("kwargs", str(fault))


def _texts(entry: ScheduleEntry) -> dict[str, str]:
    """Return the texts with which a schedule's form begins: times in its own zone, secrets masked."""
    args, kwargs = masked_call(entry.args, entry.kwargs, entry.task)
    plain = ("name", "task", "definition", "kind", "cron", "timezone", "missed", "overlap")
    texts = {name: str(getattr(entry, name) or "") for name in plain}
    texts |= {name: typed(getattr(entry, name)) for name in ("every_s", "missed_limit")}
    texts |= {name: typed(entry.job_options.get(name)) for name in OPTIONS}
    texts |= {name: _local(getattr(entry, name), entry.timezone) for name in MOMENTS}
    return texts | {"args": json_text(args), "kwargs": json_text(kwargs)}


def _local(at: datetime | None, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}" if at else ""
