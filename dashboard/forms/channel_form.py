"""The form of a channel: texts as they were typed, and what is wrong with each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mahaam.alerts.channel_verbs import ChannelNotValid
from mahaam.alerts.queries import ChannelEntry

from ..web.languages import said

FIELDS = ("name", "kind", "recipients", "url", "secret", "language", "is_enabled")
MOST_TEXT = 20_000
HIDDEN = "••••••"  # stands for the secret that is kept


class ChannelForm:
    """What a person says of a channel. `texts` and `faults` are by field."""

    def __init__(self, entry: ChannelEntry | None = None) -> None:
        self.entry = entry
        self.faults: dict[str, str] = {}
        self.texts: dict[str, str] = dict.fromkeys(FIELDS, "") | {
            "kind": "email", "language": "en", "is_enabled": "yes",
        }  # fmt: skip
        if entry:
            self.texts = {
                "name": entry.name,
                "kind": entry.kind,
                "recipients": "\n".join(entry.recipients),
                "url": entry.url or "",
                "secret": HIDDEN if entry.secret else "",
                "language": entry.language,
                "is_enabled": "yes" if entry.is_enabled else "",
            }

    def read(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """The fields as the verbs take them."""
        self.texts = {name: typed.get(name, "")[:MOST_TEXT].strip() for name in FIELDS}
        kept = self.entry.secret if self.entry else None
        is_kept = self.texts["secret"] == HIDDEN
        return {
            "name": self.texts["name"],
            "kind": self.texts["kind"],
            "recipients": [one for one in re.split(r"[\s,;]+", self.texts["recipients"]) if one],
            "url": self.texts["url"] or None,
            "secret": kept if is_kept else self.texts["secret"] or None,
            "language": self.texts["language"],
            "is_enabled": self.texts["is_enabled"] == "yes",
        }

    def refuse(self, fault: ChannelNotValid) -> None:
        """Show the refusal beside its field."""
        self.faults[fault.field] = said(fault.phrase)
