"""The monitor: cards, one queue with its newest jobs, pauses and sweeps; one snapshot for all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import event

from dashboard.actions.queue_actions import SWEEPS
from dashboard.auth import access
from dashboard.web.database import db
from mahaam.jobs.states import State
from mahaam.operations import lifecycle
from tests.dashboard import situations
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn, forget_shared
from tests.dashboard.rows import a_failed_job, a_job, a_line, add, ask, state_of

LIVE = {"HX-Request": "true"}


def work_off() -> None:
    """Do what a consumer would with all operations."""
    while lifecycle.work_on_next():
        pass


def count_in(text: str, queue: str, state: str) -> str:
    """The number that a queue's card shows for a state."""
    found = re.search(rf'/{queue}/\?state={state}">.*?<strong>([^<]*)</strong>', text, re.DOTALL)
    assert found, text
    return found[1]


def test_a_card_counts_its_queue_by_state(operator: Browser) -> None:
    for state in ("queued", "queued", "running", "scheduled", "failed"):
        a_job(state, queue="emails")
    a_job("failed", queue="default")
    situations.a_minute(ago_s=60, queue="emails", completed=1234)
    text = operator.get("/admin/queues/").text
    shown = {state: count_in(text, "emails", state) for state in State}
    assert shown == {
        "queued": "2", "running": "1", "scheduled": "1", "failed": "1", "completed": "1,234",
        "retrying": "0", "expired": "0", "cancelled": "0",
    }  # fmt: skip


def test_the_old_address_leads_to_the_monitor(operator: Browser) -> None:
    assert operator.get("/admin/queue/").location == "/admin/queues/"


@pytest.mark.parametrize("state", State)
def test_a_queue_shows_its_newest_jobs_of_one_state(operator: Browser, state: State) -> None:
    mine, others = (
        a_job(state),
        [a_job(state, queue="emails"), a_job("failed" if state != "failed" else "queued")],
    )
    text = operator.get(f"/admin/queues/default/?state={state}").text
    assert f'id="job-{mine}"' in text
    assert not any(f'id="job-{other}"' in text for other in others)


def test_a_job_unfolds_in_place_with_data_error_and_log(operator: Browser) -> None:
    job = a_failed_job()
    a_line(job)
    text = operator.get(f"/admin/queues/default/job/{job}/", **LIVE).text
    for shown in (
        "12345678901234567890",
        "LastError: the last message",
        "a &lt;b&gt;line&lt;/b&gt;",
    ):
        assert shown in text
    assert "<html" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/admin/queues/nobody/", "/admin/queues/nobody/pause/", "/admin/queues/nobody/sweep/retry/",
        "/admin/queues/default/sweep/cancel/", "/admin/queues/%00/", "/admin/task/nobody.knows/pause/",
        "/admin/queues/emails/job/{job}/", "/admin/queues/default/job/abc/", "/admin/worker/abc/quiet/",
        "/admin/worker/{job}/quiet/",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(operator: Browser, path: str) -> None:
    assert operator.get(path.format(job=a_job("queued"))).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/admin/queues/default/?state=x", "/admin/queues/default/sweep/retry/?state=running",
        "/admin/queues/default/sweep/clean/?flt1=1", "/admin/metrics/?window=1y", "/admin/metrics/?queue=%00",
        "/admin/metrics/?task=" + "x" * 5000, "/admin/metrics/?page=-1",
    ],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_a_fault(operator: Browser, path: str) -> None:
    assert operator.get(path).status_code == 400


def pause_of(queue: str = "default") -> tuple[str | None, str | None, float | None]:
    """Who paused a queue, why, and in how many seconds it goes on."""
    sql = "SELECT paused_by, pause_reason, extract(epoch FROM resume_at - now())::float8 FROM queue"
    return tuple(ask(f"{sql} WHERE name = %s", (queue,))[0])


def test_a_queue_is_paused_with_reason_and_end_and_resumed(operator: Browser) -> None:
    form = {"reason": "Provider down", "for_s": "3600"}
    assert operator.post("/admin/queues/default/pause/", form).status_code == 303
    who, why, left_s = pause_of()
    assert (who, why) == ("operator@example.com", "Provider down")
    assert left_s is not None
    assert 3500 < left_s <= 3600
    assert "Provider down" in operator.get("/admin/queues/").text
    assert operator.post("/admin/queues/default/resume/", {}).status_code == 303
    assert pause_of()[0] is None
    assert "It goes on." in operator.get("/admin/queues/").text


@pytest.mark.parametrize(
    "form",
    [
        {"for_s": "7"}, {"for_s": "x"}, {"for_s": "\u0661"}, {"until": "2001-01-01T00:00"}, {"until": "soon"},
        {"for_s": "900", "until": "2099-01-01T00:00"},
    ],
)  # fmt: skip
def test_an_end_that_makes_no_sense_is_refused(operator: Browser, form: dict[str, str]) -> None:
    answer = operator.post("/admin/queues/default/pause/", form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert pause_of()[0] is None


def test_a_task_is_paused_and_resumed(operator: Browser) -> None:
    path = "/admin/task/tasks.demo.echo"
    assert operator.post(f"{path}/pause/", {"reason": "Slow"}).status_code == 303
    assert ask("SELECT task, pause_reason FROM task_pause") == [("tasks.demo.echo", "Slow")]
    assert "Slow" in operator.get("/admin/task/").text
    assert operator.post(f"{path}/resume/", {}).status_code == 303
    assert ask("SELECT task FROM task_pause") == []


def test_a_paused_task_that_is_not_registered_can_be_resumed(operator: Browser) -> None:
    situations.pause_task("gone.task")
    assert "not registered here" in operator.get("/admin/task/").text
    assert operator.post("/admin/task/gone.task/resume/", {}).status_code == 303
    assert ask("SELECT task FROM task_pause") == []


@pytest.mark.parametrize(("verb", "state"), [("retry", "failed"), ("promote", "scheduled")])
def test_a_sweep_moves_all_of_its_queue_and_state(operator: Browser, verb: str, state: str) -> None:
    mine = [a_job(state) for _ in range(3)]
    others = [a_job(state, queue="emails"), a_job("cancelled")]
    before = [state_of(job) for job in others]
    answer = operator.post(
        f"/admin/queues/default/sweep/{verb}/?state={state}", {"reason": "a test"}
    )
    ((operation,),) = ask("SELECT id FROM operation")
    assert (answer.status_code, answer.location) == (303, f"/admin/operation/{operation}/")
    assert operator.get(answer.location).status_code == 200
    work_off()
    assert {state_of(job) for job in mine} == {"queued"}
    assert [state_of(job) for job in others] == before
    assert ask("SELECT verb, created_by, reason FROM operation") == [
        (verb, "operator@example.com", "a test")
    ]


@pytest.mark.parametrize("state", SWEEPS["clean"].states)
def test_clean_removes_ended_jobs_that_are_old_enough(operator: Browser, state: str) -> None:
    young = a_job(state)
    old, just_ended = (a_job(state, id=f"00000000-0001-7000-8000-00000000000{n}") for n in (1, 2))
    ask("UPDATE job SET finished_at = now() - interval '2 h' WHERE id = %s", (str(old),))
    operator.post(f"/admin/queues/default/sweep/clean/?state={state}", {"age_s": "3600"})
    work_off()
    assert ask("SELECT id FROM job ORDER BY id") == [(str(just_ended),), (str(young),)]
    (operation,) = ask("SELECT id FROM operation")
    assert "cannot be removed: it " in operator.get(f"/admin/operation/{operation[0]}/").text
    operator.post(f"/admin/queues/default/sweep/clean/?state={state}", {"age_s": "0"})
    work_off()
    assert ask("SELECT id FROM job") == []


@pytest.mark.parametrize("age_s", ["", "-1", "1", "x"])
def test_clean_wants_an_age_that_it_offered(operator: Browser, age_s: str) -> None:
    job = a_job("completed")
    answer = operator.post("/admin/queues/default/sweep/clean/?state=completed", {"age_s": age_s})
    assert answer.status_code == 400
    assert state_of(job) == "completed"


FORMS = (
    "/admin/queues/default/pause/", "/admin/queues/default/resume/",
    "/admin/queues/default/sweep/retry/", "/admin/queues/default/sweep/promote/",
    "/admin/queues/default/sweep/clean/", "/admin/task/tasks.demo.echo/pause/",
    "/admin/task/tasks.demo.echo/resume/", "/admin/worker/{worker}/quiet/", "/admin/worker/{worker}/wake/",
    "/admin/worker/{worker}/stop/", "/admin/worker/{worker}/resize/",
)  # fmt: skip


@pytest.mark.parametrize("role", access.RANKS)
@pytest.mark.parametrize("path", FORMS)
def test_only_operators_and_admins_see_and_send_the_forms(
    log_in: LogIn, path: str, role: str
) -> None:
    path = path.format(worker=situations.a_worker())
    browser, is_viewer = log_in(role), role == "viewer"
    assert browser.get(path).status_code == (403 if is_viewer else 200)
    answer = browser.post(path, {"age_s": "0", "greenlets": "2"})
    assert answer.status_code == (403 if is_viewer else 303)
    if is_viewer:
        assert ask("SELECT wanted_state FROM worker") == [(None,)]
        assert (pause_of()[0], ask("SELECT id FROM operation")) == (None, [])


def test_a_form_without_a_token_is_refused(operator: Browser) -> None:
    answer = operator.client.post("/admin/queues/default/pause/", data={})
    assert answer.status_code == 400
    assert pause_of()[0] is None


# One snapshot for all.


@pytest.fixture
def statements(app: Flask) -> list[str]:
    """Every statement that the console sends from now on, without those that only set a limit."""
    sent: list[str] = []

    def note(_link: object, _cursor: object, sql: str, *_rest: object) -> None:
        if not sql.startswith("SET LOCAL") and '"user"' not in sql:
            sent.append(sql)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        yield sent
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/admin/", "/admin/queues/"])
def test_many_views_in_a_second_ask_once(
    app: Flask, log_in: LogIn, statements: list[str], path: str
) -> None:
    viewers = [log_in(role) for role in access.RANKS]
    forget_shared(app)
    statements.clear()
    for _ in range(10):
        for viewer in viewers:
            assert viewer.get(path, **LIVE).status_code == 200
    assert len(statements) <= 3 * 10  # ten questions, a second or three at the slowest


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/admin/", 16), ("/admin/queues/", 16), ("/admin/queues/default/?state=failed", 21),
        ("/admin/metrics/", 20), ("/admin/worker/", 2), ("/admin/task/", 16),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [0, 1, 60])
def test_the_number_of_questions_does_not_grow_with_the_rows(
    app: Flask, operator: Browser, statements: list[str], path: str, most: int, rows: int
) -> None:
    for _ in range(rows):
        a_job("failed")
        situations.a_worker()
        situations.a_minute(ago_s=60, failed=1)
    forget_shared(app)
    statements.clear()
    assert operator.get(path).status_code == 200
    assert len(statements) <= most, statements


def test_a_part_that_has_not_changed_is_not_sent_again(operator: Browser, app: Flask) -> None:
    first = operator.get("/admin/queues/", **LIVE)
    seen = {"X-Part-Seen": first.headers["X-Part"]}
    forget_shared(app)
    assert operator.get("/admin/queues/", **LIVE, **seen).status_code == 204
    a_job("queued")
    forget_shared(app)
    changed = operator.get("/admin/queues/", **LIVE, **seen)
    assert changed.status_code == 200
    assert changed.headers["X-Part"] != first.headers["X-Part"]


@pytest.mark.parametrize("path", ["/admin/", "/admin/queues/"])
def test_a_shared_part_holds_nothing_of_one_person(log_in: LogIn, path: str, app: Flask) -> None:
    forget_shared(app)
    text = log_in("operator").get(path, **LIVE).text
    assert "csrf" not in text
    assert "operator@" not in text


def test_a_shared_part_is_of_ones_own_language_and_role(log_in: LogIn) -> None:
    operator, viewer, persian = log_in("operator"), log_in("viewer"), log_in("admin")
    persian.speak("fa")
    texts = [browser.get("/admin/queues/", **LIVE).text for browser in (operator, viewer, persian)]
    assert ["/pause/" in text for text in texts] == [True, False, True]
    assert ["صف‌ها" in text for text in texts] == [False, False, True]
    persian.speak("en")


def test_what_somebody_changes_is_seen_at_once(operator: Browser) -> None:
    assert "Resume…" not in operator.get("/admin/queues/").text
    operator.post("/admin/queues/default/pause/", {})
    assert "Resume…" in operator.get("/admin/queues/").text


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: a_job("failed", error=HOSTILE), "/admin/queues/default/?state=failed"),
        (lambda: situations.a_minute(ago_s=60, task=HOSTILE, failed=9), "/admin/"),
        (lambda: situations.pause_queue("default", HOSTILE), "/admin/queues/"),
        (lambda: situations.pause_task(HOSTILE, HOSTILE), "/admin/task/"),
        (lambda: ask("UPDATE worker SET host = %s", (HOSTILE,)), "/admin/worker/"),
        (lambda: add("deploy", revision=HOSTILE, note=HOSTILE, marked_by=HOSTILE),
         "/admin/metrics/"),
    ],
)  # fmt: skip
def test_stored_script_is_shown_as_text(
    operator: Browser, make: Callable[[], object], path: str
) -> None:
    situations.a_worker()
    make()
    text = operator.get(path).text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text or "\\u003cscript" in text


SECRET = "hunter22"


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/queues/default/?state=failed", "/admin/queues/default/job/{job}/"]
)
def test_secrets_are_masked(operator: Browser, path: str) -> None:
    situations.a_worker()
    situations.a_minute(ago_s=60, failed=9)
    job = a_job("failed", error=f"LoginError: password={SECRET} was refused")
    ask("UPDATE job SET kwargs = %s WHERE id = %s", (f'{{"password": "{SECRET}"}}', str(job)))
    text = operator.get(path.format(job=job)).text
    assert "LoginError" in text
    assert SECRET not in text
