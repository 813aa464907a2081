"""What an operator can do to queues and tasks: pause and resume them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from mahaam.audit.record import AuditRecord, audited
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import Id, VerbResult, judged
from mahaam.enqueuing import accept, catalog, known_queues
from mahaam.jobs import job_option
from mahaam.jobs.notice import Notice
from mahaam.postgres import database
from mahaam.queries import rejection_text, rejections
from mahaam.store.actions import pauses
from mahaam.store.actions.pauses import Pause

log = logging.getLogger("mahaam.verbs")

REASON_LIMIT_BYTES = 500


def pause(
    *,
    by: str,
    reason: str | None = None,
    resume_at: datetime | None = None,
    for_s: float | timedelta | None = None,
    replace: bool = False,
) -> Pause:
    """Return a checked pause; without an end it lasts until somebody resumes.

    With `replace`, what is paused already gets this reason and this end. Raises OptionNotValid.
    """
    for_s, resume_at = job_option.seconds("for_s", for_s), job_option.moment("resume_at", resume_at)
    if for_s is not None and resume_at is not None:
        raise OptionNotValid("Give resume_at or for_s, not both.")
    if (for_s is not None and for_s <= 0) or (resume_at and resume_at <= datetime.now(UTC)):
        raise OptionNotValid("A pause must end in the future.")
    reason = clean(reason, REASON_LIMIT_BYTES) if reason else None
    return Pause(by, reason, resume_at, for_s, replace)


def pause_queues(names: Iterable[str], wanted: Pause) -> VerbResult:
    """Start no more jobs of these queues; running jobs finish. All consumers see it within 2 s.

    Raises UnknownQueue, DatabaseUnavailable.
    """
    step = partial(_paused, pauses.pause_queues, "queue", wanted)
    return judged(_known(names, known_queues.check), step, partial(_why_not, "queue", "paused"))


def resume_queues(names: Iterable[str], *, by: str) -> VerbResult:
    """Serve these queues again. Raises UnknownQueue, DatabaseUnavailable."""
    step = partial(_resumed, pauses.resume_queues, "queue", by=by)
    return judged(_known(names, known_queues.check), step, partial(_why_not, "queue", "resumed"))


def pause_tasks(names: Iterable[str], wanted: Pause) -> VerbResult:
    """Start no more jobs of these tasks; running jobs finish. All consumers see it within 2 s.

    Raises UnknownTask, DatabaseUnavailable.
    """
    step = partial(_paused, pauses.pause_tasks, "task", wanted)
    return judged(_known(names, catalog.find), step, partial(_why_not, "task", "paused"))


def resume_tasks(names: Iterable[str], *, by: str) -> VerbResult:
    """Start jobs of these tasks again, and queue those that were held. Raises DatabaseUnavailable."""
    step = partial(_resumed, pauses.resume_tasks, "task", by=by)
    result = judged(names, step, partial(_why_not, "task", "resumed"))
    while result.done and (notices := _end_pauses()):
        accept.ring(notices)
    return result


def _known(names: Iterable[str], check: Callable[[str], object]) -> list[str]:
    known = list(names)
    for name in known:
        check(name)
    return known


def _paused(
    change: Callable[..., list[str]], kind: str, wanted: Pause, names: list[str]
) -> list[str]:
    told = partial(_event, "pause", kind, by=wanted.by, wanted=wanted)
    change = partial(change, names=names, pause=wanted)
    done: list[str] = database.repeatable(audited(change, told), atomic=True)
    log.info("Paused. kind=%s names=%s by=%s", kind, ",".join(done), wanted.by)
    return done


def _resumed(
    change: Callable[..., list[str]], kind: str, names: list[str], *, by: str
) -> list[str]:
    told = partial(_event, "resume", kind, by=by)
    change = partial(change, names=names)
    done: list[str] = database.repeatable(audited(change, told), atomic=True)
    log.info("Resumed. kind=%s names=%s by=%s", kind, ",".join(done), by)
    return done


def _event(
    verb: str, kind: str, done: list[str], *, by: str, wanted: Pause | None = None
) -> AuditRecord:
    if wanted is None:
        return AuditRecord(actor=by, verb=verb, kind=kind, targets=done, after={"paused": False})
    after = {"paused": True, "resume_at": wanted.resume_at, "for_s": wanted.for_s}
    return AuditRecord(
        actor=by, verb=verb, kind=kind, targets=done, after=after, reason=wanted.reason
    )  # fmt: skip


def _end_pauses() -> list[Notice]:
    with database.transaction() as cursor:
        return pauses.end_pauses(cursor)


def _why_not(kind: str, verb: str, left: list[str]) -> dict[Id, Translatable]:
    facts = database.repeatable(partial(rejections.pause_facts, kind=kind, names=left))
    return {name: rejection_text.of_pause(name, facts.get(name), kind, verb) for name in left}
