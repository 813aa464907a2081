"""The form of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from mahaam.alerts.channel_verbs import KINDS
from mahaam.alerts.queries import ChannelEntry

from ..present import badges
from ..web.languages import LANGUAGES
from .field import Field
from .form import Form
from .kinds import BOOLEAN, TEXT, WORDS

MOST = 20_000
HIDDEN = "••••••"  # stands for the stored secret


def _fields() -> tuple[Field, ...]:
    languages = {code: one.name for code, one in LANGUAGES.items()}
    return (
        Field("name", _l("Name"), TEXT, "", most=MOST),
        Field(
            "kind", _l("Kind"), TEXT, "", text="email", choices=tuple(KINDS), words=badges.CHANNEL
        ),
        Field(
            "recipients",
            _l("Recipients of mail"),
            WORDS,
            [],
            _l("One a line. Empty: ADMIN_EMAILS."),
            most=MOST,
        ),
        Field(
            "url",
            _l("Address of the webhook"),
            TEXT,
            None,
            _l(
                "Of a webhook or of Slack, Mattermost, Rocket.Chat."
                " Addresses inside your network need WEBHOOK_ALLOW."
            ),
            most=MOST,
        ),
        Field(
            "secret",
            _l("Secret that signs a webhook"),
            TEXT,
            None,
            _l("Empty: one is made. HMAC-SHA256 of the timestamp, a dot and the body."),
            most=MOST,
        ),
        Field(
            "language",
            _l("Language for those who have not chosen one"),
            TEXT,
            "",
            text="en",
            choices=tuple(languages),
            words=languages,
        ),
        Field("is_enabled", _l("Switched on"), BOOLEAN, text="yes"),
    )


class ChannelForm(Form):
    """The fields of a channel."""

    def __init__(self, entry: ChannelEntry | None = None) -> None:
        super().__init__(_fields(), _texts(entry) if entry else None)
        self.entry = entry

    def read(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields as the verbs take them."""
        given = self.values(typed)
        if given["secret"] == HIDDEN:
            given["secret"] = self.entry.secret if self.entry else None
        return given


def _texts(entry: ChannelEntry) -> dict[str, str]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "recipients": "\n".join(entry.recipients),
        "url": entry.url or "",
        "secret": HIDDEN if entry.secret else "",
        "language": entry.language,
        "is_enabled": "yes" if entry.is_enabled else "",
    }
