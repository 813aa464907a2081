"""The job that a user created last of each task. The next form begins with its arguments."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from mahaam.models import Job

from ..models import LastCall, User
from ..web.database import db


def remember(person: User, task: str, job_id: uuid.UUID) -> None:
    """Store the user's newest job of the task: only its id, so that no argument is stored twice."""
    newest = insert(LastCall).values(user_id=person.id, task=task, job_id=job_id)
    db.session.execute(
        newest.on_conflict_do_update(
            index_elements=[LastCall.user_id, LastCall.task], set_={"job_id": job_id}
        )
    )
    db.session.commit()


def last_call(person: User, task: str) -> Job | None:
    """Return the job that this user created last of the task, or None if it has been deleted."""
    question = select(Job).join(LastCall, LastCall.job_id == Job.id)
    return db.session.scalar(question.where(LastCall.user_id == person.id, LastCall.task == task))
