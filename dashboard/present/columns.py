"""The columns of every table: their labels, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

COLUMNS: dict[str, dict[str, LazyString | str]] = {
    "alert": {
        "lead": _l("Alert"),
        "severity": _l("Severity"),
        "state": _l("State"),
        "rule": _l("Rule"),
        "owner": _l("Owner"),
        "opened": _l("Opened"),
        "closed": _l("Closed"),
    },
    "channel": {"lead": _l("Channel"), "to": _l("To"), "last": _l("Newest message")},
    "comparison": {
        "args": _l("Arguments by place"),
        "kwargs": _l("Arguments by name"),
        "result": _l("Result"),
        "error": _l("Error"),
        "traceback": _l("Traceback"),
    },
    "dead_letter": {
        "lead": _l("Error"),
        "task": _l("Task"),
        "job": _l("Job"),
        "state": _l("State"),
        "failures": _l("Failures"),
        "owner": _l("Owner"),
        "failed": _l("Failed"),
    },
    "definition": {
        "lead": _l("Definition"),
        "task": _l("Task"),
        "queue": _l("Queue"),
        "by": _l("Made by"),
    },
    "delivery": {
        "lead": _l("Message"),
        "channel": _l("Channel"),
        "state": _l("State"),
        "tries": _l("Tries"),
        "job": _l("Job"),
        "made": _l("Created"),
    },
    "error": {
        "lead": _l("Error"),
        "day": _l("24 hours"),
        "count": _l("Failures"),
        "state": _l("State"),
        "task": _l("Tasks"),
        "seen": _l("Last seen"),
        "first": _l("First seen"),
    },
    "event": {
        "lead": _l("What"),
        "who": _l("Who"),
        "targets": _l("Targets"),
        "change": _l("Change"),
        "reason": _l("Reason"),
        "when": _l("When"),
    },
    "execution": {
        "lead": _l("Task"),
        "state": _l("Outcome"),
        "queue": _l("Queue"),
        "started": _l("Started"),
        "ran": _l("Ran"),
        "log": _l("Log"),
    },
    "failing": {
        "lead": _l("Task"),
        "failed": _l("Failed, last hour"),
        "before": _l("Hour before"),
        "rate": _l("Of all ended"),
        "retried": _l("Retried"),
        "since": _l("Since"),
    },
    "fire": {
        "lead": _l("Due"),
        "state": _l("What became of it"),
        "job": _l("Job"),
        "late": _l("Late by"),
        "ran": _l("Ran"),
    },
    "job": {
        "lead": _l("Task"),
        "state": _l("State"),
        "queue": _l("Queue"),
        "priority": _l("Priority"),
        "attempts": _l("Attempts"),
        "created": _l("Created"),
        "ended": _l("Ended"),
    },
    "metrics": {"completed": _l("Completed"), "failed": _l("Failed"), "share": _l("Failed of all")},
    "operation": {
        "lead": _l("What"),
        "about": _l("About"),
        "state": _l("State"),
        "done": _l("Done"),
        "refused": _l("Refused"),
        "by": _l("By"),
        "when": _l("When"),
    },
    "phase": {
        "lead": _l("Phase"),
        "state": _l("State"),
        "jobs": _l("Reprocessed"),
        "completed": _l("Completed"),
        "failed": _l("Failed again"),
        "live": _l("Under way"),
    },
    "queue": {
        "lead": _l("Queue"),
        "state": _l("State"),
        "waiting": _l("Waiting"),
        "oldest": _l("Oldest"),
        "rate": _l("Ended per second"),
        "drain": _l("Done in"),
        "served": _l("Served by"),
    },
    "reconcile": {
        "lead": _l("Queue"),
        "verdict": _l("Verdict"),
        "redis": _l("In Redis"),
        "rows": _l("Queued in PostgreSQL"),
        "compared": _l("Compared"),
        "found": _l("Found"),
    },
    "redrive": {
        "lead": _l("Re-drive"),
        "state": _l("State"),
        "count": _l("Dead letters"),
        "by": _l("By"),
        "at": _l("Created"),
    },
    "result_of_job": {
        "lead": _l("Job"),
        "result": _l("Result"),
        "before": _l("Before"),
        "after": _l("After"),
    },
    "result_of_dead_letter": {
        "lead": _l("Dead letter"),
        "result": _l("Result"),
        "before": _l("Before"),
        "after": _l("After"),
    },
    "rule": {
        "lead": _l("Rule"),
        "kind": _l("Looks for"),
        "severity": _l("Severity"),
        "channels": _l("Tells"),
        "open": _l("Open alerts"),
    },
    "schedule": {
        "lead": _l("Schedule"),
        "when": _l("When"),
        "state": _l("State"),
        "next": _l("Next"),
        "success": _l("Last success"),
    },
    "set_aside": {
        "lead": _l("Row"),
        "what": _l("What was to be done"),
        "why": _l("Reason"),
        "tries": _l("Tries"),
        "since": _l("Since"),
        "next": _l("Next try"),
    },
    "task": {
        "lead": _l("Task"),
        "state": _l("State"),
        "queue": _l("Queue"),
        "priority": _l("Priority"),
        "retries": _l("Retries"),
        "failed": _l("Failed, last hour"),
    },
    "user": {
        "lead": _l("E-mail address"),
        "role": _l("Role"),
        "state": _l("State"),
        "sessions": _l("Sessions"),
        "seen": _l("Last seen"),
        "created": _l("Created"),
    },
    "window": {
        "1h": _l("1 hour"),
        "6h": _l("6 hours"),
        "24h": _l("24 hours"),
        "7d": _l("7 days"),
        "30d": _l("30 days"),
    },
}


def columns(table: str) -> Mapping[str, str]:
    """Return the columns of a table in the user's language, translated once for all its rows."""
    return MappingProxyType({name: str(label) for name, label in COLUMNS[table].items()})
