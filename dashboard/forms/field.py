"""One field of a form: its widget, the text typed in it and its fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from .kinds import BOOLEAN, TICKS, FieldType

OMITTED = object()
MOST_CHOICES = 50  # with more choices, the value is typed
Text: TypeAlias = str | LazyString


@dataclass
class Field:
    """One field of a form.

    `default` is the value when nothing is typed; with OMITTED something must be typed.
    `may_be_empty`: an empty text is a value of its own. `most`: a longer text is cut; None: the text
    stays as it was typed. `words` holds the labels of those choices that are not shown as they are.
    `only_for` is the choice of another field to which this field applies.
    """

    name: str
    label: Text
    kind: FieldType
    default: Any = OMITTED
    hint: Text = ""
    text: str = ""
    fault: str | None = None
    choices: tuple[str, ...] = ()
    may_be_empty: bool = False
    most: int | None = None
    words: Mapping[str, Text] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    only_for: str = ""
    is_parameter: bool = False
    rows: int = 3
    autocomplete: str = "off"
    lengths: tuple[int, int] | None = None

    @property
    def is_required(self) -> bool:
        """Return True if an empty field is a fault."""
        return self.default is OMITTED and self.kind is not BOOLEAN

    @property
    def widget(self) -> str:
        """Return the widget: a choice while there are few choices, else the widget of the field's kind."""
        is_choice = bool(self.choices) and self.kind is not TICKS
        return "choice" if is_choice and len(self.choices) <= MOST_CHOICES else self.kind.widget

    @property
    def ticked(self) -> list[str]:
        """Return the ticked choices of a field that takes several."""
        return self.text.split(",")

    def word(self, choice: str) -> Text:
        """Return the label of a choice."""
        return self.words.get(choice, choice)

    def read(self, form: Mapping[str, str]) -> Any:
        """Return the value that was typed, or the default after setting `fault` when it is wrong."""
        self.text = self._typed(form)
        if self.kind is not BOOLEAN and self.text.strip() == "" and not self.may_be_empty:
            if self.is_required:
                self.fault = _("This must be filled in.")
            return self.default
        try:
            return self.kind.read(self.text)
        except ValueError as fault:
            self.fault = str(fault)
            return self.default

    def _typed(self, form: Mapping[str, str]) -> str:
        if self.kind is TICKS and hasattr(form, "getlist"):
            return ",".join(form.getlist(self.name))
        text = form.get(self.name, "")
        return text if self.most is None else text[: self.most].strip()
