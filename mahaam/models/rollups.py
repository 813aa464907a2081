"""Rollups that charts are drawn from: latency stats, ages of queues, periods, deploys."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from mahaam.models.base import Base

ARE_PAIRS = (
    "cardinality(waits) = cardinality(wait_counts) AND cardinality(runs) = cardinality(run_counts)"
)
NONE = text("'{}'")


class LatencyBuckets:
    """Latency stats of waits and runs: numbers of buckets (`mahaam/core/histogram.py`) and their counts."""

    waits: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), server_default=NONE, comment="buckets of waits of first starts"
    )
    wait_counts: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=NONE)
    runs: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), server_default=NONE, comment="buckets of runs"
    )
    run_counts: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=NONE)


class JobLatency(LatencyBuckets, Base):
    """The latency stats of one minute, as one consumer saw it."""

    __tablename__ = "job_spread"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    worker_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, comment="who alone writes the row, again and again"
    )

    __table_args__ = (CheckConstraint(ARE_PAIRS, name="are_pairs"),)


class QueueAge(Base):
    """How long the oldest job of a queue had waited, at most, when it was sampled in a minute."""

    __tablename__ = "queue_age"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    oldest_s: Mapped[float] = mapped_column(comment="of what waited; 0: nothing did")


class JobPeriod(LatencyBuckets, Base):
    """Counts of a minute, ten minutes, an hour or a day; every chart reads this."""

    __tablename__ = "job_period"

    length_s: Mapped[int] = mapped_column(primary_key=True, comment="60, 600, 3600 or 86400")
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True, comment="empty: all queues together")
    task: Mapped[str] = mapped_column(primary_key=True, comment="empty: all tasks together")
    completed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    failed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    retried: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cancelled: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    crashed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    oldest_s: Mapped[float | None] = mapped_column(
        comment="longest seen to wait; of all tasks only"
    )

    __table_args__ = (
        CheckConstraint("length_s IN (60, 600, 3600, 86400)", name="length_is_known"),
        CheckConstraint(ARE_PAIRS, name="are_pairs"),
    )


class Deploy(Base):
    """A moment at which other code was deployed, as a line in the charts."""

    __tablename__ = "deploy"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    revision: Mapped[str]
    note: Mapped[str | None]
    marked_by: Mapped[str]
    marked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("revision <> ''", name="has_a_revision"),
        Index("deploy_marked", "marked_at"),
    )
