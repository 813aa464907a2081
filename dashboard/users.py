"""`flask users`: accounts from the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask
from flask.cli import AppGroup

from config import get_settings
from dashboard import access, accounts

group = AppGroup("users", help="Accounts of the people who use the console.")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)


@group.command("first-admin")
def first_admin() -> None:
    """Create the first administrator, if there is none."""
    settings = get_settings()
    password = settings.admin_password or secrets.token_urlsafe(12)
    if _tried(accounts.create_first_admin, settings.admin_email, password=password) is None:
        return
    click.echo(f"Administrator created: {settings.admin_email}")
    if not settings.admin_password:
        click.echo(f"Password, shown only now: {password}")


@group.command("create")
@click.argument("email")
@click.option(
    "--role", type=click.Choice(list(access.RANKS)), default=access.VIEWER, show_default=True
)
@click.password_option()
def create(email: str, role: str, password: str) -> None:
    """Create an account for EMAIL."""
    _tried(accounts.create_person, _checked(email), password=password, role=role)
    click.echo(f"{email} can log in as {role}.")


@group.command("passwd")
@click.argument("email")
@click.password_option()
def passwd(email: str, password: str) -> None:
    """Change the password of EMAIL and end all sessions of this person."""
    _tried(accounts.set_password, email, password)
    click.echo(f"The password of {email} was changed; all sessions were ended.")


def _checked(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise click.ClickException(f"{email} is not an e-mail address. {fault}") from None


def _tried(order: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return order(*args, **options)
    except accounts.AccountNotValid as fault:
        raise click.ClickException(str(fault)) from None
