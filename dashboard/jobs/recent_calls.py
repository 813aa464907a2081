"""Which job a person made last of each task: its arguments are where the next form begins."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from mahaam.models import Job

from ..models import LastCall, User
from ..web.database import db


def remember(person: User, task: str, job_id: uuid.UUID) -> None:
    """Note the newest; what is kept is the job's id, so that no argument is kept twice."""
    newest = insert(LastCall).values(user_id=person.id, task=task, job_id=job_id)
    db.session.execute(
        newest.on_conflict_do_update(
            index_elements=[LastCall.user_id, LastCall.task], set_={"job_id": job_id}
        )
    )
    db.session.commit()


def last_call(person: User, task: str) -> Job | None:
    """The job that this person made last of the task, unless it has been deleted."""
    question = select(Job).join(LastCall, LastCall.job_id == Job.id)
    return db.session.scalar(question.where(LastCall.user_id == person.id, LastCall.task == task))
