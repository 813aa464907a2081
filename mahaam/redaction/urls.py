"""Passwords and tokens in URLs, also in those with characters that a URL should not have."""

from __future__ import annotations

import re

LONGEST = 500  # characters between `://` and `@`
GAP = re.compile(r"[\s<>]")
TRIES = 8  # characters `@` that are checked in one URL
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*$")
NEXT_URL = re.compile(r"[,;|]?(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://")
HOST = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.%]+\])(?=$|[:/?#,;'\")\]}>\\])|$|(?=/)")
PORT = re.compile(r"[\w.-]+:\d{1,5}(?=[/?#]|$)")
WEB = ("http", "https", "git+https", "git+http", "ws", "wss")
# A user without a password has one of these names, or the user is a token.
PERSONS = frozenset({"git", "anonymous", "user", "root", "admin", "guest", "hg", "svn", "postgres"})
LONG_TOKEN = re.compile(r"(?=[^@]*\d)[\w.~+=%-]{16,}")
NO_PASSWORD = ("", "x-oauth-basic", "x")
TO_A_SOCKET = re.compile(
    r"(?<![\w/])(?P<user>[\w.-]{1,64}):(?P<secret>[^\s@]{1,200})(?=@(?:tcp|unix|udp)\()"
)


def hidden(text: str, mask: str) -> str:
    """Return `text` with the passwords, and tokens in place of users, of its URLs replaced by `mask`."""
    if "@" not in text:
        return text
    if "@tcp(" in text or "@unix(" in text or "@udp(" in text:
        text = TO_A_SOCKET.sub(rf"\g<user>:{mask}", text)
    parts, done, sign, at = [], 0, -1, text.find("://")
    while at >= 0:
        begin = end = at + 3
        if sign < begin:
            sign = text.find("@", begin)
            if sign < 0:
                break
        if sign - begin <= LONGEST:
            end = _end(text, begin)
            known = _hidden_user(text[begin:end], _scheme(text, at), mask)
            if known is not None:
                kept, length = known
                parts += [text[done:begin], kept]
                done = begin + length
        at = text.find("://", end)
    return "".join([*parts, text[done:]]) if parts else text


def _scheme(text: str, at: int) -> str:
    found = SCHEME.search(text[max(0, at - 24) : at])
    return found[0].lower() if found else ""


def _end(text: str, begin: int) -> int:
    """Return where a URL ends: before white space, the next URL, or the quote around it."""
    limit = begin + LONGEST + 100
    gap = GAP.search(text, begin, limit)
    end = gap.start() if gap else min(limit, len(text))
    following = NEXT_URL.search(text, begin + 1, end)
    end = following.start() if following else end
    quote = _quote_before(text, begin)
    if quote:
        closing = re.compile(rf"{quote}(?=$|[\s,:;)\]}}>])").search(text, begin, end)
        end = closing.start() if closing else end
    return end


def _quote_before(text: str, begin: int) -> str:
    """Return the quote before a URL's scheme; escaped ones, too."""
    found = re.search(r"""(?P<quote>\\*["'`])[\w+.-]{1,24}://$""", text[max(0, begin - 30) : begin])
    return re.escape(found["quote"]) if found else ""


def _hidden_user(url: str, scheme: str, mask: str) -> tuple[str, int] | None:
    """Return what to show of user and password at the beginning of `url`, and how long they were.

    None: the URL has no user.
    """
    end = _end_of_user(url)
    if end is None or ("•" in url[:end] and url[:end].endswith(mask)):
        return None
    user, colon, password = url[:end].partition(":")
    if "/" in user or "?" in user or "#" in user:
        return None
    if not colon:
        return (mask, end) if _is_token(user, scheme) else None
    if password in NO_PASSWORD and user:
        return (f"{mask}:{password}", end)
    return (f"{user}:{mask}", end)


def _end_of_user(url: str) -> int | None:
    """Return the index of the `@` that ends user and password: the last one that a host follows."""
    if PORT.match(url):
        return None
    for part in (url.partition("?")[0].partition("#")[0], url):
        at = len(part)
        for _ in range(TRIES):
            at = part.rfind("@", 0, at)
            if at < 0:
                break
            if HOST.match(part, at + 1):
                return at
    return None


def _is_token(user: str, scheme: str) -> bool:
    if not user or user.lower() in PERSONS:
        return False
    return scheme in WEB or LONG_TOKEN.fullmatch(user) is not None
