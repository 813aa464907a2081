"""Messages for the user while PostgreSQL cannot do what it is asked for."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from mahaam.postgres.sqlstates import Condition

AWAY = _l("PostgreSQL does not answer.")
NO_CONNECTION = _l("PostgreSQL has no connection left for this.")
BUSY = _l("PostgreSQL was busy with something else for too long.")

# By the name of the condition. Conditions that are missing here have the message AWAY.
TOLD = {
    "read_only": _l("PostgreSQL takes no changes at the moment: a fail-over may be under way."),
    "too_many_connections": NO_CONNECTION,
    "busy": NO_CONNECTION,
    "out_of_resources": _l("PostgreSQL has run out of disk, memory or another resource."),
    "stopping": _l("PostgreSQL is just starting or stopping."),
    "too_slow": BUSY,
    "locked": BUSY,
    "rolled_back": BUSY,
    "idle_too_long": BUSY,
}


def told(condition: Condition) -> str:
    """Return the message for a condition in the reader's language."""
    return str(TOLD.get(condition.name, AWAY))
