"""E-mail through Flask-Mail: to each in his language, as text and as HTML."""

from __future__ import annotations

import smtplib
import ssl
from functools import cache, partial
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail
from flask_mail import Message as Letter
from jinja2 import Environment, FileSystemLoader, select_autoescape

from config import PROJECT_DIR, Settings, get_settings
from tasks.alerts import deliveries
from tasks.alerts.deliveries import Delivery
from tasks.alerts.errors import NobodyToTell, NotDelivered
from tasks.alerts.message import Message
from tasks.alerts.recipients import recipients
from tasks.alerts.words import words
from tasks.engine import database


def deliver(delivery: Delivery) -> None:
    """Send to the recipients of a channel, else to ADMIN_EMAILS.

    Each language is one letter, and nobody sees the addresses of the others. Raises NobodyToTell,
    NotDelivered.
    """
    settings = get_settings()
    addresses = recipients(delivery.recipients)
    if not settings.sends_mail or not addresses:
        raise NobodyToTell
    languages = database.repeatable(
        partial(deliveries.languages_of, addresses=addresses, default=delivery.language)
    )
    try:
        with _application().app_context(), _Connection(_mail()) as connection:
            for language in sorted(set(languages.values())):
                hidden = [address for address, own in languages.items() if own == language]
                connection.send(_letter(delivery.told, language, hidden, settings))
    except (OSError, smtplib.SMTPException) as fault:
        said = f"{type(fault).__name__}: {fault}".splitlines()[0][:300]
        raise NotDelivered(f"{settings.mail_server} did not take the mail. {said}") from fault


# Flask-Mail's own checks no certificate, and waits for ever.
class _Connection(Connection):
    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        settings = get_settings()
        where = (settings.mail_server or "", settings.mail_port)
        if settings.mail_use_ssl:
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                *where, timeout=settings.mail_timeout_s, context=_context(settings)
            )
        else:
            host = smtplib.SMTP(*where, timeout=settings.mail_timeout_s)
        try:
            if settings.mail_use_tls and not settings.mail_use_ssl:
                host.starttls(context=_context(settings))
            if settings.mail_username:
                host.login(settings.mail_username, settings.mail_password or "")
        except BaseException:
            host.close()
            raise
        return host


def _context(settings: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.mail_ca_file)


def _letter(message: Message, language: str, hidden: list[str], settings: Settings) -> Any:
    own = words(language)
    shown = {"message": message, "own": own, "console_url": settings.console_url}
    pages = _pages(language)
    to: list[str | tuple[str, str]] = (
        [*hidden] if len(hidden) == 1 else [settings.mail_default_sender]
    )
    bcc: list[str | tuple[str, str]] = [] if len(hidden) == 1 else [*hidden]
    return Letter(
        message.subject(own),
        sender=("Mahaam", settings.mail_default_sender),
        recipients=to,
        bcc=bcc,
        body=pages.get_template("mail/message.txt").render(shown),
        html=pages.get_template("mail/message.html").render(shown),
        extra_headers={"Auto-Submitted": "auto-generated", "X-Mahaam-Delivery": str(message.id)},
    )


@cache
def _pages(language: str) -> Environment:
    pages = Environment(
        loader=FileSystemLoader(PROJECT_DIR / "templates"),
        autoescape=select_autoescape(["html"]),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.install_gettext_translations(words(language).catalogue, newstyle=True)  # type: ignore[attr-defined]
    return pages


@cache
def _application() -> Flask:
    application = Flask("mahaam.mail")
    Mail(application)
    return application


def _mail() -> Any:
    mail = _application().extensions["mail"]
    mail.suppress = False  # Flask-Mail is silent under test; we test with a real server
    return mail
