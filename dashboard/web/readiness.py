"""Readiness of this process: whether the servers answer and the tables are those of this code.

The checks run in threads and on connections of their own, at most once a second for all callers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg2
from redis import RedisError

from mahaam.config import get_settings
from mahaam.schema_revisions import applied, known, newest

from .database import redis_client

FRESH_S = 1.0
PATIENCE_S = 2.0
POSTGRES_AWAY = "PostgreSQL does not answer."
REDIS_AWAY = "Redis does not answer."
NO_TABLES = "The database has no tables yet: run `flask --app wsgi db upgrade`."
OLD_TABLES = (
    "The tables are those of migration {found}, and this code needs {wanted}: "
    "run `flask --app wsgi db upgrade`."
)

log = logging.getLogger(__name__)


class Readiness:
    """The readiness checks of this process."""

    def __init__(self) -> None:
        self._questions = (_Question(_tables, POSTGRES_AWAY), _Question(_redis, REDIS_AWAY))

    def reasons(self) -> list[str]:
        """Return a sentence for each thing that is wrong, within about two seconds."""
        deadline = time.monotonic() + PATIENCE_S
        for question in self._questions:
            question.begin()
        answers = [question.answer(deadline) for question in self._questions]
        return [reason for reason in answers if reason]


class _Question:
    """One check. `ask` returns what is wrong or None; `silence` is the answer when it does not end."""

    def __init__(self, ask: Callable[[], str | None], silence: str) -> None:
        self._ask = ask
        self._silence = silence
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._answer: str | None = silence
        self._answered_at = float("-inf")

    def begin(self) -> None:
        """Start the check, unless the last answer is fresh or the check already runs."""
        with self._lock:
            is_fresh = time.monotonic() - self._answered_at < FRESH_S
            if is_fresh or (self._asking and self._asking.is_alive()):
                return
            self._asking = threading.Thread(target=self._renew, daemon=True)
            self._asking.start()

    def answer(self, deadline: float) -> str | None:
        """Return what is wrong or None, or `silence` when there is no answer by `deadline`."""
        asking = self._asking
        if asking is not None:
            asking.join(max(deadline - time.monotonic(), 0))
            if asking.is_alive():
                return self._silence
        return self._answer

    def _renew(self) -> None:
        try:
            self._answer = self._ask()
        except (psycopg2.Error, RedisError, UnicodeError) as fault:
            log.debug("Not ready. fault=%s", fault)
            self._answer = self._silence
        self._answered_at = time.monotonic()


def _tables() -> str | None:
    found = applied(get_settings().database_url)
    if not found:
        return NO_TABLES
    # Migrations go forward while older code still runs, so newer tables are ready as well.
    if found & (known() - newest()):
        return OLD_TABLES.format(found=", ".join(sorted(found)), wanted=", ".join(sorted(newest())))
    return None


def _redis() -> str | None:
    redis_client().ping()
    return None
