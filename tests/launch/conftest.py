"""Fixtures for tests of the launcher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.launch.running_product import Product, product_in_new_folder


@pytest.fixture
def product() -> Iterator[Product]:
    """A product that has never run."""
    with product_in_new_folder() as product:
        yield product
