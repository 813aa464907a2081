"""How hard a password or a key is to guess, by zxcvbn: words, names, dates, keyboards, repetitions."""

from __future__ import annotations

import re
from collections.abc import Collection

MOST_CHARACTERS = 72  # zxcvbn takes no more; of a longer text the beginning is rated
PASSWORD_SCORE = (
    3  # of 4: "safely unguessable", when an attacker has the hashes and a slow function
)
KEY_DIGITS = 26  # decimal digits of guesses, some 86 bits; 24 random bytes have more
PLACEHOLDER = re.compile(
    r"change[ _-]?(me|this|it)|your[ _-]|(secret|session|signing)[ _-]?key|example|insecure|placeholder|"
    r"replace[ _-]?(me|this|it)|to[ _-]?do|dummy",
    re.IGNORECASE,
)
MIN_KIN = 4  # letters that a part of an address needs to count


def is_weak_password(password: str, *, about: Collection[str] = ()) -> bool:
    """Return True if `password` is easy to guess, also for people who know the texts in `about`."""
    return _judged(password, about)["score"] < PASSWORD_SCORE


def is_weak_key(key: str) -> bool:
    """Return True if `key` is no random text of sufficient length."""
    is_placeholder = PLACEHOLDER.search(key) is not None
    return is_placeholder or _judged(key, ())["guesses_log10"] < KEY_DIGITS


def is_own_address(password: str, email: str) -> bool:
    """Return True if `password` is the address, or its part before the @, with little besides."""
    plain, address = _bare(password), _bare(email)
    name = _bare(email.partition("@")[0])
    if plain == address or (len(name) >= MIN_KIN and plain.strip("0123456789") == name):
        return True
    return len(address) >= MIN_KIN and address in plain


def parts_of_address(email: str) -> tuple[str, ...]:
    """Return what people who know the address try first."""
    name, _, host = email.partition("@")
    return (
        email,
        name,
        *name.replace("-", ".").replace("_", ".").split("."),
        host,
        *host.split("."),
    )


def _bare(text: str) -> str:
    """Return the letters and digits, whatever their case and the characters between them."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _judged(text: str, about: Collection[str]) -> dict[str, float]:
    from zxcvbn import zxcvbn  # its dictionaries take time and memory, and most processes need none

    start = text[:MOST_CHARACTERS]
    found = zxcvbn(start, user_inputs=[part for part in about if part])
    return {"score": found["score"], "guesses_log10": float(found["guesses_log10"])}
