"""Schedules in words, in the language of the request."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import get_day_names, get_month_names
from cron_descriptor import CasingTypeEnum, ExpressionDescriptor, Options
from flask_babel import gettext as _
from flask_babel import ngettext

from mahaam.core.translatable import Translatable
from mahaam.schedules.queries import ScheduleEntry
from mahaam.schedules.rules.spec import Spec

from ..web.languages import DIGITS, LANGUAGES, current_language, number, said

CATALOGS = Path(__file__).parent / "cron_words"
PLACEHOLDER = "en_US"  # English is the library's own
# In Arabic the form of a unit depends on its number (two, a few, many), which the library ignores.
ARABIC = {
    "ثانية": ("ثانيتين", "ثوانٍ", "ثانية"),
    "دقيقة": ("دقيقتين", "دقائق", "دقيقة"),
    "ساعة": ("ساعتين", "ساعات", "ساعة"),
    "يوم": ("يومين", "أيام", "يومًا"),
    "أسبوع": ("أسبوعين", "أسابيع", "أسبوعًا"),
    "شهر": ("شهرين", "أشهر", "شهرًا"),
    "سنة": ("سنتين", "سنوات", "سنة"),
}
COUNTED = re.compile(rf"كل (\d+) ({'|'.join(ARABIC)})\b")
UNITS = (604800, 86400, 3600, 60, 1)


def in_words(spec: Spec) -> str:
    """Return the times in words, such as "Every 5 minutes" or "At 02:00, only on Friday"."""
    if spec.kind == "cron":
        return cron_words(spec.cron or "", current_language().code)
    if spec.kind == "interval":
        return _every(spec.every_s or 1)
    return _("Once")


def _every(every_s: int) -> str:
    unit = next(unit for unit in UNITS if every_s % unit == 0)
    count = every_s // unit
    words = {
        604800: lambda: ngettext("Every week", "Every %(n)s weeks", count, n=number(count)),
        86400: lambda: ngettext("Every day", "Every %(n)s days", count, n=number(count)),
        3600: lambda: ngettext("Every hour", "Every %(n)s hours", count, n=number(count)),
        60: lambda: ngettext("Every minute", "Every %(n)s minutes", count, n=number(count)),
        1: lambda: ngettext("Every second", "Every %(n)s seconds", count, n=number(count)),
    }
    return words[unit]()


def missed_words(entry: ScheduleEntry) -> str:
    """Return in words what happens to times at which nothing could fire."""
    words = {
        "skip": _("skip"),
        "once": _("run once"),
        "all": _("run all, up to %(n)s", n=number(entry.missed_limit)),
    }
    return words[entry.missed]


def overlap_words(entry: ScheduleEntry) -> str:
    """Return in words what happens at times at which the last job has not ended."""
    words = {"allow": _("run beside it"), "skip": _("skip"), "queue": _("run once after it")}
    return words[entry.overlap]


def broken_text(kept: dict[str, Any]) -> str:
    """Return the reason why a schedule cannot fire."""
    return said(Translatable.of_kept(kept))


@lru_cache(maxsize=2000)
def cron_words(expression: str, language: str) -> str:
    """Return a valid cron expression in words, or the expression itself if the library has none."""
    is_english = language == "en"
    options = Options(
        casing_type=CasingTypeEnum.Sentence,
        use_24hour_time_format=True,
        locale_code=PLACEHOLDER if is_english else language,
        locale_location=None if is_english else str(CATALOGS),
    )
    try:
        text = ExpressionDescriptor(expression, options).get_description()
    except Exception:  # noqa: BLE001 (what it raises for an odd expression is not told)
        return expression
    if is_english:
        return text
    for english, own in _names(language):
        text = re.sub(rf"\b{english}\b", own, text)
    text = text.replace(", ", "، ")
    if language == "ar":
        text = COUNTED.sub(_counted, text)
    return text.translate(DIGITS[LANGUAGES[language].digits])


def _counted(found: re.Match[str]) -> str:
    two, few, many = ARABIC[found[2]]
    if found[1] == "2":
        return f"كل {two}"
    return f"كل {found[1]} {few if 3 <= int(found[1]) <= 10 else many}"


@lru_cache
def _names(language: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of English and local names of days and months: the library has English ones only."""
    pairs = []
    for names in (get_day_names, get_month_names):
        english, own = (
            names("wide", context="stand-alone", locale=code) for code in ("en", language)
        )
        pairs += [(english[place], own[place]) for place in english]
    return tuple(pairs)
