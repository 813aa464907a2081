"""The failure desk in the engine: letters that re-open and close, owners, notes, causes, re-drives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mahaam import verbs
from mahaam.core.errors import OptionNotValid
from mahaam.core.fingerprint import fingerprint, gist
from mahaam.failures import groups_store
from mahaam.failures.redrives import advance_redrives, has_failed
from mahaam.failures.redrives_queries import PhaseOutcome
from mahaam.operations import lifecycle
from mahaam.postgres import database
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.store.actions import triage
from tests.factory import Sql
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


@pytest.fixture
def desk(empty_stage: Stage) -> Stage:
    empty_stage.ask("DELETE FROM error_group; DELETE FROM failure; DELETE FROM redrive")
    return empty_stage


def a_letter(stage: Stage, state: str = "failed") -> int:
    job_id = rows.a_job(stage, state, attempt="1")
    return int(
        stage.add(
            "dead_letter", of=job_id, error_message="m", first_error_message="m", retry_count=0
        )
    )


def failures(
    stage: Stage, count: int = 1, cause: str = "f", *, task: str = "t", ago: int = 0
) -> None:
    stage.add(
        "failure", count=count, dead_letter_id=Sql("n"), fingerprint=cause, task=task,
        message=Sql("'number ' || n"), failed_at=Sql(f"now() - {ago} * interval '1 minute'"),
    )  # fmt: skip


def gather() -> int | None:
    found = database.repeatable(lambda c: groups_store.gather(c, limit=100_000), atomic=True)
    database.repeatable(groups_store.end_ignoring)
    return found


def groups(stage: Stage) -> list[dict[str, Any]]:
    return stage.ask("SELECT * FROM error_group ORDER BY fingerprint")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 12 not found", "Order 4711 not found"),
        ("no user ann@example.com", "no user bob.b+x@shop.example"),
        ("'a' is not in the list", "'something else' is not in the list"),
        ('key "x" missing', 'key "y" missing'),
        ("job 0193a000-0000-7000-8000-0000000000aa", "job 0193a000-0000-7000-8000-0000000000ab"),
        ("at 0x7f01 of deadbeef01", "at 0x99 of cafebabe77"),
        ("took 1.5 s", "took 22.75 s"),
        ("GET https://a.example/x?y=1", "GET https://b.example/"),
        ("first\nsecond line", "first\nanother line"),
        ("سفارش 12 پیدا نشد", "سفارش 99 پیدا نشد"),
    ],
)
def test_what_differs_from_time_to_time_is_no_other_cause(one: str, other: str) -> None:
    assert gist(one) == gist(other)
    assert fingerprint("E", one, "") == fingerprint("E", other, "")


@pytest.mark.parametrize("other", ["The disk is full", "Order was not paid", ""])
def test_another_sentence_is_another_cause(other: str) -> None:
    assert fingerprint("E", "Order 12 not found", "") != fingerprint("E", other, "")


def trace(*frames: str) -> str:
    return "".join(f'  File "{frame}", line 7, in call\n    x\n' for frame in frames)


def test_frames_of_libraries_and_line_numbers_do_not_count() -> None:
    own = "/srv/shop/orders.py"
    through = trace("/usr/lib/python3.11/json.py", own, "/venv/site-packages/requests/api.py")
    assert fingerprint("E", "m", trace(own)) == fingerprint("E", "m", through)
    assert fingerprint("E", "m", trace(own)) == fingerprint("E", "m", trace(own).replace("7", "99"))
    assert fingerprint("E", "m", trace(own)) != fingerprint("E", "m", trace("/srv/shop/mail.py"))


def test_a_hostile_message_takes_no_time() -> None:
    for text in ("'" * 100_000, "1" * 100_000, "a@" * 50_000, "http://" * 10_000, "\x00" * 1000):
        assert len(gist(text)) <= 200


def test_a_letter_opens_again_and_counts(desk: Stage) -> None:
    with desk.here(), desk.consumer() as consumer:
        consumer.wait_ready()
        job_id = UUID(str(jobs.fall().id))
        desk.wait_for_state(job_id, "failed")
        (first,) = desk.letters(job_id)
        verbs.carry_out(verbs.OperationRequest("assign", "ann", {"owner": "bob"}), [first["id"]])
        assert verbs.apply("reprocess", [first["id"]], by="ann").done == (first["id"],)
        wait_until(lambda: desk.letters(job_id)[0]["failures"] == 2)
        (again,) = desk.letters(job_id)
        assert (again["id"], again["owner"], again["reprocessed_at"]) == (first["id"], "bob", None)
        assert again["failed_at"] > first["failed_at"]
        assert again["created_at"] == first["created_at"]
        wait_until(lambda: [group["count"] for group in groups(desk)] == [2])
        assert consumer.stop() == 0


def test_a_letter_closes_when_its_job_completes(desk: Stage) -> None:
    with desk.here(), desk.consumer() as consumer:
        consumer.wait_ready()
        done = jobs.nothing()
        desk.wait_for_state(UUID(str(done.id)), "completed")
        verbs.apply("fail", [UUID(str(done.id))], by="ann")
        (letter,) = desk.letters(UUID(str(done.id)))
        verbs.apply("reprocess", [letter["id"]], by="ann")
        wait_until(lambda: desk.letters(UUID(str(done.id)))[0]["resolved_by"] == "completed")
        assert consumer.stop() == 0


def test_only_what_was_reprocessed_and_completed_is_closed(desk: Stage) -> None:
    ids = {state: a_letter(desk, state) for state in ("completed", "failed", "queued", "cancelled")}
    untouched = a_letter(desk, "completed")
    desk.ask("UPDATE dead_letter SET reprocessed_at = now() WHERE id <> %s", untouched)
    closed, after = 0, 0
    for _ in range(3):  # slices of two
        count, after = database.repeatable(
            lambda c, after=after: triage.close_completed(c, after=after, limit=2)
        )
        closed += count
    assert closed == 1
    found = desk.ask("SELECT id FROM dead_letter WHERE resolved_at IS NOT NULL")
    assert [row["id"] for row in found] == [ids["completed"]]


def test_letters_are_assigned_annotated_and_that_is_audited(desk: Stage) -> None:
    ids = [a_letter(desk) for _ in range(3)]
    order = verbs.OperationRequest("assign", "ann", {"owner": "bob@example.com"})
    report = verbs.carry_out(order, ids)
    assert set(report.done) == set(ids)
    assert verbs.undo(report.operation_id, by="ann").undone == 3
    assert desk.ask("SELECT DISTINCT owner FROM dead_letter") == [{"owner": None}]
    verbs.carry_out(verbs.OperationRequest("annotate", "ann", {"note": "seen\x00"}), ids[:1])
    (note,) = desk.ask("SELECT * FROM dead_letter_note")
    assert (note["dead_letter_id"], note["note"], note["written_by"]) == (ids[0], "seen␀", "ann")
    with pytest.raises(OptionNotValid):
        verbs.carry_out(verbs.OperationRequest("annotate", "ann"), ids)
    (event,) = desk.ask("SELECT * FROM audit_event WHERE verb = 'assign' ORDER BY id DESC LIMIT 1")
    assert sorted(event["targets"]) == sorted(map(str, ids))


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({"owner": "bob"}, [0]),
        ({"nobodys": True}, [1, 2]),
        ({"causes": ("g",)}, [1]),
        ({"causes": ()}, []),
        ({"since": datetime(2026, 1, 2, tzinfo=UTC)}, [0, 1]),
        ({"until": datetime(2026, 1, 2, tzinfo=UTC)}, [2]),
        ({}, [0, 1, 2]),
    ],
)
def test_both_ways_of_filtering_agree(
    desk: Stage, wanted: dict[str, Any], places: list[int]
) -> None:
    ids = [a_letter(desk) for _ in range(3)]
    desk.ask("UPDATE dead_letter SET owner = 'bob' WHERE id = %s", ids[0])
    desk.ask("UPDATE dead_letter SET fingerprint = 'g' WHERE id = %s", ids[1])
    desk.ask("UPDATE dead_letter SET failed_at = '2026-01-01T00:00Z' WHERE id = %s", ids[2])
    asked = DeadLetterFilter.from_dict(DeadLetterFilter(**wanted).to_dict())
    found = lifecycle.find(
        verbs.OperationRequest("annotate", "ann", {"note": "x"}), asked, until=None
    )
    assert sorted(found or []) == [ids[place] for place in places]


def test_failures_of_one_cause_are_one_group(desk: Stage) -> None:
    desk.ask("DELETE FROM deploy")
    verbs.mark_deploy("v7", by="ann")
    failures(desk, 5, "a", ago=120)
    failures(desk, 3, "a", task="u")
    failures(desk, 1, "b")
    assert gather() == 9
    one, other = groups(desk)
    assert (one["count"], one["tasks"], one["releases"]) == (8, ["t", "u"], ["v7"])
    assert one["last_seen_at"] - one["first_seen_at"] > timedelta(minutes=119)
    assert (other["count"], other["message"]) == (1, "number 1")
    assert desk.ask("SELECT sum(count) AS n, count(*) AS h FROM error_hour")[0]["n"] == 9
    assert desk.ask("SELECT id FROM failure") == []
    assert gather() == 0


def test_a_hundred_thousand_failures_are_one_row(desk: Stage) -> None:
    failures(desk, 100_000)
    assert gather() == 100_000
    assert [group["count"] for group in groups(desk)] == [100_000]


def test_a_resolved_group_returns(desk: Stage) -> None:
    failures(desk)
    gather()
    (group,) = groups(desk)
    assert verbs.resolve_groups([group["id"]], by="ann").done == (group["id"],)
    assert "is resolved" in str(verbs.resolve_groups([group["id"]], by="bob").refused[group["id"]])
    failures(desk)
    gather()
    (group,) = groups(desk)
    assert group["resolved_at"] is None
    assert group["returned_at"] is not None


@pytest.mark.parametrize(
    ("options", "strikes", "is_back"),
    [
        ({}, 50, False),
        ({"times": 5}, 4, False),
        ({"times": 5}, 5, True),
        ({"rate": 5}, 3, False),
        ({"rate": 5}, 4, True),  # the first strike is of this hour, too
    ],
)
def test_an_ignored_group_comes_back_when_it_was_said(
    desk: Stage, options: dict[str, int], strikes: int, is_back: bool
) -> None:
    failures(desk)
    gather()
    (group,) = groups(desk)
    verbs.ignore_groups([group["id"]], by="ann", **options)
    failures(desk, strikes)
    gather()
    (group,) = groups(desk)
    assert (group["ignored_at"] is None) is is_back
    assert (group["returned_at"] is not None) is is_back


def test_a_group_ignored_until_a_time_comes_back_with_the_next_strike(desk: Stage) -> None:
    failures(desk)
    gather()
    (group,) = groups(desk)
    soon = datetime.now(UTC) + timedelta(hours=1)
    verbs.ignore_groups([group["id"]], by="ann", until=soon)
    desk.ask(
        "UPDATE error_group SET ignored_until = now(), last_seen_at = now() - interval '1 min'"
    )
    gather()
    assert groups(desk)[0]["ignored_at"] is not None
    failures(desk)
    gather()
    assert groups(desk)[0]["ignored_at"] is None


@pytest.mark.parametrize(
    "options",
    [{"times": 0}, {"rate": -1}, {"times": 10**20}, {"until": datetime(2020, 1, 1, tzinfo=UTC)}],
)
def test_nonsense_is_not_ignored_until(desk: Stage, options: dict[str, Any]) -> None:
    failures(desk)
    gather()
    with pytest.raises(OptionNotValid):
        verbs.ignore_groups([groups(desk)[0]["id"]], by="ann", **options)


def test_what_does_not_exist_is_told(desk: Stage) -> None:
    for verb in (verbs.resolve_groups, verbs.watch_groups, verbs.ignore_groups):
        assert "No error group" in str(next(iter(verb([2**70], by="ann").refused.values())))


def test_runbooks_are_kept_changed_and_taken_away(desk: Stage) -> None:
    assert verbs.write_task_runbook("t", "# Do this", by="ann")
    assert not verbs.write_task_runbook("t", "# Do this ", by="ann")
    assert verbs.write_task_runbook("t", "  ", by="ann")
    assert desk.ask("SELECT task FROM task_runbook") == []
    failures(desk)
    gather()
    (group,) = groups(desk)
    verbs.write_group_runbook(group["id"], "call Ann", by="ann")
    assert groups(desk)[0]["runbook"] == "call Ann"


@pytest.mark.parametrize(
    ("phases", "percent", "is_over"),
    [
        ([PhaseOutcome("finished", 5, 5, 0, 0)], 0, False),
        ([PhaseOutcome("finished", 5, 4, 1, 0)], 0, True),
        ([PhaseOutcome("finished", 5, 4, 1, 0)], 20, False),
        ([PhaseOutcome("finished", 5, 3, 2, 0)], 20, True),
        ([PhaseOutcome("finished", 100, 0, 3, 97)], 20, False),  # three are no share yet
        ([PhaseOutcome("finished", 100, 0, 5, 95)], 20, True),
        ([PhaseOutcome("running", 100, 50, 13, 37)], 20, True),
        ([PhaseOutcome("finished", 10, 10, 0, 0), PhaseOutcome("running", 10, 0, 5, 5)], 20, True),
        ([PhaseOutcome("finished", 9, 0, 0, 0)], 0, False),
    ],
)
def test_a_share_that_fails_again_is_judged(
    phases: list[PhaseOutcome], percent: int, is_over: bool
) -> None:
    assert has_failed(phases, percent) is is_over


def end_queued(stage: Stage, state: str) -> int:
    """Let every queued job end in `state`, as a consumer would."""
    done = stage.ask(
        "UPDATE job SET state = %s, attempt = attempt + 1, started_at = now(), finished_at = now(),"
        " worker_id = gen_random_uuid() WHERE state = 'queued' RETURNING id", state,
    )  # fmt: skip
    return len(done)


def step() -> int:
    """Advance once, and carry out what has begun."""
    running = advance_redrives()
    while lifecycle.work_on_next():
        pass
    return running


def the_redrive(stage: Stage) -> dict[str, Any]:
    (found,) = stage.ask("SELECT * FROM redrive")
    return found


def test_a_redrive_goes_from_few_to_all(desk: Stage) -> None:
    for _ in range(40):
        a_letter(desk)
    verbs.start_redrive(DeadLetterFilter(), max_failed_percent=10, reason="mended", by="ann")
    sizes = []
    while step():
        if size := end_queued(desk, "completed"):
            sizes.append(size)
    assert sizes[:3] == [2, 4, 4]
    assert sum(sizes) == 40
    assert the_redrive(desk)["state"] == "finished"


def test_a_redrive_stops_by_itself_when_too_many_fail_again(desk: Stage) -> None:
    for _ in range(40):
        a_letter(desk)
    verbs.start_redrive(DeadLetterFilter(), max_failed_percent=10, by="ann")
    step()
    assert end_queued(desk, "failed") == 2
    step()
    found = the_redrive(desk)
    assert (found["state"], found["stopped_by"], len(found["operations"])) == ("stopped", None, 1)
    assert desk.count("state = 'failed'") == 40
    assert advance_redrives() == 0


def test_a_redrive_waits_for_the_jobs_of_its_first_phase(desk: Stage) -> None:
    for _ in range(40):
        a_letter(desk)
    verbs.start_redrive(DeadLetterFilter(), max_failed_percent=10, by="ann")
    for _ in range(3):
        step()
    assert desk.count("state = 'queued'") == 2


def test_what_comes_later_is_not_redriven(desk: Stage) -> None:
    first = a_letter(desk)
    verbs.start_redrive(DeadLetterFilter(), max_failed_percent=10, by="ann")
    later = a_letter(desk)
    while step():
        end_queued(desk, "completed")
    found = desk.ask("SELECT id FROM dead_letter WHERE reprocessed_at IS NOT NULL")
    assert [row["id"] for row in found] == [first] != [later]


def test_a_redrive_is_stopped_by_hand_once(desk: Stage) -> None:
    for _ in range(40):
        a_letter(desk)
    id_ = verbs.start_redrive(DeadLetterFilter(), max_failed_percent=10, by="ann")
    step()
    assert verbs.stop_redrive(id_, by="bob") is None
    assert "is over" in str(verbs.stop_redrive(id_, by="eve"))
    assert the_redrive(desk)["stopped_by"] == "bob"


def test_a_redrive_of_nothing_or_of_nonsense_is_refused(desk: Stage) -> None:
    with pytest.raises(verbs.NothingToRedrive):
        verbs.start_redrive(DeadLetterFilter(task="none"), max_failed_percent=10, by="ann")
    with pytest.raises(OptionNotValid):
        verbs.start_redrive(DeadLetterFilter(), max_failed_percent=101, by="ann")
