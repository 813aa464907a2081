"""What people do to channels: make, edit, delete, try."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from email_validator import EmailNotValidError, validate_email

from mahaam.alerts import store
from mahaam.alerts.channels.address import AddressRefused, target
from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.alert_message import Item
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.field import FieldNotValid, check_fields, one_of, short_name
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records import crud
from mahaam.records.crud import Given, NamedKind
from mahaam.records.table import RecordTable, Row

KINDS = ("email", "webhook", "slack")
LANGUAGES = ("en", "ar", "fa")
FIELDS = ("name", "kind", "recipients", "url", "secret", "language", "is_enabled")
DEFAULTS: dict[str, Any] = {
    "recipients": [], "url": None, "secret": None, "language": "en", "is_enabled": True,
}  # fmt: skip
MOST_RECIPIENTS = 50
SECRET_LENGTHS = (16, 200)

TAKEN = Translatable("Another channel has this name.")
BAD_RECIPIENT = Translatable("%(address)s is not an e-mail address.")
TOO_MANY = Translatable("Enter at most %(most)s addresses.")
BAD_SECRET = Translatable(
    "Enter a secret of %(low)s to %(high)s characters, or none: then one is made."
)
IN_USE = Translatable("Rule %(rule)s tells through this channel.")
UNKNOWN = Translatable("A channel has no such field.")
TEST = Translatable("This is a test. When you read it, the channel works.")

CHANNELS = RecordTable(
    name="channel",
    fields=FIELDS,
    touched="changed_by = %(by)s, changed_at = now()",
)


def create_channel(given: Given, *, by: str) -> int:
    """Make a channel of FIELDS. Return its id. Raises FieldNotValid, DatabaseUnavailable."""
    return crud.create(CHANNEL, given, by=by)


def edit_channel(id_: int, given: Given, *, by: str) -> bool:
    """Change a channel. Return True if anything changed. Raises LookupError, FieldNotValid."""
    return crud.change(CHANNEL, id_, given, by=by)


def delete_channel(id_: int, *, by: str) -> None:
    """Delete a channel with its deliveries. Raises LookupError, FieldNotValid while a rule uses it."""
    crud.delete(CHANNEL, id_, by=by)


def test_channel(id_: int, *, by: str) -> None:
    """Send a test through a channel, in the way of every message. Raises LookupError."""
    with database.transaction() as cursor:
        before = CHANNELS.lock(cursor, id_)
        if before is None:
            raise LookupError(f"There is no channel {id_}.")
        item = Item(TEST, address_of(LinkedPage.ALERTS))
        ring = deliveries.make(cursor, id_, "test", [item], by=by)
        crud.note(cursor, CHANNEL, "test", before["name"], by=by)
    accept.ring([ring])


def send_again(delivery_id: int, *, by: str) -> bool:
    """Try a failed delivery once more. Return True if it had failed."""
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


def _checked(_cursor: Cursor, given: Given, before: Row | None) -> Row:
    check_fields(given, FIELDS, UNKNOWN)
    row = {**(before or DEFAULTS), **given}
    name = short_name("name", row.get("name"))
    for field, choices in (("kind", KINDS), ("language", LANGUAGES)):
        one_of(field, row.get(field), choices)
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
        raise FieldNotValid("recipients", TOO_MANY.about(most=MOST_RECIPIENTS))
    found = []
    for address in given:
        try:
            found.append(validate_email(str(address), check_deliverability=False).normalized)
        except EmailNotValidError:
            shown = "".join(sign if sign.isprintable() else "?" for sign in str(address)[:100])
            raise FieldNotValid("recipients", BAD_RECIPIENT.about(address=shown)) from None
    return list(dict.fromkeys(found))


def _url(url: Any) -> str:
    try:
        target(url or "")
    except AddressRefused as fault:
        raise FieldNotValid("url", fault.phrase) from None
    return str(url)


def _secret(secret: Any) -> str:
    if not secret:
        return secrets.token_urlsafe(32)
    low, high = SECRET_LENGTHS
    if not isinstance(secret, str) or not low <= len(secret) <= high or not secret.isprintable():
        raise FieldNotValid("secret", BAD_SECRET.about(low=low, high=high))
    return secret


def _check_use(cursor: Cursor, before: Row, after: Row | None) -> None:
    if after is None and (rule := store.rule_of_channel(cursor, before["id"])):
        raise FieldNotValid("name", IN_USE.about(rule=rule))


def _audited(row: Row, names: Iterable[str]) -> Row:
    """Return a channel as the audit stores it: without the secret and the path of an address."""
    host = str(row["url"]).partition("://")[2].partition("/")[0] if row["url"] else None
    shown = {**row, "url": host, "secret": None}
    return {name: shown[name] for name in names}


CHANNEL = NamedKind(
    name="channel", store=CHANNELS, taken=TAKEN, check=_checked, with_it=_check_use, told=_audited
)
