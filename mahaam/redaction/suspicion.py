"""A quick check of the JSON of a call for secrets: done for every job, so without parsing it."""

from __future__ import annotations

import re

from mahaam.redaction.names import Names
from mahaam.redaction.shapes import KEYS

EMPTY = ("[]", "{}")
NAMES = re.compile(r'"([^"\\]{1,64})":|(?:^|[\[,])\["([^"\\\d]{2,64})",')
LONG_NUMBER = re.compile(r"\d{13}")
# Inside of a text: a sign between a name and its value, or words that precede one. JSON's own
# colons follow a quote.
SIGNS = re.compile(
    r"""[=<＝：]|[^"]:(?!\d\d|//)|://[^"]*@|->|["\s]-{1,2}[A-Za-z]|---|%[0-9A-Fa-f]{2}|&#?\w+;|\\["ux]|[\[(]\s*'"""
    r"""|\d{13}|(?:\d{4}[ .\u00a0-]){3}\d|\d{4}[ .\u00a0-]\d{6}[ .\u00a0-]\d{4}|(?<![A-Za-z0-9])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11}"""
    r"""|"(?:value|val|v)":|[ \u00a0](?:هي|هو|است)[ \u00a0]"""
)
WORDS = (
    "password", "passcode", "passwd", "passphrase", "token", "secret", "pin ", "otp ", "pwd", "bearer", "basic ",
    "digest ", "apikey ", "api key", "api-key", "identified", "hooks.slack", "webhook", "chat.googleapis", "api.telegram",
)  # fmt: skip
RUN = re.compile(r"[A-Za-z0-9_.:/+-]{15}")


def is_suspicious(names: Names, *texts: str) -> bool:
    """Return True if one of some JSON `texts` may hold a secret; False only if none does."""
    return any(text not in EMPTY and _is_suspicious(names, text) for text in texts)


def _is_suspicious(names: Names, text: str) -> bool:
    if '"' not in text:
        return LONG_NUMBER.search(text) is not None
    if SIGNS.search(text) or (RUN.search(text) and KEYS.search(text)):
        return True
    lowered = text.lower()
    for word in WORDS:
        if word in lowered:
            return True
    return any(names.hide(key or name) for key, name in NAMES.findall(text))
