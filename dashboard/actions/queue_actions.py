"""Actions on all jobs of one state in a queue, carried out as operations of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, flash, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam import verbs
from mahaam.jobs.states import State
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import OperationRequest

from ..live import snapshot
from . import catalog
from .bulk import BulkAction

DAY_S = 86400
AGES_S = (0, 3600, DAY_S, 7 * DAY_S, 30 * DAY_S)


@dataclass(frozen=True)
class Sweep:
    """A verb for all jobs in one of `states`. With `takes_age` only jobs that ended long enough ago."""

    verb: str
    label: LazyString
    question: LazyString
    states: tuple[str, ...]
    takes_age: bool = False

    @property
    def action(self) -> BulkAction:
        """Return the verb's bulk action, with its icon, colour and label."""
        return catalog.JOB[self.verb]


SWEEPS = {
    sweep.verb: sweep
    for sweep in (
        Sweep(
            "retry", _l("Retry all"),
            _l("Run all of them again?"),
            (State.FAILED, State.CANCELLED, State.EXPIRED),
        ),
        Sweep(
            "promote", _l("Run all now"),
            _l("Queue all of them now, before their time?"),
            (State.SCHEDULED, State.RETRYING),
        ),
        Sweep(
            "clean", _l("Clean"),
            _l("Remove them for good, with their attempts, logs and dead letters?"),
            (State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED), takes_age=True,
        ),
    )
}  # fmt: skip


def start(sweep: Sweep, wanted: JobFilter, form: Mapping[str, str]) -> int:
    """Start an operation on the jobs that match now, done in batches by consumers. Return its id."""
    parameters: dict[str, Any] = {}
    if sweep.takes_age:
        ended_before = _ended_before(form.get("age_s", ""))
        parameters = {"ended_before": ended_before}
        wanted = replace(wanted, created_to=ended_before)  # what ended by then was created before
    reason = form.get("reason", "").replace("\x00", "").strip()
    order = OperationRequest(sweep.verb, g.person.email, parameters, reason or None)
    operation_id = verbs.start(order, wanted)
    snapshot.forget()
    flash(_("The operation has begun. It goes on when you leave this page."), "success")
    return operation_id


def _ended_before(age_s: str) -> datetime:
    if not age_s.isascii() or not age_s.isdigit() or int(age_s) not in AGES_S:
        abort(400)
    return datetime.now(UTC) - timedelta(seconds=int(age_s))
