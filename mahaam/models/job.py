"""A job, its attempts, and what it logs while it runs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.jobs.state_questions import StateQuestions
from mahaam.jobs.states import LIVE
from mahaam.models.base import Base, listed

AT_REST = "state <> 'running'"
# New entries wait in a list that every search reads: a short one.
GIN: dict[str, Any] = {
    "postgresql_using": "gin",
    "postgresql_with": {"gin_pending_list_limit": 1024},
}


class Job(StateQuestions, Base):
    """One job: what to run, its state, how it ended. `attempt` is the fence."""

    __tablename__ = "job"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, comment="UUIDv7: time order")
    task: Mapped[str]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str]
    args: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    kwargs: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    shown: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True),
        comment="args and kwargs without secrets; NULL: there are none in them",
    )
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
    retry_delay_cap_s: Mapped[float | None] = mapped_column(comment="NULL: RETRY_DELAY_CAP_S")
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
    cancel_requested_at: Mapped[datetime | None] = mapped_column(
        comment="of a running job: it is stopping"
    )
    cancel_requested_by: Mapped[str | None]
    stop_note: Mapped[str | None] = mapped_column(comment="why it could not be stopped yet")
    result_taken: Mapped[int | None] = mapped_column(
        comment="the attempt whose result Huey's Result.get has handed out"
    )

    __table_args__ = (
        # A function (of the first migration), because PostgreSQL reads a CHECK's expression anew for
        # every statement but a function once per connection: written out, the rules took as long as
        # the updates themselves.
        CheckConstraint(
            "job_is_sound(state, run_at, started_at, finished_at, worker_id, progress,"
            " attempt, retry_count, max_retries, crash_count)",
            name="is_sound",
        ),
        Index(
            "job_dedupe_key_live",
            "dedupe_key",
            unique=True,
            postgresql_where=text(f"dedupe_key IS NOT NULL AND state IN ({listed(LIVE)})"),
        ),
        Index("job_due", "run_at", postgresql_where=text("state IN ('scheduled', 'retrying')")),
        Index(
            "job_waiting",
            "queue",
            text("priority DESC"),
            "queued_at",
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
        # Only jobs that others made are in it; the many that a client made do not pay for it.
        Index("job_parent", "parent_id", "id", postgresql_where=text("parent_id IS NOT NULL")),
        # People find jobs by these. Running rows are few and in no index of content: a start, the
        # hottest of all writes, pays nothing.
        Index("job_listed", "state", "queue", "task", "id", postgresql_where=text(AT_REST)),
        Index(
            "job_argument",
            "args",
            "kwargs",
            **GIN,
            postgresql_ops={"args": "jsonb_path_ops", "kwargs": "jsonb_path_ops"},
            postgresql_where=text(AT_REST),
        ),
        Index(
            "job_tag",
            "tags",
            **GIN,
            postgresql_where=text(f"tags IS NOT NULL AND {AT_REST}"),
        ),
        Index(
            "job_error_text",
            text("error_grams(error)"),
            **GIN,
            postgresql_where=text(f"error IS NOT NULL AND {AT_REST}"),
        ),
        Index("job_failing", "state", "id", postgresql_where=text("error IS NOT NULL")),
        # The head of job_waiting becomes dead rows with every start; a small table must be vacuumed
        # early.
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
    error_metadata: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="what Huey's TaskException tells beside the traceback"
    )
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


class JobLog(Base):
    """One line that a job logged while it ran."""

    __tablename__ = "job_log"

    job_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("job.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, comment="from 1 within an attempt")
    said_at: Mapped[datetime]
    level: Mapped[int] = mapped_column(SmallInteger, comment="as logging counts: 20 is INFO")
    logger: Mapped[str | None] = mapped_column(comment="NULL: current_job.log")
    message: Mapped[str]
