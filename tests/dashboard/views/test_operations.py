"""Bulk work by filter: preview, confirm, the operation's page, abort and undo; and what is refused."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.auth import access
from mahaam.jobs.states import State
from mahaam.operations import lifecycle
from tests.dashboard.browser import Browser
from tests.dashboard.bulk_work import (
    JOBS,
    LETTERS,
    a_waiting_operation,
    act,
    act_on_all,
    an_operation,
    newest_operation,
    work_off,
)
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_failed_job, a_job, a_letter, add, ask, state_of
from tests.dashboard.situations import a_worker

ALL = {"scope": "all", "url": "/admin/job/", "reason": "a test"}


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three jobs be too many for a request."""
    monkeypatch.setattr(lifecycle, "AT_ONCE", 2)


@pytest.fixture(autouse=True)
def _another_queue() -> None:
    add("queue", name="orders")


def states() -> list[str]:
    return [row[0] for row in ask("SELECT state FROM job ORDER BY id")]


def test_a_preview_counts_what_matches_and_says_what_is_skipped(operator: Browser) -> None:
    for state in ("failed", "failed", "completed", "running", "queued"):
        a_job(state)

    page = operator.post(JOBS, ALL | {"action": "cancel"})

    assert page.status_code == 200
    assert "Cancel 1 job?" in page.text
    assert "Keep as they are" in page.text
    skipped = page.text[page.text.index("Skipped") :]
    assert re.findall(r"</svg>(\w+)</span>\s+(\d+)", skipped) == [
        ("failed", "2"), ("running", "1"), ("completed", "1"),
    ]  # fmt: skip
    assert "cancelled" not in states()
    assert ask("SELECT count(*) FROM operation") == [(0,)]


def test_few_that_match_are_done_at_once_and_nothing_else(operator: Browser) -> None:
    wanted = [a_job("failed", queue="orders") for _ in range(3)]
    others = [a_job("failed"), a_job("expired", queue="orders")]

    answer = act_on_all(operator, f"{JOBS}?state=failed&queue=orders", "retry")

    assert (answer.status_code, answer.location) == (303, "/admin/job/")
    assert {state_of(job) for job in wanted} == {"queued"}
    assert [state_of(job) for job in others] == ["failed", "expired"]
    made = newest_operation()
    assert made["filter"] == {"state": "failed", "queue": "orders"}
    assert (made["state"], made["done"], made["reason"]) == ("finished", 3, "a test")
    assert "3 jobs were queued again." in operator.get("/admin/job/").text


@pytest.mark.usefixtures("few_at_once")
def test_many_that_match_become_an_operation_for_consumers(operator: Browser) -> None:
    jobs = [a_failed_job() for _ in range(3)]

    answer = act_on_all(operator, f"{JOBS}?state=failed", "retry", spread_min="10")

    made = newest_operation()
    assert answer.location == f"/admin/operation/{made['id']}/"
    assert (made["state"], made["expected"], made["parameters"]) == (
        "waiting", 3, {"spread_s": 600.0},
    )  # fmt: skip
    page = operator.get(answer.location).text
    assert "No consumer is alive" in page
    assert "Abort" in page
    work_off()
    assert {state_of(job) for job in jobs} == {"scheduled"}
    page = operator.get(answer.location).text
    assert "finished" in page
    assert page.count('role="row"') == 4


@pytest.mark.usefixtures("few_at_once")
def test_what_came_after_the_preview_is_not_touched(operator: Browser) -> None:
    seen = [a_failed_job() for _ in range(3)]
    form = ALL | {"action": "retry"}
    until = re.search(
        r'name="until" value="([^"]+)"', operator.post(f"{JOBS}?state=failed", form).text
    )
    late = a_failed_job()

    operator.post(f"{JOBS}?state=failed", form | {"confirmed": "yes", "until": until[1]})
    work_off()

    assert {state_of(job) for job in seen} == {"queued"}
    assert state_of(late) == "failed"


INVALID = (
    "state=unknown",
    "state=FAILED",
    "queue=%00",
    "task=" + "x" * 5000,
    "tag=%00",
    "created_from=yesterday",
    "error=x",
    "argument={",
    "flt1_0=x",
    "queu=orders",
    "after=abc",
)


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}], ids=["preview", "confirmed"])
@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_filter_never_widens_what_is_done(
    operator: Browser, query: str, confirmed: dict[str, str]
) -> None:
    job = a_failed_job()

    page = operator.post(f"{JOBS}?{query}", ALL | {"action": "retry"} | confirmed)

    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert 'name="confirmed"' not in page.text
    assert state_of(job) == "failed"
    assert ask("SELECT count(*) FROM operation") == [(0,)]


def test_an_invalid_filter_of_dead_letters_never_widens(operator: Browser) -> None:
    letter = a_letter()
    form = ALL | {"action": "resolve", "confirmed": "yes"}

    assert operator.post(f"{LETTERS}?notified=maybe", form).status_code == 400

    assert ask("SELECT resolved_at FROM dead_letter WHERE id = %s", (letter,)) == [(None,)]


def test_bulk_work_needs_a_reason(operator: Browser) -> None:
    job = a_failed_job()

    page = operator.post(
        f"{JOBS}?state=failed", ALL | {"action": "retry", "confirmed": "yes", "reason": " "}
    )

    assert page.status_code == 400
    assert "Say why" in page.text
    assert state_of(job) == "failed"


WRONG = (
    ("set_priority", {"priority": ""}),
    ("set_priority", {"priority": "high"}),
    ("set_priority", {"priority": "99999999999999999999"}),
    ("move", {"queue": ""}),
    ("move", {"queue": "nonsense"}),
    ("move", {"queue": "\x00"}),
    ("reschedule", {"delay": ""}),
    ("reschedule", {"delay": "-1"}),
    ("reschedule", {"delay": "nan"}),
    ("reschedule", {"delay": "5", "eta": "2090-01-01T00:00"}),
    ("reschedule", {"delay": "", "eta": "2000-01-01T00:00"}),
    ("reschedule", {"delay": "", "eta": "2090-01-01T00:00", "zone": "Mars/Base"}),
    ("retry", {"spread_min": "-1"}),
    ("retry", {"spread_min": "1e9"}),
)


@pytest.mark.parametrize("scope", ["ticked", "all"])
@pytest.mark.parametrize(("action", "typed"), WRONG)
def test_what_cannot_be_meant_is_told_beside_the_field(
    operator: Browser, action: str, typed: dict[str, str], scope: str
) -> None:
    job = a_failed_job() if action == "retry" else a_job()
    before = ask("SELECT state, priority, queue FROM job")
    form = ALL | {"action": action, "confirmed": "yes", "scope": scope, "rowid": str(job)}

    page = operator.post(JOBS, form | typed)

    assert page.status_code == 400
    assert "field-fault" in page.text
    assert ask("SELECT state, priority, queue FROM job") == before
    assert ask("SELECT count(*) FROM operation") == [(0,)]


@pytest.mark.parametrize("action", ["cancel", "promote", "set_priority", "move", "reschedule"])
def test_a_single_job_goes_back_with_one_button(operator: Browser, action: str) -> None:
    job = a_job("scheduled")
    kept = "SELECT state, priority, queue, run_at, finished_at, queued_at FROM job"
    before = ask(kept)
    act(operator, JOBS, action, job)
    assert ask(kept) != before
    page = operator.get("/admin/job/").text
    assert "A mistake? It can be undone for 10 s." in page
    target = re.search(r'action="(/admin/operation/\d+/undo/)"', page)

    answer = operator.post(target[1], {"url": "/admin/job/?state=scheduled"})

    assert answer.location == "/admin/job/?state=scheduled"
    assert ask(kept) == before
    assert "1 is as it was before." in operator.get("/admin/job/").text


@pytest.mark.parametrize("action", ["retry", "duplicate", "fail", "stop"])
def test_what_is_for_good_offers_no_undo(operator: Browser, action: str) -> None:
    job = a_job("running" if action == "stop" else "completed")
    act(operator, JOBS, action, job)

    assert "data-undo" not in operator.get("/admin/job/").text

    operator.post(f"/admin/operation/{newest_operation()['id']}/undo/", {})
    assert "what it did cannot be taken back" in operator.get("/admin/job/").text


def test_an_undo_after_the_window_is_refused_with_the_fact(operator: Browser) -> None:
    job = a_job()
    operation = an_operation(job)
    ask("UPDATE operation SET finished_at = now() - interval '1 minute'")

    operator.post(f"/admin/operation/{operation}/undo/", {})

    assert "it ended 1 min ago, and 10 s are allowed" in operator.get("/admin/job/").text
    assert state_of(job) == "cancelled"
    assert "undo/" not in operator.get(f"/admin/operation/{operation}/").text


def test_a_resolved_letter_is_open_again_after_an_undo(operator: Browser) -> None:
    letter = a_letter()
    act(operator, LETTERS, "resolve", letter, note="Paid by hand.")

    operator.post(f"/admin/operation/{newest_operation()['id']}/undo/", {})

    marks = "SELECT resolved_at, resolved_by, resolution_note FROM dead_letter"
    assert ask(marks) == [(None, None, None)]


def test_an_aborted_operation_stays_aborted(operator: Browser) -> None:
    a_failed_job()
    operation = a_waiting_operation()

    answer = operator.post(f"/admin/operation/{operation}/abort/", {})
    assert answer.location == f"/admin/operation/{operation}/"
    operator.post(f"/admin/operation/{operation}/abort/", {})

    page = operator.get(answer.location).text
    assert "it was aborted 0 s ago" in page
    assert newest_operation()["state"] == "aborted"
    work_off()
    assert states() == ["failed"]


@pytest.mark.parametrize("role", access.RANKS)
@pytest.mark.parametrize("verb", ["abort", "undo"])
def test_only_operators_abort_and_undo(log_in: LogIn, role: str, verb: str) -> None:
    job = a_job()
    operation = a_waiting_operation() if verb == "abort" else an_operation(job)
    is_allowed = role != "viewer"

    answer = log_in(role).post(f"/admin/operation/{operation}/{verb}/", {})

    assert answer.status_code == (303 if is_allowed else 403)
    if verb == "undo":
        assert state_of(job) == ("queued" if is_allowed else "cancelled")
    else:
        assert newest_operation()["state"] == ("aborted" if is_allowed else "waiting")


@pytest.mark.parametrize("verb", ["abort", "undo"])
def test_a_get_neither_aborts_nor_undoes(operator: Browser, verb: str) -> None:
    operation = an_operation(a_job())
    assert operator.get(f"/admin/operation/{operation}/{verb}/").status_code == 405


@pytest.mark.parametrize("verb", ["abort", "undo"])
def test_an_operation_that_does_not_exist_is_told(operator: Browser, verb: str) -> None:
    answer = operator.post(f"/admin/operation/9223372036854775807/{verb}/", {})
    assert answer.status_code == 303
    assert "No operation 9223372036854775807 exists." in operator.get("/admin/job/").text
    assert operator.post(f"/admin/operation/9223372036854775808/{verb}/", {}).status_code == 404


def test_of_two_operators_at_once_each_job_is_done_once(log_in: LogIn) -> None:
    jobs = [a_job() for _ in range(40)]
    people = [log_in("operator"), log_in("admin")]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: act(one, JOBS, "cancel", *jobs), people))

    assert [answer.status_code for answer in answers] == [303, 303]
    counts = ask("SELECT sum(done), sum(refused), count(*) FROM operation")
    assert counts == [(40, 40, 2)]
    assert set(states()) == {"cancelled"}


def test_of_two_undos_at_once_one_wins(log_in: LogIn) -> None:
    operation = an_operation(*[a_job() for _ in range(20)])
    people = [log_in("operator"), log_in("admin")]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.post(f"/admin/operation/{operation}/undo/", {}), people))

    made = newest_operation()
    assert (made["state"], made["undone"], made["kept"]) == ("undone", 20, 0)


def test_a_result_says_why_a_job_was_left_alone(operator: Browser) -> None:
    done, refused = a_job(), a_job("completed")
    operation = an_operation(done, refused)

    everything, only_done, only_refused = (
        operator.get(f"/admin/operation/{operation}/{query}").text
        for query in ("", "?done=yes", "?done=no")
    )

    assert str(done)[-12:] in everything
    assert str(refused)[-12:] in everything
    assert "it completed" in only_refused
    assert str(done) not in only_refused
    assert str(refused) not in only_done
    assert "<b>a test</b>" not in everything
    assert "&lt;b&gt;a test&lt;/b&gt;" in everything


@pytest.mark.parametrize("query", ["after=abc", "after=%00", "before=-1", "done=maybe", "x=1"])
def test_nonsense_about_results_is_an_error_on_the_page(operator: Browser, query: str) -> None:
    operation = an_operation(a_job())
    for path in (f"/admin/operation/{operation}/", "/admin/operation/"):
        page = operator.get(f"{path}?{query}")
        assert page.status_code == 400
        assert 'role="alert"' in page.text


def test_pages_of_results_lead_on(operator: Browser) -> None:
    operation = an_operation(*[a_job() for _ in range(60)])

    first = operator.get(f"/admin/operation/{operation}/").text
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    second = operator.get(onward[1].replace("&amp;", "&")).text

    assert first.count('role="row"') == 51
    assert second.count('role="row"') == 11


def test_a_job_is_edited_and_runs_again(operator: Browser) -> None:
    job = a_failed_job()
    assert "Save and run again" in operator.get(f"/admin/job/{job}/edit/").text

    answer = operator.post(f"/admin/job/{job}/edit/", {"args": "[]", "kwargs": '{"value": "x"}'})

    assert answer.location == f"/admin/job/{job}/"
    assert ask("SELECT state, args, kwargs FROM job") == [("queued", [], {"value": "x"})]


@pytest.mark.parametrize(
    "typed",
    [
        {"args": "{"}, {"args": "{}"}, {"kwargs": "[]"}, {"args": "\x00"}, {"args": "[NaN]"},
        {"args": "[1, 2, 3]", "kwargs": '{"nobody": 1}'}, {"kwargs": '{"text": "\\ud800"}'},
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_change_nothing(operator: Browser, typed: dict[str, str]) -> None:
    job = a_failed_job()
    page = operator.post(f"/admin/job/{job}/edit/", {"args": "[]", "kwargs": "{}"} | typed)
    assert page.status_code == 400
    assert state_of(job) == "failed"


def test_a_running_job_is_not_edited(operator: Browser) -> None:
    job = a_job(State.RUNNING)
    assert "It is running" in operator.get(f"/admin/job/{job}/edit/").text

    operator.post(f"/admin/job/{job}/edit/", {"args": "[]", "kwargs": '{"value": "x"}'})

    assert f"Job {job} cannot be edited" in operator.get("/admin/job/").text


def test_a_viewer_edits_nothing(log_in: LogIn) -> None:
    job = a_failed_job()
    viewer = log_in("viewer")
    assert viewer.get(f"/admin/job/{job}/edit/").status_code == 403
    typed = {"args": "[]", "kwargs": '{"value": "x"}'}
    assert viewer.post(f"/admin/job/{job}/edit/", typed).status_code == 403
    assert state_of(job) == "failed"


@pytest.mark.parametrize(
    "until", ["nonsense", "\x00", "ffffffff-ffff-ffff-ffff-ffffffffffff", "9" * 5000]
)
def test_a_border_that_makes_no_sense_widens_nothing(operator: Browser, until: str) -> None:
    job, other = a_failed_job(), a_job("expired")
    form = ALL | {"action": "retry", "confirmed": "yes", "until": until}

    assert operator.post(f"{JOBS}?state=failed", form).status_code == 303

    assert state_of(job) == "queued"
    assert state_of(other) == "expired"


def test_an_operation_that_does_not_move_is_shown_in_the_list_on_its_page_and_in_the_overview(
    operator: Browser,
) -> None:
    a_worker("default")
    a_failed_job()
    id_ = a_waiting_operation()
    pages = ["/admin/operation/", f"/admin/operation/{id_}/", "/admin/"]
    assert all("not move" not in operator.get(page).text for page in pages)

    ask("UPDATE operation SET moved_at = now() - interval '1 minute'")
    operator.client.application.extensions["snapshot"].forget()

    for page in pages:
        assert "not move" in operator.get(page).text, page
