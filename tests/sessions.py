"""A session of SQLAlchemy on this process's database, as the console's pages have one."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from mahaam.postgres import database


def a_session() -> Session:
    """A session whose connection ends with it."""
    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: database.open_link("test"), poolclass=NullPool
    )
    return Session(engine)
