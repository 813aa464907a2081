"""The tables of the console: users, roles, sessions, sent forms, last calls and saved views."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mahaam.models import Base


class Role(Base, RoleMixin):
    """A role of users. A higher rank may do all that a lower one may."""

    __tablename__ = "role"

    name: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(unique=True, comment="a higher rank may do all of a lower")


class User(Base, UserMixin):
    """A user who can log in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str] = mapped_column(comment="argon2id")
    role_name: Mapped[str] = mapped_column(ForeignKey("role.name"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    language: Mapped[str | None] = mapped_column(comment="as chosen; NULL: never chosen")
    theme: Mapped[str | None] = mapped_column(comment="as chosen; NULL: the browser's")
    fs_uniquifier: Mapped[str] = mapped_column(unique=True, comment="a new one ends all sessions")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    role: Mapped[Role] = relationship(lazy="joined")

    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_is_lower"),
        CheckConstraint("language IN ('en', 'ar', 'fa')", name="language_is_known"),
        CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme_is_known"),
    )

    @property
    def roles(self) -> list[Role]:  # type: ignore[override]  # only Flask-Security's stores set it
        """Return the one role as the list that Flask-Security wants."""
        return [self.role]


class UserSession(Base):
    """A browser in which a user is logged in. Whoever has its token acts as that user."""

    __tablename__ = "user_session"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True, comment="SHA-256")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    began_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"),
        comment="the last thing that the person did; a page that refreshes itself is nothing",
    )
    address: Mapped[str | None]
    agent: Mapped[str | None]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SubmittedForm(Base):
    """A form that was sent. A second sending finds what the first one made."""

    __tablename__ = "sent_form"

    token: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID | None] = mapped_column(comment="what the first sending made")
    sent_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class LastCall(Base):
    """The job that a user created last of a task."""

    __tablename__ = "last_call"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    task: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(comment="it may have been deleted since")


class SavedView(Base):
    """A filter of the jobs that a user has saved under a name."""

    __tablename__ = "saved_view"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str]
    filter: Mapped[dict[str, Any]] = mapped_column(comment="JobFilter.to_dict")
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    owner: Mapped[User] = relationship(lazy="joined")

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_is_short"),
        Index("saved_view_name", "owner_id", "name", unique=True),
        Index("saved_view_shared", "name", postgresql_where=text("is_shared")),
    )
