"""Huey's own tests, collected here to run on our engine (see conftest.py)."""

from __future__ import annotations

import unittest

from huey.tests import (
    test_api,
    test_crontab,
    test_immediate,
    test_priority,
    test_registry,
    test_signals,
    test_utils,
    test_wrappers,
)

from mahaam.config import PROJECT_DIR
from tests.huey.differences import DIFFERENCES

MODULES = (
    test_api,
    test_crontab,
    test_immediate,
    test_priority,
    test_registry,
    test_signals,
    test_utils,
    test_wrappers,
)

for module in MODULES:
    for name, kind in vars(module).items():
        if isinstance(kind, type) and issubclass(kind, unittest.TestCase):
            globals()[name] = kind
del name, kind, module


def test_each_difference_is_explained() -> None:
    text = (PROJECT_DIR / "docs" / "huey-compatibility.md").read_text("utf-8")

    assert [reason for reason in set(DIFFERENCES.values()) if reason not in text] == []
