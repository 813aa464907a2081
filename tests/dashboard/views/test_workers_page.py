"""Workers: what each runs, who is shown and for how long, and what can be asked of one."""

from __future__ import annotations

import pytest

from tests.dashboard import situations
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, ask

WISHES = "SELECT wanted_state, wanted_greenlets FROM worker WHERE id = %s"


def test_a_worker_shows_each_job_and_since_when(operator: Browser) -> None:
    worker, other = situations.a_worker(), situations.a_worker("emails")
    jobs = [a_job("running") for _ in range(2)]
    ask(
        "UPDATE job SET worker_id = %s, progress = 40, progress_text = 'row 4 of 10'",
        (str(worker),),
    )
    text = operator.get("/admin/worker/").text
    card = text[text.index(f'id="worker-{worker}"') :]
    for shown in (*(f"/admin/job/{job}/" for job in jobs), "row 4 of 10", 'value="40"', "2 of 4"):
        assert shown in card
    assert "0 of 4" in text[text.index(f'id="worker-{other}"') :]


@pytest.mark.parametrize(
    ("state", "silent_s", "lease_s", "is_shown"),
    [
        ("running", 0, 60, True), ("quiet", 0, 60, True), ("stopping", 0, 60, True),
        ("running", 90, -60, True),  # about to be given up
        ("lost", 3000, -3000, True), ("lost", 4000, -4000, False),
        ("stopped", 500, -500, True), ("stopped", 700, -700, False),
    ],
)  # fmt: skip
def test_who_has_ended_leaves_after_a_while(
    operator: Browser, state: str, silent_s: float, lease_s: float, is_shown: bool
) -> None:
    worker = situations.a_worker(state=state, silent_s=silent_s, lease_s=lease_s)
    assert (f'id="worker-{worker}"' in operator.get("/admin/worker/").text) is is_shown


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("running", {"quiet", "resize", "stop"}), ("quiet", {"wake", "resize", "stop"}),
        ("stopping", set()), ("stopped", set()), ("lost", set()),
    ],
)  # fmt: skip
def test_a_worker_is_offered_what_it_can_do(
    operator: Browser, state: str, offered: set[str]
) -> None:
    worker = situations.a_worker(state=state)
    text = operator.get("/admin/worker/").text
    found = {verb for verb in ("quiet", "wake", "resize", "stop") if f"/{worker}/{verb}/" in text}
    assert found == offered


@pytest.mark.parametrize(
    ("verb", "state", "wish"),
    [
        ("quiet", "running", ("quiet", None)), ("wake", "quiet", ("running", None)),
        ("stop", "running", ("stopped", None)), ("resize", "running", (None, 9)),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_worker_is_wanted_of_it(
    operator: Browser, verb: str, state: str, wish: tuple[str | None, int | None]
) -> None:
    worker = situations.a_worker(state=state)
    path = f"/admin/worker/{worker}/{verb}/"
    assert operator.get(path).status_code == 200
    assert ask(WISHES, (str(worker),)) == [(None, None)]
    assert operator.post(path, {"greenlets": "9"}).status_code == 303
    assert ask(WISHES, (str(worker),)) == [wish]
    assert "has been asked to change" in operator.get("/admin/worker/").text


def test_a_refusal_is_told_with_its_reason(operator: Browser) -> None:
    worker = situations.a_worker(state="lost")
    operator.post(f"/admin/worker/{worker}/stop/", {})
    assert "cannot be stopped" in operator.get("/admin/worker/").text


@pytest.mark.parametrize("greenlets", ["", "0", "-1", "x", "1001", "1" * 5000])
def test_a_size_that_makes_no_sense_is_refused(operator: Browser, greenlets: str) -> None:
    worker = situations.a_worker()
    answer = operator.post(f"/admin/worker/{worker}/resize/", {"greenlets": greenlets})
    assert answer.status_code == 400
    assert ask(WISHES, (str(worker),)) == [(None, None)]
