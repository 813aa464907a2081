"""The query of the list of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..models import User, UserSession
from ..web.database import db

MOST = 1000


@dataclass(frozen=True)
class UserEntry:
    """A user as the list shows it. `seen_at` is from the sessions that have not ended."""

    id: int
    email: str
    role_name: str
    active: bool
    created_at: datetime
    sessions: int
    seen_at: datetime | None


def everybody() -> Sequence[UserEntry]:
    """Return the users, sorted by e-mail address."""
    known = (
        select(
            UserSession.user_id,
            func.count().label("sessions"),
            func.max(UserSession.seen_at).label("seen_at"),
        )
        .group_by(UserSession.user_id)
        .subquery()
    )
    question = (
        select(
            User.id,
            User.email,
            User.role_name,
            User.active,
            User.created_at,
            func.coalesce(known.c.sessions, 0),
            known.c.seen_at,
        )
        .outerjoin(known, known.c.user_id == User.id)
        .order_by(User.email)
        .limit(MOST)
    )
    return [UserEntry(*row) for row in db.session.execute(question)]
