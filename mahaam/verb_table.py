"""Every verb that people have, one row each: of jobs, dead letters, queues, tasks, workers,
schedules, definitions, error groups, alerts and operations.

Roles, pages, buttons, commands and an API are made from these rows. A verb of jobs or dead letters
is declared in `mahaam/operations/verbs.py` alone, and gets its row here from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal

from mahaam import verbs
from mahaam.alerts import verbs as alerts
from mahaam.operations import inputs
from mahaam.operations.inputs import Input, Parameters
from mahaam.verbs import ACTS, VerbResult

Role = Literal["operator", "admin"]


@dataclass(frozen=True, slots=True)
class VerbRow:
    """A verb of a kind of thing: what it takes, who may do it, and how it is done.

    `run(ids, by=…, **inputs)` does it now and returns the result for each. `states` are those that
    it takes (empty: all). `right` is what a role must have; the audit calls the verb by it, too,
    unless `audit` says otherwise.
    """

    kind: str
    name: str
    run: Callable[..., VerbResult]
    states: frozenset[str] = frozenset()
    inputs: tuple[Input, ...] = ()
    role: Role = "operator"
    right: str = ""
    audit: str = ""
    columns: tuple[str, ...] = field(default=())

    @property
    def needs(self) -> str:
        """Return the right that a user needs for it."""
        return self.right or self.audited_as

    @property
    def audited_as(self) -> str:
        """Return the audit's name for it."""
        return self.audit or self.name

    def check(self, given: Parameters) -> dict[str, Any]:
        """Return the inputs that were given. Raises OptionNotValid for others, and for wrong ones."""
        return inputs.checked(self.inputs, given)


def _given(value: Any) -> Any:
    return value  # checked by the verb itself


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


REASON = Input("reason", "text", "Why; people read it who wonder.", _given)
GREENLETS = Input("greenlets", "integer", "How many jobs run at once.", _given, is_required=True)
MINUTES = Input("minutes", "integer", "For so many minutes.", _given, is_required=True)
UNTIL = Input("until", "moment", "Until this time (UTC).", _moment)
TIMES = Input("times", "integer", "Until so many failures more.", _given)
RATE = Input("rate", "integer", "Until so many failures in an hour.", _given)
FOR = Input("for_s", "seconds", "For a time, such as 30m.", _given)
RESUME_AT = Input("resume_at", "moment", "Until this time (UTC).", _moment)


def _pause(pause: Callable[..., VerbResult]) -> Callable[..., VerbResult]:
    def run(names: Iterable[str], *, by: str, **options: Any) -> VerbResult:
        return pause(names, verbs.pause(by=by, replace=True, **options))

    return run


def _resize(ids: Iterable[Any], *, by: str, greenlets: int) -> VerbResult:
    return verbs.resize_workers(ids, greenlets, by=by)


def _assign(assign: Callable[..., VerbResult]) -> Callable[..., VerbResult]:
    def run(ids: Iterable[int], *, by: str, owner: str | None = None) -> VerbResult:
        return assign(ids, owner, by=by)

    return run


def _abort(ids: Iterable[int], *, by: str) -> VerbResult:
    answers = {id_: verbs.abort(id_, by=by) for id_ in ids}
    return VerbResult(
        tuple(id_ for id_, why in answers.items() if why is None),
        {id_: why for id_, why in answers.items() if why is not None},
    )


def _undo(ids: Iterable[int], *, by: str) -> VerbResult:
    answers = {id_: verbs.undo(id_, by=by).refusal for id_ in ids}
    return VerbResult(
        tuple(id_ for id_, why in answers.items() if why is None),
        {id_: why for id_, why in answers.items() if why is not None},
    )


LIVE = frozenset({"running", "quiet"})
PAUSE = (REASON, FOR, RESUME_AT)
PAUSES = (
    VerbRow("queue", "pause", _pause(verbs.pause_queues), inputs=PAUSE),
    VerbRow("queue", "resume", verbs.resume_queues, frozenset({"paused"})),
    VerbRow("task", "pause", _pause(verbs.pause_tasks), inputs=PAUSE),
    VerbRow("task", "resume", verbs.resume_tasks, frozenset({"paused"})),
)
WORKERS = (
    VerbRow("worker", "quiet", verbs.quiet_workers, frozenset({"running"})),
    VerbRow("worker", "wake", verbs.wake_workers, frozenset({"quiet"})),
    VerbRow("worker", "resize", _resize, LIVE, (GREENLETS,)),
    VerbRow("worker", "stop", verbs.stop_workers, LIVE, audit="stop_worker"),
)
NOT_DISABLED = frozenset({"active", "overdue", "broken", "over", "edited"})
SCHEDULES = (
    VerbRow("schedule", "run", verbs.run_schedules),
    VerbRow("schedule", "enable", verbs.enable_schedules, frozenset({"disabled"})),
    VerbRow("schedule", "disable", verbs.disable_schedules, NOT_DISABLED, (REASON,)),
    VerbRow(
        "schedule", "back_to_code", verbs.back_to_code, frozenset({"edited"}),
        role="admin", right="define",
    ),
    VerbRow("schedule", "delete", verbs.delete_schedules, role="admin", right="define"),
)  # fmt: skip
ERROR_GROUPS = (
    VerbRow(
        "error_group", "resolve", verbs.resolve_groups, frozenset({"open", "returned", "ignored"})
    ),
    VerbRow("error_group", "ignore", verbs.ignore_groups, inputs=(UNTIL, TIMES, RATE)),
    VerbRow(
        "error_group", "watch", verbs.watch_groups, frozenset({"resolved", "ignored"}),
        right="resolve",
    ),
    VerbRow("error_group", "assign", _assign(verbs.assign_groups), inputs=(inputs.OWNER,)),
)  # fmt: skip
NOT_CLOSED = frozenset({"open", "acknowledged"})
ALERTS = (
    VerbRow("alert", "acknowledge", alerts.acknowledge_alerts, frozenset({"open"})),
    VerbRow("alert", "silence", alerts.silence_alerts, NOT_CLOSED, (MINUTES,)),
    VerbRow("alert", "resolve", alerts.resolve_alerts, NOT_CLOSED),
    VerbRow("alert", "assign", _assign(alerts.assign_alerts), NOT_CLOSED, (inputs.OWNER,)),
)
OPERATIONS = (
    VerbRow("operation", "abort", _abort, frozenset({"waiting", "running"})),
    VerbRow("operation", "undo", _undo, frozenset({"finished", "aborted"})),
)
BULK = tuple(
    VerbRow(
        verb.kind, name, partial(verbs.apply, name), verb.sources, verb.inputs, columns=verb.columns
    )
    for name, verb in ACTS.items()
)

TABLE: dict[tuple[str, str], VerbRow] = {
    (row.kind, row.name): row
    for row in (*BULK, *PAUSES, *WORKERS, *SCHEDULES, *ERROR_GROUPS, *ALERTS, *OPERATIONS)
}
RIGHTS: dict[str, Role] = {row.needs: row.role for row in TABLE.values()}


def of_kind(kind: str) -> dict[str, VerbRow]:
    """Return the verbs of a kind of thing by their names."""
    return {name: row for (of, name), row in TABLE.items() if of == kind}
