"""What keeps the product from starting is said in one sentence, with an exit code that is not 0."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import redis

from mahaam.config import RULES, Settings
from tests.launch.running_product import Product
from tests.servers import TestServers


def refusal(product: Product, **environment: str) -> tuple[int, str]:
    """Exit code and the only line that was printed."""
    code, words = product.refused(**environment)
    lines = words.strip().splitlines()
    assert len(lines) == 1, words
    return code, lines[0]


def test_a_taken_port_is_named(product: Product) -> None:
    with socket.create_server(("127.0.0.1", product.port)):
        code, sentence = refusal(product)
    assert code == 1
    assert sentence.startswith(
        f"Cannot listen on 127.0.0.1:{product.port} (Address already in use)"
    )


def test_a_folder_that_cannot_be_made_is_named(product: Product, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, sentence = refusal(product, VAR_DIR=str(tmp_path / "file" / "var"))
    assert code == 1
    assert sentence.startswith(f"Cannot write in {tmp_path}/file/var (Not a directory)")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://me:secret@127.0.0.1:1/jobs", "Connection refused"),
        ("postgresql://me:secret@nowhere.invalid/jobs", "could not translate host name"),
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(
    product: Product, url: str, reason: str
) -> None:
    code, sentence = refusal(product, DATABASE_URL=url)
    assert code == 1
    assert sentence.startswith("DATABASE_URL (postgresql://")
    assert reason in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://:secret@127.0.0.1:1/0", "Connection refused"),
    ],
)
def test_a_redis_that_does_not_answer_is_named_without_its_password(
    product: Product, url: str, reason: str
) -> None:
    code, sentence = refusal(product, REDIS_URL=url)
    assert code == 1
    assert sentence.startswith("REDIS_URL (redis://127.0.0.1:")
    assert reason in sentence
    assert "secret" not in sentence


def test_an_unknown_database_user_is_refused(product: Product, servers: TestServers) -> None:
    url = servers.postgres.url.replace("mahaam_app@", "stranger@")
    code, sentence = refusal(product, DATABASE_URL=url)
    assert code == 1
    assert 'role "stranger" does not exist' in sentence


def test_a_wrong_password_of_redis_is_refused(product: Product, servers: TestServers) -> None:
    with redis.Redis.from_url(servers.redis.url) as client:
        client.config_set("requirepass", "right")
        try:
            code, sentence = refusal(product, REDIS_URL=f"{servers.redis.url}&password=wrong")
        finally:
            client.config_set("requirepass", "")
    assert code == 1
    assert "invalid username-password pair" in sentence


def test_all_faults_of_the_configuration_are_told_together(product: Product) -> None:
    code, words = product.refused(APP_ENV="production", LOG_LEVEL="x", BEAT_S="20", SECRET_KEY="")
    assert code == 2
    assert words.splitlines() == [
        "LOG_LEVEL is wrong (found: 'x'): Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'.",
        RULES[0].sentence.format(Settings.model_construct(beat_s=20, lease_s=30)),
        "DATABASE_URL must be set when APP_ENV is production.",
        "REDIS_URL must be set when APP_ENV is production.",
        "SECRET_KEY must be set when APP_ENV is production.",
    ]
