"""The languages of the console, their direction and their digits."""

from __future__ import annotations

from dataclasses import dataclass

from babel.numbers import format_decimal
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, get_locale, gettext

from mahaam.config import get_settings
from mahaam.core.translatable import Translatable


@dataclass(frozen=True)
class Language:
    """A language: its native name, its direction, and the digits of its numbers and times."""

    code: str
    name: str
    direction: str
    digits: str
    intl: str


DIGITS = {"latn": str.maketrans("", ""), "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")}
LANGUAGES = {
    language.code: language
    for language in (
        Language("en", "English", "ltr", "latn", "en-GB"),
        Language("ar", "العربية", "rtl", "latn", "ar-IQ-u-nu-latn"),
        Language("fa", "فارسی", "rtl", "arabext", "fa-IR-u-ca-persian-nu-arabext"),
    )
}


def register(app: Flask) -> None:
    """Set up translations, with a language chosen for each request."""
    Babel(app, locale_selector=chosen_code)


def chosen_code() -> str:
    """Return the language code: the user's choice, else the browser's preference, else the default."""
    if not has_request_context():  # a command
        return get_settings().default_language
    person = g.get("person")
    for code in (session.get("language"), person.language if person else None):
        if code in LANGUAGES:
            return str(code)
    best = request.accept_languages.best_match(LANGUAGES)
    return best or get_settings().default_language


def current_language() -> Language:
    """Return the language of this request."""
    locale = get_locale()
    return LANGUAGES[locale.language if locale else get_settings().default_language]


def said(phrase: Translatable) -> str:
    """Return a translatable text of the engine in the language of this request."""
    is_mixed = has_request_context() and current_language().direction == "rtl"
    return (phrase.isolated() if is_mixed else phrase).said(gettext)


def number(value: float) -> str:
    """Return `value` as text in the digits and with the separators of this request's language."""
    language = current_language()
    if isinstance(value, int) and 0 <= value < 1000:  # most numbers of a list, without separators
        return str(value).translate(DIGITS[language.digits])
    text = format_decimal(value, locale=language.code, numbering_system=language.digits)
    return text.translate(DIGITS[language.digits])  # Babel changes the separators only
