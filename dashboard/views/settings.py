"""The settings that change while the product runs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam import verbs
from mahaam.audit.queries import AuditFilter, audit_page
from mahaam.enqueuing import catalog
from mahaam.live_settings.definitions import OWN, SETTINGS, LiveSetting, SettingNotValid
from mahaam.postgres.paging import PageCursor
from mahaam.settings import queries
from mahaam.settings.queries import SettingChange

from ..web.database import db
from ..web.languages import number, said
from .page import MORE, ConsolePage

GROUPS = {
    "retention": _l("How long jobs are kept"),
    "console": _l("Console"),
    "schedules": _l("Schedules"),
    "safety": _l("Safety"),
    OWN: _l("Of your own tasks"),
}
HISTORY_SHOWN = 20
MOST_TEXT = 20_000


@dataclass(frozen=True)
class SettingRow:
    """One setting on the page: what stands in its field, who changed it, what is wrong."""

    setting: LiveSetting
    text: str
    change: SettingChange | None
    fault: str | None = None

    @property
    def default(self) -> str:
        """What holds when nobody says otherwise."""
        return self.setting.kind.text(self.setting.default())


class SettingView(ConsolePage):
    """Settings at /admin/setting/."""

    verb = "settings"

    def __init__(self) -> None:
        super().__init__(
            _l("Settings"), endpoint="setting", category=MORE, menu_icon_value="settings"
        )

    @expose("/")
    def index(self) -> str:
        """Every setting, by its group."""
        return self._page({}, {})

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """Take all that was changed, or nothing and say what is wrong beside it."""
        catalog.load()  # which declares the settings of users' own
        typed = {name: request.form[name] for name in SETTINGS if name in request.form}
        faults = {name: fault for name, text in typed.items() if (fault := _fault(name, text))}
        if faults:
            return self._page(typed, faults), 400
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

    def _page(self, typed: dict[str, str], faults: dict[str, str]) -> str:
        catalog.load()
        changes = queries.changes(db.session)
        rows = [
            SettingRow(
                one,
                typed[name] if name in typed else _shown(one, changes.get(name)),
                changes.get(name),
                faults.get(name),
            )
            for name, one in SETTINGS.items()
        ]
        return self.render(
            "setting/page.html",
            groups={
                words: [row for row in rows if row.setting.group == group]
                for group, words in GROUPS.items()
            },
            pruning=queries.pruning(db.session),
            history=audit_page(
                db.session, AuditFilter(verb="settings"), PageCursor(size=HISTORY_SHOWN)
            ).entries,
        )


def _shown(setting: LiveSetting, change: SettingChange | None) -> str:
    return setting.kind.text(setting.usable(change.value) if change else setting.default())


def _fault(name: str, text: str) -> str | None:
    try:
        SETTINGS[name].kind.parse(text.strip()[:MOST_TEXT])
    except SettingNotValid as fault:
        return said(fault.phrase)
    return None
