"""Bulk actions: every action on every state, every verb for every role, preview before deed."""

from __future__ import annotations

import pytest

from dashboard.actions import catalog
from dashboard.auth import access
from mahaam.jobs.states import State
from mahaam.verbs import ACTS
from tests.dashboard.browser import Browser
from tests.dashboard.bulk_work import JOBS, LETTERS, act
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_failed_job, a_job, a_letter, ask, state_of

RETRYABLE = {State.FAILED, State.CANCELLED, State.EXPIRED, State.COMPLETED}
WAITING = {State.SCHEDULED, State.QUEUED, State.RETRYING}
SAME = {state: state for state in State}
# By verb: where a job goes from each state that the verb takes.
TAKES = {
    "retry": dict.fromkeys(RETRYABLE, State.QUEUED),
    "cancel": dict.fromkeys(WAITING, State.CANCELLED),
    "stop": {State.RUNNING: State.RUNNING},
    "promote": dict.fromkeys((State.SCHEDULED, State.RETRYING), State.QUEUED),
    "set_priority": {state: state for state in WAITING},
    "move": {state: state for state in WAITING},
    "reschedule": {
        State.SCHEDULED: State.SCHEDULED,
        State.QUEUED: State.SCHEDULED,
        State.RETRYING: State.RETRYING,
    },
    "duplicate": SAME,
    "fail": {State.COMPLETED: State.FAILED},
    "clean": dict.fromkeys(RETRYABLE, None),
}


def mark_of(letter_id: int) -> tuple[bool, bool, str | None]:
    """Whether a dead letter was reprocessed, was resolved, and its note."""
    sql = "SELECT reprocessed_at IS NOT NULL, resolved_at IS NOT NULL, resolution_note"
    return tuple(ask(f"{sql} FROM dead_letter WHERE id = %s", (letter_id,))[0])


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", TAKES)
def test_an_action_moves_a_job_only_from_the_right_states(
    operator: Browser, action: str, state: State
) -> None:
    moves = TAKES[action]
    job_id = a_job(state)
    answer = act(operator, JOBS, action, job_id)
    assert (answer.status_code, answer.location) == (303, "/admin/job/?state=failed")
    assert state_of(job_id) == moves.get(state, state)
    told = operator.get("/admin/job/").text
    assert ("alert-success" in told) is (state in moves)
    assert ("cannot be" in told) is (state not in moves)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", TAKES)
def test_a_job_page_offers_only_what_its_state_allows(
    operator: Browser, action: str, state: State
) -> None:
    page = operator.get(f"/admin/job/{a_job(state)}/").text
    assert (f'value="{action}"' in page) is (state in TAKES[action])


def test_a_job_that_is_stopping_says_so_and_is_not_stopped_twice(operator: Browser) -> None:
    job_id = a_job(State.RUNNING)
    act(operator, JOBS, "stop", job_id)
    ask("UPDATE job SET stop_note = 'It computes.' WHERE id = %s", (str(job_id),))
    page = operator.get(f"/admin/job/{job_id}/").text
    assert "</svg>stopping</span>" in page
    assert "It computes." in page
    assert 'value="stop"' not in page
    act(operator, JOBS, "stop", job_id)
    assert "it is stopping since 0 s" in operator.get("/admin/job/").text


@pytest.mark.parametrize("role", access.RANKS)
@pytest.mark.parametrize("action", [*catalog.JOB, *catalog.LETTER])
def test_only_operators_and_admins_act(log_in: LogIn, action: str, role: str) -> None:
    letter = a_letter()
    path, row = (JOBS, a_failed_job()) if action in catalog.JOB else (LETTERS, letter)
    answer = act(log_in(role), path, action, row)
    assert answer.status_code == (403 if role == "viewer" else 303)
    if role == "viewer":
        assert mark_of(letter) == (False, False, None)


def test_every_verb_has_a_role_an_act_and_a_row_in_the_table() -> None:
    assert set(catalog.ALL) <= set(access.NEEDED)
    assert set(catalog.ALL) == set(ACTS)
    assert set(catalog.JOB) == set(TAKES)


def test_an_action_is_first_shown_and_changes_nothing(operator: Browser) -> None:
    failed, running = a_failed_job(), a_job(State.RUNNING)
    form = {"action": "retry", "rowid": [str(failed), str(running)], "url": "/admin/job/"}
    page = operator.post(JOBS, form)
    assert page.status_code == 200
    assert "Retry 1 job" in page.text
    assert "Skipped" in page.text
    assert "Keep as they are" in page.text
    assert f'name="rowid" value="{running}"' not in page.text
    assert state_of(failed) == State.FAILED


def test_reprocess_queues_the_job_and_closes_the_letter(operator: Browser) -> None:
    job_id = a_failed_job()
    letter = a_letter(job_id)
    act(operator, LETTERS, "reprocess", letter)
    assert state_of(job_id) == State.QUEUED
    assert mark_of(letter) == (True, False, None)


def test_resolve_keeps_the_note_and_leaves_the_job(operator: Browser) -> None:
    job_id = a_failed_job()
    letter = a_letter(job_id)
    act(operator, LETTERS, "resolve", letter, note="  Paid by hand. ")
    assert state_of(job_id) == State.FAILED
    assert mark_of(letter) == (False, True, "Paid by hand.")


@pytest.mark.parametrize("action", catalog.LETTER)
def test_a_resolved_letter_is_left_alone(operator: Browser, action: str) -> None:
    letter = a_letter()
    act(operator, LETTERS, "resolve", letter, note="first")
    act(operator, LETTERS, action, letter, note="second")
    assert mark_of(letter) == (False, True, "first")


def test_without_a_tick_nothing_happens(operator: Browser) -> None:
    assert act(operator, JOBS, "retry").status_code == 303
    assert "Tick at least one row first." in operator.get("/admin/job/").text


@pytest.mark.parametrize("ids", [["abc"], ["\x00"], ["1"], [str(n) for n in range(600)]])
@pytest.mark.parametrize("path", [JOBS, LETTERS])
def test_ids_that_mean_nothing_are_refused(operator: Browser, path: str, ids: list[str]) -> None:
    if path == LETTERS and ids == ["1"]:
        ids = ["1.5"]
    action = "retry" if path == JOBS else "resolve"
    assert act(operator, path, action, *ids).status_code == 400


@pytest.mark.parametrize("action", ["", "delete", "reprocess", "__class__"])
def test_an_action_that_does_not_exist_is_refused(operator: Browser, action: str) -> None:
    assert act(operator, JOBS, action, a_job()).status_code == 400


def test_the_way_back_never_leaves_the_site(operator: Browser) -> None:
    answer = act(operator, JOBS, "retry", a_failed_job(), url="https:evil.example")
    assert answer.location == "/admin/"


@pytest.mark.parametrize(
    ("state", "page", "way"),
    [
        ("completed", "/admin/job/{job}/", "/admin/job/"),
        ("completed", "/admin/job/{job}/log/?level=error", "/admin/job/"),
        ("completed", "/admin/queues/default/?state=completed", None),
        ("queued", "/admin/job/{job}/", None),  # it is still there
    ],
)
def test_the_way_back_is_never_to_a_job_that_is_gone(
    operator: Browser, state: str, page: str, way: str | None
) -> None:
    job = a_job(state)
    page = page.format(job=job)
    answer = act(operator, JOBS, "clean", job, url=page)
    assert answer.location == (way or page)
    assert operator.get(answer.location).status_code == 200


def test_rows_that_are_gone_are_told(operator: Browser) -> None:
    act(operator, JOBS, "retry", "00000000-0000-7000-8000-000000000000")
    assert "exists" in operator.get("/admin/job/").text
