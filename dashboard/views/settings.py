"""The settings that can be changed while the product runs."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam import verbs
from mahaam.audit.queries import AuditFilter, audit_page
from mahaam.enqueuing import catalog
from mahaam.live_settings.definitions import OWN, SETTINGS
from mahaam.postgres.paging import PageCursor
from mahaam.settings import queries

from ..forms.field import Field
from ..forms.setting_form import SettingForm
from ..web.database import db
from ..web.languages import number
from .page import MORE, ConsolePage

GROUPS = {
    "retention": _l("How long jobs are kept"),
    "console": _l("Console"),
    "schedules": _l("Schedules"),
    "safety": _l("Safety"),
    OWN: _l("Of your own tasks"),
}
HISTORY_SHOWN = 20


class SettingView(ConsolePage):
    """Settings at /admin/setting/."""

    verb = "settings"

    def __init__(self) -> None:
        super().__init__(
            _l("Settings"), endpoint="setting", category=MORE, menu_icon_value="settings"
        )

    @expose("/")
    def index(self) -> str:
        """Show every setting, by its group."""
        catalog.load()
        return self._page(SettingForm(queries.changes(db.session)))

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """Save all changes, or none and show what is wrong beside its field."""
        catalog.load()  # declares the settings of the application's own
        form = SettingForm(queries.changes(db.session))
        typed = form.read(request.form)
        if typed is None:
            return self._page(form), 400
        changed = [
            name
            for name, text in typed.items()
            if verbs.change_setting(name, text, by=g.person.email)
        ]
        count = len(changed)
        flash(
            ngettext(
                "%(count)s setting was changed.", "%(count)s settings were changed.", count,
                count=number(count),
            )
            if count
            else _("Nothing was changed."),
            "success",
        )  # fmt: skip
        return redirect(url_for("setting.index"), code=303)

    def _page(self, form: SettingForm) -> str:
        return self.render(
            "setting/page.html",
            form=form,
            groups={words: _of_group(form, group) for group, words in GROUPS.items()},
            pruning=queries.pruning(db.session),
            history=audit_page(
                db.session, AuditFilter(verb="settings"), PageCursor(size=HISTORY_SHOWN)
            ).entries,
        )


def _of_group(form: SettingForm, group: str) -> list[Field]:
    return [form[name] for name, one in SETTINGS.items() if one.group == group]
