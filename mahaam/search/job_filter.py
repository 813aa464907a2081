"""The filter of jobs for a list, an export or a bulk operation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANDOM_BITS = 80  # of a UUIDv7, below its 48 bits of milliseconds
LAST_ID = uuid.UUID(int=2**128 - 1)
FIRST_ID = uuid.UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """What jobs are narrowed to; None: any.

    `created_from` is included, `created_to` is not. `error` is looked for anywhere in the text, in
    either case. `argument` is JSON as text: an object that the keyword arguments contain, or a
    list that the positional ones contain.
    """

    state: str | None = None
    queue: str | None = None
    task: str | None = None
    tag: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    error: str | None = None
    argument: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the conditions, ready for JSON; `from_dict` reads them back."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in given.items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> JobFilter:
        """Return the filter that `to_dict` made `kept` of.

        Raises TypeError for a filter of later versions.
        """
        read: dict[str, Any] = {
            name: datetime.fromisoformat(value) if name.startswith("created_") else value
            for name, value in kept.items()
        }
        return cls(**read)

    @property
    def asks_for_nothing(self) -> bool:
        """Return True if every job matches."""
        return not self.to_dict()

    @property
    def has_columns(self) -> bool:
        """Return True if the filter has a state, a queue or a task."""
        return not (self.state is None and self.queue is None and self.task is None)

    @property
    def is_about_content(self) -> bool:
        """Return True if the filter looks into rows: the tags, the error, the arguments."""
        return not (self.tag is None and self.error is None and self.argument is None)

    @property
    def may_meet_secrets(self) -> bool:
        """Return True if the filter looks where secrets are hidden: in the error, in the arguments."""
        return not (self.error is None and self.argument is None)

    @property
    def oldest_id(self) -> uuid.UUID:
        """Return the id that no matching job is below."""
        return first_id_of(self.created_from) if self.created_from else FIRST_ID

    @property
    def id_limit(self) -> uuid.UUID:
        """Return the id that every matching job is below."""
        return first_id_of(self.created_to) if self.created_to else LAST_ID


def first_id_of(moment: datetime) -> uuid.UUID:
    """Return the least id that a job created at this millisecond can have; ids are UUIDv7."""
    milliseconds = max((moment - EPOCH) // timedelta(milliseconds=1), 0)
    return uuid.UUID(int=min(milliseconds, 2**48 - 1) << RANDOM_BITS)


def moment_of(job_id: uuid.UUID) -> datetime | None:
    """Return when the job with this id was created, or None when no calendar has that moment."""
    try:
        return EPOCH + timedelta(milliseconds=job_id.int >> RANDOM_BITS)
    except OverflowError:
        return None
