"""One way to create, change and delete: the field at fault, nothing half done, one audit event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from mahaam import verbs
from mahaam.alerts import channel_verbs, rules
from mahaam.core.field import FieldNotValid
from mahaam.records.crud import Given
from tests.mahaam.stage import Stage


@dataclass(frozen=True)
class Verbs:
    """What people do to one kind of record, and fields that are good and bad for it."""

    kind: str
    create: Callable[..., int]
    edit: Callable[..., bool]
    delete: Callable[..., Any]
    good: Given
    bad: Given


def _delete_schedule(id_: int, *, by: str) -> None:
    if verbs.delete_schedules([id_], by=by).refused:
        raise LookupError


ECHO = "tests.mahaam.tasks.echo"
KINDS = {
    "schedule": Verbs(
        "schedule", verbs.create_schedule, verbs.edit_schedule, _delete_schedule,
        {"name": "one", "task": ECHO, "kwargs": {"value": 1}, "kind": "interval", "every_s": 60},
        {"every_s": 0},
    ),
    "definition": Verbs(
        "definition", verbs.create_definition, verbs.edit_definition, verbs.delete_definition,
        {"name": "one", "task": ECHO}, {"queue": "no such queue"},
    ),
    "channel": Verbs(
        "channel", channel_verbs.create_channel, channel_verbs.edit_channel,
        channel_verbs.delete_channel,
        {"name": "one", "kind": "email", "recipients": ["ann@example.org"]}, {"language": "xx"},
    ),
    "alert_rule": Verbs(
        "alert_rule", rules.create_rule, rules.edit_rule, rules.delete_rule,
        {"name": "one", "kind": "worker_lost"}, {"cooldown_s": -1},
    ),
}  # fmt: skip


@pytest.fixture
def clear(empty_stage: Stage) -> Stage:
    """A stage on which no record is kept."""
    empty_stage.ask(
        "DELETE FROM schedule; DELETE FROM task_definition; DELETE FROM alert_rule; DELETE FROM channel"
    )
    return empty_stage


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Verbs:
    """Each kind of record."""
    return KINDS[request.param]


@pytest.fixture
def ann() -> str:
    """A person of this test, whose events are told from those of others: nobody can delete any."""
    return f"{uuid4()}@example.org"


def events(clear: Stage, kind: Verbs, by: str) -> list[tuple[Any, ...]]:
    """Verb, target, before and after of what the audit has of a kind."""
    found = clear.ask(
        "SELECT verb, targets, before, after FROM audit_event WHERE kind = %s AND actor = %s ORDER BY id",
        kind.kind,
        by,
    )
    return [(row["verb"], row["targets"][0], row["before"], row["after"]) for row in found]


def test_each_verb_writes_one_audit_event_of_what_it_changed(
    clear: Stage, kind: Verbs, ann: str
) -> None:
    id_ = kind.create(kind.good, by=ann)
    assert kind.edit(id_, {"name": "two"}, by=ann)
    assert not kind.edit(id_, {"name": "two"}, by=ann)
    kind.delete(id_, by=ann)
    made, edited, deleted = events(clear, kind, ann)
    assert made[:2] == ("create", "one")
    assert made[3].items() >= {"name": "one"}.items()
    assert edited == ("edit", "one", {"name": "one"}, {"name": "two"})
    assert deleted[:2] == ("delete", "two")
    with pytest.raises(LookupError):
        kind.delete(id_, by=ann)


def test_a_bad_field_is_named_and_nothing_is_written(clear: Stage, kind: Verbs, ann: str) -> None:
    (field,) = kind.bad
    with pytest.raises(FieldNotValid) as fault:
        kind.create({**kind.good, **kind.bad}, by=ann)
    assert fault.value.field == field
    id_ = kind.create(kind.good, by=ann)
    with pytest.raises(FieldNotValid) as fault:
        kind.edit(id_, {"name": "two", **kind.bad}, by=ann)
    assert fault.value.field == field
    assert [event[:2] for event in events(clear, kind, ann)] == [("create", "one")]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, 7, None])
def test_a_name_has_one_line(clear: Stage, kind: Verbs, ann: str, name: Any) -> None:
    id_ = kind.create(kind.good, by=ann)
    if name in ("", None) and kind.kind == "schedule":
        return  # it has the name of its task then
    with pytest.raises(FieldNotValid, match="1 to 200 characters on one line") as fault:
        kind.edit(id_, {"name": name}, by=ann)
    assert fault.value.field == "name"


def test_no_two_have_one_name(clear: Stage, kind: Verbs, ann: str) -> None:
    kind.create(kind.good, by=ann)
    other = kind.create({**kind.good, "name": "two"}, by=ann)
    for work in (
        lambda: kind.create(kind.good, by=ann),
        lambda: kind.edit(other, {"name": "one"}, by=ann),
    ):
        with pytest.raises(FieldNotValid, match=r"Another .* has this name") as fault:
            work()
        assert fault.value.field == "name"


def test_what_does_not_exist_cannot_be_changed(clear: Stage, kind: Verbs, ann: str) -> None:
    with pytest.raises(LookupError):
        kind.edit(404, {"name": "two"}, by=ann)
    assert events(clear, kind, ann) == []
