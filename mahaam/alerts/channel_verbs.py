"""What people do to channels: make, edit, delete, try."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email

from mahaam.alerts.channels.address import AddressRefused, target
from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.alert_message import Item
from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import MahaamError
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

log = logging.getLogger("mahaam.alerts")

KINDS = ("email", "webhook", "slack")
LANGUAGES = ("en", "ar", "fa")
FIELDS = ("name", "kind", "recipients", "url", "secret", "language", "is_enabled")
DEFAULTS: dict[str, Any] = {
    "recipients": [], "url": None, "secret": None, "language": "en", "is_enabled": True,
}  # fmt: skip
LONGEST_NAME = 200
MOST_RECIPIENTS = 50
SECRET_LENGTHS = (16, 200)

BAD_NAME = Translatable("Enter a name of 1 to %(most)s characters on one line.")
TAKEN = Translatable("Another channel has this name.")
BAD_CHOICE = Translatable("Choose one of the list.")
BAD_RECIPIENT = Translatable("%(address)s is not an e-mail address.")
TOO_MANY = Translatable("Enter at most %(most)s addresses.")
BAD_SECRET = Translatable(
    "Enter a secret of %(low)s to %(high)s characters, or none: then one is made."
)
IN_USE = Translatable("Rule %(rule)s tells through this channel.")
UNKNOWN = Translatable("A channel has no such field.")
TEST = Translatable("This is a test. When you read it, the channel works.")

INSERT = """
INSERT INTO channel (name, kind, recipients, url, secret, language, is_enabled, created_by)
VALUES (%(name)s, %(kind)s, %(recipients)s, %(url)s, %(secret)s, %(language)s, %(is_enabled)s, %(by)s)
ON CONFLICT (name) DO NOTHING RETURNING id
"""
UPDATE = """
UPDATE channel
SET name = %(name)s, kind = %(kind)s, recipients = %(recipients)s, url = %(url)s, secret = %(secret)s,
    language = %(language)s, is_enabled = %(is_enabled)s, changed_by = %(by)s, changed_at = now()
WHERE id = %(id)s
"""
LOCK = f"SELECT {', '.join(FIELDS)} FROM channel WHERE id = %s FOR UPDATE"

Row = dict[str, Any]


class ChannelNotValid(MahaamError):
    """The channel cannot be kept. `field` says which of its fields is wrong."""

    def __init__(self, field: str, phrase: Translatable) -> None:
        super().__init__(f"{field}: {phrase}")
        self.field = field
        self.phrase = phrase


def create_channel(given: Mapping[str, Any], *, by: str) -> int:
    """Make a channel of FIELDS; its id. Raises ChannelNotValid, DatabaseUnavailable."""
    row = _checked(DEFAULTS | dict(given))
    with database.transaction() as cursor:
        cursor.execute(INSERT, row | {"by": by})
        made = cursor.fetchone()
        if made is None:
            raise ChannelNotValid("name", TAKEN)
        _tell(cursor, "create", row["name"], by=by, after=_told(row))
    log.info("Channel made. channel=%s by=%s", row["name"], by)
    return int(made[0])


def edit_channel(id_: int, given: Mapping[str, Any], *, by: str) -> bool:
    """Change a channel; whether anything changed. Raises LookupError, ChannelNotValid."""
    with database.transaction() as cursor:
        before = _locked(cursor, id_)
        row = _checked(before | dict(given))
        if row == before:
            return False
        cursor.execute("SELECT FROM channel WHERE name = %s AND id <> %s", (row["name"], id_))
        if cursor.fetchone():
            raise ChannelNotValid("name", TAKEN)
        cursor.execute(UPDATE, row | {"id": id_, "by": by})
        _tell(cursor, "edit", before["name"], by=by, before=_told(before), after=_told(row))
    return True


def delete_channel(id_: int, *, by: str) -> None:
    """Delete a channel with its deliveries. Raises LookupError, ChannelNotValid while a rule uses it."""
    with database.transaction() as cursor:
        before = _locked(cursor, id_)
        cursor.execute("SELECT name FROM alert_rule WHERE %s = ANY(channels) LIMIT 1", (id_,))
        if row := cursor.fetchone():
            raise ChannelNotValid("name", IN_USE.about(rule=row[0]))
        cursor.execute("DELETE FROM channel WHERE id = %s", (id_,))
        _tell(cursor, "delete", before["name"], by=by, before=_told(before))


def test_channel(id_: int, *, by: str) -> None:
    """Send a test through a channel, as everything is sent. Raises LookupError."""
    with database.transaction() as cursor:
        before = _locked(cursor, id_)
        ring = deliveries.make(cursor, id_, "test", [Item(TEST, "/admin/alert/")], by=by)
        _tell(cursor, "test", before["name"], by=by)
    accept.ring([ring])


def send_again(delivery_id: int, *, by: str) -> bool:
    """Try a delivery that failed once more; whether it had."""
    with database.transaction() as cursor:
        ring = deliveries.again(cursor, delivery_id, by=by)
        if ring is None:
            return False
        record.tell(
            cursor,
            AuditRecord(actor=by, verb="send_again", kind="delivery", targets=[str(delivery_id)]),
        )
    accept.ring([ring])
    return True


def _checked(row: Row) -> Row:
    if unknown := sorted(row.keys() - set(FIELDS)):
        raise ChannelNotValid(str(unknown[0])[:50], UNKNOWN)
    name = row["name"].strip() if isinstance(row.get("name"), str) else ""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ChannelNotValid("name", BAD_NAME.about(most=LONGEST_NAME))
    for field, choices in (("kind", KINDS), ("language", LANGUAGES)):
        if row.get(field) not in choices:
            raise ChannelNotValid(field, BAD_CHOICE)
    is_mail = row["kind"] == "email"
    return {
        "name": name,
        "kind": row["kind"],
        "recipients": _recipients(row["recipients"]) if is_mail else [],
        "url": None if is_mail else _url(row["url"]),
        "secret": _secret(row["secret"]) if row["kind"] == "webhook" else None,
        "language": row["language"],
        "is_enabled": bool(row["is_enabled"]),
    }


def _recipients(given: Any) -> list[str]:
    if len(given) > MOST_RECIPIENTS:
        raise ChannelNotValid("recipients", TOO_MANY.about(most=MOST_RECIPIENTS))
    found = []
    for address in given:
        try:
            found.append(validate_email(str(address), check_deliverability=False).normalized)
        except EmailNotValidError:
            shown = "".join(sign if sign.isprintable() else "?" for sign in str(address)[:100])
            raise ChannelNotValid("recipients", BAD_RECIPIENT.about(address=shown)) from None
    return list(dict.fromkeys(found))


def _url(url: Any) -> str:
    try:
        target(url or "")
    except AddressRefused as fault:
        raise ChannelNotValid("url", fault.phrase) from None
    return str(url)


def _secret(secret: Any) -> str:
    if not secret:
        return secrets.token_urlsafe(32)
    low, high = SECRET_LENGTHS
    if not isinstance(secret, str) or not low <= len(secret) <= high or not secret.isprintable():
        raise ChannelNotValid("secret", BAD_SECRET.about(low=low, high=high))
    return secret


def _locked(cursor: Cursor, id_: int) -> Row:
    cursor.execute(LOCK, (id_,))
    row = cursor.fetchone()
    if row is None:
        raise LookupError
    return dict(zip(FIELDS, row, strict=True))


def _told(row: Row) -> Row:
    """A channel as the audit keeps it: neither the secret nor what stands in the path of an address."""
    host = str(row["url"]).partition("://")[2].partition("/")[0] if row["url"] else None
    return {**row, "url": host, "secret": None}


def _tell(cursor: Cursor, verb: str, name: str, *, by: str, **more: Any) -> None:
    record.tell(cursor, AuditRecord(actor=by, verb=verb, kind="channel", targets=[name], **more))
