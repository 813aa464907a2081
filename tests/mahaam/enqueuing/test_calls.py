"""Calls: what does not fit the function, and what could never run, is refused where it is written."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from huey.exceptions import ConfigurationError

from mahaam import chord, enqueue, enqueue_in_transaction, enqueue_many, group, huey, task
from mahaam.core.errors import ArgumentsNotFitting, OptionNotValid
from mahaam.huey_adapter.tasks.call_shape import OPTIONS, CallShape
from mahaam.huey_adapter.tasks.task import DurableTask
from mahaam.postgres import database
from mahaam.run import return_value
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage

WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "too few": ((1,), {}),
    "too many": ((1, 2, 3), {}),
    "unknown name": ((1, 2), {"c": 3}),
    "twice": ((1, 2), {"a": 1}),
    "none": ((), {}),
    "unknown name alone": ((), {"x": 1}),
}
WAYS: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], Any]] = {
    "call": lambda args, kwargs: jobs.add(*args, **kwargs),
    "enqueue": lambda args, kwargs: enqueue(jobs.add, args, kwargs),
    "enqueue by name": lambda args, kwargs: enqueue(jobs.add.path, args, kwargs),
    "schedule": lambda args, kwargs: jobs.add.schedule(args, kwargs, delay=5),
    "message": lambda args, kwargs: huey.enqueue(jobs.add.s(*args, **kwargs)),
    "group": lambda args, kwargs: huey.enqueue(group([jobs.add.s(1, 2), jobs.add.s(*args, **kwargs)])),
    "chord": lambda args, kwargs: huey.enqueue(chord([jobs.add.s(*args, **kwargs)], jobs.echo.s())),
    "head of a pipeline": lambda args, kwargs: huey.enqueue(
        jobs.add.s(*args, **kwargs).then(jobs.echo)
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_call_that_does_not_fit_is_refused(empty_stage: Stage, way: str, wrong: str) -> None:
    with pytest.raises(
        ArgumentsNotFitting, match=r"^tests\.mahaam\.tasks\.add cannot be called so"
    ):
        WAYS[way](*WRONG[wrong])

    assert empty_stage.count() == 0


def test_it_is_refused_as_python_would(empty_stage: Stage) -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'b'"):
        jobs.add(1)


def test_of_many_calls_one_that_does_not_fit_refuses_all(empty_stage: Stage) -> None:
    with pytest.raises(ArgumentsNotFitting):
        enqueue_many(jobs.add, [(1, 2), {"a": 1, "b": 2}, (1,)])
    with pytest.raises(ArgumentsNotFitting):
        jobs.add.map([(1, 2), (1, 2, 3)])
    with database.connection() as link, pytest.raises(ArgumentsNotFitting):
        enqueue_in_transaction(link, jobs.add, (1,))

    assert empty_stage.count("task <> 'tests.mahaam.tasks.add'") == 0
    assert enqueue_many(jobs.add, [(1, 2), {"a": 1, "b": 2}, (1, 2)]) == 3


def test_what_follows_is_refused_as_far_as_its_arguments_are_known(empty_stage: Stage) -> None:
    with pytest.raises(ArgumentsNotFitting):
        jobs.add.s(1, 2).then(jobs.add, 1, 2, 3)
    with pytest.raises(ArgumentsNotFitting):
        jobs.add.s(1, 2).error(jobs.nap, wrong=1)
    with pytest.raises(ArgumentsNotFitting):  # the exception is one argument, of two
        huey.enqueue(jobs.add.s(1, 2).error(jobs.add))
    with pytest.raises(ArgumentsNotFitting):  # as the list of results is
        huey.enqueue(chord([jobs.add.s(1, 2)], jobs.nothing.s().then(jobs.add, 1, 2, 3)))
    with pytest.raises(ArgumentsNotFitting):
        huey.enqueue(chord([jobs.add.s(1, 2)], jobs.add.s(1, 2)))
    assert empty_stage.count() == 0

    huey.enqueue(jobs.add.s(1, 2).then(jobs.add, 1).error(jobs.nap))
    huey.enqueue(chord([jobs.add.s(1, 2)], jobs.add.s(1)))
    assert empty_stage.count() == 2


def test_context_and_open_signatures_take_what_they_can(empty_stage: Stage) -> None:
    jobs.with_context(1)
    enqueue(jobs.with_context, kwargs={"a": 1})
    jobs.echo(1, 2, x=3)
    jobs.nothing()

    with pytest.raises(ArgumentsNotFitting):
        jobs.with_context()
    with pytest.raises(ArgumentsNotFitting):
        jobs.with_context(1, 2, 3)


def test_an_option_of_the_job_in_a_call_is_told_where_to_go(empty_stage: Stage) -> None:
    with pytest.raises(ArgumentsNotFitting, match=r"go to enqueue\(task, args, kwargs, queue=…\)"):
        jobs.add(1, 2, queue="mails")


# Arguments that are named like an option of Huey's calls.


def _like_options(priority: int, timeout: float = 1, **_more: Any) -> list[Any]:
    """A function whose arguments are named like options."""
    return [priority, timeout]


def _takes_id(id: str, delay: float = 0) -> str:  # noqa: A002 (that is the point)
    """A function with two such names."""
    return id


@pytest.fixture
def takes_id() -> Iterator[DurableTask]:
    made = task(_takes_id)
    yield made
    made.unregister()


@pytest.fixture
def like_options() -> Iterator[DurableTask]:
    made = task(_like_options)
    yield made
    made.unregister()


def test_an_argument_named_like_an_option_goes_to_the_function(
    empty_stage: Stage, takes_id: DurableTask, like_options: DurableTask
) -> None:
    takes_id(id="a", delay=3600)
    huey.enqueue(takes_id.s("a", delay=3600))
    enqueue(takes_id, (), {"id": "a", "delay": 3600})
    huey.enqueue(jobs.add.s(1, 2).then(takes_id, delay=3600))
    like_options(priority=7, timeout=9, eta="never", retries=5)

    rows = empty_stage.ask("SELECT * FROM job WHERE task LIKE '%%like_options'")
    assert rows[0]["kwargs"] == {"priority": 7, "timeout": 9, "eta": "never", "retries": 5}
    assert (rows[0]["priority"], rows[0]["timeout_s"], rows[0]["state"]) == (0, None, "queued")
    assert empty_stage.count("task LIKE '%%takes_id' AND kwargs->>'delay' = '3600'") == 3
    assert empty_stage.count("state = 'queued'") == 5


def test_other_options_of_a_call_stay_options(empty_stage: Stage, takes_id: DurableTask) -> None:
    takes_id("a", priority=7, retries=2)
    takes_id.schedule(("a",), delay=3600, priority=8)
    enqueue(takes_id, ("a",), delay=3600, priority=9)

    rows = empty_stage.ask("SELECT * FROM job ORDER BY priority")
    assert [(row["priority"], row["kwargs"]) for row in rows] == [(7, {}), (8, {}), (9, {})]
    assert [row["state"] for row in rows] == ["queued", "scheduled", "scheduled"]


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_each_option_is_the_functions_where_it_has_the_name(name: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def f({name}): pass", space)

    assert name not in CallShape("f", space["f"], has_context=False).options
    assert CallShape("g", jobs.add.func, has_context=False).options == OPTIONS


# Functions that cannot be tasks.


class Shop:
    """Has methods."""

    def send(self) -> None:
        """A method."""

    @staticmethod
    def count() -> None:
        """Another one."""

    def __call__(self) -> None:
        """Objects that can be called have no name."""


async def fetch() -> int:
    """A coroutine function."""
    return 1


def numbers() -> Iterator[int]:
    """A generator function."""
    yield 1


async def letters() -> Any:
    """An asynchronous generator function."""
    yield 1


def nested() -> Callable[[], None]:
    """Make a function inside."""

    def inner() -> None:
        pass

    return inner


def of_main() -> Callable[[], None]:
    """Make a function of the program that was started."""
    module = ModuleType("__main__")
    exec("def send(): pass", module.__dict__)
    made: Callable[[], None] = module.__dict__["send"]
    return made


REFUSED: dict[str, tuple[Any, str]] = {
    "method": (Shop.send, "Shop.send cannot be a task: it is a method"),
    "bound method": (Shop().send, "it is a method"),
    "static method": (Shop.count, "it is a method"),
    "class": (Shop, "it is a class"),
    "object": (Shop(), "it is a Shop, not a function"),
    "partial": (functools.partial(print, 1), "it is a partial, not a function"),
    "nested": (nested(), r"nested\.<locals>\.inner cannot be a task: it is made inside of another"),
    "lambda": (lambda: None, "it is a lambda"),
    "main": (of_main(), "it stands in __main__"),
    "coroutine function": (fetch, r"call asyncio\.run"),
    "generator function": (numbers, "Move what yields into a function of its own"),
    "async generator function": (letters, "only makes a generator"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_consumer_could_find_or_run_is_refused(kind: str) -> None:
    function, sentence = REFUSED[kind]
    before = list(huey._registry._registry)

    for decorate in (
        task,
        task(max_retries=2),
        huey.task(),
        task.every(minutes=5),
        task.cron("@daily"),
    ):
        with pytest.raises(OptionNotValid, match=sentence) as told:
            decorate(function)
        assert isinstance(told.value, ConfigurationError)  # as Huey has it
    assert list(huey._registry._registry) == before


def test_a_wrapped_function_of_a_module_is_a_task() -> None:
    assert jobs.through_a_narrow_place.path == "tests.mahaam.tasks.through_a_narrow_place"


# What a task returns.


def test_work_that_is_not_done_is_no_answer() -> None:
    undone = (
        fetch(), numbers(), letters(), map(abs, [1]), filter(None, [1]), iter([1]),
        itertools.chain([1]), (number for number in [1]),
    )  # fmt: skip
    for value in undone:
        with pytest.raises(return_value.TaskDidNotRun, match="whose code has not run to its end"):
            return_value.check(value)
    for value in (None, 1, "x", [1], {}, range(3), sys.stdout, object()):
        return_value.check(value)
