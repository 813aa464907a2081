"""The values of live settings as this process knows them, never older than a second."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from mahaam.config import ConfigurationFault
from mahaam.core.errors import DatabaseUnavailable
from mahaam.live_settings.definitions import SETTINGS
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

MAX_AGE_S = 1.0
WRITERS_AGE_S = 5.0

log = logging.getLogger("mahaam.settings")


def changed_values(cursor: Cursor) -> dict[str, Any]:
    """Return the values that are not defaults, by name."""
    cursor.execute("SELECT name, value FROM setting")
    return dict(cursor.fetchall())


class _KnownValues:
    """The values that were read last; while PostgreSQL is away, they stay valid."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()
        self._is_told = False

    def value(self, name: str) -> Any:
        is_old = not self._is_told and time.monotonic() - self._read_at > MAX_AGE_S
        if is_old and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self.known(name)

    def known(self, name: str) -> Any:
        return self._values[name] if name in self._values else SETTINGS[name].default()

    def refresh(self, cursor: Cursor) -> None:
        if not self._is_told and time.monotonic() - self._read_at > WRITERS_AGE_S:
            self._values, self._read_at = changed_values(cursor), time.monotonic()

    def learn(self, values: dict[str, Any]) -> None:
        self._values, self._is_told = values, True

    def forget(self) -> None:
        self._values, self._read_at, self._is_told = {}, float("-inf"), False

    def _read(self) -> None:
        try:
            self._values = database.repeatable(changed_values)
        except (DatabaseUnavailable, ConfigurationFault) as fault:
            log.debug("Settings not read; the last ones count. fault=%s", fault)
        self._read_at = time.monotonic()


_known = _KnownValues()


def value(name: str) -> Any:
    """Return the present value of a setting; a change is seen by all processes within two seconds."""
    return _known.value(name)


def learn(values: dict[str, Any]) -> None:
    """Take the values that differ from their defaults from a caller that reads them every second.

    A consumer does, on a connection that never keeps it waiting for long.
    """
    _known.learn(values)


def refresh(cursor: Cursor) -> None:
    """Read recent changes on a connection that is in use, so that nobody waits for another one."""
    _known.refresh(cursor)


def known(name: str) -> Any:
    """Return the value of a setting as it was read last, without a query."""
    return _known.known(name)


def forget() -> None:
    """Read everything again at the next call: another database, or a change of one's own."""
    _known.forget()
