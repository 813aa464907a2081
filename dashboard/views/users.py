"""Users: who may log in, and with which role."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam.audit.queries import AuditFilter, audit_page
from mahaam.postgres.paging import Page, PageCursor

from ..auth import access, account_changes, accounts, user_list
from ..auth.sessions import sessions_of
from ..forms.form import Form
from ..forms.small_forms import person_form
from ..models import User
from ..web.database import db
from ..web.languages import number
from .page import MORE, ConsolePage

LAST = PageCursor(size=20)
Change = Callable[[User], str | None]


class UserView(ConsolePage):
    """Users at /admin/user/."""

    verb = "users"

    def __init__(self) -> None:
        super().__init__(_l("Users"), endpoint="user", category=MORE, menu_icon_value="users")

    @expose("/")
    def index(self) -> str:
        """List all users, and what each role may do."""
        return self._list(person_form(access.RANKS))

    @expose("/create/", methods=("POST",))
    def create(self) -> ResponseReturnValue:
        """Add a user."""
        form = person_form(access.RANKS)
        given = form.values(request.form)
        try:
            email = accounts.checked_email(given.pop("email"))
            person = accounts.create_person(email, **given, by=g.person.email)
        except accounts.AccountNotValid as fault:
            form.fault(fault.field, str(fault))
            return self._list(form), 400
        flash(_("%(email)s can log in now.", email=person.email), "success")
        return redirect(url_for("user.details", id=person.id), code=303)

    @expose("/<int(max=9223372036854775807):id>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """Show one user: role, sessions and audit events."""
        return self._details(_person(id))

    @expose(
        "/<int(max=9223372036854775807):id>/<any(role, active, password, logout):what>/",
        methods=("POST",),
    )
    def change(self, id: int, what: str) -> ResponseReturnValue:  # noqa: A002
        """Change a user's role or password, let the user in or keep them out, or end all sessions."""
        person = _person(id)
        try:
            sentence = CHANGES[what](person)
        except accounts.AccountNotValid as fault:
            return self._details(_person(id), fault=str(fault)), 400
        if sentence:
            flash(sentence, "success")
        return redirect(url_for("user.details", id=id), code=303)

    def _list(self, form: Form) -> str:
        return self.render(
            "user/list.html",
            page=Page(tuple(user_list.everybody())),
            roles=list(access.RANKS),
            needed=access.NEEDED,
            ranks=access.RANKS,
            form=form,
        )

    def _details(self, person: User, fault: str | None = None) -> str:
        did = audit_page(db.session, AuditFilter(actor=person.email), LAST)
        undergone = audit_page(db.session, AuditFilter(target=person.email), LAST)
        return self.render(
            "user/details.html",
            one=person,
            sessions=sessions_of(person),
            roles=list(access.RANKS),
            did=did,
            undergone=undergone,
            fault=fault,
            lengths=(accounts.MIN_PASSWORD_LENGTH, accounts.MAX_PASSWORD_LENGTH),
        )


def _person(id_: int) -> User:
    return db.session.get(User, id_) or abort(404)


def _role(person: User) -> str | None:
    is_new = account_changes.set_role(person, request.form.get("role", ""), by=g.person.email)
    return _("The role was changed; it counts from the next click.") if is_new else None


def _active(person: User) -> str | None:
    wanted = request.form.get("active", "")
    if wanted not in ("yes", "no"):
        abort(400)
    if not account_changes.set_active(person, wanted == "yes", by=g.person.email):
        return None
    return _("The person can log in.") if wanted == "yes" else _("The person is kept out.")


def _password(person: User) -> str:
    account_changes.set_password(person, request.form.get("password", ""), by=g.person.email)
    return _("The password was changed; all sessions were ended.")


def _logout(person: User) -> str:
    count = account_changes.end_sessions(person, by=g.person.email)
    return ngettext(
        "%(count)s session was ended.", "%(count)s sessions were ended.", count, count=number(count)
    )


CHANGES: dict[str, Change] = {
    "role": _role,
    "active": _active,
    "password": _password,
    "logout": _logout,
}
