"""Idempotent forms: a form that is sent twice makes one job."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from ..models import SubmittedForm
from .database import db


def once(token: uuid.UUID, make: Callable[[], uuid.UUID]) -> tuple[uuid.UUID | None, bool]:
    """Return the job of this form, and True if `make` made it just now.

    A second sending waits in the INSERT until the first has its job. When `make` raises, the form
    counts as not sent.
    """
    claim = insert(SubmittedForm).values(token=token).on_conflict_do_nothing()
    if not db.session.execute(claim.returning(SubmittedForm.token)).first():
        return _made_before(token), False
    try:
        job_id = make()
    except BaseException:
        db.session.rollback()
        raise
    db.session.execute(
        update(SubmittedForm).where(SubmittedForm.token == token).values(job_id=job_id)
    )
    _forget_old()
    db.session.commit()
    return job_id, True


def _made_before(token: uuid.UUID) -> uuid.UUID | None:
    return db.session.scalar(select(SubmittedForm.job_id).where(SubmittedForm.token == token))


def _forget_old() -> None:
    db.session.execute(
        delete(SubmittedForm).where(SubmittedForm.sent_at < func.now() - text("interval '1 day'"))
    )
