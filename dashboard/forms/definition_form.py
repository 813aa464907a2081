"""The form of a task's definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from mahaam.redaction.redact import MaskLeftOver, masked_call, unmasked_call
from mahaam.schedules.definitions_queries import DefinitionEntry

from ..present.template_helpers import json_text
from .field import Field
from .form import Form
from .kinds import OBJECT, TEXT

MOST = 100_000


class DefinitionForm(Form):
    """The fields of a definition."""

    def __init__(
        self,
        entry: DefinitionEntry | None = None,
        *,
        task: str = "",
        tasks: tuple[str, ...] = (),
        queues: tuple[str, ...] = (),
    ) -> None:
        usual = {"": _l("the task's own")}
        fields = (
            Field("name", _l("Name"), TEXT, None, most=MOST),
            Field("task", _l("Task"), TEXT, None, text=task, most=MOST, suggestions=tasks),
            Field("description", _l("Description"), TEXT, "", most=MOST),
            Field("queue", _l("Queue"), TEXT, None, choices=("", *queues), words=usual),
            Field("kwargs", _l("Default arguments by name"), OBJECT, {}, text="{}", most=MOST),
        )
        super().__init__(fields, _texts(entry) if entry else None)
        self.entry = entry

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the fields as the verbs take them, or None when a text cannot be read as a value."""
        given = self.values(typed)
        given["kwargs"] = self._with_secrets(given["kwargs"], given["task"])
        return given if self.is_right else None

    def read_kwargs(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """Return only the arguments, or None after setting a fault when they are not valid."""
        kwargs = self._with_secrets(self["kwargs"].read(typed), None)
        return kwargs if self.is_right else None

    def _with_secrets(self, kwargs: dict[str, Any], task: str | None) -> dict[str, Any]:
        """Return the arguments with the old secret wherever its mask was left in place."""
        if self["kwargs"].fault:
            return kwargs
        old = (list[Any](), self.entry.kwargs if self.entry else {})
        task = task or (self.entry.task if self.entry else "")
        try:
            _args, whole = unmasked_call(None, kwargs, old=old, task=task)
        except MaskLeftOver as fault:
            self.fault("kwargs", str(fault))
            return kwargs
        return whole or {}


def _texts(entry: DefinitionEntry) -> dict[str, str]:
    _args, kwargs = masked_call([], entry.kwargs, entry.task)
    names = ("name", "task", "description", "queue")
    return {name: getattr(entry, name) or "" for name in names} | {"kwargs": json_text(kwargs)}
