"""The badge of every state: colour, icon and label, sorted by how much it concerns an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam.jobs.states import FINAL, State
from mahaam.verbs import NoticeFault


@dataclass(frozen=True)
class Badge:
    """A colour (a class of app.css), an icon (an id in icons.svg) and a label."""

    colour: str
    icon: str
    word: LazyString


JOB = {
    State.FAILED: Badge("red", "alert-octagon", _l("failed")),
    State.RETRYING: Badge("orange", "rotate", _l("retrying")),
    State.RUNNING: Badge("blue", "player-play", _l("running")),
    State.QUEUED: Badge("azure", "stack", _l("queued")),
    State.SCHEDULED: Badge("purple", "clock", _l("scheduled")),
    State.EXPIRED: Badge("brown", "hourglass-off", _l("expired")),
    State.CANCELLED: Badge("grey", "ban", _l("cancelled")),
    State.COMPLETED: Badge("green", "circle-check", _l("completed")),
}

THEME_ICONS = {"auto": "device-desktop", "light": "sun", "dark": "moon"}
ENDED = {state: look for state, look in JOB.items() if state in FINAL}
IN_BAR = (State.RUNNING, State.QUEUED, State.SCHEDULED, State.RETRYING, State.FAILED)
STOPPING = Badge("orange", "clock", _l("stopping"))

# The ways in which an attempt can end besides the states of the job itself.
ATTEMPT = JOB | {
    "released": Badge("grey", "logout", _l("released")),
    "crashed": Badge("red", "bolt", _l("crashed")),
}

LETTER = {
    "open": Badge("red", "alert-octagon", _l("open")),
    "reprocessed": Badge("blue", "rotate", _l("reprocessed")),
    "resolved": Badge("green", "circle-check", _l("resolved")),
    "notified": Badge("azure", "mail", _l("notified")),
}

GROUP = {
    "open": Badge("red", "alert-octagon", _l("open")),
    "returned": Badge("orange", "arrow-back-up", _l("returned")),
    "ignored": Badge("grey", "bell-off", _l("ignored")),
    "resolved": Badge("green", "circle-check", _l("resolved")),
}

ALERT = {
    "open": Badge("red", "bell", _l("open")),
    "acknowledged": Badge("blue", "eye", _l("acknowledged")),
    "closed": Badge("green", "circle-check", _l("closed")),
}
SEVERITY = {
    "critical": Badge("red", "alert-octagon", _l("critical")),
    "warning": Badge("orange", "alert-triangle", _l("warning")),
    "info": Badge("blue", "info-circle", _l("info")),
}
DELIVERY = {
    "waiting": Badge("azure", "clock", _l("waiting")),
    "sent": Badge("green", "circle-check", _l("sent")),
    "failed": Badge("red", "alert-octagon", _l("failed")),
}
# The outcome of a message for one of its recipients.
EFFECT = {
    "refused": Badge("red", "ban", _l("refused")),
    "waiting": Badge("azure", "clock", _l("to be tried again")),
    "given up": Badge("red", "alert-octagon", _l("given up")),
    "sent": Badge("green", "circle-check", _l("sent")),
}
ABOUT: dict[str, LazyString] = {
    "opened": _l("opened"),
    "closed": _l("closed"),
    "digest": _l("digest"),
    "letter": _l("dead letter"),
    "test": _l("test"),
}
CHANNEL: dict[str, LazyString] = {
    "email": _l("e-mail"),
    "webhook": _l("webhook"),
    "slack": _l("Slack and its like"),
}

REDRIVE = {
    "running": Badge("blue", "player-play", _l("under way")),
    "finished": Badge("green", "circle-check", _l("finished")),
    "stopped": Badge("orange", "ban", _l("stopped")),
}

WORKER = {
    "running": Badge("green", "circle-check", _l("live")),
    "quiet": Badge("azure", "player-pause", _l("quiet")),
    "stopping": STOPPING,
    "stopped": Badge("grey", "ban", _l("stopped")),
    "lost": Badge("red", "alert-octagon", _l("lost")),
}

OPERATION = {
    "waiting": Badge("azure", "clock", _l("waiting")),
    "running": Badge("blue", "player-play", _l("under way")),
    "finished": Badge("green", "circle-check", _l("finished")),
    "aborted": Badge("grey", "ban", _l("aborted")),
    "undoing": Badge("orange", "arrow-back-up", _l("being undone")),
    "undone": Badge("grey", "arrow-back-up", _l("undone")),
}

BELLS = {
    "right": Badge("green", "circle-check", _l("right")),
    "wrong": Badge("orange", "alert-triangle", _l("differs")),
}

# The differences that there can be between Redis and the rows.
NOTICE_FAULTS: dict[str, LazyString] = {
    NoticeFault.MISSING: _l("queued, but not in Redis"),
    NoticeFault.CLAIMS_NOTHING: _l("in Redis, but not queued"),
    NoticeFault.WRONG_QUEUE: _l("in another queue than its row says"),
    NoticeFault.WRONG_PRIORITY: _l("at another priority than its row says"),
    NoticeFault.WRONG_PLACE: _l("before or after its turn"),
    NoticeFault.JUNK: _l("no job's id"),
}

RESULT = {
    "done": Badge("green", "circle-check", _l("done")),
    "refused": Badge("orange", "ban", _l("refused")),
    "undone": Badge("grey", "arrow-back-up", _l("put back")),
    "kept": Badge("orange", "circle-check", _l("done, not put back")),
}

SCHEDULE = {
    "broken": Badge("red", "alert-octagon", _l("broken")),
    "overdue": Badge("orange", "hourglass", _l("overdue")),
    "active": Badge("green", "circle-check", _l("active")),
    "disabled": Badge("grey", "player-pause", _l("disabled")),
    "over": Badge("grey", "ban", _l("over")),
    "edited": Badge("azure", "edit", _l("edited")),
}

# The state of a due time that has made no job yet.
FIRE = {
    "fired": Badge("green", "player-play", _l("fired")),
    "waiting": Badge("azure", "clock", _l("waiting")),
    "skipped": Badge("orange", "arrow-right", _l("skipped")),
}
REASONS: dict[str | None, LazyString] = {
    "missed": _l("it was missed"),
    "overlap": _l("the job before it was not over"),
}

QUEUE = {
    "active": Badge("green", "player-play", _l("active")),
    "paused": Badge("orange", "player-pause", _l("paused")),
}


def of_job(job: Any) -> Badge:
    """Return the badge of a job. A running job that was asked to stop has a badge of its own."""
    is_stopping = job.state == State.RUNNING and job.cancel_requested_at is not None
    return STOPPING if is_stopping else JOB[State(job.state)]


def of_result(result: Any) -> Badge:
    """Return the badge of one result of an operation."""
    if not result.is_done:
        return RESULT["refused"]
    words = {None: "done", True: "undone", False: "kept"}
    return RESULT[words[result.is_undone]]
