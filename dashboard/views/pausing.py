"""The forms that pause and resume a queue or a task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.core.errors import OptionNotValid
from mahaam.verbs import VerbResult

from ..auth import access
from ..live import snapshot
from ..web.languages import said
from .page import ConsolePage

HOUR_S = 3600
SPANS_S = (900, 1800, HOUR_S, 4 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S)


class PausingPage(ConsolePage):
    """A page about things that have a name and can be paused."""

    kind = ""  # queue or task
    pause_verb: Callable[..., VerbResult]
    resume_verb: Callable[..., VerbResult]

    def check(self, subject: str) -> None:
        """Answer 404 for a name that nobody knows."""
        raise NotImplementedError

    def home(self, subject: str) -> str:
        """Where the person goes on afterwards."""
        raise NotImplementedError

    @expose("/<subject>/pause/", methods=("GET", "POST"))
    def pause(self, subject: str) -> ResponseReturnValue:
        """Ask for a reason and an end; then start nothing more of it."""
        access.require("pause")
        self.check(subject)
        if request.method == "GET":
            return self._form(subject)
        try:
            wanted = verbs.pause(by=g.person.email, replace=True, **_options())
        except (OptionNotValid, ValueError) as fault:
            return self._form(subject, fault=_fault(fault)), 400
        verdict = type(self).pause_verb([subject], wanted)
        return self._told(subject, verdict, _("Paused. What runs now finishes."))

    @expose("/<subject>/resume/", methods=("GET", "POST"))
    def resume(self, subject: str) -> ResponseReturnValue:
        """Ask once more; then go on."""
        access.require("resume")
        self.check(subject)
        if request.method == "GET":
            return str(self.render("pausing/resume.html", subject=subject, back=self.home(subject)))
        verdict = type(self).resume_verb([subject], by=g.person.email)
        return self._told(subject, verdict, _("It goes on."))

    def _form(self, subject: str, fault: str | None = None) -> str:
        return str(
            self.render(
                "pausing/pause.html",
                subject=subject,
                spans_s=SPANS_S,
                fault=fault,
                back=self.home(subject),
            )
        )

    def _told(self, subject: str, verdict: VerbResult, done: str) -> ResponseReturnValue:
        snapshot.forget()
        for reason in verdict.refused.values():
            flash(said(reason), "warning")
        if verdict.done:
            flash(done, "success")
        return redirect(self.home(subject), code=303)


def _options() -> dict[str, Any]:
    """Reason and end of a pause as they were typed. Raises ValueError."""
    reason = request.form.get("reason", "").replace("\x00", "").strip()
    span, until = request.form.get("for_s", ""), request.form.get("until", "")
    if span and (not span.isascii() or not span.isdigit() or int(span) not in SPANS_S):
        raise ValueError(span)
    return {
        "reason": reason or None,
        "for_s": float(span) if span else None,
        "resume_at": datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None,
    }


def _fault(fault: Exception) -> str:
    if isinstance(fault, OptionNotValid):
        return _("The end of a pause lies in the future, and is given once: as a span or a moment.")
    return _("This is not a time.")
