"""Settings that a user's code declares: typed, changed while everything runs, read by one call."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from mahaam.core.errors import OptionNotValid
from mahaam.core.field import FieldNotValid
from mahaam.core.translatable import Translatable
from mahaam.live_settings import current
from mahaam.live_settings.definitions import (
    OWN,
    SETTINGS,
    LiveSetting,
    ValueType,
    choice,
    list_of,
    long_text,
    short_text,
    switch,
    whole,
)
from mahaam.redaction import secret_mask

T = TypeVar("T", bool, int, str, list[str], list[int])

NAME = re.compile(r"[a-z][a-z0-9_.]{0,99}")
INT8 = 2**63 - 1
TEXT_LENGTH, LONG_TEXT_LENGTH = 500, 10_000
REFUSED = Translatable("This value is refused: %(why)s")


class OwnSetting(Generic[T]):
    """A setting of a user's own; calling it returns its value of this moment."""

    def __init__(self, about: LiveSetting) -> None:
        self._about = about

    @property
    def name(self) -> str:
        """Return its name on the settings page and in `flask settings`."""
        return self._about.name

    def __call__(self) -> T:
        """Return the value; a change is seen by all processes within two seconds.

        A value that was stored before the code changed, and is no longer valid, counts as the
        default.
        """
        value: T = self._about.usable(current.value(self._about.name))
        return value


def setting(
    name: str,
    default: T,
    *,
    description: str = "",
    low: int = -INT8,
    high: int = INT8,
    choices: Sequence[str] = (),
    check: Callable[[Any], None] | None = None,
) -> OwnSetting[T]:
    """Declare a setting that administrators change while everything runs. Return it.

    The type is that of `default`: bool, int (from `low` to `high`), text (one of `choices`, if
    there are some), or a list of texts or numbers. `check` may raise ValueError with the reason.
    Raises OptionNotValid.
    """
    _check_name(name)
    about = LiveSetting(
        name=name,
        group=OWN,
        kind=_checked(_kind(name, default, low=low, high=high, choices=choices), check),
        default=lambda: default,
        label=Translatable.verbatim(name),
        help=Translatable.verbatim(description) if description else None,
    )
    try:
        is_good = about.kind.parse(name, about.kind.text(default)) == default
    except FieldNotValid as fault:
        raise OptionNotValid(f"The default of setting {name} is refused: {fault.phrase}") from None
    if not is_good:
        raise OptionNotValid(f"The default of setting {name} cannot be typed as it is.")
    SETTINGS[name] = about
    return OwnSetting(about)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise OptionNotValid(
            "A setting's name has small letters, digits, _ and . and begins with a letter; "
            f"it is {name[:120]!r}."
        )
    if secret_mask.mask(()).hides(name):
        raise OptionNotValid(
            f"Setting {name} has the name of a secret: keep it in the environment, "
            "where no page shows it."
        )
    if name in SETTINGS and SETTINGS[name].group != OWN:
        raise OptionNotValid(f"There is a setting {name} of Mahaam's own: choose another name.")


def _kind(name: str, default: Any, *, low: int, high: int, choices: Sequence[str]) -> ValueType:
    if isinstance(default, bool):
        return switch()
    if isinstance(default, int):
        return whole(low, high)
    if isinstance(default, str):
        if choices:
            return choice(*choices)
        return long_text(LONG_TEXT_LENGTH) if "\n" in default else short_text(TEXT_LENGTH)
    if isinstance(default, list):
        return list_of(int if default and isinstance(default[0], int) else str)
    raise OptionNotValid(
        f"Setting {name} is of a kind that no page can show: give it a default that is "
        "a bool, an int, a text or a list."
    )


def _checked(kind: ValueType, check: Callable[[Any], None] | None) -> ValueType:
    if check is None:
        return kind

    def parse(field: str, text: str) -> Any:
        value = kind.parse(field, text)
        try:
            check(value)
        except ValueError as fault:
            raise FieldNotValid(field, REFUSED.about(why=str(fault))) from None
        return value

    return ValueType(kind.widget, parse, kind.text, kind.choices)
