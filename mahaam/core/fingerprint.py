"""Fingerprints of failures: equal for one class, one path through the user's code and one message."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

# Parts of the file names of libraries and of Python in a traceback.
FOREIGN = ("site-packages", "dist-packages", "/lib/python", "<frozen ")
# The files of this engine, by their folders: a user's project may have a folder mahaam, too.
ENGINE_FOLDERS = {path.parent.name for path in Path(__file__).parent.parent.glob("*/__init__.py")}
ENGINE = re.compile(
    rf"/(?:mahaam/(?:{'|'.join(sorted(ENGINE_FOLDERS - {'alerts'}))})|tasks/engine)/"
)
FRAMES = 6  # the innermost ones
MESSAGE_LENGTH = 200

FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line \d+, in (?P<name>.+)$', re.MULTILINE)

# Patterns that differ between failures of the same cause, in the order of replacement.
VARIABLE = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w.-]{1,255}\b"), "<address>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://\S+"), "<url>"),
    (re.compile(r"'[^'\n]{0,500}'|\"[^\"\n]{0,500}\"|«[^»\n]{0,500}»"), "<text>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "<hex>"),
    (re.compile(r"\d+(?:[.,:_-]\d+)*"), "<n>"),
)


def is_foreign(file: str) -> bool:
    """Return True if a file of a traceback is of a library, of Python or of this engine."""
    return any(part in file for part in FOREIGN) or ENGINE.search(file) is not None


def gist(message: str) -> str:
    """Return the first line of a message without numbers, ids, addresses and quoted texts."""
    text = message.strip().partition("\n")[0][: MESSAGE_LENGTH * 5]
    for pattern, instead in VARIABLE:
        text = pattern.sub(instead, text)
    return " ".join(text.split())[:MESSAGE_LENGTH]


def fingerprint(error_class: str, message: str, traceback: str) -> str:
    """Return a hash that is equal for the same class, the same frames of the user's code and the same gist.

    Line numbers do not count, because a deploy moves them. If no frame is of the user's code, all
    frames count.
    """
    frames = [(match["file"], match["name"]) for match in FRAME.finditer(traceback)]
    own = [frame for frame in frames if not is_foreign(frame[0])]
    slots = [f"{file.rsplit('/', 1)[-1]}:{name}" for file, name in (own or frames)[-FRAMES:]]
    parts = [error_class, *slots, gist(message)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
