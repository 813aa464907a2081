"""The forms that pause and resume a queue or a task."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.core.errors import OptionNotValid
from mahaam.verb_table import VerbRow
from mahaam.verbs import VerbResult

from ..actions import direct
from ..auth import access
from ..forms.form import Form
from ..forms.small_forms import pause_form
from ..live import snapshot
from ..present.template_helpers import span
from ..web.languages import said
from .page import ConsolePage

HOUR_S = 3600
BAD_END = _l("The end of a pause lies in the future, and is given once: as a span or a moment.")
SPANS_S = (900, 1800, HOUR_S, 4 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S)


class PausingPage(ConsolePage):
    """A page about queues or tasks, which have a name and can be paused."""

    kind = ""  # queue or task

    def check(self, subject: str) -> None:
        """Answer 404 for an unknown name."""
        raise NotImplementedError

    def home(self, subject: str) -> str:
        """Return the address to go to afterwards."""
        raise NotImplementedError

    @expose("/<subject>/pause/", methods=("GET", "POST"))
    def pause(self, subject: str) -> ResponseReturnValue:
        """Ask for a reason and an end, then pause the queue or task."""
        access.require("pause")
        self.check(subject)
        if request.method == "GET":
            return self._form(subject, _form())
        form = _form()
        given = form.values(request.form)
        if not form.is_right:
            return self._form(subject, form), 400
        try:
            result = self._row("pause").run([subject], by=g.person.email, **_options(form, given))
        except (OptionNotValid, ValueError):
            form.fault("until", str(BAD_END))
            return self._form(subject, form), 400
        return self._respond(subject, "pause", result)

    @expose("/<subject>/resume/", methods=("GET", "POST"))
    def resume(self, subject: str) -> ResponseReturnValue:
        """Ask for a confirmation, then resume the queue or task."""
        access.require("resume")
        self.check(subject)
        if request.method == "GET":
            return str(self.render("pausing/resume.html", subject=subject, back=self.home(subject)))
        result = self._row("resume").run([subject], by=g.person.email)
        return self._respond(subject, "resume", result)

    def _form(self, subject: str, form: Form) -> str:
        back = self.home(subject)
        return str(self.render("pausing/pause.html", subject=subject, form=form, back=back))

    def _row(self, verb: str) -> VerbRow:
        return direct.of_kind(self.kind)[verb].row

    def _respond(self, subject: str, verb: str, result: VerbResult) -> ResponseReturnValue:
        snapshot.forget()
        for reason in result.refused.values():
            flash(said(reason), "warning")
        if result.done:
            flash(direct.of_kind(self.kind)[verb].done(1), "success")
        return redirect(self.home(subject), code=303)


def _form() -> Form:
    return pause_form({span_s: span(span_s) for span_s in SPANS_S})


def _options(form: Form, given: dict[str, Any]) -> dict[str, Any]:
    """Return the reason and the end of a pause as the verb takes them. Raises ValueError."""
    for_s, until = given["for_s"], given["until"]
    if for_s is not None and for_s not in form["for_s"].choices:
        raise ValueError(for_s)
    return {
        "reason": given["reason"],
        "for_s": float(for_s) if for_s else None,
        "resume_at": until.replace(tzinfo=until.tzinfo or UTC) if until else None,
    }
