"""The schedules declared in the code, by name; each process syncs the table with them at its start."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from mahaam.core.errors import OptionNotValid
from mahaam.core.field import FieldNotValid
from mahaam.schedules.rules.spec import Spec, spec

# Every process counts intervals of the code from here, so that a restart moves nothing.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
UNITS_S = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 7 * 86400}
POLICIES = {"missed": ("skip", "once", "all"), "overlap": ("allow", "skip", "queue")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A schedule as declared in the code; None is the task's own value."""

    name: str
    task: str
    kind: str
    every_s: int | None = None
    cron: str | None = None
    timezone: str = "UTC"
    kwargs: dict[str, Any] = field(default_factory=dict)
    missed: str = "once"
    missed_limit: int = 10
    overlap: str = "allow"

    @property
    def spec(self) -> Spec:
        """Return the times of the schedule."""
        return Spec(
            kind=self.kind,
            starts_at=EPOCH,
            every_s=self.every_s,
            cron=self.cron,
            timezone=self.timezone,
        )

    def plain(self) -> dict[str, Any]:
        """Return everything but the name, as JSON stores it."""
        values = asdict(self)
        del values["name"]
        return values


schedules: dict[str, Declared] = {}


def every_s(lengths: dict[str, float]) -> int:
    """Return the seconds of `minutes=5` and the like. Raises OptionNotValid."""
    if not lengths:
        raise OptionNotValid("Say how often: every(minutes=5).")
    total = sum(number * UNITS_S[unit] for unit, number in lengths.items())
    if total != int(total):
        raise OptionNotValid(f"An interval is a whole number of seconds; it is {total:g}.")
    return int(total)


def add(
    name: str | None, task: str, *, kwargs: dict[str, Any] | None = None, **when: Any
) -> Declared:
    """Declare that `task` runs at the times of `when`. Return the schedule. Raises OptionNotValid."""
    for policy, words in POLICIES.items():
        if when.get(policy, words[0]) not in words:
            raise OptionNotValid(f"{policy} must be {', '.join(words[:-1])} or {words[-1]}.")
    policies = {key: when.pop(key) for key in ("missed", "missed_limit", "overlap") if key in when}
    try:
        checked = spec(now=datetime.now(UTC), **when)
    except FieldNotValid as fault:
        raise OptionNotValid(f"{task}: {fault}") from None
    made = Declared(
        name=name or _name(task),
        task=task,
        kind=checked.kind,
        every_s=checked.every_s,
        cron=checked.cron,
        timezone=checked.timezone,
        kwargs=kwargs or {},
        **policies,
    )
    if schedules.get(made.name, made) != made:
        raise OptionNotValid(
            f'Two schedules are called {made.name}: give one another schedule="…".'
        )
    schedules[made.name] = made
    return made


def remove_of(task: str) -> None:
    """Forget the schedules of a task."""
    for name in [name for name, declared in schedules.items() if declared.task == task]:
        del schedules[name]


def of_task(task: str) -> bool:
    """Return True if the code has a schedule for `task`."""
    return any(declared.task == task for declared in schedules.values())


def _name(task: str) -> str:
    """Return the task's own name; with a number, when it has a schedule already."""
    count = sum(declared.task == task for declared in schedules.values())
    return task if not count else f"{task} #{count + 1}"
