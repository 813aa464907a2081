"""The flags of the inputs that verbs take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mahaam.verbs import Input

from .parse import moment, span_s

Command = Callable[..., None]

# By the name of the input, because an input means the same in every verb.
FLAGS = {
    "spread_s": "--spread",
    "priority": "--to",
    "queue": "--to",
    "owner": "--to",
    "run_at": "--at",
    "delay_s": "--in",
    "ended_before": "--ended-before",
    "note": "--note",
    "reason": "--reason",
    "greenlets": "--to",
    "minutes": "--minutes",
    "until": "--until",
    "times": "--times",
    "rate": "--per-hour",
    "for_s": "--for",
    "resume_at": "--until",
}
METAVARS = {
    "seconds": "SPAN",
    "moment": "TIME",
    "queue": "QUEUE",
    "integer": "NUMBER",
    "text": "TEXT",
}
READERS: dict[str, Callable[[str, Any], Any]] = {"seconds": span_s, "moment": moment}


def input_option(one: Input) -> Callable[[Command], Command]:
    """Return a decorator that gives a command the flag of an input."""
    kind: Any = int if one.type == "integer" else str
    return click.option(
        FLAGS[one.name], one.name, type=kind, metavar=METAVARS[one.type], help=one.help,
        required=one.is_required,
    )  # fmt: skip


def read_input(one: Input, value: Any) -> Any:
    """Return what was typed as the verb takes it. Raises BadInput."""
    read = READERS.get(one.type)
    return read(FLAGS[one.name], value) if read else value
