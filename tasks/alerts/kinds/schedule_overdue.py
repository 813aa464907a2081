"""A schedule cannot fire, or its time came and nobody fired it."""

from __future__ import annotations

from tasks.alerts.kind import MOST_FINDINGS, Finding, Kind, Look, Moments, Parameters
from tasks.engine import live_settings
from tasks.engine.database import Cursor
from tasks.engine.phrase import Phrase

# Index: schedule_broken, schedule_due.
LOOK = """
SELECT id, name, broken IS NOT NULL FROM schedule
WHERE disabled_at IS NULL AND broken_at IS NOT NULL
UNION
SELECT id, name, broken IS NOT NULL FROM schedule
WHERE disabled_at IS NULL AND next_run_at < now() - %(overdue_s)s * interval '1 second'
ORDER BY 1 LIMIT %(limit)s
"""
PAST = """
SELECT 'schedule:' || schedule_id, fire_at FROM schedule_fire
WHERE made_at > now() - interval '7 days' AND made_by IS NULL AND state = 'fired'
  AND made_at - fire_at > %(overdue_s)s * interval '1 second'
"""
BROKEN = Phrase("Schedule %(name)s is broken: it fires no more.")
OVERDUE = Phrase("Schedule %(name)s is overdue: its time came and nobody fired it.")


def _look(cursor: Cursor, _look: Look) -> list[Finding]:
    overdue_s = live_settings.value("schedule_overdue_s")
    cursor.execute(LOOK, {"overdue_s": overdue_s, "limit": MOST_FINDINGS})
    return [
        Finding(
            f"schedule:{id_}",
            (BROKEN if is_broken else OVERDUE).about(name=name),
            f"/admin/schedule/{id_}/",
        )
        for id_, name, is_broken in cursor.fetchall()
    ]


def _past(cursor: Cursor, _parameters: Parameters) -> Moments:
    cursor.execute(PAST, {"overdue_s": live_settings.value("schedule_overdue_s")})
    return list(cursor.fetchall())


SCHEDULE_OVERDUE = Kind(
    "schedule_overdue",
    Phrase("A schedule is overdue or broken"),
    Phrase("How late is overdue is said in the settings."),
    _look,
    _past,
)
