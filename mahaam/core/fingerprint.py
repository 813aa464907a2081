"""What makes two failures one cause: the class, where our own code was, and what was said."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

# As a traceback names what somebody else wrote.
FOREIGN = ("site-packages", "dist-packages", "/lib/python", "<frozen ")
# Where this engine lies: by its folders, since a project's own folder may be called mahaam, too.
ENGINE_FOLDERS = {path.parent.name for path in Path(__file__).parent.parent.glob("*/__init__.py")}
ENGINE = re.compile(
    rf"/(?:mahaam/(?:{'|'.join(sorted(ENGINE_FOLDERS - {'alerts'}))})|tasks/engine)/"
)
FRAMES = 6  # the innermost ones
MESSAGE_LENGTH = 200

FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line \d+, in (?P<name>.+)$', re.MULTILINE)

# What differs from one failure to the next of the same cause, in this order.
VARIABLE = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w.-]{1,255}\b"), "<address>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://\S+"), "<url>"),
    (re.compile(r"'[^'\n]{0,500}'|\"[^\"\n]{0,500}\"|«[^»\n]{0,500}»"), "<text>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "<hex>"),
    (re.compile(r"\d+(?:[.,:_-]\d+)*"), "<n>"),
)


def is_foreign(file: str) -> bool:
    """Whether a file of a traceback is of a library, of Python or of this engine."""
    return any(part in file for part in FOREIGN) or ENGINE.search(file) is not None


def gist(message: str) -> str:
    """The first line of a message without numbers, ids, addresses and quoted texts."""
    text = message.strip().partition("\n")[0][: MESSAGE_LENGTH * 5]
    for pattern, instead in VARIABLE:
        text = pattern.sub(instead, text)
    return " ".join(text.split())[:MESSAGE_LENGTH]


def fingerprint(error_class: str, message: str, traceback: str) -> str:
    """Alike for one cause: the same class, the same way through our own code, the same gist.

    Line numbers do not count: a deploy moves them. When no frame is our own, all frames count.
    """
    frames = [(match["file"], match["name"]) for match in FRAME.finditer(traceback)]
    own = [frame for frame in frames if not is_foreign(frame[0])]
    slots = [f"{file.rsplit('/', 1)[-1]}:{name}" for file, name in (own or frames)[-FRAMES:]]
    parts = [error_class, *slots, gist(message)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
