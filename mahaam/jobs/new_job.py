"""The options of a job, each declared once, and the job that is about to be accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, TypeVar, get_type_hints

from mahaam.core.errors import OptionNotValid
from mahaam.jobs.job_option import (
    LONGEST_S,
    PRIORITY,
    SHORTEST_S,
    Column,
    JobOption,
    Number,
    Whole,
    anything,
    factor,
    moment,
    seconds,
    short_text,
    short_texts,
    truth,
    words,
)

T = TypeVar("T")
SPAN = Number(0, LONGEST_S)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """The checked values that all jobs of one enqueue share; ids and arguments are passed beside it.

    Options of a job are declared here: type and default, column (see `job_columns.py`), and with
    JobOption name, limits and where the option can be set. `eta` and `expires_at` are aware
    datetimes, `delay_s` and `expires_in_s` seconds from PostgreSQL's now. `options` is the JSON
    that rides along.
    """

    task: Annotated[str, Column("text")]
    queue: Annotated[str, Column("text"), JobOption("queue", of_schedule=True)] = "default"
    priority: Annotated[
        int,
        Column("integer"),
        JobOption("priority", PRIORITY, huey="priority", of_schedule=True),
    ] = 0
    max_retries: Annotated[
        int,
        Column("integer"),
        JobOption("max_retries", Whole(0, 10_000), huey="retries", of_schedule=True),
    ] = 3
    retry_delay_s: Annotated[
        float,
        Column("double precision"),
        JobOption("retry_delay", SPAN, seconds, huey="retry_delay"),
    ] = 1.0
    retry_backoff: Annotated[
        float,
        Column("double precision"),
        JobOption("retry_backoff", Number(0, 1000, "factor"), factor, huey="retry_backoff"),
    ] = 2.0
    retry_jitter: Annotated[
        bool, Column("boolean"), JobOption("retry_jitter", truth, in_call=True)
    ] = True
    retry_delay_cap_s: Annotated[
        float | None,
        Column("double precision"),
        JobOption(
            "retry_delay_cap",
            Number(SHORTEST_S, LONGEST_S),
            seconds,
            in_call=True,
            of_schedule=True,
        ),
    ] = None
    delay_s: Annotated[
        float | None, JobOption("delay", SPAN, seconds, of_task=False, in_call=True)
    ] = None
    eta: Annotated[datetime | None, JobOption("eta", read=moment, of_task=False, in_call=True)] = (
        None
    )
    expires_in_s: Annotated[
        float | None, JobOption("expires", SPAN, seconds, of_task=False, in_call=True)
    ] = None
    expires_at: datetime | None = None
    timeout_s: Annotated[
        float | None,
        Column("double precision"),
        JobOption("timeout", SPAN, seconds, huey="timeout"),
    ] = None
    dedupe_key: Annotated[
        str | None,
        Column("text", is_copied=False),
        JobOption("dedupe_key", short_text, of_task=False),
    ] = None
    tags: Annotated[
        Sequence[str] | None, Column("text[]"), JobOption("tags", short_texts, words)
    ] = None
    options: Annotated[str | None, Column("jsonb", is_copied=False)] = None
    parent_id: Annotated[str | None, Column("uuid", is_copied=False)] = None
    created_by: Annotated[
        str | None,
        Column("text", is_copied=False),
        JobOption("created_by", short_text, of_task=False),
    ] = None

    def __post_init__(self) -> None:
        for value, default, option in zip(_checked(self), _DEFAULTS, _RULES, strict=True):
            if value is not default:  # most are the default; every enqueue with options comes here
                option.check(option.name, value)
        if self.delay_s is not None and self.eta is not None:
            raise OptionNotValid("Give delay or eta, not both.")


def _marked(kind: type[T]) -> dict[str, T]:
    """Return the annotations of a kind, by the fields that have one."""
    hints = get_type_hints(NewJob, include_extras=True)
    return {
        field: mark
        for field, hint in hints.items()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, kind)
    }


COLUMNS = _marked(Column)
OPTIONS = _marked(JobOption)
OPTION_FIELDS = {option.name: field for field, option in OPTIONS.items()}
TASK_OPTIONS = {field: option for field, option in OPTIONS.items() if option.of_task}
SCHEDULE_OPTIONS = {field: option for field, option in OPTIONS.items() if option.of_schedule}
CALL_OPTIONS = frozenset(
    option.call_name for option in OPTIONS.values() if option.call_name is not None
)
# Options of calls for which Huey's messages have no attribute.
OWN_CALL_OPTIONS = frozenset(
    option.name for option in TASK_OPTIONS.values() if option.in_call and option.huey is None
)
_CHECKED = {field: option for field, option in OPTIONS.items() if option.check is not anything}
_RULES = tuple(_CHECKED.values())
_DEFAULTS = tuple(NewJob.__dataclass_fields__[field].default for field in _CHECKED)
_checked: Any = attrgetter(*_CHECKED)
