"""Due schedules: what the scheduler asks ten times a second."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from mahaam.jobs.job_columns import each, json_object
from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.postgres.database import Cursor
from mahaam.schedules.rules.spec import Spec

# Options of a schedule win over those of its definition.
JOB_OPTIONS = each(SCHEDULE_OPTIONS, "schedule.{}") | {
    "queue": "coalesce(schedule.queue, definition.queue)"
}
COLUMNS = f"""
schedule.id, schedule.name, schedule.task, definition.name AS definition, kind, run_at, every_s, cron,
timezone, starts_at, ends_at, args, coalesce(definition.kwargs, '{{}}') || schedule.kwargs AS kwargs,
{json_object(JOB_OPTIONS)} AS job_options, missed, missed_limit, next_run_at
"""
SCHEDULES = "schedule LEFT JOIN task_definition AS definition ON definition.id = definition_id"

# Index: schedule_due. A schedule that cannot fire here, because another process knows its task,
# delays the others only when nothing else is due.
DUE = f"""
SELECT {COLUMNS}, broken IS NOT NULL AS is_broken, now() AS now FROM {SCHEDULES}
WHERE disabled_at IS NULL AND next_run_at <= now()
ORDER BY broken IS NOT NULL, next_run_at LIMIT %(limit)s
"""
SOME = (
    f"SELECT {COLUMNS}, broken IS NOT NULL, now() FROM {SCHEDULES} WHERE schedule.id = ANY(%(ids)s)"
)


class DueSchedule(NamedTuple):
    """A schedule that is to make a job; `now` is PostgreSQL's, `next_run_at` the due time.

    `job_options` are fields of NewJob in which its jobs differ from others of their task.
    """

    id: int
    name: str
    task: str
    definition: str | None
    kind: str
    run_at: datetime | None
    every_s: int | None
    cron: str | None
    timezone: str
    starts_at: datetime
    ends_at: datetime | None
    args: list[Any]
    kwargs: dict[str, Any]
    job_options: dict[str, Any]
    missed: str
    missed_limit: int
    next_run_at: datetime
    is_broken: bool
    now: datetime

    @property
    def spec(self) -> Spec:
        """Return the times of the schedule."""
        return Spec(
            kind=self.kind, run_at=self.run_at, every_s=self.every_s, cron=self.cron,
            timezone=self.timezone, starts_at=self.starts_at, ends_at=self.ends_at,
        )  # fmt: skip


def due_schedules(cursor: Cursor, *, limit: int) -> list[DueSchedule]:
    """Return the schedules whose next time has come, the longest waiting first."""
    cursor.execute(DUE, {"limit": limit})
    return [DueSchedule._make(row) for row in cursor.fetchall()]


def due_ids(cursor: Cursor, *, limit: int) -> list[int]:
    """Return the ids of the schedules whose next time has come."""
    cursor.execute(
        "SELECT id FROM schedule WHERE disabled_at IS NULL AND next_run_at <= now()"
        " ORDER BY broken IS NOT NULL, next_run_at LIMIT %s",
        (limit,),
    )
    return [id_ for (id_,) in cursor.fetchall()]


def some_schedules(cursor: Cursor, ids: list[int]) -> list[DueSchedule]:
    """Return the schedules with these ids, due or not."""
    cursor.execute(SOME, {"ids": ids})
    return [DueSchedule._make(row) for row in cursor.fetchall()]
