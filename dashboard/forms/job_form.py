"""The form that creates a job of one task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahaam.enqueuing.enqueue import Enqueued, enqueue
from mahaam.jobs.task_card import TaskCard
from mahaam.models import Job

from . import earlier_call, options
from .form import Form
from .parameters import call_of, fields_of
from .raw_call import RawCall


class JobForm(Form):
    """The fields of one task and of every job. Keeps what was typed until it is valid.

    `is_raw`: the arguments are typed as JSON, not each in its field. `begin`: a job with whose
    arguments the fields begin.
    """

    def __init__(
        self,
        card: TaskCard,
        *,
        queues: tuple[str, ...],
        is_raw: bool = False,
        begin: Job | None = None,
    ) -> None:
        hidden = frozenset({"task"}) if getattr(card, "context", False) else frozenset[str]()
        self.card = card
        self.parameters = fields_of(card.signature, hidden=hidden)
        self.options = options.option_fields(card, queues)
        self.begin = begin
        call = (begin.args, begin.kwargs) if begin else ((), {})
        self.raw = RawCall(card.name, call) if is_raw else None
        if begin:
            earlier_call.fill(self.parameters, card.signature, call, task=card.name)
        self._call: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._chosen: dict[str, Any] = {}
        self.arguments = (
            tuple(self.raw.fields.values()) if self.raw else tuple(self.parameters.values())
        )
        super().__init__([*self.arguments, *self.options.values()])

    def read(self, typed: Mapping[str, str]) -> bool:
        """Read what was typed. Return True if all of it is valid."""
        self._call = self.raw.read(typed) if self.raw else self._from_fields(typed)
        self._chosen = options.read_options(self.options, typed)
        return self.is_right

    def enqueue(self, *, by: str) -> Enqueued:
        """Create the job. Return it as `enqueue` does. Raises MahaamError."""
        assert self._call is not None, "only what was read and is right is sent"
        args, kwargs = self._call
        return enqueue(self.card.name, args, kwargs, created_by=by, **self._chosen)

    def take_options(self, job: Job) -> None:
        """Begin the option fields with the options of `job`, except its time."""
        options.take_options(self.options, job)

    def _from_fields(self, typed: Mapping[str, str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        values = {name: field.read(typed) for name, field in self.parameters.items()}
        return call_of(self.card.signature, values)
