"""Secrets that follow their name: `name=value`, `name: value`, headers, names of several words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mahaam.redaction.names import ARABIC_SCRIPT, Names, tells_number
from mahaam.redaction.value_bounds import NOTHING, Span, end_of_line, end_of_value

MARKS = "\u064b-\u0655\u0670\u0640"  # vowel signs, which are no letters to Python
INVISIBLE = "[\u200b-\u200f\u061c\u2066-\u2069\u202a-\u202e]*+"
# A name, perhaps in quotes (escaped ones, too: JSON in JSON), and what separates it from its value.
NAMED = re.compile(
    rf"""(?<![\w-])(?P<name>[\w{MARKS}-]++)\\*(?:["'`]|%(?:25)*2[27])?{INVISIBLE}(?:\]|\(s\)|[ ]\([\w ]{{1,20}}\))?\s*+"""
    r"""(?P<sign>=>|->|:=|[=!]==?|<>|:(?!:)|(?<![<>])=|[：＝]|%(?:25)*3[AaDd](?:%(?:25)*3[Dd])?|(?<=[\u0600-\u06ff] )(?:هي|هو|است)(?= ))"""
    rf"[ \t]*+{INVISIBLE}"
)
# `API key: …`: the words before decide what such a word means.
TAILS = frozenset(
    {"api", "key", "keys", "code", "codes", "number", "no", "nr", "word", "phrase", "pass", "id"}
)
BEFORE = re.compile(rf"(?:(?:[^\W_]|[{MARKS}])+[ \u00a0_\u200c-]){{1,3}}$")
WORD = re.compile(rf"(?:[^\W_]|[{MARKS}])+")
MOST_BEFORE = 48

# Before `: `, a class that says by its last or first word what happened is an exception with its message.
EXCEPTION = re.compile(
    r"[A-Z]\w*(?:Blocked|Declined|Denied|Error|Exceeded|Exception|Expired|Failed|Failure|Fault|Invalid|Mismatch"
    r"|Missing|NotFound|Refused|Rejected|Required|Revoked|Timeout|Unavailable|Unknown|Used|Warning)"
    r"|(?:Bad|Expired|Invalid|Missing|No|Unknown|Unsupported|Wrong)[A-Z]\w*"
)
WHOLE_LINE = ("authorization", "cookie", "-signature")  # headers: their values contain spaces
FOLDED = re.compile(r"[;,]?[ \t]*\r?\n[ \t]+(?=[^\s:=]+(?:=|$))")
SCHEMES = frozenset(
    {
        "bearer",
        "basic",
        "digest",
        "token",
        "apikey",
        "negotiate",
        "ntlm",
        "aws4-hmac-sha256",
        "sso-key",
    }
)
NEXT_WORD = re.compile(r"[ \t]+(?=[^\s,;&<>\"'])")
# In code, what follows == is compared: a plain name is no secret, a text or a number is.
PLAIN_NAME = re.compile(r"[A-Za-z_][a-z_]*(?:\.[A-Za-z_][a-z_]*)*(?:\(.*)?[:)\]]*$")
IN_ANGLES = re.compile(r"<(?![/!?])[^<>\s]{1,500}>")
ENCLOSED = re.compile(r"[bBuUrRfF]{0,2}\\*[\"'`“«‘]|[\[({]")
IS_MASKED = re.compile(r"\\*[\"'`“«‘]?•{6}(?=$|[\s,;&<>\"'`”»’)\]}\\%])")
ANNOTATED = re.compile(r"[ \t]*=[ \t]*(?![=])")
# A value may begin on the next line; a line there with a name of its own is another field.
LINE_BREAK = re.compile(r"[|>]?[+-]?(?:[ \t]*\\?\r?\n[ \t]*){1,2}(?:- )?|\\[nrt]")
NO_VALUE = re.compile(
    r"[\w.\"'-]{1,64}\s*(?:=|:(?!//))|\d{4}-\d\d-\d\d|File \"|Traceback|$|\s|[-=]{3}"
)

SAID_NAMES = ("pass", "pin", "otp", "token", "secret", "api key", "pwd")
SAID_SCHEMES = ("api-key", "bearer", "basic", "digest", "apikey", "token")
SAID = re.compile(
    r"(?i)(?<![\w-])(?:password|passwd|passphrase|passcode|pin|otp|token|secret|api key|pwd)(?: code)?"
    r"(?:[ ](?:is|was|are|were|must be|changed to|set to|=|-|–))?[ \t|](?=[\w!#$%^*+?@~.-]*\d)(?P<value>[^\s,;]{4,})"
)
SCHEME = re.compile(
    r"(?i)\b(?P<scheme>bearer|basic|digest|api-?key|token)(?:\s|%20|\+)(?:\s|%20)*+(?P<secret>[\w.~+/=%-]{6,})"
)


def spans(text: str, names: Names) -> Iterator[Span]:
    """Yield the values in `text` that follow the name of a secret."""
    done = 0
    for found in NAMED.finditer(text):
        if found.start() < done or not _hides(found, names) or _is_exception(found):
            continue
        start, end = _value(text, found)
        if tells_number(found["name"], text[start:end]):
            continue
        if text[start:end].lower() in NOTHING or _is_compared(found, text[start:end]):
            continue
        yield start, end
        done = end
        annotated = ANNOTATED.match(text, end) if found["sign"] == ":" else None
        if annotated:
            done = end_of_value(text, annotated.end())
            yield annotated.end(), done


def spoken(text: str) -> Iterator[Span]:
    """Yield secrets in prose: `the password is hunter2`, `sent Bearer abc123`."""
    lowered = text.lower()
    for found in SAID.finditer(text) if any(name in lowered for name in SAID_NAMES) else ():
        if re.search(r"[A-Za-z]", found["value"]) or found[0][:3].lower() in ("pin", "otp"):
            yield found.span("value")
    for found in SCHEME.finditer(text) if any(scheme in lowered for scheme in SAID_SCHEMES) else ():
        if _is_credential(found["scheme"].lower(), found["secret"]):
            yield found.span("secret")


def _hides(found: re.Match[str], names: Names) -> bool:
    name = found["name"]
    if names.hide(name):
        return True
    if name.lower() not in TAILS and not ARABIC_SCRIPT.search(name):
        return False
    begin = found.start("name")
    before = BEFORE.search(found.string[max(0, begin - MOST_BEFORE) : begin])
    words = WORD.findall(before[0]) if before else []
    return any(names.hide(" ".join([*words[-size:], name])) for size in range(1, len(words) + 1))


def _value(text: str, found: re.Match[str]) -> Span:
    start = found.end()
    if IS_MASKED.match(text, start):
        return start, start
    if _is_header(found) and not ENCLOSED.match(text, start):
        return start, _end_of_header(text, found)
    broken = LINE_BREAK.match(text, start)
    if broken:
        if "\n" in broken[0] and NO_VALUE.match(text, broken.end()):
            return start, start
        start = broken.end()
    in_angles = IN_ANGLES.match(text, start)
    if in_angles:
        return start, in_angles.end()
    end = end_of_value(text, start)
    if text[start:end].lower() in SCHEMES:
        more = NEXT_WORD.match(text, end)
        end = end_of_value(text, more.end()) if more else end
    return start, end


def _is_header(found: re.Match[str]) -> bool:
    name = found["name"].lower().removeprefix("set-").removeprefix("proxy-")
    return found["sign"] == ":" and name.endswith(WHOLE_LINE)


def _end_of_header(text: str, found: re.Match[str]) -> int:
    """Return the end of the line, or of the quote around the header; folded lines belong to it."""
    end = end_of_line(text, found.end())
    while (more := FOLDED.match(text, end)) or (end > 0 and (more := FOLDED.match(text, end - 1))):
        end = end_of_line(text, more.end())
    quote = text[found.start() - 1 : found.start()]
    closing = text.find(quote, found.end(), end) if quote in ('"', "'") else -1
    return closing if closing >= 0 else end


def _is_compared(found: re.Match[str], value: str) -> bool:
    is_comparison = found["sign"] in ("==", "===", "!=", "!==", "<>")
    has_gap = found[0][-1].isspace()
    return is_comparison and has_gap and PLAIN_NAME.match(value) is not None


def _is_exception(found: re.Match[str]) -> bool:
    is_message = found.string.startswith(": ", found.end("name"))
    return is_message and EXCEPTION.fullmatch(found["name"]) is not None


def _is_credential(scheme: str, secret: str) -> bool:
    """Return True if the text after a scheme is more than a word: `Basic authentication` is none."""
    word = secret.rstrip("=.")
    if "=" in word:  # `Bearer realm=…`, `token name=…`
        return False
    is_word = word.isalpha() and (word.islower() or word.istitle() or word.isupper())
    return len(word) >= 6 and not is_word and (scheme != "token" or len(word) >= 16)
