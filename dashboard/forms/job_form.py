"""The form that makes a job of one task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.forms.options import option_fields, read_options
from dashboard.forms.parameters import call_of, fields_of
from tasks import Enqueued, enqueue
from tasks.engine.intake.catalog import TaskCard


class JobForm:
    """The fields of one task and of every job; holds what was typed until it is right."""

    def __init__(self, card: TaskCard, *, queues: tuple[str, ...]) -> None:
        hidden = frozenset({"task"}) if getattr(card, "context", False) else frozenset[str]()
        self.card = card
        self.parameters = fields_of(card.signature, hidden=hidden)
        self.options = option_fields(card, queues)
        self.fault: str | None = None
        self._values: dict[str, Any] = {}
        self._chosen: dict[str, Any] = {}

    def read(self, typed: Mapping[str, str]) -> bool:
        """Take what was typed; whether all of it is right."""
        self._values = {name: field.read(typed) for name, field in self.parameters.items()}
        self._chosen = read_options(self.options, typed)
        return not any(field.fault for field in self.fields)

    def enqueue(self, *, by: str) -> Enqueued:
        """Make the job. Raises MahaamError."""
        args, kwargs = call_of(self.card.signature, self._values)
        return enqueue(self.card.name, args, kwargs, created_by=by, **self._chosen)

    @property
    def fields(self) -> tuple[Any, ...]:
        """All fields, parameters first."""
        return (*self.parameters.values(), *self.options.values())
