"""Options that are refused, each with one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mahaam import enqueue, task
from mahaam.core.errors import OptionNotValid, UnknownTask
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage

AHEAD = datetime(2090, 1, 2, 3, 4, 5, tzinfo=UTC)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"priority": True}, "priority must be a whole number"),
    ({"priority": 1.0}, "priority must be a whole number"),
    ({"priority": 2**31}, "priority must be a whole number"),
    ({"priority": "high"}, "priority must be a whole number"),
    ({"max_retries": -1}, "max_retries must be a whole number from 0 to 10000; it is -1"),
    ({"max_retries": 10_001}, "max_retries must be a whole number"),
    ({"delay": float("nan")}, "delay must be a number of seconds"),
    ({"delay": float("inf")}, "delay must be a number of seconds"),
    ({"delay": -1}, "delay must be a number of seconds from 0"),
    ({"delay": "soon"}, "delay must be a number of seconds"),
    ({"delay": True}, "delay must be a number of seconds"),
    ({"delay": 1, "eta": AHEAD}, "Give delay or eta, not both"),
    ({"eta": "tomorrow"}, "eta must be a datetime; it is str"),
    ({"eta": 5}, "eta must be a datetime; it is int"),
    ({"eta": AHEAD.replace(year=9999)}, "eta must lie between the years 1970 and 9000"),
    ({"eta": AHEAD.replace(year=1969)}, "eta must lie between the years 1970 and 9000"),
    ({"eta": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "eta is outside the cal"),
    ({"expires": "soon"}, "expires must be a number of seconds"),
    ({"expires": -5}, "expires must be a number of seconds"),
    ({"expires": AHEAD.date()}, "expires must be a datetime; it is date"),
    ({"timeout": -1}, "timeout must be a number of seconds from 0"),
    ({"timeout": float("nan")}, "timeout must be a number of seconds"),
    ({"retry_delay": -1}, "retry_delay must be a number of seconds"),
    ({"retry_delay_cap": 0}, "retry_delay_cap must be a number of seconds from 0.001 to 316224000"),
    ({"retry_delay_cap": -1}, "retry_delay_cap must be a number of seconds from 0.001"),
    ({"retry_delay_cap": "long"}, "retry_delay_cap must be a number of seconds"),
    ({"retry_delay_cap": float("inf")}, "retry_delay_cap must be a number of seconds; it is inf"),
    ({"retry_delay_cap": True}, "retry_delay_cap must be a number of seconds"),
    ({"retry_backoff": float("nan")}, "retry_backoff must be a factor"),
    ({"retry_backoff": 1001}, "retry_backoff must be a factor"),
    ({"retry_jitter": "no"}, "retry_jitter"),
    ({"dedupe_key": ""}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": "x" * 201}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": "a\0"}, "dedupe_key must be 1 to 200 printable characters"),
    ({"dedupe_key": 5}, "dedupe_key must be 1 to 200 printable characters"),
    ({"tags": [""]}, "tags must be 1 to 200 printable characters"),
    ({"tags": [5]}, "tags must be 1 to 200 printable characters"),
    ({"tags": "urgent"}, "tags"),
    ({"tags": 5}, "tags"),
    ({"created_by": "a\0b"}, "created_by"),
    ({"remove_on_complete": "no"}, "remove_on_complete"),
    ({"nonsense": 1}, "Unknown option nonsense"),
    ({"a": 1, "b": 2}, "Unknown option a, b"),
]


def test_a_bad_option_is_refused_with_one_sentence(empty_stage: Stage) -> None:
    broken = []
    for options, said in REFUSED:
        try:
            enqueue(jobs.nothing, **options)
        except OptionNotValid as refusal:
            if not str(refusal).startswith(said) or "\n" in str(refusal):
                broken.append((options, str(refusal)))
        except Exception as fault:  # noqa: BLE001 (all wrong ones are told together)
            broken.append((options, repr(fault)))
        else:
            broken.append((options, "accepted"))

    assert broken == []
    assert empty_stage.count() == 0


def never_made() -> None:
    """A function that becomes no task."""


def test_a_bad_default_is_refused_where_the_task_is_made() -> None:
    with pytest.raises(OptionNotValid, match="max_retries must be a whole number"):
        task(name="never_made", max_retries=-1)(never_made)
    with pytest.raises(UnknownTask):
        enqueue("tests.mahaam.enqueuing.test_enqueue.never_made")
