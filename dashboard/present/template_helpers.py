"""Functions and filters for every template: times, numbers, JSON, tracebacks, badges, rights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from mahaam.core.fingerprint import is_foreign
from mahaam.live_settings.current import value as setting_value
from mahaam.postgres.query_limits import COUNT_LIMIT
from mahaam.redaction.redact import masked, masked_call, masked_text
from mahaam.search.job_filter import moment_of

from ..auth import access, preferences
from ..web import languages
from ..web.languages import number
from . import audit_labels, availability, badges, charts, columns, schedule_text
from .diff import differences
from .markdown import markdown

DAY_S, HOUR_S = 86400, 3600


def register(app: Flask) -> None:
    """Add the globals, filters and context of all templates."""
    app.jinja_env.globals.update(
        badges=badges,
        broken_text=schedule_text.broken_text,
        missed_words=schedule_text.missed_words,
        overlap_words=schedule_text.overlap_words,
        ngettext=ngettext,
        can=availability.can,
        bulk_actions=bulk_actions,
        columns=columns.columns,
        drawn=drawn,
        operation_columns=operation_columns,
        row_actions=row_actions,
        charts=charts,
        filter_in_address=filter_in_address,
        icons_url=icons_url,
        spark_path=spark_path,
        languages=languages.LANGUAGES,
        differences=differences,
        kind_word=audit_labels.kind_word,
        may=access.may,
        said=languages.said,
        choice_word=audit_labels.choice_word,
        refusal_word=audit_labels.refusal_word,
        role_word=audit_labels.role_word,
        theme_words=preferences.theme_words,
        themes=preferences.THEMES,
        undo_window_s=lambda: setting_value("undo_window_s"),
    )
    app.jinja_env.filters.update(
        bounded=bounded,
        created=moment_of,
        markdown=markdown,
        host=host,
        moment=moment,
        read_moment=datetime.fromisoformat,
        number=number,
        duration=duration,
        pretty_json=pretty_json,
        masked_text=shown_text,
        said=languages.said,
        masked_call=shown_call,
        frames=frames,
        megabytes=megabytes,
        share=share,
        tail=tail,
        milliseconds=milliseconds,
        percent=percent,
        seconds=seconds,
        span=span,
    )
    app.context_processor(_of_this_request)


def _of_this_request() -> dict[str, Any]:
    return {
        "person": g.get("person"),
        "environment": (setting_value("environment_name"), setting_value("environment_colour")),
        "is_partial": "HX-Request" in request.headers,  # only the part that changes is asked for
        "language": languages.current_language(),
        "appearance": preferences.current_theme(),  # Flask-Admin uses the name theme for something else
    }


def bulk_actions(actions: Mapping[str, Any], state: str | None) -> tuple[list[Any], list[Any]]:
    """Return the actions that rows of a state take: those with `is_first`, and the others."""
    return _by_rank([action for action in actions.values() if action.takes(state)])


def row_actions(actions: Mapping[str, Any], row: Any) -> tuple[list[Any], list[Any]]:
    """Return the actions that this user may do to a row in its state: first ones, and the rest."""
    return _by_rank(
        [
            action
            for action in actions.values()
            if access.may(action.verb) and availability.can(action.verb, row)
        ]
    )


def _by_rank(actions: list[Any]) -> tuple[list[Any], list[Any]]:
    return [one for one in actions if one.is_first], [one for one in actions if not one.is_first]


def drawn(look: Any, badge: Callable[[Any], Markup]) -> Markup:
    """Return a badge that all rows share: it is rendered once in a request."""
    badges_of_request: dict[tuple[str, str], Markup] = g.setdefault("badges_drawn", {})
    key = (look.colour, look.icon)
    if key not in badges_of_request:
        badges_of_request[key] = badge(look)
    return badges_of_request[key]


def operation_columns(kept: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """Return what an operation noted of a row, without the times that follow from its state."""
    silent = ("finished_at", "queued_at")
    return [(k, v) for k, v in (kept or {}).items() if v is not None and k not in silent]


def filter_in_address(kept: dict[str, Any]) -> dict[str, str]:
    """Return a stored filter as the parameters of its list, without secrets of earlier releases."""
    names = {"causes": "cause", "nobodys": "unowned"}
    return {names.get(name, name): _in_address(value) for name, value in kept.items()}


def _in_address(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return masked_text(",".join(value) if isinstance(value, list | tuple) else str(value))


def host(url: str) -> str:
    """Return only the host of an address, because the rest may be a secret."""
    return url.partition("://")[2].partition("/")[0]


def spark_path(counts: Sequence[tuple[datetime, int]]) -> str:
    """Return an SVG path with a bar for each count, in a picture 24 high and 4 wide for each bar."""
    most = max((count for _at, count in counts), default=0)
    heights = (round(max(22 * count / most, 2.0), 1) if count else 1.0 for _at, count in counts)
    return "".join(f"M{4 * place} 24v-{height}h3v{height}z" for place, height in enumerate(heights))


def icons_url() -> str:
    """Return the address of the icons, computed once in a request: a list asks hundreds of times."""
    if "icons_url" not in g:
        g.icons_url = url_for("static", filename="icons.svg")
    return str(g.icons_url)


def bounded(count: int) -> str:
    """Return a count as text, one that passed its limit as 10,000+."""
    plus = "+" if count > COUNT_LIMIT else ""
    return f"{number(min(count, COUNT_LIMIT))}{plus}"


def moment(at: datetime | None, style: str = "full") -> Markup:
    """Return a time element, which the browser writes in the user's zone and calendar.

    `style` is full, relative, or clock, which leaves out the day.
    """
    if at is None:
        return Markup('<span class="text-secondary">–</span>')
    # Lists hold hundreds of times: nothing here needs escaping, and a plain string is fast.
    text = at.astimezone(UTC).isoformat(sep="T", timespec="milliseconds")
    day, clock, whole = text[:10], text[11:19], text[:23]
    return Markup(  # noqa: S704
        f'<time datetime="{whole}Z" data-style="{style}"><bdi dir="ltr">{day} {clock} UTC</bdi></time>'
    )


def duration(span: timedelta | None) -> Markup:
    """Return a length of time in a unit that fits it."""
    if span is None:
        return Markup('<span class="text-secondary">–</span>')
    return Markup("<bdi>{}</bdi>").format(_in_units(max(span.total_seconds(), 0.0)))


def _in_units(seconds: float) -> str:
    if seconds < 1:
        return _("%(count)s ms", count=number(round(seconds * 1000)))
    if seconds < 60:
        return _("%(count)s s", count=number(round(seconds, 1)))
    minutes, rest_s = divmod(int(seconds), 60)
    hours, rest_min = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=number(hours), minutes=number(rest_min))
    return _("%(minutes)s min %(seconds)s s", minutes=number(minutes), seconds=number(rest_s))


def share(part: timedelta | None, whole: timedelta) -> float:
    """Return the part as percent of `whole`, at least 1 when it is not zero."""
    if part is None or part <= timedelta(0):
        return 0.0
    return round(max(part / whole * 100, 1.0), 2)


def tail(text: str, length: int) -> str:
    """Return the end of a name, which says more than its beginning."""
    return text if len(text) <= length else f"…{text[1 - length :]}"


def seconds(count: float) -> Markup:
    """Return a length of time that is known to the second only."""
    return duration(timedelta(seconds=round(count)))


def milliseconds(count: float | None) -> Markup:
    """Return a length of time that was measured in milliseconds. None means that it was not measured."""
    if count is not None and count < 1:
        return Markup("<bdi>{}</bdi>").format(_("under %(count)s ms", count=number(1)))
    return duration(None if count is None else timedelta(milliseconds=count))


def percent(part: float, whole: float) -> Markup:
    """Return a part of a whole in percent."""
    share = number(round(100 * part / whole, 1)) if whole else number(0)
    return Markup('<bdi dir="ltr">{} %</bdi>').format(share)


def span(seconds: int) -> str:
    """Return a round length of time in words."""
    if seconds % DAY_S == 0:
        days = seconds // DAY_S
        return ngettext("%(count)s day", "%(count)s days", days, count=number(days))
    if seconds % HOUR_S == 0:
        hours = seconds // HOUR_S
        return ngettext("%(count)s hour", "%(count)s hours", hours, count=number(hours))
    minutes = seconds // 60
    return ngettext("%(count)s minute", "%(count)s minutes", minutes, count=number(minutes))


def megabytes(size_bytes: int | None) -> str:
    """Return a size in MB as text, or a dash for None."""
    return "–" if size_bytes is None else f"{number(round(size_bytes / 1e6))} MB"


def pretty_json(value: Any, task: str | None = None) -> str:
    """Return indented JSON without the secrets of `task`. Large integers keep every digit."""
    return json_text(masked(value, task))


def json_text(value: Any) -> str:
    """Return indented JSON, as users read and edit it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def shown_text(text: str | None, task: str | None = None) -> str:
    """Return an error message, log line or progress text of `task` without secrets."""
    return masked_text(text or "", task)


def shown_call(job: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return a job's positional and keyword arguments without secrets."""
    return masked_call(job.args, job.kwargs, job.task)


def frames(traceback: str, task: str | None = None) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a traceback without secrets, each with True if it is from the application."""
    is_own = False
    for line in masked_text(traceback, task).rstrip().splitlines():
        if line.lstrip().startswith('File "'):
            is_own = not is_foreign(line)
        elif not line.startswith(" "):
            is_own = False
        yield line, is_own
