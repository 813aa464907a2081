"""`flask workers`: a part of an id is enough, and what cannot be done is told."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import add, ask
from tests.factory import Sql


@pytest.fixture(autouse=True)
def _without_rows() -> Iterator[None]:
    yield
    ask("DELETE FROM worker WHERE host = 'h'")


def a_worker(id_: str, state: str = "running") -> str:
    ended_at = Sql("now() - interval '185 s'") if state == "stopped" else None
    add("worker", id=id_, host="h", state=state, stopped_at=ended_at)
    return id_


def requests(id_: str) -> tuple[str | None, int | None]:
    return tuple(ask("SELECT wanted_state, wanted_greenlets FROM worker WHERE id = %s", (id_,))[0])


def test_live_workers_are_listed(flask: Flask_) -> None:
    live, ended = a_worker(str(uuid.uuid4()), "quiet"), a_worker(str(uuid.uuid4()), "stopped")

    listed = json.loads(flask("workers", "list", "--json").out)
    everything = flask("workers", "list", "--all").out

    (row,) = [row for row in listed if row["host"] == "h"]
    assert (row["id"], row["state"], row["greenlets"], row["wanted_state"]) == (
        live,
        "quiet",
        4,
        None,
    )
    assert live in everything
    assert ended in everything
    assert "quiet" in everything


def test_each_command_writes_its_wish(flask: Flask_) -> None:
    id_ = a_worker("0aaa0000-0000-4000-8000-00000000beef")
    quiet = a_worker("0bbb0000-0000-4000-8000-00000000cafe", "quiet")

    told = flask("workers", "resize", "0AAA", "7")
    assert (told.code, told.out) == (0, "1 worker was told; it does so within two seconds.\n")
    assert requests(id_) == (None, 7)
    assert flask("workers", "wake", "cafe").code == 0
    assert requests(quiet) == ("running", None)
    assert json.loads(flask("workers", "quiet", "beef", "--json").out) == {
        "done": [id_],
        "refused": {},
    }
    assert flask("workers", "stop", "0bbb", "0aaa").out.startswith("2 workers were told")
    assert (requests(id_)[0], requests(quiet)[0]) == ("stopped", "stopped")


def test_what_cannot_be_meant_or_done_is_told(flask: Flask_) -> None:
    ended = a_worker("0ccc0000-0000-4000-8000-00000000beef", "stopped")
    a_worker("0ccc0000-0000-4000-8000-00000000dead")

    for words, code, sentence in (
        (["quiet", "0ccc"], 2, "More than one worker's id begins or ends with 0ccc."),
        (["quiet", "0ddd"], 1, "No worker 0ddd exists."),
        (["quiet", "_%__"], 2, "'_%__' is no part of a worker's id of 4 or more characters."),
        (["resize", "dead", "0"], 2, "greenlets must be a number from 1 to 1000; it is 0."),
        (["resize", "beef", "2"], 1, f"Worker {ended} cannot be resized: it stopped 3 min ago."),
    ):
        answer = flask("workers", *words)
        assert (answer.code, answer.out, answer.err) == (code, "", f"{sentence}\n")
