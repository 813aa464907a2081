"""Fixtures for tests of the launcher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import copy_cluster
from tests.launch.running_product import Product, product_in_new_folder


@pytest.fixture
def new_product() -> Iterator[Product]:
    """A product that has never run."""
    with product_in_new_folder() as product:
        yield product


@pytest.fixture
def product(new_product: Product) -> Product:
    """A product that has its tables already, which saves seconds."""
    copy_cluster(new_product.var_path / "postgres")
    return new_product
