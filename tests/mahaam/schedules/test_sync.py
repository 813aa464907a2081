"""What the code says of schedules reaches the table; what people say wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mahaam import crontab, huey, periodic_task, task, verbs
from mahaam.core.errors import OptionNotValid
from mahaam.huey_adapter.tasks.task import DurableTask
from mahaam.schedules.rules import declared
from mahaam.schedules.sync import sync_schedules
from tests.mahaam.stage import Stage

NAME = "tests.mahaam.schedules.test_sync.report"


def report() -> None:
    """A task of these tests."""


@pytest.fixture
def declare(clear: Stage) -> Iterator[Callable[..., DurableTask]]:
    """Declares `report` anew, as a deploy does, and brings the table up to it."""
    made: list[DurableTask] = []

    def anew(decorate: Callable[[Any], DurableTask]) -> DurableTask:
        for old in made:
            old.unregister()
        made.append(decorate(report))
        sync_schedules()
        return made[-1]

    yield anew
    for old in made:
        old.unregister()


def row(stage: Stage, name: str = NAME) -> dict[str, Any]:
    (found,) = stage.ask("SELECT * FROM schedule WHERE name = %s", name)
    return found


def test_a_schedule_of_the_code_appears_by_itself(declare: Any, clear: Stage) -> None:
    declare(task.cron("0 2 * * *", timezone="Asia/Baghdad", overlap="skip", queue="reports"))

    found = row(clear)
    assert (found["kind"], found["cron"], found["timezone"]) == (
        "cron",
        "0 2 * * *",
        "Asia/Baghdad",
    )
    assert (found["overlap"], found["task"], found["created_by"]) == ("skip", NAME, "code")
    assert found["next_run_at"].astimezone().utctimetuple().tm_hour == 23
    sync_schedules()
    assert row(clear) == found


def test_a_deploy_changes_what_nobody_edited(declare: Any, clear: Stage) -> None:
    declare(task.every(minutes=5))
    declare(task.every(minutes=10))
    assert row(clear)["every_s"] == 600


def test_an_edit_outlives_a_deploy_until_somebody_goes_back(declare: Any, clear: Stage) -> None:
    declare(task.every(minutes=5))
    id_ = row(clear)["id"]
    verbs.edit_schedule(id_, {"every_s": 60}, by="ali")

    declare(task.every(minutes=10))

    assert (row(clear)["every_s"], row(clear)["code"]["every_s"]) == (60, 600)
    assert verbs.back_to_code([id_], by="ali").done == (id_,)
    assert row(clear)["every_s"] == 600
    assert "as the code says" in str(verbs.back_to_code([id_], by="ali").refused[id_])


def test_what_goes_from_the_code_stops_and_comes_back_with_it(declare: Any, clear: Stage) -> None:
    declare(task.every(minutes=5))
    declare(task)
    assert (row(clear)["code"], row(clear)["disabled_by"]) == (None, "code")

    declare(task.every(minutes=5))
    assert (row(clear)["disabled_at"], row(clear)["code"]["every_s"]) == (None, 300)


def test_a_task_may_have_two_schedules(declare: Any, clear: Stage) -> None:
    declare(lambda function: task.cron("@daily")(task.every(hours=1)(function)))

    assert row(clear)["every_s"] == 3600
    assert row(clear, f"{NAME} #2")["cron"] == "0 0 * * *"


def test_a_crontab_of_huey_is_a_schedule(declare: Any, clear: Stage) -> None:
    declare(periodic_task(crontab(minute="*/5", hour="8-18")))
    assert (row(clear)["cron"], row(clear)["missed"]) == ("*/5 8-18 * * *", "skip")


@pytest.mark.parametrize(
    "validate",
    [lambda _moment: True, crontab(minute="0", day="1", day_of_week="1")],
)
def test_what_cron_cannot_say_stays_with_huey(validate: Any, declare: Any, clear: Stage) -> None:
    declare(periodic_task(validate))
    assert not declared.of_task(NAME)
    assert clear.ask("SELECT FROM schedule WHERE name = %s", NAME) == []
    assert NAME in {
        f"{type(one).__module__}.{type(one).__name__}" for one in huey._registry.periodic_tasks
    }


@pytest.mark.parametrize(
    "decorate",
    [
        task.every,
        lambda: task.every(seconds=0.5),
        lambda: task.every(seconds=0),
        lambda: task.cron("61 * * * *"),
        lambda: task.cron("@daily", timezone="Mars"),
        lambda: task.cron("@daily", overlap="sometimes"),
    ],
)
def test_code_that_says_nonsense_is_refused_at_once(decorate: Any, clear: Stage) -> None:
    with pytest.raises(OptionNotValid):
        decorate()(report)
    assert not declared.of_task(NAME)
