"""Schedules of definitions: whose arguments and queue count, and what keeps a definition alive."""

from __future__ import annotations

from typing import Any

import pytest

from mahaam import verbs
from mahaam.core.field import FieldNotValid
from mahaam.schedules import firing
from tests.mahaam.schedules.conftest import DUE
from tests.mahaam.stage import Stage

ADD = "tests.mahaam.tasks.add"


def define(**fields: Any) -> int:
    given = {"name": "sum", "task": ADD, "queue": "emails", "kwargs": {"a": 1, "b": 2}} | fields
    return verbs.create_definition(given, by="ann")


def schedule(stage: Stage, *, is_due: bool = False, **fields: Any) -> int:
    given = {"kind": "interval", "every_s": 60, "definition": "sum", "missed": "once"} | fields
    id_ = verbs.create_schedule(given, by="ann")
    if is_due:
        stage.ask(DUE, 1, 1, id_)
    return id_


def jobs(stage: Stage) -> list[tuple[Any, ...]]:
    rows = stage.ask("SELECT task, queue, kwargs, tags FROM job ORDER BY id")
    return [(row["task"], row["queue"], row["kwargs"], row["tags"]) for row in rows]


def test_the_definition_counts_where_the_schedule_says_nothing(clear: Stage) -> None:
    define()
    schedule(clear, is_due=True)
    firing.fire_due()
    assert jobs(clear) == [(ADD, "emails", {"a": 1, "b": 2}, ["definition:sum"])]
    assert clear.ask("SELECT name FROM schedule") == [{"name": "sum"}]


def test_the_schedule_wins_over_its_definition(clear: Stage) -> None:
    define()
    schedule(clear, is_due=True, kwargs={"b": 9}, queue="reports")
    firing.fire_due()
    assert jobs(clear) == [(ADD, "reports", {"a": 1, "b": 9}, ["definition:sum"])]


def test_a_change_of_the_definition_counts_from_the_next_fire_on(clear: Stage) -> None:
    id_ = define()
    schedule(clear, is_due=True)
    verbs.edit_definition(id_, {"kwargs": {"a": 5, "b": 5}}, by="ann")
    firing.fire_due()
    assert jobs(clear)[0][2] == {"a": 5, "b": 5}


def test_a_definition_that_does_not_fit_any_more_breaks_its_schedule(clear: Stage) -> None:
    id_ = define()
    made = schedule(clear)
    clear.ask(DUE, 60, 60, made)
    verbs.edit_definition(id_, {"kwargs": {"a": 5}}, by="ann")
    firing.fire_due()
    assert jobs(clear) == []
    (row,) = clear.ask("SELECT broken FROM schedule WHERE id = %s", made)
    assert "do not fit" in row["broken"]["template"]


def test_a_run_by_hand_is_one_of_the_definition(clear: Stage) -> None:
    define()
    verbs.run_schedules([schedule(clear)], by="ann")
    assert jobs(clear) == [(ADD, "emails", {"a": 1, "b": 2}, ["definition:sum"])]


def test_an_edit_keeps_the_definition_or_takes_it_away(clear: Stage) -> None:
    define()
    id_ = schedule(clear)
    verbs.edit_schedule(id_, {"every_s": 120}, by="ann")
    assert clear.ask("SELECT definition_id IS NULL AS is_gone FROM schedule") == [
        {"is_gone": False}
    ]
    verbs.edit_schedule(id_, {"definition": None, "kwargs": {"a": 1, "b": 1}}, by="ann")
    assert clear.ask("SELECT definition_id IS NULL AS is_gone FROM schedule") == [{"is_gone": True}]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("definition", {"definition": "sums"}),
        ("definition", {"definition": "\x00"}),
        ("definition", {"definition": "x" * 100_000}),
        ("definition", {"task": "tests.mahaam.tasks.echo"}),
        ("kwargs", {"kwargs": {"c": 1}}),
        ("kwargs", {"kwargs": []}),
    ],
)
def test_what_does_not_fit_is_refused(clear: Stage, field: str, given: dict[str, Any]) -> None:
    define()
    with pytest.raises(FieldNotValid) as refusal:
        schedule(clear, **given)
    assert refusal.value.field == field


def test_a_definition_that_a_schedule_runs_stays(clear: Stage) -> None:
    id_ = define()
    made = schedule(clear)
    with pytest.raises(FieldNotValid, match="schedule sum runs it"):
        verbs.delete_definition(id_, by="ann")
    with pytest.raises(FieldNotValid, match="the task stays"):
        verbs.edit_definition(id_, {"task": "tests.mahaam.tasks.echo"}, by="ann")
    verbs.delete_schedules([made], by="ann")
    verbs.delete_definition(id_, by="ann")
