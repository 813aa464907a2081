"""Whoever may look at lists learns nothing of a secret by asking for it: not with any filter of any list."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask

from mahaam import enqueue, task
from mahaam.consumer.maintenance.mask_walker import MaskWalker
from mahaam.huey_adapter.tasks.task import DurableTask
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.redaction import old_rows
from mahaam.redaction.redact import hidden_names
from tests.dashboard import walk
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_job, a_letter, an_error_group, ask
from tests.waiting import wait_until

SECRET, OTHER = "Zq8Ypw41", "Wk3Bnc62"
PIN, ANOTHER_PIN = 83019, 72046
MESSAGE = f"shop.Refused: no answer, password={SECRET} of ann"
# What a person would type, as his knowledge grows.
GROWING = ("{}", "password={}", "rd={}")
WHOLE = (
    '["{}"]', '[["{}"]]', '{{"password": "{}"}}', '{{"command": ["{}"]}}', '{{"$dict": [["{}"]]}}',
    "note=password={}", 'command=["{}"]', 'token="{}"', "token:{}",
)  # fmt: skip
OF_PIN = ("[{}]", "pin={}", "{}", '["ann", {}]', "opts.pin={}")
# With the secret, and with one that stands nowhere.
OF_TEXTS = [
    *(
        (form.format(SECRET[:size]), form.format(OTHER[:size]))
        for size in (3, 8)
        for form in GROWING
    ),
    (f"token={SECRET}", f"token={OTHER}"),
    (str(PIN), str(ANOTHER_PIN)),
]
OF_JSON = [
    *((form.format(SECRET), form.format(OTHER)) for form in WHOLE),
    *((form.format(PIN), form.format(ANOTHER_PIN)) for form in OF_PIN),
]
NO_FILTER, NO_VALUE = "This list has no filter", "is not a value for the filter"
# What differs from one answer to the next, whatever is asked.
CHANGING = re.compile(
    r'nonce-[\w-]+|(?:nonce|datetime|title)="[^"]*"|\d+ (?:seconds?|minutes?) ago|just now'
    r'|[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}|name="(?:csrf_token|form_id|once|token)" value="[^"]*"'
)


def _pay(user: str, pin: int, *, note: str = "", command: object = None, token: str = "") -> None:
    """Nothing."""


@pytest.fixture
def pay() -> Iterator[DurableTask]:
    made = task()(_pay)
    yield made
    made.unregister()


def hide_in_old_rows() -> None:
    """Be the consumer that goes through the rows of earlier releases."""
    ask("UPDATE mask_walk SET part = 'failure', below = NULL, ended_at = NULL, began_at = 'epoch'")
    while (step := _step()) is not None:
        if step.is_over:
            return


def _step() -> old_rows.MaskBatch | None:
    with database.transaction() as cursor:
        return old_rows.step(cursor, limit=2)


@pytest.fixture
def planted(pay: DurableTask) -> None:
    """The secret in every place that can be searched: by way of the product, and in old rows."""
    named = {"note": f"password={SECRET}", "command": ["--password", SECRET], "token": SECRET}
    enqueue(pay, ["ann", PIN], named, tags=[f"token={SECRET}"])
    old = a_job(State.FAILED, error=MESSAGE, task=pay.path)
    call = (
        json.dumps(["ann", PIN]),
        json.dumps({"command": ["--password", SECRET], "token": SECRET}),
    )
    ask("UPDATE job SET args = %s, kwargs = %s, tags = %s WHERE id = %s",
        (*call, [f"token={SECRET}"], str(old)))  # fmt: skip
    letter = a_letter(old)
    ask("UPDATE dead_letter SET error_message = %s, first_error_message = %s", (MESSAGE, MESSAGE))
    an_error_group(letter)
    ask("INSERT INTO job_log VALUES (%s, 1, 1, now(), 30, 'x', %s)", (str(old), MESSAGE))
    hide_in_old_rows()


def filters(app: Flask) -> list[tuple[str, str]]:
    """Each list with each filter that it may have: a new one is in by itself."""
    found = []
    for rule in walk.pages(app):
        source = inspect.getsource(
            inspect.getmodule(inspect.unwrap(app.view_functions[rule.endpoint]))
        )
        if "QueryString(" in source and not rule.arguments - {"form"}:
            path = walk.address(rule, walk.PARTS)
            found += [
                (path, name) for name in sorted(walk.parameter_names(rule, app) - {*walk.USUAL})
            ]
    return found


def guesses(browser: Browser, path: str, name: str) -> list[tuple[str, str]]:
    """What to ask for with a filter of a list, by what it takes; nothing for a choice, a time, a number."""
    if NO_FILTER not in browser.get(f"{path}?no_filter=x").text:
        return []  # it has no filters at all
    takes = [
        not re.search(
            f"{NO_FILTER}|{NO_VALUE}", browser.get(f"{path}?{urlencode({name: text})}").text
        )
        for text in ("xxxx", "[1]")
    ]
    return {(True, True): OF_TEXTS, (False, True): OF_JSON}.get((takes[0], takes[1]), [])


def answer(browser: Browser, path: str, name: str, guess: str, *, post: bool = False) -> str:
    """What the page says, without the guess itself and what is new each time."""
    address = f"{path}?{urlencode({name: guess})}"
    if post:
        form = {"action": "retry", "scope": "all", "url": "/admin/job/"}
        page = browser.post(address, form)
    else:
        page = browser.get(address)
    text = f"{page.status_code} {page.headers.get('Location', '')} {page.text}"
    for asked in (SECRET, OTHER, SECRET[:3], OTHER[:3], str(PIN), str(ANOTHER_PIN)):
        text = text.replace(asked, "GUESS") if asked in guess else text
    return CHANGING.sub("", text)


def test_no_filter_of_any_list_tells_a_right_guess_from_a_wrong_one(
    app: Flask, log_in: LogIn, planted: None
) -> None:
    viewer = log_in("viewer")
    asked, told = 0, []
    for path, name in filters(app):
        for right, wrong in guesses(viewer, path, name):
            asked += 1
            # A minute may begin between the two.
            if all(
                answer(viewer, path, name, right) != answer(viewer, path, name, wrong)
                for _ in range(3)
            ):
                told.append((path, name, right))
    assert not told
    assert asked > 100


@pytest.mark.parametrize("name", ["error", "argument", "tag"])
@pytest.mark.parametrize("path", ["/admin/job/action/", "/admin/deadletterqueue/action/"])
def test_no_preview_tells_a_right_guess_from_a_wrong_one(
    log_in: LogIn, planted: None, path: str, name: str
) -> None:
    operator = log_in("operator")
    for right, wrong in OF_JSON if name == "argument" else OF_TEXTS:
        assert answer(operator, path, name, right, post=True) == answer(
            operator, path, name, wrong, post=True
        )


def test_what_is_not_secret_is_found_beside_it(log_in: LogIn, planted: None) -> None:
    operator = log_in("operator")
    for asked in (
        {"argument": '["ann"]'},
        {"error": "no answer"},
        {"argument": 'command=["--password"]'},
    ):
        assert 'name="rowid"' in operator.get(f"/admin/job/?{urlencode(asked)}").text


def test_the_worker_gets_what_was_passed(pay: DurableTask) -> None:
    id_ = str(enqueue(pay, ["ann", PIN]).id)
    row = ask("SELECT args, shown FROM job WHERE id = %s", (id_,))[0]
    assert row == (["ann", PIN], {"args": ["ann", "••••••"], "kwargs": {}})


def test_jobs_without_secrets_are_shown_as_they_are(pay: DurableTask) -> None:
    id_ = str(enqueue("tasks.demo.echo", ["ann"]).id)
    assert ask("SELECT shown FROM job WHERE id = %s", (id_,)) == [(None,)]


def test_old_rows_are_not_searched_before_they_are_looked_through(log_in: LogIn) -> None:
    a_job(State.FAILED, error=MESSAGE)
    ask("UPDATE mask_walk SET part = 'job', below = NULL, ended_at = NULL, began_at = now()")
    operator = log_in("operator")
    page = operator.get("/admin/job/?error=no+answer").text
    assert 'name="rowid"' not in page
    assert "Older jobs are still being looked through for secrets." in page
    assert 'name="rowid"' in operator.get("/admin/job/?state=failed").text
    hide_in_old_rows()
    page = operator.get("/admin/job/?error=no+answer").text
    assert 'name="rowid"' in page
    assert "Older jobs" not in page
    assert ask("SELECT error FROM job") == [(MESSAGE.replace(SECRET, "••••••"),)]


def test_a_walk_that_is_stopped_goes_on_where_it_was() -> None:
    for _ in range(5):
        a_job(State.FAILED, error=MESSAGE)
    ask(
        "UPDATE mask_walk SET part = 'job', below = NULL, ended_at = NULL, began_at = 'epoch', count = 0"
    )
    assert _step() == (2, False)
    assert ask("SELECT count(*) FROM job WHERE error LIKE %s", (f"%{SECRET}%",)) == [(3,)]
    assert [_step(), _step(), _step()] == [(4, False), (5, True), None]
    assert ask("SELECT count(*) FROM job WHERE error LIKE %s", (f"%{SECRET}%",)) == [(0,)]


def test_a_consumer_takes_the_steps_in_its_upkeep() -> None:
    a_job(State.FAILED, error=MESSAGE)
    ask("UPDATE mask_walk SET part = 'failure', below = NULL, ended_at = NULL, began_at = 'epoch'")
    walker, link = MaskWalker(), ReconnectingConnection("mahaam test", timeout_s=10)
    try:
        wait_until(
            lambda: walker.walk(link) or ask("SELECT ended_at IS NOT NULL FROM mask_walk")[0][0]
        )
    finally:
        link.close()
    assert ask("SELECT error FROM job") == [(MESSAGE.replace(SECRET, "••••••"),)]


def test_a_new_name_begins_a_walk_and_a_known_one_none() -> None:
    begin = old_rows.begin
    with database.transaction() as cursor:
        assert begin(cursor, ["shelf_mark", *hidden_names()])
        assert not begin(cursor, ["shelf_mark"])
        cursor.execute("UPDATE mask_walk SET names = '{}', ended_at = now()")
