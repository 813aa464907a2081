"""The console's own connections to PostgreSQL and Redis."""

from __future__ import annotations

from functools import lru_cache

import psycopg2
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from redis import Redis
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from mahaam.addresses.redis import open_redis
from mahaam.config import PROJECT_DIR, get_settings
from mahaam.models import Base
from mahaam.postgres.sqlstates import keeps_session

REDIS_TIMEOUT_S = 1.0

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate(directory=str(PROJECT_DIR / "migrations"))


def register(app: Flask) -> None:
    """Set up the database, which connects at its first use, and the migrations of `flask db`."""
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        event.listen(db.engine, "handle_error", _give_up_session)


def _give_up_session(context: ExceptionContext) -> None:
    """Let the pool drop sessions that are no longer usable, such as read-only ones after a fail-over."""
    fault = context.original_exception
    if isinstance(fault, psycopg2.Error) and not keeps_session(fault):
        context.is_disconnect = True


def redis_client() -> Redis:
    """Return the Redis client of this process. A dead server is noticed within a second."""
    return _redis_at(get_settings().redis_url)


@lru_cache(maxsize=4)
def _redis_at(url: str) -> Redis:
    return open_redis(
        url, timeout_s=REDIS_TIMEOUT_S, connect_timeout_s=REDIS_TIMEOUT_S, decode_responses=True
    )
