"""The words of messages, in the language of the recipient."""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from functools import cache

from mahaam.config import PROJECT_DIR
from mahaam.core.translatable import Translatable

CATALOGUES = PROJECT_DIR / "dashboard" / "translations"
RIGHT_TO_LEFT = {"ar", "fa"}


@dataclass(frozen=True)
class AlertTexts:
    """The texts of a language, and its direction."""

    code: str
    catalogue: gettext.NullTranslations

    @property
    def direction(self) -> str:
        """Return the direction of its lines."""
        return "rtl" if self.code in RIGHT_TO_LEFT else "ltr"

    def say(self, text: str) -> str:
        """Return one of our own texts in this language."""
        return self.catalogue.gettext(text)

    def said(self, phrase: Translatable) -> str:
        """Return a text of the engine in this language."""
        is_mixed = self.code in RIGHT_TO_LEFT
        return (phrase.isolated() if is_mixed else phrase).said(self.catalogue.gettext)


@cache
def words(language: str) -> AlertTexts:
    """Return the words of a language; English for one that is not known."""
    catalogue = gettext.translation("messages", str(CATALOGUES), [language], fallback=True)
    return AlertTexts(language, catalogue)
