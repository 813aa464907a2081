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
