"""The page of the user's own account."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..auth import account_changes, accounts, login_throttle, sessions
from ..forms.form import Form
from ..forms.small_forms import password_form
from ..web import audit
from ..web.database import db
from .page import ConsolePage


class AccountView(ConsolePage):
    """The user's own account at /admin/account/."""

    def __init__(self) -> None:
        super().__init__(_l("Account"), endpoint="account", menu_icon_value="user")

    def is_visible(self) -> bool:
        """Return False: the link is beside language and appearance, not in the menu of pages."""
        return False

    @expose("/")
    def index(self) -> str:
        """Show the user's account and the sessions in which the user is logged in."""
        return self._page(password_form())

    @expose("/password/", methods=("POST",))
    def password(self) -> ResponseReturnValue:
        """Change the password and end the user's other sessions."""
        address, email = request.remote_addr or "unknown", g.person.email
        form = password_form()
        given = form.values(request.form)
        if login_throttle.is_closed(address, email):
            form.faults.append(_("Too many failed logins. Wait five minutes and try again."))
            return self._page(form), 429
        if not accounts.is_password_of(g.person, given["old"]):
            login_throttle.note_failure(address, email)
            audit.write("password", "user", [email], by=email, refused="wrong")
            db.session.commit()
            form.fault("old", _("The present password is wrong."))
        elif given["new"] != given["again"]:
            form.fault("again", _("The new password was not typed twice the same."))
        if not form.is_right:
            return self._page(form), 400
        try:
            account_changes.set_password(
                g.person, given["new"], by=email, keep=sessions.current_hash()
            )
        except accounts.AccountNotValid as fault:
            form.fault("new", str(fault))
            return self._page(form), 400
        sessions.renew()
        flash(_("The password was changed; your other sessions were ended."), "success")
        return redirect(url_for("account.index"), code=303)

    @expose("/session/", methods=("POST",))
    def end_session(self) -> ResponseReturnValue:
        """End one of the user's sessions."""
        try:
            token_hash = bytes.fromhex(request.form.get("session", ""))
        except ValueError:
            abort(400)
        if sessions.end_one(g.person, token_hash):
            audit.write(
                "end_sessions", "user", [g.person.email], by=g.person.email, after={"ended": 1}
            )
            db.session.commit()
            flash(_("The session was ended."), "success")
        return redirect(url_for("account.index"), code=303)

    @expose("/logout/", methods=("POST",))
    def logout_everywhere(self) -> ResponseReturnValue:
        """End all of the user's sessions, including this one."""
        account_changes.end_sessions(g.person, by=g.person.email)
        session.clear()
        return redirect(url_for("sign_in.form"), code=303)

    def _page(self, form: Form) -> str:
        return self.render(
            "account.html",
            sessions=sessions.sessions_of(g.person),
            own=sessions.current_hash(),
            form=form,
        )
