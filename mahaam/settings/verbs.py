"""What an administrator can do to live settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mahaam.live_settings import current
from mahaam.live_settings.definitions import SETTINGS
from mahaam.postgres.database import Cursor
from mahaam.records import crud
from mahaam.records.crud import Given, RecordKind
from mahaam.records.table import Row
from mahaam.settings.store import SettingStore


def change_setting(name: str, text: str, *, by: str) -> bool:
    """Set a setting to the value that was typed as `text`. Return True if it differs from the one before.

    Raises FieldNotValid, DatabaseUnavailable.
    """
    is_changed = crud.change(SETTING, name, {"value": text}, by=by)
    current.forget()
    return is_changed


def reset_setting(name: str, *, by: str) -> bool:
    """Reset a setting to its default. Return True if it had another value.

    Raises DatabaseUnavailable.
    """
    try:
        crud.delete(SETTING, name, by=by, after=SETTINGS[name].default())
    except LookupError:  # it has its default
        return False
    finally:
        current.forget()
    return True


def _checked(_cursor: Cursor, given: Given, before: Row | None) -> Row:
    assert before is not None  # code makes settings, not people
    return {"value": SETTINGS[before["name"]].parse(given["value"])}


def _value(row: Row, _names: Iterable[str]) -> Any:
    return row["value"]


def _check_kept(_cursor: Cursor, before: Row, after: Row | None) -> None:
    if after is None and not before["is_kept"]:
        raise LookupError(f"Setting {before['name']} has its default.")


SETTING: RecordKind[str] = RecordKind(
    name="setting", store=SettingStore(), check=_checked, with_it=_check_kept, told=_value,
    verb="settings",
)  # fmt: skip
