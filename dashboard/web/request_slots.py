"""Limits the requests that run at once to the number of connections to PostgreSQL for them.

A slow client holds no slot: the body is read before a slot is taken, and no slot is held between two
parts of an answer that is being sent.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from .bounded_request import MOST_BYTES
from .health import PROBES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATIC = "/static/"
IN_MEMORY_BYTES = 65_536  # a longer body is stored in a file


class RequestSlots:
    """Middleware that runs at most `count` requests at a time. The others wait."""

    def __init__(self, application: WSGIApplication, count: int) -> None:
        self._application = application
        self._slots = threading.BoundedSemaphore(count)
        # Fifty large files at once must not keep a page waiting.
        self._file_slots = threading.BoundedSemaphore(max(1, count // 4))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request. What asks no server needs no slot, so it works while all slots are stuck."""
        path = environ.get("PATH_INFO", "")
        if path in PROBES or path.startswith(STATIC):
            return self._application(environ, start_response)
        body = environ["wsgi.input"] = _whole_body(environ)
        started = _Started(start_response)
        try:
            with self._slots:
                answer = self._application(environ, started)
        finally:
            body.close()
        return self._parts(answer) if started.is_file else answer

    def _parts(self, answer: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the parts of an answer that is made while it is sent, with a slot held to make each part."""
        parts = iter(answer)
        try:
            while True:
                with self._file_slots:
                    part = next(parts, None)
                if part is None:
                    return
                yield part
        finally:
            if hasattr(answer, "close"):
                answer.close()


class _Started:
    """A `start_response` that notes whether the answer is a file that is still to be made."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self.is_file = False

    def __call__(self, status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        has_length = any(name.lower() == "content-length" for name, _value in headers)
        self.is_file = status.startswith("200") and not has_length
        return self._start_response(status, headers, *more)


def _whole_body(environ: WSGIEnvironment) -> IO[bytes]:
    """Return the body, read to its end. Of a body that is too long, read just enough to refuse it."""
    stream: IO[bytes] = environ["wsgi.input"]
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed by the caller
    left = min(_length(environ), MOST_BYTES + 1)
    while left > 0 and (read := stream.read(min(left, IN_MEMORY_BYTES))):
        body.write(read)
        left -= len(read)
    body.seek(0)
    return body


def _length(environ: WSGIEnvironment) -> int:
    """Return the declared length, or without one the limit + 1 if the server ends the input, else 0."""
    given = environ.get("CONTENT_LENGTH") or ""
    if given:
        return int(given) if given.isdecimal() else 0
    return MOST_BYTES + 1 if environ.get("wsgi.input_terminated") else 0
