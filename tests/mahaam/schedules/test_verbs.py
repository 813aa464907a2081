"""What people do to schedules: each verb checks the row, tells why not, and is audited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mahaam import verbs
from mahaam.core.field import FieldNotValid
from mahaam.schedules import queries
from tests.mahaam.schedules.conftest import Make
from tests.mahaam.stage import Stage
from tests.sessions import a_session

ECHO = {"task": "tests.mahaam.tasks.echo", "kind": "interval", "every_s": 60}


def row(stage: Stage, id_: int) -> dict[str, Any]:
    (found,) = stage.ask("SELECT * FROM schedule WHERE id = %s", id_)
    return found


def audited(stage: Stage) -> list[tuple[str, list[str]]]:
    rows = stage.ask(
        "SELECT verb, targets FROM audit_event WHERE kind = 'schedule' ORDER BY id DESC LIMIT 1"
    )
    return [(one["verb"], one["targets"]) for one in rows]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("task", {"task": "tests.mahaam.tasks.ecko"}),
        ("task", {"task": None}),
        ("task", {"task": "x" * 100_000}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "x" * 201}),
        ("kwargs", {"kwargs": [1]}),
        ("kwargs", {"kwargs": {"\x00": 1}}),
        ("args", {"args": {}}),
        ("kwargs", {"task": "tests.mahaam.tasks.add", "kwargs": {"a": 1}}),
        ("kwargs", {"task": "tests.mahaam.tasks.add", "kwargs": {"a": 1, "b": 2, "c": 3}}),
        ("queue", {"queue": "nowhere"}),
        ("queue", {"queue": "\x00"}),
        ("priority", {"priority": 10**20}),
        ("priority", {"priority": "high"}),
        ("max_retries", {"max_retries": -1}),
        ("missed", {"missed": "maybe"}),
        ("overlap", {"overlap": None}),
        ("missed_limit", {"missed_limit": 0}),
        ("nonsense", {"nonsense": 1}),
        ("cron", {"kind": "cron", "cron": "61 * * * *"}),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(
    field: str, given: dict[str, Any], clear: Stage
) -> None:
    with pytest.raises(FieldNotValid) as refusal:
        verbs.create_schedule(ECHO | given, by="ali")
    assert refusal.value.field == field
    assert clear.ask("SELECT id FROM schedule") == []


def test_a_near_name_is_suggested(clear: Stage) -> None:
    with pytest.raises(FieldNotValid, match=r"Did you mean tests\.mahaam\.tasks\.echo\?"):
        verbs.create_schedule(ECHO | {"task": "tests.mahaam.tasks.ehco"}, by="ali")


def test_a_name_is_given_once(make: Make) -> None:
    make(name="nightly")
    with pytest.raises(FieldNotValid, match="Another schedule has this name"):
        make(name="nightly")
    other = make(name="other")
    with pytest.raises(FieldNotValid, match="Another schedule has this name"):
        verbs.edit_schedule(other, {"name": "nightly"}, by="ali")


def test_an_edit_of_the_times_moves_the_next_run_and_others_do_not(
    make: Make, clear: Stage
) -> None:
    id_ = make(30)
    due_at = row(clear, id_)["next_run_at"]

    assert verbs.edit_schedule(id_, {"priority": 9}, by="ali") is True
    assert row(clear, id_)["next_run_at"] == due_at
    assert verbs.edit_schedule(id_, {"priority": 9}, by="ali") is False
    verbs.edit_schedule(id_, {"kind": "cron", "cron": "@yearly", "every_s": None}, by="ali")
    assert row(clear, id_)["next_run_at"] > due_at + timedelta(minutes=2)
    assert audited(clear) == [("edit", ["tests.mahaam.tasks.echo"])]


def test_what_has_run_once_can_be_renamed(make: Make, clear: Stage) -> None:
    id_ = make(kind="once", run_at=datetime.now(UTC) + timedelta(hours=1))
    clear.ask("UPDATE schedule SET run_at = now() - interval '1 h', next_run_at = NULL")
    assert verbs.edit_schedule(id_, {"name": "done"}, by="ali") is True
    with pytest.raises(FieldNotValid, match="in the past"):
        verbs.edit_schedule(id_, {"run_at": datetime.now(UTC) - timedelta(hours=2)}, by="ali")


def test_two_that_disable_are_told_who_won(make: Make, clear: Stage) -> None:
    id_ = make()
    assert verbs.disable_schedules([id_], by="ali", reason="loud").done == (id_,)
    second = verbs.disable_schedules([id_, 10**9], by="zainab")
    assert second.done == ()
    assert "cannot be disabled" in str(second.refused[id_])
    assert "exists" in str(second.refused[10**9])
    assert row(clear, id_)["disabled_reason"] == "loud"


def test_what_passed_while_disabled_is_not_made_up(make: Make, clear: Stage) -> None:
    id_ = make(600, missed="all")
    verbs.disable_schedules([id_], by="ali")
    assert verbs.enable_schedules([id_], by="ali").done == (id_,)
    assert row(clear, id_)["next_run_at"] > datetime.now(UTC)
    assert "it is" in str(verbs.enable_schedules([id_], by="ali").refused[id_])


def test_what_is_over_cannot_be_enabled(make: Make, clear: Stage) -> None:
    id_ = make()
    verbs.disable_schedules([id_], by="ali")
    clear.ask("UPDATE schedule SET ends_at = now()")
    assert "no time" in str(verbs.enable_schedules([id_], by="ali").refused[id_])


def test_run_now_makes_a_job_and_leaves_the_next_time(make: Make, clear: Stage) -> None:
    id_ = make(priority=3)
    before = row(clear, id_)["next_run_at"]

    result = verbs.run_schedules([id_, 10**9], by="ali")

    assert result.done == (id_,)
    assert 10**9 in result.refused
    (job,) = clear.ask("SELECT priority, schedule_id, created_by FROM job")
    assert (job["priority"], job["schedule_id"], job["created_by"]) == (3, id_, "ali")
    assert clear.ask("SELECT made_by FROM schedule_fire") == [{"made_by": "ali"}]
    assert row(clear, id_)["next_run_at"] == before


def test_a_backfill_makes_what_is_missing_once(make: Make, clear: Stage) -> None:
    id_ = make(7 * 86400, missed="once")
    since, until = datetime.now(UTC) - timedelta(minutes=10), datetime.now(UTC)

    assert verbs.backfill(id_, since, until, by="ali") in (10, 11)
    assert verbs.backfill(id_, since, until, by="ali") == 0
    for bad in ((until, since), (since, until + timedelta(days=1))):
        with pytest.raises(FieldNotValid):
            verbs.backfill(id_, *bad, by="ali")
    with pytest.raises(FieldNotValid, match="more than 1000"):
        verbs.backfill(id_, since - timedelta(days=3), until, by="ali")
    with pytest.raises(LookupError):
        verbs.backfill(10**9, since, until, by="ali")


def test_lists_tell_states_and_differences(make: Make, clear: Stage) -> None:
    active, overdue, off = make(name="a"), make(900, name="b"), make(name="c")
    verbs.disable_schedules([off], by="ali")
    with a_session() as session:
        page = queries.schedule_page(session)
        states = {entry.id: entry.state for entry in page.entries}
        counts = queries.schedule_counts(session)
        named = queries.schedule_page(session, name="b", state="overdue").entries
    assert states == {active: "active", overdue: "overdue", off: "disabled"}
    assert (counts["all"], counts["active"], counts["overdue"], counts["disabled"]) == (3, 2, 1, 1)
    assert [entry.id for entry in named] == [overdue]


def test_a_deleted_schedule_leaves_its_jobs(make: Make, clear: Stage) -> None:
    id_ = make()
    verbs.run_schedules([id_], by="ali")
    assert verbs.delete_schedules([id_], by="ali").done == (id_,)
    assert clear.ask("SELECT fire_at FROM schedule_fire") == []
    assert len(clear.ask("SELECT id FROM job")) == 1
    assert audited(clear) == [("delete", ["tests.mahaam.tasks.echo"])]
