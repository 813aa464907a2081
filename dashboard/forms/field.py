"""One field of a form: how it is asked, what was typed in it, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from .kinds import BOOLEAN, TICKS, FieldType

OMITTED = object()
MOST_CHOICES = 50  # of more, one is typed
Text: TypeAlias = str | LazyString


@dataclass
class Field:
    """One field of a form.

    `default` is what is used when nothing is typed; OMITTED: something must be typed.
    `may_be_empty`: an empty text is a value of its own. `most`: a longer text is cut; None: the text
    stays as it was typed. `words` are those of the choices that are not shown as they are.
    `only_for` is the choice of another field for which this one counts.
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
        """Whether an empty field is a fault."""
        return self.default is OMITTED and self.kind is not BOOLEAN

    @property
    def widget(self) -> str:
        """How it is typed: the widget of its kind, or a choice while there are few."""
        is_choice = bool(self.choices) and self.kind is not TICKS
        return "choice" if is_choice and len(self.choices) <= MOST_CHOICES else self.kind.widget

    @property
    def ticked(self) -> list[str]:
        """The choices that are ticked, where several can be."""
        return self.text.split(",")

    def word(self, choice: str) -> Text:
        """What a choice is called."""
        return self.words.get(choice, choice)

    def read(self, form: Mapping[str, str]) -> Any:
        """Return the value that was typed; set `fault` when it is wrong."""
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
