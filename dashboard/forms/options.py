"""The options of a job as users set and see them: one table for forms, pages and commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam.config import get_settings
from mahaam.jobs.job_option import JobOption, Number, Whole
from mahaam.jobs.new_job import OPTIONS, SCHEDULE_OPTIONS
from mahaam.jobs.task_card import TaskCard
from mahaam.models import Job

from ..web.languages import number
from .field import Field
from .kinds import BOOLEAN, INTEGER, LOCAL_TIME, NUMBER, TEXT, FieldType


@dataclass(frozen=True, kw_only=True)
class OptionWords:
    """An option of a job as users see it.

    `field` is the field of NewJob and the name of the column. `help` is the sentence on the command
    line; without one, no command takes the option. `setting` names the setting whose value applies
    to a job without one.
    """

    field: str
    label: LazyString
    kind: FieldType = NUMBER
    hint: LazyString | str = ""
    help: str = ""
    setting: str = ""
    in_form: bool = False
    on_page: bool = False

    @property
    def option(self) -> JobOption:
        """Return the engine's row of the option."""
        return OPTIONS[self.field]

    @property
    def limits(self) -> Whole | Number | None:
        """Return the limits of the option, or None if it is not a number."""
        check = self.option.check
        return check if isinstance(check, Whole | Number) else None

    def form_field(self, card: TaskCard) -> Field:
        """Return the field of a form, filled with the option of the task itself."""
        usual = getattr(card.job, self.field)
        return Field(
            self.option.name,
            str(self.label),
            self.kind,
            default=usual,
            text=typed(usual),
            hint=str(self.hint),
        )

    def shown(self, job: Job) -> str:
        """Return the value of `job` as text, for its page."""
        value = getattr(job, self.field)
        if value is None and self.setting:
            value = getattr(get_settings(), self.setting)
        return self.text(value)

    def text(self, value: Any) -> str:
        """Return a value of the option as it is shown."""
        if self.kind is BOOLEAN:
            return _("Yes") if value else _("No")
        if self.field.endswith("_s"):
            return _("%(count)s s", count=number(value))
        return number(value)


WORDS = (
    OptionWords(
        field="queue",
        label=_l("Queue"),
        kind=TEXT,
        help="Another queue than the task's own.",
        in_form=True,
    ),
    OptionWords(
        field="priority",
        label=_l("Priority"),
        kind=INTEGER,
        hint=_l("A higher number runs first."),
        help="A higher number runs first.",
        in_form=True,
    ),
    OptionWords(
        field="max_retries",
        label=_l("Retries at most"),
        kind=INTEGER,
        help="How often it is tried again after failing.",
        in_form=True,
    ),
    OptionWords(field="retry_delay_s", label=_l("Retry delay"), on_page=True),
    OptionWords(field="retry_backoff", label=_l("Backoff factor"), on_page=True),
    OptionWords(field="retry_jitter", label=_l("Jitter"), kind=BOOLEAN, on_page=True),
    OptionWords(
        field="retry_delay_cap_s",
        label=_l("Longest wait before a retry"),
        hint=_l("In seconds."),
        help="No wait before a retry is longer.",
        setting="retry_delay_cap_s",
        in_form=True,
        on_page=True,
    ),
    OptionWords(
        field="delay_s",
        label=_l("Delay in seconds"),
        hint=_l("Empty: at once."),
        help="Start it later.",
        in_form=True,
    ),
    OptionWords(field="eta", label=_l("Or at this time"), kind=LOCAL_TIME, in_form=True),
    OptionWords(
        field="dedupe_key",
        label=_l("Key"),
        kind=TEXT,
        help="Make none while a live job has this key.",
    ),
)
OF_FORM = tuple(words for words in WORDS if words.in_form)
ON_PAGE = tuple(words for words in WORDS if words.on_page)
OF_SCHEDULES = tuple(words for words in WORDS if words.field in SCHEDULE_OPTIONS)


def option_fields(card: TaskCard, queues: tuple[str, ...]) -> dict[str, Field]:
    """Return the fields by name, filled with the options of the task itself."""
    fields = {words.option.name: words.form_field(card) for words in OF_FORM}
    fields["queue"].choices = queues
    fields["zone"] = Field("zone", _("Time zone of that time"), TEXT, default="UTC", text="UTC")
    return fields


def read_options(fields: Mapping[str, Field], form: Mapping[str, str]) -> dict[str, Any]:
    """Return the options as `enqueue` takes them. Faults are set on the fields."""
    values = {name: field.read(form) for name, field in fields.items()}
    check_queue(fields["queue"], values["queue"])
    for words in OF_FORM:
        if words.limits is not None:
            name = words.option.name
            check_range(fields[name], values[name], words.limits.low, words.limits.high)
    zone = values.pop("zone")
    values["eta"] = moment(fields, values["eta"], zone)
    if values["delay"] is not None and values["eta"] is not None:
        fields["eta"].fault = _("Give either a delay or a time, not both.")
    return values


def take_options(fields: Mapping[str, Field], job: Job) -> None:
    """Fill the fields that a task sets for all its jobs with the values of `job`."""
    for words in OF_FORM:
        if words.option.of_task:
            fields[words.option.name].text = typed(getattr(job, words.field))


def typed(value: Any) -> str:
    """Return a value as it would be typed. None gives an empty text."""
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def check_queue(field: Field, name: str) -> None:
    """Set a fault on the field unless the queue exists."""
    if name not in field.choices:
        field.fault = _("There is no queue %(name)s. Choose one of the list.", name=repr(name))


def check_range(field: Field, value: float | None, low: float, high: float) -> None:
    """Set a fault on the field if its number is out of range."""
    if value is not None and field.fault is None and not low <= value <= high:
        field.fault = _(
            "Enter a number from %(low)s to %(high)s.",
            low=f"{low:.15g}",
            high=f"{high:.15g}",
        )


def moment(fields: Mapping[str, Field], at: datetime | None, zone: str) -> datetime | None:
    """Return the time in UTC, or None when none was given or its zone is unknown."""
    if at is None:
        return None
    if zone not in available_timezones():
        fields["zone"].fault = _("There is no time zone %(name)s.", name=repr(zone[:50]))
        return None
    try:
        utc = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        utc = datetime.min.replace(tzinfo=UTC)
    if utc <= datetime.now(UTC):
        fields["eta"].fault = _("That time has passed. Leave it empty to run the job at once.")
    return utc
