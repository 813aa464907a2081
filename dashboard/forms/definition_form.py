"""The form of a task's definition: texts as they were typed, and what is wrong with each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mahaam.redaction.redact import MaskLeftOver, masked_call, unmasked_call
from mahaam.schedules.definitions_queries import DefinitionEntry

from .kinds import OBJECT

FIELDS = ("name", "task", "description", "queue", "kwargs")
MOST_TEXT = 100_000


class DefinitionForm:
    """What a person says of a definition. `texts` and `faults` are by field."""

    def __init__(self, entry: DefinitionEntry | None = None, **begin: str) -> None:
        self.entry = entry
        self.texts: dict[str, str] = dict.fromkeys(FIELDS, "") | {"kwargs": "{}"} | begin
        self.faults: dict[str, str] = {}
        if entry:
            _args, kwargs = masked_call([], entry.kwargs, entry.task)
            shown = {name: str(getattr(entry, name) or "") for name in FIELDS}
            self.texts = shown | {"kwargs": json.dumps(kwargs, indent=2, ensure_ascii=False)}

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """The fields as the verbs take them; None, and `faults`, when a text is no value at all."""
        self.texts = {name: typed.get(name, "")[:MOST_TEXT].strip() for name in FIELDS}
        kwargs = self.read_kwargs(typed)
        if kwargs is None:
            return None
        given: dict[str, Any] = {
            name: self.texts[name] or None for name in ("name", "task", "queue")
        }
        return given | {"description": self.texts["description"], "kwargs": kwargs}

    def read_kwargs(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """The arguments by name, with the old secrets where their mask was left; None with a fault."""
        text = typed.get("kwargs", "")[:MOST_TEXT].strip() or "{}"
        self.texts["kwargs"] = text
        try:
            value = OBJECT.read(text)
        except ValueError as fault:
            self.faults["kwargs"] = str(fault)
            return None
        old: tuple[list[Any], dict[str, Any]] = ([], self.entry.kwargs if self.entry else {})
        try:
            _args, kwargs = unmasked_call(
                None, value, old=old, task=typed.get("task", "") or self._task()
            )
        except MaskLeftOver as fault:
            self.faults["kwargs"] = str(fault)
            return None
        return kwargs

    def _task(self) -> str:
        return self.entry.task if self.entry else ""
