"""The functions that enqueue: one job, many jobs, or one inside the caller's transaction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg2.extensions
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

from mahaam.core.errors import OptionNotValid
from mahaam.core.ids import new_id
from mahaam.enqueuing import accept, catalog, known_queues
from mahaam.jobs.current_attempt import current_id
from mahaam.jobs.job_message import REMOVALS
from mahaam.jobs.job_option import truth
from mahaam.jobs.new_job import OPTIONS, NewJob
from mahaam.jobs.notice import Notice
from mahaam.jobs.task_registry import RegisteredTask
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.postgres.wait_limit import WaitLimit, left_s, patience

Options = dict[str, Any]
Connection = psycopg2.extensions.connection  # the caller's own
READS = {option.name: (field, option.read) for field, option in OPTIONS.items()}
KNOWN = READS.keys() | set(REMOVALS)
WAITING = "mahaam_rings"  # in a session's info: the notices to ring after its commit


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A job that PostgreSQL has; `deduplicated` if it existed before, under the same dedupe key."""

    id: UUID
    state: str
    deduplicated: bool


def enqueue(
    task: RegisteredTask | str,
    args: Iterable[Any] = (),
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Enqueued:
    """Accept one job. When this function returns, the job is committed.

    `task` is a task or its name. Options, each None for the task's own default, are those of
    docs/tasks.md (`queue`, `priority`, `max_retries`, `retry_delay`, `timeout`, `expires`, …), and
    `delay` (seconds or timedelta) or `eta` (datetime, naive is UTC), `dedupe_key` (no second job
    while one with the key lives), and `created_by`.

    Raises UnknownTask, UnknownQueue, OptionNotValid, ArgumentsNotFitting, ArgumentNotStorable,
    PayloadTooLarge, DatabaseUnavailable.
    """
    task = _known(task)
    job = _job(task, options)
    if task.is_immediate:
        return _at_once(task, tuple(args), kwargs or {}, job)
    wanted = _call(task, tuple(args), kwargs or {})
    accepted = accept.one(job, wanted)
    return Enqueued(UUID(accepted.id), accepted.state, accepted.id != wanted[0])


def enqueue_many(
    task: RegisteredTask | str,
    calls: Iterable[tuple[Any, ...] | dict[str, Any]],
    *,
    progress: Callable[[int], object] | None = None,
    **options: Any,
) -> int:
    """Accept one job per call, all of them or none. Return the number of jobs.

    A call is a tuple of positional or a dict of keyword arguments. `calls` may be a generator of
    any length. Options and errors as for `enqueue`; `dedupe_key` is not possible here. `progress` is
    called repeatedly with the number of jobs accepted since the last call, as the `update` of a tqdm
    bar takes it.
    """
    if options.get("dedupe_key") is not None:
        raise OptionNotValid("dedupe_key belongs to one job; use enqueue.")
    task = _known(task)
    job = _job(task, options)
    if task.is_immediate:
        return len([_at_once(task, *_both(arguments), job) for arguments in calls])
    wanted = (_call(task, *_both(arguments)) for arguments in calls)
    return accept.many(job, wanted, progress=progress)


def enqueue_in_transaction(
    session: Session | scoped_session[Session] | Connection,
    task: RegisteredTask | str,
    args: Iterable[Any] = (),
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Enqueued:
    """Insert one job in the caller's transaction: without its commit there is no job.

    With a SQLAlchemy session the job starts right after the commit. With a psycopg2 connection,
    whose commit cannot be seen, a consumer finds the job within RING_GRACE_S. If PostgreSQL does
    not insert the job within ENQUEUE_TIMEOUT_S, the caller's connection is closed and the caller's
    transaction is lost.
    """
    task = _known(task)
    job = _job(task, options)
    wanted = _call(task, tuple(args), kwargs or {})
    link = _link(session)
    with patience(accept.limit_s()):
        known_queues.check(job.queue)
        with database.explained(), WaitLimit(link, left_s(math.inf)), link.cursor() as cursor:
            accepted = accept.insert(cursor, job, wanted)
    made = accepted.id == wanted[0]
    notice = accepted.ring(job) if made else None
    if notice is not None and not isinstance(session, Connection):
        _ring_after_commit(session, notice)
    return Enqueued(UUID(accepted.id), accepted.state, not made)


def enqueue_with(cursor: Cursor, task: str, args: Iterable[Any], **options: Any) -> Notice:
    """Insert one job to be run now in a transaction of the engine.

    Return the notice to ring after the commit.
    """
    job = _job(_known(task), options)
    known_queues.check(job.queue)
    accepted = accept.insert(cursor, job, accept.call(new_id(), tuple(args), {}))
    notice = accepted.ring(job)
    assert notice is not None, "A new job without a time and a dedupe key is queued."
    return notice


def _known(task: RegisteredTask | str) -> RegisteredTask:
    return catalog.find_task(task) if isinstance(task, str) else task


def _at_once(
    task: RegisteredTask, args: tuple[Any, ...], kwargs: dict[str, Any], job: NewJob
) -> Enqueued:
    """Run a job in this process, as Huey's immediate mode does: without row and consumer."""
    id_, has_failed = task.run_at_once(args, kwargs, job)
    return Enqueued(UUID(id_), "failed" if has_failed else "completed", False)


def _job(task: RegisteredTask, options: Options) -> NewJob:
    given = {name: value for name, value in options.items() if value is not None}
    unknown = given.keys() - KNOWN
    if unknown:
        raise OptionNotValid(
            f"Unknown option {', '.join(sorted(unknown))}. Task arguments go into args or kwargs."
        )
    expires = given.pop("expires", None)
    removal = {name: truth(name, given.pop(name)) for name in REMOVALS if name in given}
    fields: Options = {}
    for name, value in given.items():
        field, read = READS[name]
        fields[field] = read(name, value)
    return task.new_job(parent_id=current_id(), expires=expires, removal=removal, **fields)


def _call(task: RegisteredTask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> accept.Call:
    """Return a call as its row will hold it, checked against the function's signature."""
    wanted = accept.call(new_id(), args, kwargs)
    task.check_call(args, kwargs)
    return wanted


def _both(arguments: tuple[Any, ...] | dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword arguments of a call."""
    if isinstance(arguments, dict):
        return (), arguments
    if not isinstance(arguments, tuple):
        raise OptionNotValid(
            f"A call must be a tuple or a dict of arguments; it is {type(arguments).__name__}."
        )
    return arguments, {}


def _link(session: Session | scoped_session[Session] | Connection) -> Connection:
    if isinstance(session, Connection):
        return session
    link: Connection = session.connection().connection.driver_connection  # type: ignore[assignment]
    return link


def _ring_after_commit(session: Session | scoped_session[Session], notice: Notice) -> None:
    """Ring when the outermost transaction is over. After a rollback the notice claims nothing."""
    target = session() if isinstance(session, scoped_session) else session
    if WAITING not in target.info:
        event.listen(target, "after_transaction_end", _ring_for_session)
    target.info.setdefault(WAITING, []).append(notice)


def _ring_for_session(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None and session.info[WAITING]:
        notices, session.info[WAITING] = session.info[WAITING], []
        accept.ring(notices)
