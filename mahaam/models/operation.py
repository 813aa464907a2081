"""Operations that an operator applied to many jobs or dead letters at once, and the result for each."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base

OPEN = ("running", "undoing", "waiting")
STATES = (*OPEN, "aborted", "finished", "undone")


class Operation(Base):
    """One verb for one, some, or everything that matches a filter; `cursor` is its progress."""

    __tablename__ = "operation"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(comment="of what: job or dead_letter")
    verb: Mapped[str]
    filter: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="NULL: chosen one by one"
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    reason: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    state: Mapped[str] = mapped_column(server_default="waiting")
    until: Mapped[str | None] = mapped_column(comment="the newest id at the start")
    cursor: Mapped[str | None] = mapped_column(comment="the last id that was looked at")
    expected: Mapped[int | None] = mapped_column(comment="as counted before; NULL: more than that")
    done: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    aborted_by: Mapped[str | None]
    fault: Mapped[str | None] = mapped_column(comment="why it could not go on")
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None] = mapped_column(comment="when undoing ended")
    moved_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="when its last chunk was done"
    )
    undo_cursor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    undone: Mapped[int] = mapped_column(server_default="0", comment="went back")
    kept: Mapped[int] = mapped_column(server_default="0", comment="had moved on, or could not")

    __table_args__ = (
        CheckConstraint("kind IN ('job', 'dead_letter')", name="kind_is_known"),
        CheckConstraint(
            "state IN (" + ", ".join(f"'{state}'" for state in sorted(STATES)) + ")",
            name="state_is_known",
        ),
        CheckConstraint(
            "(finished_at IS NULL) = (state IN ('running', 'waiting'))", name="end_is_whole"
        ),
        CheckConstraint(
            "(undone_by IS NOT NULL) = (state IN ('undoing', 'undone'))", name="undo_is_whole"
        ),
        CheckConstraint("done >= 0 AND refused >= 0 AND undone + kept <= done", name="counts_fit"),
        Index(
            "operation_open",
            "id",
            postgresql_where=text("state IN (" + ", ".join(f"'{s}'" for s in OPEN) + ")"),
        ),
    )


class OperationResult(Base):
    """What an operation did to one job or dead letter, or the fact that prevented it.

    `before` and `after` hold the columns that the verb changes, so that undo can restore them.
    """

    __tablename__ = "operation_result"

    operation_id: Mapped[int] = mapped_column(
        ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="from 1")
    job_id: Mapped[uuid.UUID | None] = mapped_column(comment="may be deleted since")
    dead_letter_id: Mapped[int | None] = mapped_column(BigInteger)
    is_done: Mapped[bool]
    fact: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="why not, as a phrase"
    )
    before: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    is_undone: Mapped[bool | None] = mapped_column(comment="NULL: undoing has not come here")
    undo_fact: Mapped[Any | None] = mapped_column(
        JSONB(none_as_null=True), comment="why it did not go back, as a phrase"
    )

    __table_args__ = (
        CheckConstraint("num_nonnulls(job_id, dead_letter_id) > 0", name="is_about_something"),
        CheckConstraint("is_done = (fact IS NULL)", name="refusal_has_a_fact"),
        CheckConstraint(
            "undo_fact IS NULL OR is_undone IS NOT DISTINCT FROM false", name="undo_is_whole"
        ),
        # By the job first: without statistics the planner does not know that an operation has many
        # results.
        Index(
            "operation_result_done_job", "job_id", "operation_id", postgresql_where=text("is_done")
        ),
        Index(
            "operation_result_refused",
            "operation_id",
            "number",
            postgresql_where=text("NOT is_done"),
        ),
    )
