"""Channels: the ways in which people are notified, and what was sent through them."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam.alerts import channel_verbs, queries
from mahaam.config import get_settings
from mahaam.core.field import FieldNotValid
from mahaam.postgres.paging import PageCursor

from ..auth import access
from ..forms.channel_form import ChannelForm
from ..web.database import db
from ..web.languages import said
from ..web.query_string import QueryString
from .page import ID, MORE, ConsolePage, found, read_list

STATES = ("waiting", "sent", "failed")


class ChannelView(ConsolePage):
    """Channels at /admin/channel/."""

    def __init__(self) -> None:
        super().__init__(_l("Channels"), endpoint="channel", category=MORE, menu_icon_value="send")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List all channels, and the newest deliveries, filtered by channel and state."""
        query = QueryString(request.args)
        wanted: dict[str, Any] = {
            "channel": query.integer("channel"),
            "state": query.choice("state", STATES),
        }
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.delivery_page(db.session, cursor=cursor, **wanted))
        effects = queries.effects_of(db.session, [entry.id for entry in page.entries])
        shown = self.render(
            "channel/list.html",
            query=query,
            page=page,
            effects=effects,
            wanted=wanted,
            channels=queries.channels(db.session),
            is_mail_set_up=get_settings().sends_mail,
            admin_emails=get_settings().admin_emails,
        )
        return shown, 400 if query.faults else 200

    @expose("/form/", methods=("GET", "POST"))
    def create(self) -> ResponseReturnValue:
        """Create a channel."""
        access.require("channels")
        form = ChannelForm()
        return self._page(form) if request.method == "GET" else self._save(form)

    @expose(f"/form/<{ID}>/", methods=("GET", "POST"))
    def edit(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Change a channel."""
        access.require("channels")
        form = ChannelForm(found(queries.channel(db.session, id)))
        return self._page(form) if request.method == "GET" else self._save(form)

    @expose(f"/<{ID}>/delete/", methods=("POST",))
    def delete(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Delete a channel that no rule uses."""
        access.require("channels")
        try:
            channel_verbs.delete_channel(id, by=g.person.email)
            flash(_("The channel was deleted."), "success")
        except FieldNotValid as fault:
            flash(said(fault.phrase), "warning")
        except LookupError:
            abort(404)
        return redirect(url_for("channel.index"), code=303)

    @expose(f"/<{ID}>/test/", methods=("POST",))
    def test(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Send a test message the way every message is sent."""
        access.require("channels")
        try:
            channel_verbs.test_channel(id, by=g.person.email)
        except LookupError:
            abort(404)
        flash(_("The test is on its way. The list below tells how it went."), "success")
        return redirect(url_for("channel.index", channel=id), code=303)

    @expose(f"/delivery/<{ID}>/again/", methods=("POST",))
    def again(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Try a failed delivery again."""
        access.require("channels")
        if channel_verbs.send_again(id, by=g.person.email):
            flash(_("It is tried again."), "success")
        else:
            flash(_("It has not failed."), "warning")
        return redirect(url_for("channel.index"), code=303)

    def _save(self, form: ChannelForm) -> ResponseReturnValue:
        given = form.read(request.form)
        try:
            if form.entry is None:
                channel_verbs.create_channel(given, by=g.person.email)
                flash(_("The channel was made."), "success")
            else:
                channel_verbs.edit_channel(form.entry.id, given, by=g.person.email)
                flash(_("The channel was changed."), "success")
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._page(form), 400
        except LookupError:
            abort(404)
        return redirect(url_for("channel.index"), code=303)

    def _page(self, form: ChannelForm) -> str:
        return str(self.render("channel/form.html", form=form))
