"""The form of an alert rule: texts as they were typed, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from mahaam.alerts.queries import RuleEntry
from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import RuleType
from mahaam.alerts.rules import RuleNotValid

from ..web.languages import said

PLAIN = ("name", "kind", "severity", "cooldown_s")
FIELDS = (*PLAIN, "is_enabled", "channels", *{p.name for k in KINDS.values() for p in k.parameters})
MOST_TEXT = 1000


class RuleForm:
    """What a person says of a rule. `texts` and `faults` are by field."""

    def __init__(self, entry: RuleEntry | None = None, *, kind: str = "") -> None:
        self.entry = entry
        self.faults: dict[str, str] = {}
        begin = kind if kind in KINDS else next(iter(KINDS))
        self.texts: dict[str, str] = {
            "name": "", "kind": begin, "severity": "warning", "cooldown_s": "300", "is_enabled": "yes",
        }  # fmt: skip
        self.channels: set[int] = set()
        if entry:
            self.texts = {name: str(getattr(entry, name)) for name in PLAIN}
            self.texts["is_enabled"] = "yes" if entry.is_enabled else ""
            self.channels = set(entry.channels)
        given = entry.parameters if entry else {}
        for one in self.kind.parameters:
            value = given.get(one.name, None if entry else one.default)
            self.texts[one.name] = "" if value is None else str(value)

    @property
    def kind(self) -> RuleType:
        """The kind that is chosen."""
        return KINDS.get(self.texts["kind"]) or next(iter(KINDS.values()))

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """The fields as the verbs take them; None, and `faults`, when a text is no value at all."""
        self.texts = {name: typed.get(name, "")[:MOST_TEXT].strip() for name in FIELDS}
        given: dict[str, Any] = {name: self.texts[name] for name in ("name", "kind", "severity")}
        given["is_enabled"] = self.texts["is_enabled"] == "yes"
        given["cooldown_s"] = self._number("cooldown_s")
        given["parameters"] = self._parameters()
        chosen = typed.getlist("channels") if isinstance(typed, MultiDict) else []
        given["channels"] = [int(id_) for id_ in chosen if id_.isascii() and id_.isdigit()][:100]
        self.channels = set(given["channels"])
        return None if self.faults else given

    def refuse(self, fault: RuleNotValid) -> None:
        """Show the refusal beside its field."""
        self.faults[fault.field] = said(fault.phrase)

    def _parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self.kind.parameters:
            value = self._number(one.name) if one.kind == "int" else self.texts[one.name]
            if value not in (None, ""):
                found[one.name] = value
        return found

    def _number(self, name: str) -> int | None:
        text = self.texts[name]
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 12):
            self.faults[name] = _("Enter a whole number, such as 42.")
            return None
        return int(text)
