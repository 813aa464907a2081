"""`flask users`: the first administrator, new accounts, changed passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from dashboard.auth.accounts import create_first_admin
from tests.dashboard.browser import PASSWORD, Browser
from tests.dashboard.conftest import forget_logins
from tests.dashboard.rows import ask


@pytest.fixture
def command(app: Flask) -> FlaskCliRunner:
    """Runs `flask …`."""
    return app.test_cli_runner()


@pytest.fixture
def _no_people(app: Flask) -> object:
    """A database without accounts, for one test."""
    kept = ask('DELETE FROM "user" RETURNING email, password, role_name, fs_uniquifier')
    yield
    ask('DELETE FROM "user"')
    for row in kept:
        ask(
            'INSERT INTO "user" (email, password, role_name, fs_uniquifier) VALUES (%s, %s, %s, %s)',
            row,
        )
    forget_logins()  # they went with the accounts


@pytest.mark.usefixtures("_no_people")
def test_the_first_admin_gets_a_password_that_is_shown_once(
    app: Flask, command: FlaskCliRunner
) -> None:
    output = command.invoke(args=["users", "first-admin"]).output
    password = output.split("Password, shown only now: ")[1].strip()
    assert Browser(app).log_in("admin@example.com", password).status_code == 303
    again = command.invoke(args=["users", "first-admin"])
    assert (again.exit_code, again.output) == (0, "")


@pytest.mark.usefixtures("_no_people")
def test_the_first_admin_can_be_set_by_the_environment(
    app: Flask, command: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "Root@Example.com")
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    output = command.invoke(args=["users", "first-admin"]).output
    assert PASSWORD not in output
    assert Browser(app).log_in("root@example.com").status_code == 303


@pytest.mark.usefixtures("_no_people")
def test_two_at_once_make_one_admin(app: Flask) -> None:
    def is_made(number: int) -> bool:
        with app.app_context():
            made = create_first_admin(f"first{number}@example.com", password=PASSWORD)
            return made is not None

    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(is_made, range(3)))
    assert sorted(made) == [False, False, True]
    assert ask('SELECT count(*) FROM "user"') == [(1,)]


def test_an_account_is_created_with_its_role(app: Flask, command: FlaskCliRunner) -> None:
    args = ["users", "create", "New@Example.com", "--role", "operator", "--password", PASSWORD]
    assert command.invoke(args=args).exit_code == 0
    assert Browser(app).log_in("new@example.com").status_code == 303
    second = command.invoke(args=args)
    assert (second.exit_code, "has an account already" in second.output) == (1, True)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["create", "not-an-address", "--password", PASSWORD], "is not an e-mail address"),
        (["create", "a@example.com", "--password", "short"], "A password needs 8"),
        (["create", "a@example.com", "--role", "king", "--password", PASSWORD], "king"),
        (["passwd", "nobody@example.com", "--password", PASSWORD], "has no account"),
    ],
)
def test_a_fault_is_one_sentence(command: FlaskCliRunner, args: list[str], sentence: str) -> None:
    result = command.invoke(args=["users", *args])
    assert result.exit_code != 0
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_password_is_changed(app: Flask, command: FlaskCliRunner) -> None:
    command.invoke(args=["users", "create", "mover@example.com", "--password", PASSWORD])
    args = ["users", "passwd", "mover@example.com", "--password", "another password"]
    assert command.invoke(args=args).exit_code == 0
    assert Browser(app).log_in("mover@example.com").status_code == 401
    assert Browser(app).log_in("mover@example.com", "another password").status_code == 303
