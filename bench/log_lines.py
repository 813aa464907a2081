"""What processes said in their logs that a healthy system does not say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SERIOUS = ("WARNING", "ERROR", "CRITICAL")
# The product's text format, gunicorn's, and that of Python where nobody set up a log.
LEVELS = (
    re.compile(r"^\S+Z (?P<level>[A-Z]+) +(?P<message>.*)"),
    re.compile(r"^\[[^]]+\] \[\d+\] \[(?P<level>[A-Z]+)\] (?P<message>.*)"),
)


class Line(NamedTuple):
    """One entry of a log; `message` begins with the logger's name where the format has it."""

    level: str
    message: str


def entries(text: str) -> Iterator[Line]:
    """Yield every entry of a log, text or JSON; a line that is neither counts as an ERROR.

    What follows an entry without a beginning of its own (a traceback) belongs to it.
    """
    is_inside = False
    for raw in text.splitlines():
        entry = _entry(raw)
        if entry is not None:
            yield entry
        elif raw.strip() and not is_inside:
            yield Line("ERROR", raw)
        if entry is not None:
            is_inside = entry.level in SERIOUS


def serious(paths: Iterable[Path], excused: Iterable[str] = ()) -> list[str]:
    """Return the entries of WARNING and above in these files that no pattern of `excused` matches."""
    patterns = [re.compile(pattern) for pattern in excused]
    return [
        f"{path.name}: {line.level} {line.message[:300]}"
        for path in sorted(paths)
        for line in entries(path.read_text("utf-8", "replace"))
        if line.level in SERIOUS and not any(one.search(line.message) for one in patterns)
    ]


def _entry(raw: str) -> Line | None:
    if raw.startswith("{"):
        try:
            fields = json.loads(raw)
            return Line(fields["level"], f"{fields['logger']} {fields['message']}")
        except (ValueError, KeyError):
            return None
    for pattern in LEVELS:
        if found := pattern.match(raw):
            return Line(found["level"], found["message"])
    return None
