"""The tables of the engine, as SQLAlchemy sees them; the rules they keep stand beside the columns."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.engine.states import FINAL, LIVE, State


def _listed(states: frozenset[State]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


class Base(DeclarativeBase):
    """The base of every table; names its constraints so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {
        str: Text,
        datetime: DateTime(timezone=True),
        uuid.UUID: Uuid(),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
    }


# What every row of job must keep to. A function, because PostgreSQL reads a CHECK's expression anew
# for every statement but a function once per connection: written out, the rules took as long as
# the updates themselves.
JOB_IS_SOUND = f"""
CREATE FUNCTION job_is_sound(
  state text, run_at timestamptz, started_at timestamptz, finished_at timestamptz, worker_id uuid,
  progress int, attempt int, retry_count int, max_retries int, crash_count int
) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN attempt >= 0 AND retry_count >= 0 AND max_retries >= 0 AND crash_count >= 0
    AND (progress IS NULL OR progress BETWEEN 0 AND 100)
    AND CASE
      WHEN state = 'queued' THEN finished_at IS NULL
      WHEN state = 'running' THEN
        finished_at IS NULL AND started_at IS NOT NULL AND worker_id IS NOT NULL
      WHEN state IN ('scheduled', 'retrying') THEN finished_at IS NULL AND run_at IS NOT NULL
      ELSE finished_at IS NOT NULL AND state IN ({_listed(FINAL)})
    END;
END
$$
"""


class Queue(Base):
    """A line of jobs with its rank (lower is served first), weight, rate limit and pause."""

    __tablename__ = "queue"

    name: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(server_default="100")
    weight: Mapped[int] = mapped_column(server_default="1")
    rate_limit: Mapped[int | None] = mapped_column(comment="starts allowed per rate_period_s")
    rate_period_s: Mapped[float | None]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    pause_reason: Mapped[str | None]
    resume_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'", name="name_is_a_word"),
        CheckConstraint("weight >= 1", name="weight_is_positive"),
        CheckConstraint(
            "(rate_limit IS NULL) = (rate_period_s IS NULL) AND rate_limit > 0 AND rate_period_s > 0"
            " OR rate_limit IS NULL AND rate_period_s IS NULL",
            name="rate_is_whole",
        ),
    )


class Job(Base):
    """One job: what to run, where it is in its life, how it ended. `attempt` is the fence."""

    __tablename__ = "job"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, comment="UUIDv7: time order")
    task: Mapped[str]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str]
    args: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    kwargs: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    options: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what rides along: chain, hooks, removal"
    )
    tags: Mapped[list[str] | None]
    attempt: Mapped[int] = mapped_column(server_default="0", comment="starts so far")
    retry_count: Mapped[int] = mapped_column(server_default="0")
    max_retries: Mapped[int] = mapped_column(server_default="3")
    crash_count: Mapped[int] = mapped_column(server_default="0")
    retry_delay_s: Mapped[float] = mapped_column(server_default="1")
    retry_backoff: Mapped[float] = mapped_column(server_default="2", comment="1: fixed delay")
    retry_jitter: Mapped[bool] = mapped_column(server_default=text("true"))
    run_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    timeout_s: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    worker_id: Mapped[uuid.UUID | None]
    progress: Mapped[int | None]
    progress_text: Mapped[str | None]
    result: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[str | None] = mapped_column(comment="class and message of the last failure")
    dedupe_key: Mapped[str | None]
    parent_id: Mapped[uuid.UUID | None]
    schedule_id: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "job_is_sound(state, run_at, started_at, finished_at, worker_id, progress,"
            " attempt, retry_count, max_retries, crash_count)",
            name="is_sound",
        ),
        Index(
            "job_dedupe_key_live",
            "dedupe_key",
            unique=True,
            postgresql_where=text(f"dedupe_key IS NOT NULL AND state IN ({_listed(LIVE)})"),
        ),
        Index("job_due", "run_at", postgresql_where=text("state IN ('scheduled', 'retrying')")),
        Index(
            "job_waiting",
            "queue",
            text("priority DESC"),
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("job_running", "worker_id", postgresql_where=text("state = 'running'")),
        Index(
            "job_rare_state",
            "state",
            "id",
            postgresql_where=text(
                "state IN ('scheduled', 'retrying', 'failed', 'cancelled', 'expired')"
            ),
        ),
        # The head of job_waiting dies with every start; a small table must be vacuumed early.
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": "0.02"}},
    )


class Attempt(Base):
    """One start of a job that the job's own row no longer describes."""

    __tablename__ = "attempt"

    job_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("job.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[uuid.UUID | None]
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime]
    outcome: Mapped[str]
    error_class: Mapped[str | None]
    error_message: Mapped[str | None]
    traceback: Mapped[str | None]
    late_at: Mapped[datetime | None] = mapped_column(
        comment="a refused result arrived after the rescue"
    )
    late_outcome: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "outcome IN ('completed', 'failed', 'retrying', 'cancelled', 'expired', 'released', 'crashed')",
            name="outcome_is_known",
        ),
    )


class DeadLetter(Base):
    """A job that failed for good, with its first and its last exception."""

    __tablename__ = "dead_letter"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    task: Mapped[str]
    queue: Mapped[str]
    error_class: Mapped[str]
    error_message: Mapped[str]
    traceback: Mapped[str]
    first_error_class: Mapped[str]
    first_error_message: Mapped[str]
    first_traceback: Mapped[str]
    fingerprint: Mapped[str]
    retry_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    reprocessed_at: Mapped[datetime | None]
    reprocessed_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolution_note: Mapped[str | None]
    notified_at: Mapped[datetime | None]

    __table_args__ = (
        Index("dead_letter_job_attempt", "job_id", "attempt", unique=True),
        Index(
            "dead_letter_open",
            "id",
            postgresql_where=text("resolved_at IS NULL AND reprocessed_at IS NULL"),
        ),
        Index("dead_letter_fingerprint", "fingerprint", "id"),
    )


class Worker(Base):
    """A consumer process that holds jobs, for as long as its lease runs."""

    __tablename__ = "worker"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    queues: Mapped[list[str]] = mapped_column(comment="empty: all")
    greenlets: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="running")
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    beat_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    lease_until: Mapped[datetime]
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    stopped_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'stopping', 'stopped', 'lost')", name="state_is_known"
        ),
    )


class JobMinute(Base):
    """Counts and times of what ended in one minute, per queue, task and worker; feeds every chart."""

    __tablename__ = "job_minute"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    worker_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, comment="keeps two consumers off one row"
    )
    completed: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    retried: Mapped[int] = mapped_column(server_default="0")
    cancelled: Mapped[int] = mapped_column(server_default="0")
    expired: Mapped[int] = mapped_column(server_default="0")
    crashed: Mapped[int] = mapped_column(server_default="0")
    wait_ms: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="sum, first starts only"
    )
    waited: Mapped[int] = mapped_column(server_default="0", comment="first starts in wait_ms")
    run_ms: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="sum")
