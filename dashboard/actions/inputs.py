"""Inputs of verbs besides the rows: a priority, a queue, a time, an owner, a spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import gettext as _

from mahaam.jobs.job_option import INT4, LONGEST_S
from mahaam.queries.queues import queue_names
from mahaam.verbs import Input

from ..forms.field import Field
from ..forms.kinds import INTEGER, LOCAL_TIME, NUMBER, TEXT
from ..forms.options import check_queue, check_range, moment
from ..web.database import db

Fields = dict[str, Field]
MAX_SPREAD_MIN = 7 * 1440
MAX_OWNER = 254


@dataclass(frozen=True)
class Asked:
    """The input fields of a verb, and the function that makes its parameters and sets the fields' faults."""

    fields: Callable[[], Fields]
    parameters: Callable[[Fields, Mapping[str, Any]], dict[str, Any]]

    def read(self, fields: Fields, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters that were typed. They can be used unless `has_faults` is True."""
        return self.parameters(fields, {name: field.read(form) for name, field in fields.items()})


def has_faults(fields: Fields) -> bool:
    """Return True if a field has a fault."""
    return any(field.fault for field in fields.values())


def _spread_fields() -> Fields:
    label, hint = _("Spread over so many minutes"), _("Empty: all at once.")
    return {"spread_min": Field("spread_min", label, NUMBER, default=None, hint=hint)}


def _spread(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    minutes = values["spread_min"]
    check_range(fields["spread_min"], minutes, 0, MAX_SPREAD_MIN)
    return {"spread_s": minutes * 60.0} if minutes else {}


def _priority_fields() -> Fields:
    hint = _("A higher number runs first.")
    return {"priority": Field("priority", _("New priority"), INTEGER, hint=hint)}


def _priority(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    if not fields["priority"].fault:
        check_range(fields["priority"], values["priority"], -INT4, INT4)
    return dict(values)


def _queue_fields() -> Fields:
    names = queue_names(db.session)
    return {"queue": Field("queue", _("Other queue"), TEXT, choices=names)}


def _queue(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    if not fields["queue"].fault:
        check_queue(fields["queue"], values["queue"])
    return dict(values)


def _time_fields() -> Fields:
    return {
        "delay": Field("delay", _("In so many seconds"), NUMBER, default=None),
        "eta": Field("eta", _("Or at this time"), LOCAL_TIME, default=None),
        "zone": Field("zone", _("Time zone of that time"), TEXT, default="UTC", text="UTC"),
    }


def _time(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    check_range(fields["delay"], values["delay"], 0, LONGEST_S)
    run_at = moment(fields, values["eta"], values["zone"])
    if not has_faults(fields) and (values["delay"] is None) == (run_at is None):
        fields["delay"].fault = _("Give either a number of seconds or a time.")
    return {"delay_s": values["delay"], "run_at": run_at}


def _owner_fields() -> Fields:
    own = g.person.email if g.get("person") else ""
    hint = _("An e-mail address or a name. Empty: nobody.")
    return {"owner": Field("owner", _("Owner"), TEXT, default=None, text=own, hint=hint)}


def _owner(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    owner = values["owner"]
    if owner is not None and (len(owner) > MAX_OWNER or not owner.isprintable()):
        fields["owner"].fault = _(
            "Enter at most %(count)s characters on one line.", count=MAX_OWNER
        )
    return {"owner": owner} if owner else {}


NOTHING = Asked(dict, lambda _fields, _values: {})
# By the name of an input. A note has its own field; the filter says what is cleaned.
OF_INPUT = {
    "spread_s": Asked(_spread_fields, _spread),
    "priority": Asked(_priority_fields, _priority),
    "queue": Asked(_queue_fields, _queue),
    "owner": Asked(_owner_fields, _owner),
    "run_at": Asked(_time_fields, _time),  # and delay_s
}


def of(inputs: Iterable[Input]) -> Asked:
    """Return the fields for a verb with these inputs."""
    return next((OF_INPUT[one.name] for one in inputs if one.name in OF_INPUT), NOTHING)
