"""The form of an alert rule: the fields of every rule and the parameters of its rule type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam.alerts.queries import ChannelEntry, RuleEntry
from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import RuleParameter, RuleType
from mahaam.alerts.rules import SEVERITIES

from ..present import badges
from ..web.languages import said
from .field import Field
from .form import Form
from .kinds import BOOLEAN, INTEGER, TEXT, TICKS

MOST = 1000
FIRST_KIND = next(iter(KINDS))


class RuleForm(Form):
    """The fields of a rule of the type `kind`."""

    def __init__(
        self,
        entry: RuleEntry | None = None,
        *,
        kind: str = "",
        channels: Iterable[ChannelEntry] = (),
        queues: tuple[str, ...] = (),
    ) -> None:
        self.entry = entry
        self.kind: RuleType = KINDS.get(kind or (entry.kind if entry else "")) or KINDS[FIRST_KIND]
        before, after = _own_fields(tuple(channels))
        own = {field.name for field in (*before, *after)}
        # A parameter may have the name of a field of the rule itself, such as name.
        self.parameters = {
            f"of_{one.name}" if one.name in own else one.name: one for one in self.kind.parameters
        }
        of_kind = [_field(name, one, queues) for name, one in self.parameters.items()]
        super().__init__([*before, *of_kind, *after])
        self._begin()

    def read(self, typed: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the fields as the verbs take them, or None when a text cannot be read as a value."""
        given = self.values(typed)
        parameters = {one.name: given.pop(name) for name, one in self.parameters.items()}
        given["parameters"] = {k: v for k, v in parameters.items() if v not in (None, "")}
        return given if self.is_right else None

    def _begin(self) -> None:
        self["kind"].text = self.kind.name
        if self.entry is None:
            return
        for name in ("name", "severity", "cooldown_s"):
            self[name].text = str(getattr(self.entry, name))
        self["is_enabled"].text = "yes" if self.entry.is_enabled else ""
        self["channels"].text = ",".join(map(str, self.entry.channels))
        for name, one in self.parameters.items():
            value = self.entry.parameters.get(one.name)
            self[name].text = "" if value is None else str(value)


def _own_fields(channels: tuple[ChannelEntry, ...]) -> tuple[list[Field], list[Field]]:
    kinds = {name: said(kind.label) for name, kind in KINDS.items()}
    severities = {name: badges.SEVERITY[name].word for name in SEVERITIES}
    before = [
        Field("name", _l("Name"), TEXT, "", most=MOST),
        Field("kind", _l("Looks for"), TEXT, "", choices=tuple(kinds), words=kinds),
    ]
    again = _l("Tell of the same subject again after so many seconds at the earliest")
    after = [
        Field(
            "severity",
            _l("Severity"),
            TEXT,
            "",
            text="warning",
            choices=tuple(severities),
            words=severities,
        ),
        Field(
            "channels",
            _l("Tells through"),
            TICKS,
            [],
            choices=tuple(str(one.id) for one in channels),
            words={str(one.id): f"{one.name} · {badges.CHANNEL[one.kind]}" for one in channels},
        ),
        Field("cooldown_s", again, INTEGER, None, text="300", most=MOST),
        Field("is_enabled", _l("Switched on"), BOOLEAN, text="yes"),
    ]
    return before, after


def _field(name: str, one: RuleParameter, queues: tuple[str, ...]) -> Field:
    text = "" if one.default is None else str(one.default)
    kind = INTEGER if one.kind == "int" else TEXT
    field = Field(name, said(one.label), kind, None, text=text, most=MOST)
    if one.kind == "choice":
        field.choices = one.choices
    elif one.name == "queue":
        field.choices, field.words = ("", *queues), {"": _("All")}
    return field
