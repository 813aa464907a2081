"""Settings: where they come from, and how faults are told."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from launch.configuration_doc import PAGE, page
from mahaam import config
from mahaam.config import ConfigurationFault, Settings, load_settings

PRODUCTION = {
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql://me@host/jobs",
    "REDIS_URL": "redis://host/0",
    "SECRET_KEY": "Jq3vX0nB7mYw-kR9tLzP2sHdGf5aUc8E_TiWoN1r",
}
WEAK_KEYS = (
    " " * 32, "x" * 40, "changeme" * 4, "test" * 8, "0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz012345", "password123password123password123",
    "aaaaaaaabbbbbbbbccccccccdddddddd", "qwertyuiopasdfghjklzxcvbnm123456",
    "please-change-this-secret-key-now!", "your-secret-goes-here-and-is-long-enough",
    "django-insecure-Jq3vX0nB7mYw-kR9tLzP2sHd", "Mahaam production secret 2026 2026",
)  # fmt: skip
WEAK_PASSWORDS = ("password1", "letmein2026", "Passw0rd!", "12345678901234567", "aaaaaaaaaaaa",
                  "root@example.com", "Root@Example.com", "qwertyuiop")  # fmt: skip


@pytest.fixture
def var_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return tmp_path


def settings_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def faults_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationFault) as caught:
        settings_with(monkeypatch, **environment)
    return caught.value.sentences


def test_the_defaults_have_no_fault() -> None:
    assert load_settings().workers == 4


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, WORKERS="").workers == 4


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_a_database_url_becomes_libpqs(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    settings = settings_with(
        monkeypatch, DATABASE_URL=f"{scheme}://me:a%40b@host:5433/jobs?sslmode=require"
    )
    assert settings.database_url == "postgresql://me:a%40b@host:5433/jobs?sslmode=require"


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(monkeypatch, QUEUES="high, default,", TASK_MODULES="shop.jobs")
    assert settings.queues == ("high", "default")
    assert settings.task_modules == ("shop.jobs",)


def test_dot_env_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKERS=7\nPORT=9000\nSOMETHING_ELSE=1\n")
    shutil.copytree(
        config.PROJECT_DIR / "mahaam", tmp_path / "mahaam", ignore=shutil.ignore_patterns("*.pyc")
    )
    shutil.copy(config.PROJECT_DIR / "config.py", tmp_path)
    code = "from config import get_settings as s; print(s().workers, s().port)"
    environment = {"PATH": os.environ["PATH"], "PORT": "9001"}
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    assert shown.split() == [b"7", b"9001"]


def test_all_faults_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = faults_with(
        monkeypatch, PORT="70000", LOG_LEVEL="loud", BEAT_S="15", DATABASE_URL="mysql://me@host"
    )
    assert [fault.split()[0] for fault in faults] == ["DATABASE_URL", "PORT", "LOG_LEVEL", "BEAT_S"]


def test_a_fault_shows_what_was_found_unless_it_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = faults_with(monkeypatch, PORT="70000", ADMIN_PASSWORD="short")
    assert faults == (
        "ADMIN_PASSWORD is wrong: String should have at least 8 characters.",
        "PORT is wrong (found: '70000'): Input should be less than or equal to 65535.",
    )


def test_a_rule_is_not_judged_by_a_value_that_is_wrong_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(faults_with(monkeypatch, BEAT_S="20", LEASE_S="long")) == 1


@pytest.mark.parametrize(
    ("beat_s", "is_fault"), [("14.9", False), ("15", True), ("30", True), ("0", True)]
)
def test_two_beats_fit_into_a_lease(
    monkeypatch: pytest.MonkeyPatch, beat_s: str, is_fault: bool
) -> None:
    if is_fault:
        assert len(faults_with(monkeypatch, BEAT_S=beat_s)) == 1
    else:
        assert settings_with(monkeypatch, BEAT_S=beat_s).beat_s == float(beat_s)


def test_production_with_all_it_needs_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_with(monkeypatch, **PRODUCTION).is_production


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_production_refuses_a_key_that_can_be_guessed(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    (fault,) = faults_with(monkeypatch, **PRODUCTION | {"SECRET_KEY": key})
    assert fault.startswith("SECRET_KEY is easy to guess")
    assert key not in fault


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe])
def test_production_takes_any_random_key(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[int], str]
) -> None:
    for _ in range(20):
        assert settings_with(monkeypatch, **PRODUCTION | {"SECRET_KEY": make(32)})


@pytest.mark.parametrize("password", WEAK_PASSWORDS)
def test_production_refuses_a_first_password_that_can_be_guessed(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    given = {"ADMIN_EMAIL": "root@example.com", "ADMIN_PASSWORD": password}
    (fault,) = faults_with(monkeypatch, **PRODUCTION | given)
    assert fault.startswith("ADMIN_PASSWORD is easy to guess")
    assert password not in fault


def test_elsewhere_the_developer_may_have_what_he_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SECRET_KEY": "changeme" * 4, "ADMIN_PASSWORD": "password"}
    assert settings_with(monkeypatch, **given)


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"])
def test_production_without_one_of_them_does_not(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    faults = faults_with(monkeypatch, **PRODUCTION | {missing: ""})
    assert faults == (f"{missing} must be set when APP_ENV is production.",)


def test_without_servers_the_sentence_says_what_to_do(var_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"start `make run`, or set REDIS_URL"):
        _ = load_settings().redis_url


def test_running_embedded_servers_are_found(var_path: Path) -> None:
    servers = {"launcher_pid": os.getpid(), "database_url": "postgresql:///x", "redis_url": "unix:"}
    (var_path / "servers.json").write_text(json.dumps(servers))
    settings = load_settings()
    assert (settings.database_url, settings.redis_url) == ("postgresql:///x", "unix:")


def test_servers_of_a_launcher_that_is_gone_are_not(var_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    servers = {"launcher_pid": gone.pid, "database_url": "postgresql:///x"}
    (var_path / "servers.json").write_text(json.dumps(servers))
    with pytest.raises(ConfigurationFault):
        _ = load_settings().database_url


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"launcher_pid": "x"}', "\0"])
def test_a_broken_file_of_servers_is_no_servers(var_path: Path, content: str) -> None:
    (var_path / "servers.json").write_text(content)
    with pytest.raises(ConfigurationFault):
        _ = load_settings().database_url


def test_a_secret_key_is_made_once_for_its_user_alone(
    var_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY")
    key = load_settings().secret_key
    assert len(key) >= 32
    assert load_settings().secret_key == key
    assert stat.S_IMODE((var_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in var_path.iterdir()] == ["secret_key"]


def test_secrets_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(monkeypatch, **PRODUCTION, ADMIN_PASSWORD="correct horse")
    for secret in ("correct horse", "x" * 32, "me@host"):
        assert secret not in repr(settings)


def test_every_setting_has_a_sentence_and_the_page_has_every_setting() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description
        assert field.description.endswith(".")
        assert f"| `{config.env_name(name)}` |" in page()


def test_the_page_of_settings_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == page()
