"""Files of jobs: everything that matches, nothing else, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, ask

FIELDS = "UPDATE job SET args = %s, kwargs = %s, tags = %s, error = %s WHERE id = %s"


def rows_of(browser: Browser, address: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    answer = browser.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="jobs-')
    assert answer.text.startswith("\ufeff")  # by which spreadsheets know UTF-8
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_a_file_holds_every_job_that_matches_newest_first(operator: Browser) -> None:
    wanted = [str(a_job("failed")) for _ in range(1203)][::-1]
    a_job("queued")
    rows = rows_of(operator, "/admin/job/export.csv?state=failed")
    assert [row["id"] for row in rows] == wanted
    found = json.loads(operator.get("/admin/job/export.json?state=failed").text)
    assert [row["id"] for row in found] == wanted


def test_a_file_keeps_what_json_can_say(operator: Browser) -> None:
    job_id = str(a_job("failed", error="ValueError: no\nsecond line"))
    ask(FIELDS, ('["a", 1.5]', '{"big": 12345678901234567890}', ["x", "y"], "E: سلام", job_id))
    (row,) = json.loads(operator.get("/admin/job/export.json").text)
    assert row["id"] == job_id
    assert row["kwargs"] == {"big": 12345678901234567890}
    assert row["args"] == ["a", 1.5]
    assert row["tags"] == ["x", "y"]
    assert row["error"] == "E: سلام"
    assert row["created_at"].startswith("20")
    (line,) = rows_of(operator, "/admin/job/export.csv")
    assert json.loads(line["kwargs"]) == row["kwargs"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_never_a_formula(operator: Browser, start: str) -> None:
    hostile = f'{start}HYPERLINK("http://evil.example")'
    a_job("failed", error=hostile, task=hostile.strip() or "x")
    (row,) = rows_of(operator, "/admin/job/export.csv")
    assert row["error"] == f"'{hostile}"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_a_file_without_jobs_is_a_file(operator: Browser) -> None:
    assert rows_of(operator, "/admin/job/export.csv?state=failed") == []
    assert operator.get("/admin/job/export.json").json == []


def test_a_file_obeys_every_filter_and_holds_what_bounded_steps_find(operator: Browser) -> None:
    tagged, other = a_job("failed"), a_job("failed")
    ask(FIELDS, ("[]", '{"user_id": 42}', ["vip"], "TimeoutError: slow", str(tagged)))
    for asked in ("tag=vip", "argument=user_id=42", "error=timeout", "state=failed&tag=vip"):
        (row,) = rows_of(operator, f"/admin/job/export.csv?{asked}")
        assert row["id"] == str(tagged) != str(other)


@pytest.mark.parametrize("form", ["xls", "CSV", "csv/"])
def test_there_are_two_kinds_of_files(operator: Browser, form: str) -> None:
    assert operator.get(f"/admin/job/export.{form}").status_code == 404


def test_nobody_exports_without_logging_in(browser: Browser) -> None:
    assert browser.get("/admin/job/export.csv").status_code == 302
