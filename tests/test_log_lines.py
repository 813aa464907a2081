"""The reader of logs that campaigns, the soak and benchmarks judge by."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.log_lines import Line, entries, serious

TEXT = """2026-11-30T01:02:03Z INFO     mahaam.consumer Consumer ready. worker=1
2026-11-30T01:02:04Z WARNING  mahaam.maintenance Redis is away; trying again. duty=_ring
2026-11-30T01:02:05Z ERROR    mahaam.worker A run ended in an unexpected way.
Traceback (most recent call last):
  File "x.py", line 1
ValueError: no
2026-11-30T01:02:06Z INFO     mahaam.consumer Stopped.
"""
WEB = "[2026-11-30 01:02:03 +0000] [77] [ERROR] Worker (pid:78) was sent SIGKILL!\n"
JSON = '{"time": "x", "level": "CRITICAL", "logger": "mahaam.lease", "message": "over"}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT, ["INFO", "WARNING", "ERROR", "INFO"]),
        (WEB, ["ERROR"]),
        (JSON, ["CRITICAL"]),
        ("Traceback (most recent call last):\n", ["ERROR"]),
        ('{"half a line\n', ["ERROR"]),
        ("\n", []),
    ],
)
def test_every_entry_has_its_level_and_a_traceback_belongs_to_its_entry(
    text: str, said: list[str]
) -> None:
    assert [line.level for line in entries(text)] == said


def test_a_traceback_after_a_calm_entry_is_an_error_of_its_own() -> None:
    text = "2026-11-30T01:02:03Z INFO     x fine\nTraceback (most recent call last):\n"
    assert list(entries(text))[-1] == Line("ERROR", "Traceback (most recent call last):")


def test_only_what_is_excused_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "consumer.log").write_text(TEXT)
    (tmp_path / "web.log").write_text(WEB)
    found = serious(tmp_path.iterdir(), [r"Redis is away"])
    assert [line.split(":")[0] for line in found] == ["consumer.log", "web.log"]
