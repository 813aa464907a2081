"""A thousand queues: the overview and the monitor stay small, and every queue can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_job, ask

MOST_BYTES = 60_000
LIVE = {"HX-Request": "true"}
CARD = re.compile(r'card" id="queue-([^"]+)"')
GROUPS = ("shop", "mail", "bank", "maps")
NAMES = """
SELECT (%s::text[])[1 + n %% 4] || '.tenant-' || lpad(n::text, 4, '0') FROM generate_series(1, 1000) AS n
"""


@pytest.fixture(autouse=True)
def _a_thousand_queues(app: object) -> Iterator[None]:
    """Queues of four groups, all of them with a job that waits, a tenth of them paused."""
    ask(f"INSERT INTO queue (name) {NAMES} ON CONFLICT DO NOTHING", (list(GROUPS),))
    ask(
        "INSERT INTO job (id, task, queue, state, queued_at) SELECT gen_random_uuid(), 'shop.work', name, "
        "'queued', now() - interval '1 hour' FROM queue WHERE name LIKE '%.tenant-0%'"
    )
    ask(
        "INSERT INTO job_minute (minute, queue, task, worker_id, completed, failed) "
        "SELECT date_trunc('minute', now()) - make_interval(mins => ago), name, 'shop.work', "
        "gen_random_uuid(), 5, 1 FROM queue, generate_series(1, 5) AS ago"
    )
    ask(
        "UPDATE queue SET paused_at = now(), paused_by = 'ann@example.com', pause_reason = 'x' "
        "WHERE name LIKE '%0.tenant%' OR name LIKE '%5'"
    )
    yield
    ask("DELETE FROM job")
    ask("DELETE FROM job_minute")
    ask("DELETE FROM queue WHERE name LIKE '%.tenant-%'")


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/queues/", "/admin/queues/?only=busy&group=shop"]
)
@pytest.mark.parametrize("headers", [{}, LIVE], ids=["page", "refresh"])
@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_the_pages_that_refresh_themselves_stay_small(
    operator: Browser, language: str, path: str, headers: dict[str, str]
) -> None:
    operator.speak(language)
    page = operator.get(path, **headers)
    assert page.status_code == 200
    assert len(page.data) <= MOST_BYTES


@pytest.mark.parametrize(
    "path",
    ["/admin/job/", "/admin/deadletterqueue/", "/admin/execution/", "/admin/schedule/form/",
     "/admin/definition/form/", "/admin/rule/form/?kind=queue_latency", "/jobs/create/?task=tasks.demo.echo"],
)  # fmt: skip
def test_no_form_lists_a_thousand_queues(log_in: LogIn, path: str) -> None:
    page = log_in("admin").get(path)
    assert page.status_code == 200
    assert page.text.count(".tenant-") < 100


def test_all_queues_are_on_some_page(operator: Browser) -> None:
    seen: set[str] = set()
    for number in range(1, 200):
        text = operator.get(f"/admin/queues/?page={number}").text
        seen |= set(CARD.findall(text))
        if 'rel="next"' not in text:
            break
    assert len(seen) >= 1000


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("q=tenant-0042", {"bank.tenant-0042"}),
        ("q=TENANT-0042", {"bank.tenant-0042"}),
        ("q=tenant-004&group=shop", {"shop.tenant-0040", "shop.tenant-0044", "shop.tenant-0048"}),
        ("q=nothing-of-the-kind", set()),
        ("q=tenant-1000&only=busy", set()),
    ],
)
def test_a_queue_is_found(operator: Browser, asked: str, wanted: set[str]) -> None:
    assert set(CARD.findall(operator.get(f"/admin/queues/?{asked}").text)) == wanted


def test_groups_are_offered_with_their_sizes(operator: Browser) -> None:
    text = operator.get("/admin/queues/").text
    for group in GROUPS:
        assert f"group={group}" in text


@pytest.mark.parametrize(
    "asked", ["page=0", "page=-1", "page=1e9", "page=99999", "q=%00", "group=%0a"]
)
def test_nonsense_shows_a_page(operator: Browser, asked: str) -> None:
    assert operator.get(f"/admin/queues/?{asked}").status_code == 200


def test_a_typed_name_filters_the_jobs(operator: Browser) -> None:
    mine = a_job("queued", queue="bank.tenant-0042")
    text = operator.get("/admin/job/?queue=bank.tenant-0042").text
    assert str(mine) in text
    assert 'id="filter-queue" name="queue"' in text
