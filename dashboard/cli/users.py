"""`flask users`: accounts from the command line."""

from __future__ import annotations

import secrets

import click
from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from mahaam.config import get_settings

from ..auth import access, account_changes, accounts
from ..models import User
from .commands import Commands, operator, read
from .output import as_json, paper, print_json, row, table

group = Commands("users", help="Accounts of the people who use the console.")
roles = click.Choice(list(access.RANKS))


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)


@group.add("first-admin")
def first_admin() -> None:
    """Create the first administrator, if there is none."""
    settings = get_settings()
    password = settings.admin_password or secrets.token_urlsafe(12)
    if accounts.create_first_admin(settings.admin_email, password=password, by=operator()) is None:
        return
    click.echo(f"Administrator created: {settings.admin_email}")
    if not settings.admin_password:
        click.echo(f"Password, shown only now: {password}")


@group.add("create")
@click.argument("email")
@click.option("--role", type=roles, default=access.VIEWER, show_default=True)
@click.password_option()
def create(email: str, role: str, password: str) -> None:
    """Create an account for EMAIL."""
    accounts.create_person(
        accounts.checked_email(email), password=password, role=role, by=operator()
    )
    click.echo(_("%(email)s can log in as %(role)s.", email=email, role=role))


@group.add("list")
@as_json
def list_(is_json: bool) -> None:
    """List the accounts."""
    people = read(lambda session: session.scalars(select(User).order_by(User.email)).all())
    facts = [
        {
            "email": one.email,
            "role": one.role_name,
            "active": one.active,
            "created_at": one.created_at,
        }
        for one in people
    ]
    if is_json:
        print_json(facts)
        return
    made = table(_("E-mail address"), _("Role"), _("Active"), _("Created (UTC)"))
    for one in facts:
        row(
            made,
            one["email"],
            one["role"],
            _("yes") if one["active"] else _("no"),
            one["created_at"],
        )
    paper().print(made)


@group.add("passwd")
@click.argument("email")
@click.password_option()
def passwd(email: str, password: str) -> None:
    """Change the password of EMAIL and end all sessions of this person."""
    account_changes.set_password(account_changes.person_called(email), password, by=operator())
    click.echo(_("The password of %(email)s was changed; all sessions were ended.", email=email))


@group.add("role")
@click.argument("email")
@click.argument("role", type=roles)
def set_role(email: str, role: str) -> None:
    """Give EMAIL another role."""
    account_changes.set_role(account_changes.person_called(email), role, by=operator())
    click.echo(_("%(email)s can log in as %(role)s.", email=email, role=role))


@group.add("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Keep EMAIL out, and end all sessions of this person."""
    account_changes.set_active(account_changes.person_called(email), False, by=operator())
    click.echo(_("%(email)s cannot log in any more.", email=email))


@group.add("activate")
@click.argument("email")
def activate(email: str) -> None:
    """Let EMAIL in again."""
    account_changes.set_active(account_changes.person_called(email), True, by=operator())
    click.echo(_("%(email)s can log in again.", email=email))


@group.add("logout")
@click.argument("email")
def logout(email: str) -> None:
    """End all sessions of EMAIL."""
    count = account_changes.end_sessions(account_changes.person_called(email), by=operator())
    click.echo(ngettext("%(num)s session was ended.", "%(num)s sessions were ended.", count))
