"""Error pages in the console's look: what happened, and what the user can do."""

from __future__ import annotations

import logging

import psycopg2
from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from redis import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from mahaam.core.errors import DatabaseUnavailable
from mahaam.postgres.sqlstates import condition_of, first_line

from .database import db
from .database_errors import told

log = logging.getLogger(__name__)

TITLES = {
    400: _l("This request cannot be understood"),
    401: _l("Log in first"),
    403: _l("Your role does not allow this"),
    404: _l("There is nothing here"),
    405: _l("This page does not take such a request"),
    413: _l("That is too much at once"),
    500: _l("Something went wrong on our side"),
    503: _l("A server that is needed does not answer"),
}
ADVICE = {
    400: _l("Go back, check what you entered and try again."),
    401: _l("Your session has ended or was never begun."),
    403: _l("Ask an administrator for the role of operator."),
    404: _l("The address is wrong, or what was here has been deleted."),
    405: _l("Go back and use the buttons of the page."),
    413: _l("Send less: at most 2 MB, and at most 1,000 fields in a form."),
    500: _l("It has been logged. Try again; if it happens again, tell an administrator."),
    503: _l("Jobs that were accepted are safe. Try again in a moment."),
}
REDIS_AWAY = _l("Redis does not answer.")
FORM_TOO_OLD = _l(
    "The form was too old or came from elsewhere. Open the page again and send it once more."
)


def register(app: Flask) -> None:
    """Show HTTP errors and unavailable servers in the console's look."""
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(CSRFError, show_stale_form)
    for kind in (DBAPIError, psycopg2.Error, PoolTimeout, DatabaseUnavailable):
        app.register_error_handler(kind, show_database_away)
    app.register_error_handler(RedisError, show_redis_away)


def show_http_error(fault: HTTPException) -> ResponseReturnValue:
    """Return the page for an HTTP error. A redirect passes unchanged."""
    if fault.code is None or fault.code < 400:
        return fault.get_response()
    return _page(fault.code)


def show_stale_form(_fault: CSRFError) -> ResponseReturnValue:
    """Return the page for a form without a valid token."""
    return _page(400, str(FORM_TOO_OLD))


def show_database_away(fault: Exception) -> ResponseReturnValue:
    """Return the page for what PostgreSQL cannot do now. Raises `fault` if our statement is wrong."""
    condition = condition_of(fault)
    if condition is None:  # our statement is wrong
        raise fault
    level = logging.WARNING if condition.keeps_session else logging.ERROR
    log.log(level, "Page not shown: %s. fault=%s", condition.sentence, first_line(fault))
    return _page(503, told(condition))


def show_redis_away(fault: RedisError) -> ResponseReturnValue:
    """Return the page for a Redis that does not answer."""
    log.error("Page not shown: Redis does not answer. fault=%s", fault)
    return _page(503, str(REDIS_AWAY))


def _page(code: int, detail: str | None = None) -> ResponseReturnValue:
    if code >= 500:
        # The page must not query the database again, which may be broken, and Flask-Login would.
        g.person = g._login_user = None
        db.session.rollback()
    shown = code if code in TITLES else 400 if code < 500 else 500
    page = render_template(
        "fault.html", code=code, title=TITLES[shown], detail=detail, advice=ADVICE[shown]
    )
    return page, code
