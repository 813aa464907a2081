"""A message as it is stored and sent: an alert that opened or closed, a dead letter, or a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mahaam.alerts.messages.texts import AlertTexts
from mahaam.config import get_settings
from mahaam.core.translatable import Translatable
from mahaam.live_settings import current
from mahaam.redaction.redact import masked_for_all

MOST_SHOWN = 20

SUBJECTS = {
    "opened": Translatable("Alert: %(what)s"),
    "closed": Translatable("Closed: %(what)s"),
    "digest": Translatable("%(count)s alerts"),
    "letter": Translatable("Failed for good: %(what)s"),
    "test": Translatable("A test of Mahaam"),
}
LETTERS = Translatable("%(count)s jobs failed for good")
MORE = Translatable("and %(count)s more")
LONGEST_SUBJECT = 150


@dataclass(frozen=True)
class Item:
    """One thing in a message; `path` is that of its page, "" without a console."""

    what: Translatable
    path: str
    severity: str = "info"
    rule: str = ""
    id: int | None = None
    opened_at: str | None = None
    closed_at: str | None = None
    detail: str = ""

    @property
    def is_closed(self) -> bool:
        """Return True if it is over."""
        return self.closed_at is not None

    @property
    def url(self) -> str | None:
        """Return the address of its page for people who are elsewhere; None without a console."""
        return url_of(self.path)

    def kept(self) -> dict[str, Any]:
        """Return the item as JSON stores it."""
        return {**self.__dict__, "what": self.what.kept()}

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any]) -> Item:
        """Return the item that `kept` made this of, without the secrets that it may hold."""
        what = _masked(Translatable.of_kept(dict(kept["what"])))
        return cls(**{**kept, "what": what, "detail": masked_for_all(kept.get("detail") or "")})


@dataclass(frozen=True)
class Message:
    """Some items under one subject; `id` is that of the delivery."""

    id: int
    about: str
    items: Sequence[Item]
    count: int

    @property
    def shown(self) -> Sequence[Item]:
        """Return the items that are listed one by one."""
        return self.items[:MOST_SHOWN]

    @property
    def left(self) -> int:
        """Return how many are not listed."""
        return self.count - len(self.shown)

    @property
    def more(self) -> Translatable:
        """Return the sentence that there are more."""
        return MORE.about(count=self.left)

    def subject(self, own: AlertTexts) -> str:
        """Return one line that summarises the message; no line of a task's own can break out of it."""
        template = SUBJECTS[self.about]
        if self.about == "letter" and self.count > 1:
            template = LETTERS
        what = own.said(self.items[0].what) if self.items else ""
        text = own.said(template.about(what=what, count=self.count))
        name = current.value("environment_name")
        line = " ".join(f"[{name}] {text}".split() if name else text.split())
        printable = "".join(sign if sign.isprintable() else " " for sign in line)
        return (
            printable
            if len(printable) <= LONGEST_SUBJECT
            else printable[: LONGEST_SUBJECT - 1] + "…"
        )

    def plain(self) -> dict[str, Any]:
        """Return the message as a program reads it."""
        return {
            "delivery": self.id,
            "about": self.about,
            "environment": current.value("environment_name"),
            "count": self.count,
            "items": [
                {
                    "id": item.id,
                    "rule": item.rule,
                    "severity": item.severity,
                    "text": str(item.what),
                    "url": item.url,
                    "opened_at": item.opened_at,
                    "closed_at": item.closed_at,
                    "detail": item.detail,
                }
                for item in self.shown
            ],
        }


def url_of(path: str) -> str | None:
    """Return the address of a page for people who are elsewhere, or None if there is no page."""
    return get_settings().console_url + path if path else None


def _masked(phrase: Translatable) -> Translatable:
    values = {
        name: _masked(value)
        if isinstance(value, Translatable)
        else masked_for_all(value)
        if isinstance(value, str)
        else value
        for name, value in phrase.values.items()
    }
    return Translatable(phrase.template, values)
