"""A task that is given to Huey once more: its job is queued again, it does not become a second one."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from tasks.engine import database
from tasks.engine.errors import OptionNotValid
from tasks.engine.intake import accept
from tasks.engine.queries import bells
from tasks.engine.seam import results
from tasks.engine.states import State, is_final
from tasks.engine.store import schedule
from tasks.engine.verbs import jobs


def queue_again(job_id: str) -> bool:
    """Queue a job that has ended or waits for its time; no when there is no such job."""
    found = results.standing(checked(job_id), early=False)
    if found is None:
        return False
    if is_final(found.state):
        jobs.retry([UUID(job_id)], by="huey")
    elif found.state == State.QUEUED:
        found_again = database.repeatable(partial(bells.places, ids=[job_id]))
        accept.ring([place.ring for place in found_again.values() if place.ring])
    else:
        accept.ring(database.repeatable(partial(schedule.queue, job_id=job_id)))
    return True


def checked(job_id: str) -> str:
    """`job_id` if a row can have it. Raises OptionNotValid."""
    if not results.is_job_id(job_id):
        raise OptionNotValid(f"A job's id must be a UUID; it is {job_id!r}.")
    return job_id
