"""`flask operations`, `flask jobs … --all`, `flask queue reconcile`."""

from __future__ import annotations

import json

import pytest

from mahaam import verbs
from mahaam.enqueuing import accept
from mahaam.operations import lifecycle
from mahaam.redaction.secret_mask import MASK
from mahaam.search.job_filter import JobFilter
from tests.cli.conftest import Flask_
from tests.dashboard.bulk_work import (
    a_waiting_operation,
    an_operation,
    newest_operation,
    work_off,
)
from tests.dashboard.rows import a_failed_job, a_job, ask, state_of


@pytest.fixture(autouse=True)
def _no_operations() -> None:
    ask("DELETE FROM operation")


def test_jobs_are_turned_into_failed_ones(flask: Flask_) -> None:
    job, other = a_job("completed"), a_job("queued")

    answer = flask("jobs", "fail", str(job), str(other), "--reason", "fire drill")

    assert answer.code == 1
    assert answer.out == "1 job was turned into a failed one; its dead letter is there.\n"
    assert f"Job {other} cannot be turned into a failed one: it is queued." in answer.err
    assert state_of(job) == "failed"
    ((error,),) = ask("SELECT error_message FROM dead_letter")
    assert error.endswith(": fire drill")


def test_secrets_that_somebody_typed_are_hidden(flask: Flask_) -> None:
    order = verbs.OperationRequest("retry", "ann", reason="the password=hunter2 was wrong")
    id_ = verbs.start(order, JobFilter(error="token=hunter2"))
    for told in (
        flask("operations", "list").out,
        flask("operations", "list", "--json").out,
        flask("operations", "show", str(id_)).out,
    ):
        assert "hunter2" not in told
        assert MASK in told
        assert MASK in told


def test_all_that_match_are_retried(flask: Flask_) -> None:
    wanted, other = a_failed_job(), a_job("failed", queue="emails")

    answer = flask(
        "jobs", "retry", "--all", "--state", "failed", "--queue", "default", "--yes", "--json"
    )

    told = json.loads(answer.out)
    assert told["done"] == [str(wanted)]
    assert [state_of(wanted), state_of(other)] == ["queued", "failed"]
    assert newest_operation()["filter"] == {"state": "failed", "queue": "default"}


def test_many_that_match_become_an_operation(
    flask: Flask_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "AT_ONCE", 1)
    jobs = [a_failed_job() for _ in range(3)]

    answer = flask("jobs", "retry", "--all", "--state", "failed", "--spread", "10m", stdin="y\n")

    assert "Retry 3 jobs?" in answer.out
    assert f"Operation {newest_operation()['id']} has begun" in answer.out
    work_off()
    assert {state_of(job) for job in jobs} == {"scheduled"}


WRONG = (
    (),
    ("--state", "failed"),
    ("{job}", "--all"),
    ("{job}", "--queue", "default"),
    ("--all", "--yes", "--state", "FAILED"),
    ("--all", "--yes", "--error", "x"),
    ("--all", "--yes", "--argument", "{{"),
    ("--all", "--yes", "--argument", "password=hunter2"),
    ("--all", "--yes", "--created-from", "yesterday"),
    ("--all", "--yes", "--queue", ""),
    ("--all", "--yes", "--spread", "soon"),
    ("--all", "--yes", "--spread", "400d"),
)


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_meant_retries_nothing(flask: Flask_, words: tuple[str, ...]) -> None:
    job = a_failed_job()

    answer = flask("jobs", "retry", *(word.format(job=job) for word in words))

    assert answer.code == 2
    assert state_of(job) == "failed"
    assert ask("SELECT count(*) FROM operation") == [(0,)]


def test_operations_are_listed_shown_and_undone(flask: Flask_) -> None:
    job, ended = a_job(), a_job("completed")
    made = an_operation(job, ended)

    listed = json.loads(flask("operations", "list", "--json").out)
    shown = json.loads(flask("operations", "show", str(made), "--json").out)
    undone = flask("operations", "undo", str(made))
    again = flask("operations", "undo", str(made))

    assert [entry["id"] for entry in listed] == [made]
    assert (shown["operation"]["done"], shown["operation"]["refused"]) == (1, 1)
    assert {one["job_id"]: one["is_done"] for one in shown["results"]} == {
        str(job): True, str(ended): False,
    }  # fmt: skip
    assert undone.out == "1 is as it was before.\n"
    assert state_of(job) == "queued"
    assert (again.code, again.err.split(" has undone")[0][:9]) == (1, "Operation")
    for command in (("list",), ("show", str(made))):
        assert "cancel" in flask("operations", *command).out


def test_an_operation_is_aborted_once(flask: Flask_) -> None:
    job = a_failed_job()
    made = str(a_waiting_operation())

    assert flask("operations", "abort", made).out == f"Operation {made} was aborted.\n"
    assert "it was aborted 0 s ago" in flask("operations", "abort", made).err
    work_off()
    assert state_of(job) == "failed"


@pytest.mark.parametrize("command", ["show", "abort", "undo"])
def test_an_operation_that_does_not_exist(flask: Flask_, command: str) -> None:
    answer = flask("operations", command, "4711")
    assert (answer.code, answer.err) == (1, "No operation 4711 exists.\n")
    assert flask("operations", command, "nonsense").code == 2


@pytest.mark.usefixtures("redis_url")  # empty
def test_reconcile_finds_and_mends(flask: Flask_) -> None:
    job = a_job()
    ask("UPDATE job SET queued_at = now() - interval '1 minute'")
    accept.notice()._client.zadd(accept.notice().key("default"), {"junk": 0})

    found = flask("queue", "reconcile", "--json")
    mended = flask("queue", "reconcile", "--repair")
    after = flask("queue", "reconcile", "--json")

    faults = {one["queue"]: one["faults"] for one in json.loads(found.out)["queues"]}
    assert (found.code, faults["default"]) == (1, {"junk": 1, "missing": 1})
    assert (mended.code, str(job) in mended.out) == (0, True)
    assert after.code == 0
    assert accept.notice()._client.zscore(accept.notice().key("default"), str(job)) is not None
