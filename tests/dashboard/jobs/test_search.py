"""Searching jobs: both sides of each filter, faults, and that bounded steps find all there is."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, event

from mahaam.core.ids import new_id
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.postgres.ask import by_cursor
from mahaam.search import search
from mahaam.search.argument_text import wanted_json
from mahaam.search.job_filter import JobFilter, first_id_of, moment_of
from mahaam.search.job_ids import ids_below
from mahaam.search.job_stream import StreamWindow
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, ask

ROW = re.compile(r'name="rowid" value="([^"]+)"')
FIELDS = "UPDATE job SET args = %s, kwargs = %s, tags = %s, error = %s WHERE id = %s"


def a_job_with(
    *,
    args: Any = (),
    kwargs: Any = None,
    tags: list[str] | None = None,
    error: str | None = None,
    state: str = State.FAILED,
    **fields: Any,
) -> str:
    """The id of a job with this content."""
    job_id = str(a_job(state, **fields))
    content = (json.dumps(list(args)), json.dumps(kwargs or {}), tags, error, job_id)
    ask(FIELDS, content)
    return job_id


def listed(browser: Browser, **asked: str) -> list[str]:
    """The ids on the page of this filter."""
    page = browser.get(f"/admin/job/?{urlencode(asked)}")
    assert page.status_code == 200, page.text
    return ROW.findall(page.text)


@pytest.mark.parametrize(
    ("asked", "is_shown"),
    [
        ({"tag": "nightly"}, (True, False)),
        ({"tag": "night"}, (False, False)),
        ({"tag": 'it\'s "odd" {,}'}, (False, True)),
        ({"error": "timeout"}, (True, False)),
        ({"error": "did NOT answer"}, (True, False)),
        ({"error": "50% of_all"}, (False, True)),
        ({"error": "50% ofXall"}, (False, False)),
        ({"error": "مهلت"}, (False, True)),
        ({"argument": "user_id=42"}, (True, False)),
        ({"argument": 'user_id="42"'}, (False, True)),
        ({"argument": "opts.batch=7"}, (True, False)),
        ({"argument": "opts.batch = 8"}, (False, True)),
        ({"argument": "name=x"}, (True, False)),
        ({"argument": '{"name": "x", "user_id": 42}'}, (True, False)),
        ({"argument": "big=12345678901234567890"}, (False, True)),
        ({"argument": "big=12345678901234567891"}, (False, False)),
        ({"argument": '{"opts": {"batch": 7, "dry": true}, "name": "x"}'}, (True, False)),
        ({"argument": '{"opts": {"batch": 7, "dry": false}}'}, (False, False)),
        ({"argument": '{"opts": {}, "user_id": "42"}'}, (False, True)),
        ({"argument": "[1]"}, (True, False)),
        ({"argument": '["1"]'}, (False, True)),
        ({"argument": "none=null"}, (False, True)),
        ({"argument": "user_id=42", "state": "failed"}, (True, False)),
        ({"argument": "user_id=42", "state": "completed"}, (False, False)),
        ({"argument": "user_id=42", "queue": "emails"}, (False, False)),
        ({"tag": "nightly", "task": "tasks.demo.echo", "error": "timeout"}, (True, False)),
        ({"tag": "nightly", "error": "of_all"}, (False, False)),
    ],
)
def test_a_filter_of_content_keeps_the_one_and_drops_the_other(
    operator: Browser, asked: dict[str, str], is_shown: tuple[bool, bool]
) -> None:
    pair = (
        a_job_with(
            args=[1],
            kwargs={"user_id": 42, "opts": {"batch": 7, "dry": True}, "name": "x"},
            tags=["nightly", "eu"],
            error="TimeoutError: it did not answer",
        ),
        a_job_with(
            args=["1"],
            kwargs={
                "user_id": "42",
                "opts": {"batch": 8},
                "big": 12345678901234567890,
                "none": None,
            },
            tags=['it\'s "odd" {,}'],
            error="ValueError: 50% of_all مهلت",
        ),
    )
    rows = listed(operator, **asked)
    assert tuple(id_ in rows for id_ in pair) == is_shown


def test_a_time_is_a_range_of_ids_with_its_beginning_and_without_its_end(operator: Browser) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    before, at, after = (
        a_job_with(id=str(first_id_of(noon + timedelta(milliseconds=shift))))
        for shift in (-1, 0, 1)
    )
    text = "2026-03-01T12:00"
    assert listed(operator, created_from=text) == [after, at]
    assert listed(operator, created_to=text) == [before]
    assert listed(operator, created_from=text, created_to="2026-03-01T15:00:00.001+03:00") == [at]
    assert listed(operator, created_from=text, created_to=text) == []


def test_an_id_tells_when_its_job_was_created() -> None:
    moment = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    assert moment_of(first_id_of(moment)) == moment


@pytest.mark.parametrize(
    "asked",
    [
        "error=ab",
        "error=%20%20a%20%20",
        "error=%00abc",
        "argument=user_id",
        "argument==1",
        "argument=a..b=1",
        "argument={}",
        "argument=[]",
        "argument={broken",
        "argument=a=%00",
        'argument={"a":"\\u0000"}',
        'argument={"a":"\\ud800"}',
        'argument={"a":NaN}',
        'argument={"a":1e999}',
        "argument=" + "[" * 900,
        "argument=a=" + "1" * 5000,
        "created_from=yesterday",
        "created_from=0001-01-01T00:00",
        "created_to=9999-12-31T23:59:59-12:00",
        "created_to=%D9%A1",
        "tag=%0A",
        "tag=" + "x" * 300,
    ],
)
def test_a_filter_that_means_nothing_is_a_fault_on_the_page_and_never_ignored(
    operator: Browser, asked: str
) -> None:
    a_job_with()
    for path in ("/admin/job/", "/admin/job/export.csv"):
        page = operator.get(f"{path}?{asked}")
        assert page.status_code == 400
        assert 'role="alert"' in page.text
        assert 'name="rowid"' not in page.text
    assert operator.get(f"/admin/job/count/?{asked}").status_code == 400


@pytest.mark.parametrize(
    "asked", ["password=hunter2", "opts.password=hunter2", '{"opts": [{"apiKey": "hunter2"}]}']
)
def test_a_secret_cannot_be_guessed_by_searching(operator: Browser, asked: str) -> None:
    kwargs = {"password": "hunter2", "opts": {"password": "hunter2"}}
    a_job_with(kwargs=kwargs)
    for path in ("/admin/job/", "/admin/job/export.csv"):
        page = operator.get(f"{path}?{urlencode({'argument': asked})}")
        assert page.status_code == 400
        assert "Secrets cannot be searched" in page.text
        assert 'name="rowid"' not in page.text
    assert operator.get(f"/admin/job/count/?{urlencode({'argument': asked})}").status_code == 400
    form = {"action": "cancel", "scope": "all"}
    bulk = operator.post(f"/admin/job/action/?{urlencode({'argument': asked})}", form)
    assert bulk.status_code == 400
    assert "Secrets cannot be searched" in bulk.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", {"a": 1}),
        (" a . b = [1, 2] ", {"a": {"b": [1, 2]}}),
        ("a=true", {"a": True}),
        ("a=True", {"a": "True"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        ("a=null", {"a": None}),
        ("a=-1.5", {"a": -1.5}),
        ('a="1"', {"a": "1"}),
        ("[0]", [0]),
    ],
)
def test_an_argument_is_read_as_json_and_else_as_text(text: str, expected: object) -> None:
    assert json.loads(wanted_json(text) or "") == expected


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (
        ("SCAN", 7),
        ("LONG_SCAN", 20),
        ("WORTH_SCANNING", 2),
        ("COMMON", 3),
        ("FEW", 4),
    ):
        monkeypatch.setattr(search, name, size)


def some_jobs(count: int, dice: random.Random) -> None:
    """Jobs of every state, some queues and tasks, with contents from rare to common."""
    for _ in range(count):
        a_job_with(
            id=new_id(),
            state=dice.choice(list(State)),
            queue=dice.choice(("default", "emails")),
            task=dice.choice(("tasks.demo.echo", "tasks.demo.fail", "gone.task")),
            kwargs={"common": 1, "user": dice.randrange(40), "half": dice.randrange(2)},
            args=[dice.randrange(5)],
            tags=dice.choice(
                (None, ["a"], ["a", "b"], ["rare"] if dice.random() < 0.05 else ["c"])
            ),
            error=dice.choice((None, "TimeoutError: slow", f"KeyError: {dice.randrange(30)}")),
        )


FILTERS = [
    {},
    *({"state": state.value} for state in State),
    {"queue": "emails"},
    {"task": "gone.task", "queue": "default"},
    {"state": "failed", "task": "tasks.demo.fail"},
    {"state": "expired", "queue": "reports"},
    {"argument": '{"common": 1}'},
    {"argument": '{"user": 7}'},
    {"argument": '{"user": 7}', "state": "running"},
    {"argument": '{"half": 1}', "queue": "emails", "task": "tasks.demo.echo"},
    {"argument": "[3]"},
    {"argument": '{"user": 7, "half": 0}'},
    {"argument": '{"user": 99}'},
    {"tag": "a"},
    {"tag": "rare"},
    {"tag": "b", "error": "timeout"},
    {"error": "KeyError: 1"},
    {"error": "nothing of the kind"},
    {"error": "Error", "argument": '{"half": 0}', "tag": "c", "state": "failed"},
]
BRUTE = """
SELECT id::text FROM job
WHERE (%(state)s IS NULL OR state = %(state)s) AND (%(queue)s IS NULL OR queue = %(queue)s)
  AND (%(task)s IS NULL OR task = %(task)s) AND (%(tag)s IS NULL OR %(tag)s = ANY(tags))
  AND (%(error)s IS NULL OR strpos(lower(error), lower(%(error)s)) > 0)
  AND (%(argument)s IS NULL OR args @> %(argument)s::jsonb OR kwargs @> %(argument)s::jsonb)
ORDER BY id DESC
"""


@pytest.mark.usefixtures("_small_steps")
def test_small_steps_find_exactly_what_one_look_at_every_row_finds() -> None:
    some_jobs(400, random.Random(5))
    ask("ANALYZE job")
    nothing = dict.fromkeys(("state", "queue", "task", "tag", "error", "argument"))
    for given in FILTERS:
        wanted = JobFilter.from_dict(given)
        expected = [row[0] for row in ask(BRUTE, nothing | given)]
        for limit in (3, 50):
            assert downwards(wanted, limit) == expected, given
            assert upwards(wanted, limit) == expected[::-1], given


def downwards(wanted: JobFilter, limit: int) -> list[str]:
    """All ids, slice by slice, newest first."""
    ids: list[str] = []
    below = None
    while True:
        with database.transaction() as cursor:
            found, below = ids_below(cursor, wanted, below=below, limit=limit)
        ids += found
        if below is None:
            return ids


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("asked", [{"tag": "a"}, {"error": "timeout"}, {"state": "failed"}])
def test_whoever_has_a_link_of_his_own_finds_the_same(asked: dict[str, str]) -> None:
    for number in range(40):
        a_job_with(tags=["a"] if number % 9 == 0 else ["b"], error="TimeoutError: slow")
    ask("ANALYZE job")
    wanted, ids, below = JobFilter.from_dict(asked), [], None
    with closing(database.open_link("test")) as link, link.cursor() as cursor:
        while not ids or below is not None:
            found, below = ids_below(cursor, wanted, below=below, limit=2)
            ids += found
        cursor.execute("SHOW enable_indexscan")
        assert cursor.fetchone() == ("on",)
    assert ids == downwards(wanted, 50)


def upwards(wanted: JobFilter, limit: int) -> list[str]:
    """All ids, oldest first."""
    ids: list[str] = []
    window = StreamWindow(size=limit, upwards=True)
    while True:
        with database.transaction() as cursor:
            found = search.search(by_cursor(cursor), wanted, window)
        ids += [str(id_) for id_ in found.ids]
        reached = found.ids[-1] if len(found.ids) == limit else found.reached
        if reached is None:
            return ids
        window = window.behind(reached)


@pytest.mark.usefixtures("_small_steps")
def test_a_search_that_ends_early_says_how_far_it_has_come_and_goes_on(operator: Browser) -> None:
    old = [a_job_with(tags=["old"]) for _ in range(30)]
    for _ in range(100):
        a_job_with(tags=["new"])
    ask("ANALYZE job")
    page = operator.get("/admin/job/?tag=old").text
    found: list[str] = ROW.findall(page)
    assert "Searched back to" in page
    assert "No job matches" not in page
    while further := re.search(
        r'href="([^"]+)">[^<]*<svg[^>]*><use[^>]*></use></svg>Search further', page
    ):
        page = operator.get(further[1].replace("&amp;", "&")).text
        found += ROW.findall(page)
    assert sorted(set(found)) == sorted(old)


def test_a_filter_survives_its_way_through_json() -> None:
    wanted = JobFilter(
        state="failed",
        created_from=datetime(2026, 1, 1, tzinfo=UTC),
        argument='{"a": 1}',
        error="x y",
    )
    assert JobFilter.from_dict(json.loads(json.dumps(wanted.to_dict()))) == wanted
    assert JobFilter().to_dict() == {}
    with pytest.raises(TypeError):
        JobFilter.from_dict({"colour": "red"})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", "3"),
        ("state=failed", "2"),
        ("tag=a", "1"),
        ("queue=reports", "0"),
        ("argument=x=1", "0"),
    ],
)
def test_what_matches_is_counted_by_a_second_request(
    operator: Browser, asked: str, expected: str
) -> None:
    a_job_with(tags=["a"])
    a_job_with()
    a_job_with(state=State.RUNNING)
    assert (
        operator.get(f"/admin/job/count/?{asked}").text.strip()
        == f'<bdi dir="ltr">{expected}</bdi>'
    )
    assert f'hx-get="/admin/job/count/{"?" + asked if "=" in asked[:6] else ""}' in (
        operator.get(f"/admin/job/?{asked}").text
    )


@pytest.mark.parametrize(
    "asked", ["", "state=failed", "queue=default&task=tasks.demo.echo", "tag=a"]
)
def test_a_list_asks_few_questions_however_many_rows_there_are(
    operator: Browser, asked: str
) -> None:
    for count in (0, 1, 60):
        for _ in range(count):
            a_job_with(tags=["a"])
        with questions() as seen:
            assert operator.get(f"/admin/job/?{asked}").status_code == 200
        assert len(seen) <= 14, seen


@contextmanager
def questions() -> Iterator[list[str]]:
    """Every statement that is sent to PostgreSQL meanwhile, by any thread."""
    seen: list[str] = []

    def note(_link: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
