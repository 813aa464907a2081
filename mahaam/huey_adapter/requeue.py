"""A task that is enqueued once more: its job is queued again and does not become a second one."""

from __future__ import annotations

from functools import partial

from mahaam.audit.record import AuditRecord, audited
from mahaam.core.errors import OptionNotValid
from mahaam.enqueuing import accept
from mahaam.enqueuing.accept import requeue
from mahaam.huey_adapter import waiting_jobs_store
from mahaam.huey_adapter.results import results
from mahaam.jobs.states import State, is_final
from mahaam.postgres import database
from mahaam.queries import notices
from mahaam.store.actions.requeue import Requeued, retry

WHO = "huey"


def queue_again(job_id: str) -> bool:
    """Queue a job that has ended or waits for its time. Return False when there is no such job."""
    found = results.standing(checked(job_id), early=False)
    if found is None:
        return False
    if is_final(found.state):
        requeue(audited(partial(retry, ids=[job_id], by=WHO), _event))
    elif found.state == State.QUEUED:
        found_again = database.repeatable(partial(notices.slots, ids=[job_id]))
        accept.ring([place.ring for place in found_again.values() if place.ring])
    else:
        accept.ring(database.repeatable(partial(waiting_jobs_store.queue, job_id=job_id)))
    return True


def _event(moved: list[Requeued]) -> AuditRecord:
    targets, after = [job.id for job in moved], {"state": State.QUEUED}
    return AuditRecord(actor=WHO, verb="retry", kind="job", targets=targets, after=after)


def checked(job_id: str) -> str:
    """Return `job_id` if a row can have it. Raises OptionNotValid."""
    if not results.is_job_id(job_id):
        raise OptionNotValid(f"A job's id must be a UUID; it is {job_id!r}.")
    return job_id
