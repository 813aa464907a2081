"""E-mail: one message for each recipient, in the recipient's language, as text and as HTML.

Each is a transaction of its own with the server, so that one rejected recipient takes the mail from
nobody, and each is marked as soon as the server has it.
"""

from __future__ import annotations

import smtplib
import ssl
from functools import cache, partial
from hashlib import sha256
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail
from flask_mail import Message as MailMessage
from jinja2 import Environment, FileSystemLoader, select_autoescape

from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.alert_message import Message, url_of
from mahaam.alerts.messages.deliveries import NewDelivery
from mahaam.alerts.messages.delivery_errors import NobodyToTell, NotDelivered
from mahaam.alerts.messages.effects import Effects
from mahaam.alerts.messages.recipients import recipients
from mahaam.alerts.messages.texts import words
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.config import PROJECT_DIR, Settings, get_settings
from mahaam.postgres import database

PERMANENT = range(500, 600)  # of SMTP: another try would not help
# Not about a recipient: the others would be rejected alike.
OF_ALL = (smtplib.SMTPSenderRefused, TimeoutError)
COLOURS = {"critical": "#c01c28", "warning": "#a84300", "info": "#1d5fc4", "closed": "#14743c"}


def deliver(delivery: NewDelivery, effects: Effects) -> None:
    """Send to the recipients of a channel, else to ADMIN_EMAILS, who have not got it.

    Nobody sees the addresses of the others. Raises NobodyToTell, and NotDelivered while some are to
    be tried again.
    """
    settings = get_settings()
    addresses = recipients(delivery.recipients)
    if not settings.sends_mail or not addresses:
        raise NobodyToTell
    left = effects.begin(addresses)
    languages = database.repeatable(
        partial(deliveries.languages_of, addresses=left, default=delivery.language)
    )
    post = _Post(delivery.told, languages, effects)
    faults = [fault for address in left if (fault := post.send(address))]
    post.close()
    if faults:
        raise NotDelivered(f"{settings.mail_server} did not take the mail. {faults[-1]}")


class _Post:
    """A session with the mail server, opened again when it breaks; after a failed opening, none."""

    def __init__(self, message: Message, languages: dict[str, str], effects: Effects) -> None:
        self._message = message
        self._languages = languages
        self._effects = effects
        self._session: _Session | None = None
        self._away: str | None = None  # why no session can be opened

    def send(self, address: str) -> str | None:
        """Send to one recipient and mark it. Return why it is to be tried again, or None."""
        if self._away is not None:
            return self._put_off(address, self._away)
        try:
            self._opened().send(
                _letter(self._message, self._languages[address], address, get_settings())
            )
        except smtplib.SMTPRecipientsRefused as fault:
            return self._refused(address, *next(iter(fault.recipients.values())))
        except smtplib.SMTPDataError as fault:
            return self._refused(address, fault.smtp_code, fault.smtp_error)
        except (smtplib.SMTPNotSupportedError, UnicodeError) as fault:
            return self._refused(address, 550, str(fault))  # the server cannot write this address
        except Exception as fault:  # noqa: BLE001 (whatever it is, the others get theirs)
            if self._session is None or isinstance(fault, OF_ALL):
                self._away = _fault_text(fault)
            self.close()  # the next one gets a session of its own
            return self._put_off(address, _fault_text(fault))
        self._effects.sent(address)
        return None

    def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> _Session:
        if self._session is None:
            self._session = _Session()
        return self._session

    def _refused(self, address: str, code: int, said: bytes | str) -> str | None:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        why = f"{code} {' '.join(text.split())}"
        if code in PERMANENT:
            self._effects.refused(address, why)
            return None
        self._effects.put_off(address, why)
        return why

    def _put_off(self, address: str, why: str) -> str:
        self._effects.put_off(address, why)
        return why


class _Session:
    """Flask-Mail's connection, open until it is closed."""

    def __init__(self) -> None:
        with _application().app_context():
            self._connection = _Connection(_mail())
            self._connection.__enter__()

    def send(self, letter: Any) -> None:
        """Hand a message over. Raises smtplib.SMTPException, OSError."""
        with _application().app_context():
            self._connection.send(letter)

    def close(self) -> None:
        """Send QUIT, if the server still listens."""
        try:
            if self._connection.host is not None:
                self._connection.host.quit()
        except (OSError, smtplib.SMTPException):
            return  # the session was broken; what was sent is marked


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


def _fault_text(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}".splitlines()[0][:300]


def _context(settings: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.mail_ca_file)


def _letter(message: Message, language: str, address: str, settings: Settings) -> Any:
    own = words(language)
    shown = {
        "message": message,
        "own": own,
        "home": url_of(address_of(LinkedPage.HOME)),
        "colours": COLOURS,
    }
    pages = _pages(language)
    letter = MailMessage(
        message.subject(own),
        sender=("Mahaam", settings.mail_default_sender),
        recipients=[address],
        body=pages.get_template("mail/message.txt").render(shown),
        html=pages.get_template("mail/message.html").render(shown),
        extra_headers={"Auto-Submitted": "auto-generated", "X-Mahaam-Delivery": str(message.id)},
    )
    # The same for each try: a mailbox that already got the message recognises it by this id.
    sign = sha256(f"{message.id} {address}".encode()).hexdigest()[:24]
    letter.msgId = f"<{message.id}.{sign}@{settings.mail_default_sender.partition('@')[2]}>"
    return letter


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
