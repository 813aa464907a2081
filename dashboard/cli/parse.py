"""Parsers of command arguments: ids, lengths of time, times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

from flask_babel import gettext as _

from .commands import BadInput

SPAN = re.compile(r"(?=.)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
UNITS_S = (86400.0, 3600.0, 60.0, 1.0)


def job_id(text: str) -> UUID:
    """Return a job's id. Raises BadInput."""
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(_("%(id)s is not a job's id.", id=repr(text))) from None


def letter_id(text: str) -> int:
    """Return the number of a dead letter. Raises BadInput."""
    if not (text.isascii() and text.isdigit()):
        raise BadInput(_("%(id)s is not a dead letter's number.", id=repr(text)))
    return int(text)


def span_s(option: str, text: str | None) -> float | None:
    """Return the seconds of a length such as 90, 45s, 30m, 1h30m or 2d. None stays None. Raises BadInput."""
    if text is None:
        return None
    found = SPAN.fullmatch(text)
    if found is None:
        raise BadInput(
            _("%(option)s must be a length of time such as 45s, 30m, 1h30m or 2d; it is %(found)s.",
              option=option, found=repr(text[:80]))
        )  # fmt: skip
    numbers = (float(number or 0) for number in found.groups())
    return sum(number * unit_s for number, unit_s in zip(numbers, UNITS_S, strict=True))


def moment(option: str, text: str | None) -> datetime | None:
    """Return a time such as 2027-01-31T08:00, in UTC unless the text has a zone. None stays None.

    Raises BadInput.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            _("%(option)s must be a time such as 2027-01-31T08:00 (UTC); it is %(found)s.",
              option=option, found=repr(text[:80]))
        ) from None  # fmt: skip
    return found if found.tzinfo else found.replace(tzinfo=UTC)
