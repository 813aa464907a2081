"""An answer that all viewers share: asked for in the background, and never waited for twice."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from tasks.engine.errors import MahaamError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The last answer of `ask`, at most `fresh_s` old if somebody has looked meanwhile."""

    def __init__(self, ask: Callable[[], Answer], *, fresh_s: float = 2.0) -> None:
        """`ask` is called in an application's context, by one thread at a time."""
        self._ask = ask
        self._fresh_s = fresh_s
        self._asking = threading.Lock()
        self._answer: Answer | None = None
        self._asked_at = float("-inf")

    def get(self, app: Flask, *, patience_s: float = 0.02) -> Answer | None:
        """The answer; None when there has been none, and none comes within `patience_s`."""
        if time.monotonic() - self._asked_at > self._fresh_s and self._asking.acquire(
            blocking=False
        ):
            thread = threading.Thread(target=self._renew, args=(app,), daemon=True)
            thread.start()
            if self._answer is None:
                thread.join(patience_s)
        return self._answer

    def forget(self) -> None:
        """Have the next one who looks ask anew."""
        with self._asking:
            self._answer, self._asked_at = None, float("-inf")

    def _renew(self, app: Flask) -> None:
        try:
            with app.app_context():
                self._answer = self._ask()
        except (SQLAlchemyError, MahaamError) as fault:
            log.warning("Counts not renewed. fault=%s", fault)
        finally:
            self._asked_at = time.monotonic()
            self._asking.release()
