"""A browser without scripts: keeps cookies, knows the token of the forms it has seen."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "a good long password"
COOKIE = "mahaam_session"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Form(HTMLParser):
    """The fields of a page's POST form that have this hidden field, as a browser would send them."""

    def __init__(self, page: str, *, with_field: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._reading: dict[str, str] | None = None
        self._area = self._select = ""
        self._with_field = with_field
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._reading = {}
        if self._reading is None:
            return
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self._reading[given["name"]] = given.get("value", "")
        if tag in ("select", "textarea"):
            self._select = given["name"] if tag == "select" else ""
            self._area = given["name"] if tag == "textarea" else ""
        if tag == "option" and "selected" in given:
            self._reading[self._select] = given["value"]

    def handle_data(self, data: str) -> None:
        if self._area and self._reading is not None:
            self._reading[self._area] = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "form" and self._reading is not None:
            if self._with_field in self._reading:
                self.fields = self._reading
            self._reading = None


class Browser:
    """One person's cookies."""

    def __init__(self, app: Flask, *, cookie: str | None = None) -> None:
        """`cookie` is that of a session which has begun elsewhere."""
        self.client = app.test_client()
        self._token: str | None = None
        if cookie:
            self.client.set_cookie(COOKIE, cookie)

    @property
    def cookie(self) -> str:
        """What this browser knows its session by."""
        kept = self.client.get_cookie(COOKIE)
        assert kept, "no session has begun"
        return kept.value

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, form: dict[str, Any], *, with_token: bool = True) -> TestResponse:
        """Send a form, with the token that a page would have given."""
        token = {"csrf_token": self.token()} if with_token else {}
        return self.client.post(path, data=token | form)

    def token(self) -> str:
        """The token of this session's forms."""
        if self._token is None:
            page = self.get("/no/such/page")
            found = TOKEN.search(page.text)
            assert found, page.text
            self._token = found[1]
        return self._token

    def is_in(self) -> bool:
        """Whether this browser has logged in."""
        return self.get("/admin/").status_code == 200

    def log_in(self, email: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """Send the login form."""
        answer = self.post("/admin/login/", {"email": email, "password": password} | more)
        self._token = None  # another session, other tokens
        return answer

    def speak(self, language: str) -> None:
        """Switch the language."""
        assert self.post("/preferences/", {"language": language}).status_code == 303
