"""What an administrator can do to live settings."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from mahaam.audit.record import AuditRecord, audited
from mahaam.live_settings import current
from mahaam.live_settings.definitions import SETTINGS
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.settings import store

log = logging.getLogger("mahaam.verbs")


def change_setting(name: str, text: str, *, by: str) -> bool:
    """Give a setting the value that was typed as `text`; whether that is another one than before.

    Raises SettingNotValid, DatabaseUnavailable.
    """
    setting = SETTINGS[name]
    value = setting.kind.parse(text.strip())
    change = partial(_change, name=name, value=value, by=by)
    before = database.repeatable(audited(change, partial(_event, name, value, by=by)), atomic=True)
    current.forget()
    if before is not None:
        log.info("Setting changed. name=%s by=%s", name, by)
    return before is not None


def reset_setting(name: str, *, by: str) -> bool:
    """Give a setting its default again; whether it had another value. Raises DatabaseUnavailable."""
    default = SETTINGS[name].default()
    forget = partial(_reset, name=name)
    before = database.repeatable(
        audited(forget, partial(_event, name, default, by=by)), atomic=True
    )
    current.forget()
    return before is not None


def _reset(cursor: Cursor, *, name: str) -> tuple[Any] | None:
    before = store.read(cursor, name)
    store.forget(cursor, name)
    return before


def _change(cursor: Cursor, *, name: str, value: Any, by: str) -> tuple[Any] | None:
    """The value before, when it was another one."""
    before = store.read(cursor, name) or (SETTINGS[name].default(),)
    if before[0] == value:
        return None
    store.keep(cursor, name, value, by=by)
    return before


def _event(name: str, value: Any, before: tuple[Any] | None, *, by: str) -> AuditRecord | None:
    if before is None:
        return None
    return AuditRecord(
        actor=by, verb="settings", kind="setting", targets=[name], before=before[0], after=value
    )  # fmt: skip
