"""`flask deploys mark | list`."""

from __future__ import annotations

import json

import pytest

from dashboard.actions.audit_labels import VERBS
from dashboard.present.audit_labels import KINDS
from tests.cli.conftest import Flask_
from tests.dashboard.rows import ask


@pytest.fixture(autouse=True)
def _without_rows() -> None:
    ask("DELETE FROM deploy")


def test_a_deploy_is_marked_and_listed_newest_first(flask: Flask_) -> None:
    assert "v1.0" in flask("deploys", "mark", "v1.0").out
    assert flask("deploys", "mark", "v1.1", "--note", "a hotfix", "--json").code == 0

    listed = json.loads(flask("deploys", "list", "--json").out)

    assert [(mark["revision"], mark["note"]) for mark in listed] == [
        ("v1.1", "a hotfix"),
        ("v1.0", None),
    ]
    assert listed[0]["marked_by"].startswith("cli:")
    assert "a hotfix" in flask("deploys", "list").out


def test_without_deploys_the_list_is_empty(flask: Flask_) -> None:
    assert json.loads(flask("deploys", "list", "--json").out) == []


@pytest.mark.parametrize("revision", ["", "   ", "\t"])
def test_a_deploy_needs_a_revision(flask: Flask_, revision: str) -> None:
    answer = flask("deploys", "mark", revision)
    assert answer.code == 2
    assert "needs a revision" in answer.err
    assert ask("SELECT id FROM deploy") == []


def test_a_secret_in_a_note_is_hidden(flask: Flask_) -> None:
    flask("deploys", "mark", "v1", "--note", "the password=hunter2 is new")
    for more in ((), ("--json",)):
        told = flask("deploys", "list", *more).out
        assert "the password=" in told
        assert "hunter2" not in told


def test_a_deploy_is_written_down(flask: Flask_) -> None:
    flask("deploys", "mark", "v1.2", "--note", "a hotfix")
    ((event,),) = ask(
        "SELECT row_to_json(audit_event) FROM audit_event WHERE verb = 'deploy' ORDER BY id DESC LIMIT 1"
    )
    assert (event["kind"], event["targets"], event["reason"]) == ("deploy", ["v1.2"], "a hotfix")
    assert event["actor"].startswith("cli:")
    assert {"deploy"} <= VERBS.keys() & KINDS.keys()


def test_a_long_note_is_cut(flask: Flask_) -> None:
    assert flask("deploys", "mark", "v1" + "x" * 400, "--note", "y" * 4000).code == 0
    ((revision, note),) = ask("SELECT revision, note FROM deploy")
    assert len(revision) < 150
    assert len(note) < 600
