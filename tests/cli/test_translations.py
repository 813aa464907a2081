"""The commands speak every language; a terminal speaks the default one."""

from __future__ import annotations

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo

from mahaam.config import PROJECT_DIR, get_settings
from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job
from tests.dashboard.test_translations import KEYWORDS, catalog


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_every_text_of_the_commands_is_translated(language: str) -> None:
    compiled = catalog(language, read_mo, "mo")
    folder = PROJECT_DIR / "dashboard" / "cli"
    for _file, _line, text, *_ in extract_from_dir(folder, keywords=KEYWORDS):
        message = compiled.get(text if isinstance(text, str) else text[0])
        assert message, text
        assert all([message.string] if isinstance(message.string, str) else message.string), text


def test_a_command_speaks_the_default_language(
    flask: Flask_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_LANGUAGE", "fa")
    get_settings.cache_clear()

    assert flask("queue", "failed").out == "هیچ پیام مرده‌ای نیست.\n"
    assert flask("queue", "flush", "--yes").out == "۰ پیام مرده حل شد.\n"


def test_a_refusal_speaks_the_default_language(
    flask: Flask_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_LANGUAGE", "fa")
    get_settings.cache_clear()
    job = a_job("running")

    answer = flask("queue", "retry", str(job))

    assert answer.err == f"کار {job} را نمی‌توان دوباره اجرا کرد: در حال اجراست.\n"
