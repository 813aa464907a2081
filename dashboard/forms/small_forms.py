"""The forms of a few fields: a pause, a re-drive, a backfill period, a runbook, a user, a password."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..auth.accounts import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from ..present.audit_labels import role_word
from .field import Field
from .form import Form
from .kinds import INTEGER, LOCAL_TIME, PASSWORD, PROSE, TEXT

MOST_REASON = 500
MOST_EMAIL = 254
LENGTHS = (MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)


def pause_form(spans_s: dict[int, str]) -> Form:
    """Return the form of a pause. `spans_s` holds its lengths in seconds, each with its words."""
    never = {"": _("never: somebody resumes it")}
    words = never | {str(s): _("after %(time)s", time=span) for s, span in spans_s.items()}
    return Form(
        (
            _reason(),
            Field(
                "for_s", _l("It goes on by itself"), TEXT, None, choices=tuple(words), words=words
            ),
            Field("until", _l("or at a moment (UTC)"), LOCAL_TIME, None, most=40),
        )
    )


def reason_form() -> Form:
    """Return the form that asks for a reason, which may be left empty."""
    return Form((_reason(),))


def redrive_form(percent: int) -> Form:
    """Return the form of a re-drive, whose failure limit begins as `percent`."""
    stop = _l("Stop when more than so many percent fail again")
    return Form(
        (
            Field("percent", stop, INTEGER, None, text=str(percent), most=10),
            Field("reason", _l("Reason"), TEXT, None, most=MOST_REASON),
        )
    )


def period_form() -> Form:
    """Return the form of a period in the past."""
    return Form(
        (
            Field("since", _l("From (UTC)"), LOCAL_TIME, most=40),
            Field("until", _l("until (UTC)"), LOCAL_TIME, most=40),
        )
    )


def runbook_form(text: str) -> Form:
    """Return the form of a runbook: what to do when a task fails."""
    return Form((Field("runbook", _l("What to do, as Markdown"), PROSE, "", text=text, rows=12),))


def person_form(roles: Collection[str]) -> Form:
    """Return the form of a new user."""
    words = {role: role_word(role) for role in roles}
    return Form(
        (
            Field("email", _l("E-mail address"), TEXT, "", most=MOST_EMAIL),
            _password("password", _("Password"), "new-password", lengths=LENGTHS),
            Field("role", _l("Role"), TEXT, "", choices=tuple(words), words=words),
        )
    )


def password_form() -> Form:
    """Return the form in which users change their own password."""
    return Form(
        (
            _password("old", _("Present password"), "current-password"),
            _password("new", _("New password"), "new-password", lengths=LENGTHS),
            _password("again", _("New password, once more"), "new-password", lengths=LENGTHS),
        )
    )


def _reason() -> Field:
    return Field("reason", _l("Reason, for those who wonder"), TEXT, None, most=MOST_REASON)


def _password(
    name: str, label: str, autocomplete: str, *, lengths: tuple[int, int] | None = None
) -> Field:
    return Field(
        name, label, PASSWORD, "", may_be_empty=True, autocomplete=autocomplete, lengths=lengths
    )
