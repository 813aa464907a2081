"""Named filters of the jobs: a user's own, and those that others share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from mahaam.redaction.redact import masked
from mahaam.search.job_filter import JobFilter

from ..models import SavedView, User
from ..web.database import db

MAX_NAME_LENGTH = 60
MAX_VIEWS = 50  # of one user
SHOWN = 100


@dataclass(frozen=True)
class View:
    """A saved view as the list offers it. `address` holds the parameters of its page."""

    id: int
    name: str
    address: dict[str, str]
    is_shared: bool
    is_own: bool
    owner: str


def visible_to(person: User) -> Sequence[View]:
    """Return the user's own views, then those that others share, each sorted by name."""
    is_own = SavedView.owner_id == person.id
    question = (
        select(
            SavedView.id, SavedView.name, SavedView.filter, SavedView.is_shared, is_own, User.email
        )
        .join(User, User.id == SavedView.owner_id)
        .where(or_(is_own, SavedView.is_shared))
        .order_by(is_own.desc(), SavedView.name, SavedView.id)
        .limit(SHOWN)
    )
    rows = db.session.execute(question)
    return [View(id_, name, masked(address), *more) for id_, name, address, *more in rows]


def save(person: User, name: str, wanted: JobFilter, *, is_shared: bool) -> bool:
    """Save a filter under `name`, replacing the user's own view of that name.

    Return False if the user has too many views already.
    """
    if _count(person) >= MAX_VIEWS and name not in {view.name for view in visible_to(person)}:
        return False
    kept = {"filter": wanted.to_dict(), "is_shared": is_shared}
    statement = insert(SavedView).values(owner_id=person.id, name=name, **kept)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["owner_id", "name"], set_=kept)
    )
    db.session.commit()
    return True


def remove(person: User, view_id: int) -> bool:
    """Delete one of the user's own views. Return False if there is none or another user owns it."""
    done = db.session.execute(
        delete(SavedView)
        .where(SavedView.id == view_id, SavedView.owner_id == person.id)
        .returning(SavedView.id)
    ).all()
    db.session.commit()
    return bool(done)


def _count(person: User) -> int:
    question = select(func.count()).where(SavedView.owner_id == person.id)
    return db.session.execute(question).scalar_one()
