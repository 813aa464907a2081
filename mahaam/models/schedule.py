"""Definitions of tasks, schedules, and the outcome of each due time."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base

NOW, NO_ARGS, NO_KWARGS = text("now()"), text("'[]'"), text("'{}'")


class TaskDefinition(Base):
    """A task under a name of people's own, with arguments that its jobs get by default.

    Every registered task is a definition by itself; those have no row.
    """

    __tablename__ = "task_definition"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    task: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    queue: Mapped[str | None] = mapped_column(comment="NULL: the task's own")
    kwargs: Mapped[dict[str, Any]] = mapped_column(server_default=NO_KWARGS)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    changed_by: Mapped[str | None]
    changed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("name <> '' AND length(name) <= 200", name="name_is_short"),
        Index("task_definition_task", "task", "id"),
    )


class Schedule(Base):
    """The times and arguments of a task, and what to do about times that were missed or overlap."""

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    task: Mapped[str]
    definition_id: Mapped[int | None] = mapped_column(
        ForeignKey("task_definition.id", ondelete="SET NULL")
    )
    kind: Mapped[str]
    run_at: Mapped[datetime | None] = mapped_column(comment="of once")
    every_s: Mapped[int | None] = mapped_column(comment="of interval, counted from starts_at")
    cron: Mapped[str | None] = mapped_column(comment="five fields")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    starts_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ends_at: Mapped[datetime | None]
    args: Mapped[list[Any]] = mapped_column(server_default=NO_ARGS)
    kwargs: Mapped[dict[str, Any]] = mapped_column(server_default=NO_KWARGS)
    priority: Mapped[int | None] = mapped_column(comment="NULL: the task's own, as the next two")
    queue: Mapped[str | None]
    max_retries: Mapped[int | None]
    retry_delay_cap_s: Mapped[float | None] = mapped_column(comment="NULL: the task's own")
    missed: Mapped[str] = mapped_column(server_default="once")
    missed_limit: Mapped[int] = mapped_column(server_default="10", comment="of all")
    overlap: Mapped[str] = mapped_column(server_default="allow")
    next_run_at: Mapped[datetime | None] = mapped_column(comment="NULL: never again")
    last_fire_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_by: Mapped[str | None]
    disabled_reason: Mapped[str | None]
    broken_at: Mapped[datetime | None]
    broken: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="why it cannot fire, as a phrase"
    )
    code: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="what the code says; NULL: it says nothing"
    )
    edited_at: Mapped[datetime | None] = mapped_column(
        comment="by people, who win over the code since then"
    )
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        CheckConstraint("name <> '' AND length(name) <= 200", name="name_is_short"),
        CheckConstraint(
            "CASE kind WHEN 'once' THEN run_at IS NOT NULL AND num_nonnulls(every_s, cron) = 0"
            " WHEN 'interval' THEN every_s >= 1 AND num_nonnulls(run_at, cron) = 0"
            " WHEN 'cron' THEN cron IS NOT NULL AND num_nonnulls(run_at, every_s) = 0"
            " ELSE false END",
            name="kind_is_whole",
        ),
        CheckConstraint("missed IN ('skip', 'once', 'all')", name="missed_is_known"),
        CheckConstraint("missed_limit BETWEEN 1 AND 1000", name="missed_limit_is_bounded"),
        CheckConstraint("overlap IN ('allow', 'skip', 'queue')", name="overlap_is_known"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("(broken IS NULL) = (broken_at IS NULL)", name="fault_is_whole"),
        Index(
            "schedule_due",
            "next_run_at",
            postgresql_where=text("disabled_at IS NULL AND next_run_at IS NOT NULL"),
        ),
        Index(
            "schedule_broken",
            "broken_at",
            postgresql_where=text("disabled_at IS NULL AND broken_at IS NOT NULL"),
        ),
        Index("schedule_task", "task", "id"),
    )


class ScheduleFire(Base):
    """The outcome of one due time of a schedule: a job, or the reason why there is none."""

    __tablename__ = "schedule_fire"

    schedule_id: Mapped[int] = mapped_column(
        ForeignKey("schedule.id", ondelete="CASCADE"), primary_key=True
    )
    fire_at: Mapped[datetime] = mapped_column(primary_key=True, comment="the due time")
    state: Mapped[str]
    reason: Mapped[str | None] = mapped_column(comment="of what was skipped or waits")
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)
    made_by: Mapped[str | None] = mapped_column(comment="who ran it by hand; NULL: the clock")
    job_id: Mapped[uuid.UUID | None] = mapped_column(comment="it may have been deleted since")
    count: Mapped[int] = mapped_column(
        server_default="1", comment="due times that this row stands for, the first of them fire_at"
    )

    __table_args__ = (
        CheckConstraint("state IN ('fired', 'skipped', 'waiting')", name="state_is_known"),
        CheckConstraint("(state = 'fired') = (job_id IS NOT NULL)", name="fired_has_a_job"),
        CheckConstraint("(state = 'fired') = (reason IS NULL)", name="rest_has_a_reason"),
        Index(
            "schedule_fire_waiting",
            "schedule_id",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("schedule_fire_job", "job_id", postgresql_where=text("job_id IS NOT NULL")),
        Index("schedule_fire_made", "made_at"),
    )
