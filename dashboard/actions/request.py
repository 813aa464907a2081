"""One request for bulk work: its inputs and reason, and the action when they are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.core import actor

from . import bulk
from .inputs import has_faults

TEXT_LENGTH = 2000


class BulkRequest:
    """An action with its fields and its reason. Keeps what was typed until it is valid."""

    def __init__(self, action: bulk.BulkAction, *, back: str) -> None:
        self.action = action
        self.back = back
        self.fields = action.asks.fields()
        self.reason = _text("reason")
        self.note = _text("note") if action.takes_note else ""
        self.reason_fault: str | None = None
        self._parameters: dict[str, Any] = {}

    @property
    def is_confirmed(self) -> bool:
        """Return True if the user confirmed the preview."""
        return "confirmed" in request.form

    def read(self, *, needs_reason: bool = False) -> bool:
        """Read the inputs and the reason from the form. Return True if all of them are valid."""
        self._parameters = self.action.asks.read(self.fields, request.form)
        if self.note:
            self._parameters["note"] = self.note
        if needs_reason and not (self.reason or self.note):
            self.reason_fault = _("Say why: whoever looks at this later wants to know.")
        elif self.action.needs_note and not self.note:
            self.reason_fault = _("Write some words.")
        return not has_faults(self.fields) and self.reason_fault is None

    def carry_out(self, ids: list[Any], *, wanted: Any = None) -> ResponseReturnValue:
        """Run the verb on these rows now. Return a redirect to the page before."""
        with actor.because(self.reason or self.note or None):
            result = verbs.carry_out(self._order, ids, wanted=wanted)
        bulk.tell(self.action, result)
        return redirect(self._way_back(result.done), code=303)

    def carry_out_matching(
        self, wanted: Any, *, until: str | None, count: Callable[[], int | None]
    ) -> ResponseReturnValue:
        """Run the verb on all that match: now when they are few, else as an operation for consumers.

        `count` returns how many they are, or None when they are more than can be counted.
        """
        ids = verbs.find(self._order, wanted, until=until)
        if ids is not None:
            return self.carry_out(ids, wanted=wanted)
        operation_id = verbs.start(self._order, wanted, until=until, expected=count())
        flash(_("The operation has begun. It goes on when you leave this page."), "success")
        return redirect(url_for("operation.details", id=operation_id), code=303)

    def _way_back(self, done: Iterable[Any]) -> str:
        """Return the page before, or the list of jobs when that page is of a job that was removed."""
        path = urlsplit(self.back).path
        is_gone = self.action.verb == "clean" and any(
            path.startswith(url_for("job.details", id=id_)) for id_ in done
        )
        return url_for("job.index") if is_gone else self.back

    @property
    def _order(self) -> verbs.OperationRequest:
        return verbs.OperationRequest(
            self.action.verb, g.person.email, self._parameters, self.reason or self.note or None
        )


def _text(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "").strip()[:TEXT_LENGTH]
