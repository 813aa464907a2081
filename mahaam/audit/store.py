"""SQL that adds to the audit; nothing here or elsewhere changes what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mahaam.core.actor import Actor
from mahaam.core.payload import clean
from mahaam.postgres.database import Cursor
from mahaam.redaction.redact import masked_data_for_log, masked_for_log

TEXT_LIMIT_BYTES = 2000

ADD = """
INSERT INTO audit_event (actor, channel, address, verb, kind, targets, count, filter, before, after,
                         reason, refused)
VALUES (%(actor)s, %(channel)s, %(address)s, %(verb)s, %(kind)s, %(targets)s, %(count)s,
        %(filter)s::jsonb, %(before)s::jsonb, %(after)s::jsonb, %(reason)s, %(refused)s)
"""


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """What somebody did to which targets of a kind, or what was rejected.

    `count` is for events without a list of targets; without it, the targets are counted. `before`
    and `after` are plain data without secrets.
    """

    actor: str
    verb: str
    kind: str
    targets: Sequence[str] = ()
    count: int | None = None
    filter: dict[str, Any] | None = None
    before: Any = None
    after: Any = None
    reason: str | None = None
    refused: str | None = None


def add(cursor: Cursor, event: AuditRecord, origin: Actor) -> None:
    """Write one event."""
    cursor.execute(
        ADD,
        {
            "actor": _short(event.actor),
            "channel": origin.channel,
            "address": origin.address,
            "verb": event.verb,
            "kind": event.kind,
            "targets": [_short(masked_for_log(target)) for target in event.targets],
            "count": len(event.targets) if event.count is None else event.count,
            "filter": _json(event.filter),
            "before": _json(event.before),
            "after": _json(event.after),
            "reason": _hidden(event.reason or origin.reason),
            "refused": _hidden(event.refused),
        },
    )


def _json(value: Any) -> str | None:
    if value is None:
        return None
    plain = json.loads(json.dumps(value, ensure_ascii=True, default=str))
    text = json.dumps(masked_data_for_log(plain), ensure_ascii=True)
    return text.replace("\\u0000", "\\u2400") if "\\u0000" in text else text


def _hidden(text: str | None) -> str | None:
    return None if text is None else _short(masked_for_log(text))


def _short(text: str | None) -> str | None:
    return None if text is None else clean(text, TEXT_LIMIT_BYTES)
