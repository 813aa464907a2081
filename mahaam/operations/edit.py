"""Change of a job's arguments, and the options that a copy of a job takes with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from mahaam.audit.record import AuditRecord, audited
from mahaam.config import get_settings
from mahaam.core.errors import ArgumentsNotFitting, UnknownTask
from mahaam.core.ids import new_id
from mahaam.core.payload import dump_call, load
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import Id, VerbResult, judged
from mahaam.enqueuing import catalog
from mahaam.enqueuing.accept import requeue
from mahaam.jobs.states import MOVES
from mahaam.jobs.states import Event as StateEvent
from mahaam.postgres import database
from mahaam.queries import rejection_text, rejections
from mahaam.redaction.redact import masked_call, shown_call, unmasked_call
from mahaam.store.actions import arguments
from mahaam.store.actions.arguments import Contents
from mahaam.store.actions.requeue import retry

log = logging.getLogger("mahaam.verbs")

EDITABLE = frozenset(MOVES[StateEvent.CHANGED]) | frozenset(MOVES[StateEvent.RETRIED])
FOLLOWING = ("on_complete", "on_error")  # tasks kept in the options, each with its own id


def edit(
    job_id: UUID,
    *,
    by: str,
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
) -> VerbResult:
    """Give a job other arguments; None keeps the old ones. A job that has ended is queued again.

    Where the mask of a secret was left, the secret stays. Raises MaskLeftOver, ArgumentsNotFitting,
    ArgumentNotStorable, PayloadTooLarge, DatabaseUnavailable.
    """
    return judged([job_id], partial(_edit, args=args, kwargs=kwargs, by=by), _why_not)


def _why_not(left: list[UUID]) -> dict[Id, Translatable]:
    ids = {id_: str(id_) for id_ in left}
    facts = database.repeatable(lambda cursor: rejections.job_facts(cursor, list(ids.values())))
    return {
        id_: rejection_text.of_job(text, facts.get(text), "edited", sources=EDITABLE)
        for id_, text in ids.items()
    }


def _edit(
    ids: Sequence[UUID], *, args: Sequence[Any] | None, kwargs: dict[str, Any] | None, by: str
) -> list[UUID]:
    found = database.repeatable(partial(arguments.read, ids=list(map(str, ids))))
    done = [UUID(job.id) for job in found if _edited(job, args, kwargs, by=by)]
    log.info("Jobs edited. jobs=%s by=%s", len(done), by)
    return done


def _edited(
    job: Contents, args: Sequence[Any] | None, kwargs: dict[str, Any] | None, *, by: str
) -> bool:
    new_args, new_kwargs, shown = _checked(job, args, kwargs)
    told = partial(_edit_event, job, new_args, new_kwargs, by=by)
    edit_waiting = partial(
        arguments.edit, id_=job.id, args=new_args, kwargs=new_kwargs, shown=shown
    )
    if database.repeatable(audited(edit_waiting, told), atomic=True):
        return True
    edit_ended = partial(retry, ids=[job.id], by=by, args=new_args, kwargs=new_kwargs, shown=shown)
    return bool(requeue(audited(edit_ended, told)))


def _edit_event(
    job: Contents, args: str | None, kwargs: str | None, done: object, *, by: str
) -> AuditRecord | None:
    if not done:
        return None
    before, after = _shown(job, job.args, job.kwargs), _shown(job, args, kwargs)
    return AuditRecord(
        actor=by, verb="edit", kind="job", targets=[job.id], before=before, after=after
    )


def _shown(job: Contents, args: str | None, kwargs: str | None) -> dict[str, Any]:
    """Return the arguments as JSON, without secrets; arguments that stay as they are (None) are left out."""
    shown = masked_call(json.loads(args or "[]"), json.loads(kwargs or "{}"), job.task)
    given = {"args": args is not None, "kwargs": kwargs is not None}
    return {
        name: value
        for (name, is_given), value in zip(given.items(), shown, strict=True)
        if is_given
    }


def _checked(
    job: Contents, args: Sequence[Any] | None, kwargs: dict[str, Any] | None
) -> tuple[str | None, str | None, str | None]:
    """Check that the task can be called with the new and the old arguments together.

    Return the JSON of the new arguments (None for old ones), and as the third what searches may see
    of both.
    """
    old_args, old_kwargs = load(job.args), load(job.kwargs)
    args, kwargs = unmasked_call(args, kwargs, old=(old_args, old_kwargs), task=job.task)
    positional = tuple(old_args if args is None else args)
    named = old_kwargs if kwargs is None else kwargs
    try:
        catalog.find(job.task).check(positional, named)
    except UnknownTask:
        pass  # the consumers know the task
    except TypeError as fault:
        raise ArgumentsNotFitting(f"{job.task} cannot be called so: {fault}.") from None
    texts = dump_call(positional, named, limit_bytes=get_settings().payload_limit_bytes)
    shown = shown_call(*texts, job.task)
    return None if args is None else texts[0], None if kwargs is None else texts[1], shown


def own_options(text: str | None) -> str | None:
    """Return the options for a copy of a job: the same tasks under new ids, and no membership of a chord."""
    if text is None:
        return None
    return json.dumps(_of_its_own(json.loads(text)))


def _of_its_own(options: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in options.items() if name != "chord"}
    if "id" in own:
        own["id"] = new_id()
    following = {name: _of_its_own(own[name]) for name in FOLLOWING if own.get(name) is not None}
    return own | following
