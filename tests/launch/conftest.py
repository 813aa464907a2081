"""Fixtures for tests of the launcher."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import Postgres
from tests.launch.running_product import Product, product_in_new_folder
from tests.servers import new_folder


@pytest.fixture
def new_product() -> Iterator[Product]:
    """A product that has never run."""
    with product_in_new_folder() as product:
        yield product


@pytest.fixture
def product(new_product: Product, data_of_a_first_start: Path) -> Product:
    """A product that has its tables already, which saves seconds."""
    copy = ["cp", "-a", str(data_of_a_first_start), str(new_product.var_path)]
    subprocess.run(copy, check=True)
    return new_product


@pytest.fixture(scope="session")
def data_of_a_first_start() -> Iterator[Path]:
    """What a first start leaves under VAR_DIR."""
    with new_folder() as folder:
        var_path = folder / "var"
        postgres = Postgres(
            var_path / "postgres", account=server_account(), log_path=folder / "log"
        )
        postgres.start()
        migrate(os.environ | postgres.urls)
        postgres.stop()
        yield var_path
