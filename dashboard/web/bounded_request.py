"""Limits on forms: Flask's settings limit their bytes, this module limits their fields."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

MOST_BYTES = 2 * 1024 * 1024
MOST_FIELDS = 1000


class BoundedFormParser(FormDataParser):
    """Parser that refuses a form of more fields than allowed.

    Werkzeug's limit of parts holds for multipart forms only: one megabyte of `a&a&a&…` made half a
    million fields.
    """

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> Any:
        body = stream.read()
        if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
            raise RequestEntityTooLarge
        return super()._parse_urlencoded(BytesIO(body), mimetype, content_length, options)


class BoundedRequest(Request):
    """A request whose form has at most `max_form_parts` fields, however it is encoded."""

    form_data_parser_class = BoundedFormParser


def register(app: Flask) -> None:
    """Limit the form of every request of the application."""
    app.request_class = BoundedRequest
