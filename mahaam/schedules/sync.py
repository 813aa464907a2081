"""Sync of the table of schedules with the code of this process; people's edits win."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from mahaam.enqueuing import catalog
from mahaam.jobs import task_registry
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records.table import Row
from mahaam.schedules import store
from mahaam.schedules.rules import declared
from mahaam.schedules.rules.declared import Declared
from mahaam.schedules.store import SCHEDULES
from mahaam.schedules.verbs import of_code
from mahaam.set_aside import isolate

log = logging.getLogger("mahaam.schedules")

CODE = "code"  # the actor that made or disabled it
GONE = "It does not stand in the code any more."


def sync_schedules() -> None:
    """Add what the code declares, change what nobody has edited, disable what is gone from the code.

    Only schedules of tasks that this process knows are synced. Raises DatabaseUnavailable.
    """
    catalog.load()
    wanted = declared.schedules
    with database.transaction() as cursor:
        found = store.lock_of_code(cursor, list(wanted), task_registry.known_names())
        steps: dict[str, Callable[[Cursor], None]] = {
            name: partial(_bring_up, schedule=schedule, row=found.get(name))
            for name, schedule in wanted.items()
        }
        steps |= {name: partial(_detach, row=found[name]) for name in found.keys() - wanted.keys()}
        isolate.each(isolate.inside(cursor), "schedules of the code", steps)


def _bring_up(cursor: Cursor, schedule: Declared, row: Row | None) -> None:
    now = store.now(cursor)
    code = schedule.plain()
    if row is None:
        made = of_code(code, now) | {"name": schedule.name, "code": code}
        SCHEDULES.insert(cursor, made, by=CODE)
        log.info("Schedule of the code added. schedule=%s", schedule.name)
        return
    changes: dict[str, Any] = {} if row["code"] == code else {"code": code}
    if changes and row["edited_at"] is None:
        changes |= of_code(code, now)
    if row["disabled_by"] == CODE:
        back = {"disabled_at": None, "disabled_by": None, "disabled_reason": None}
        changes |= back | {"next_run_at": of_code(code, now)["next_run_at"]}
    if changes:
        SCHEDULES.update(cursor, row["id"], changes)
        log.info("Schedule brought up to the code. schedule=%s", schedule.name)


def _detach(cursor: Cursor, row: Row) -> None:
    """Leave a schedule that is gone from the code to people; disable it unless they edited it."""
    changes: Row = {"code": None}
    if row["disabled_at"] is None and row["edited_at"] is None:
        changes |= {
            "disabled_at": store.now(cursor),
            "disabled_by": CODE,
            "disabled_reason": GONE,
        }
    SCHEDULES.update(cursor, row["id"], changes)
    log.warning("Schedule is gone from the code. schedule=%s", row["name"])
