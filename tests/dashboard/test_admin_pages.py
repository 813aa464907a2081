"""Pages that only administrators see: audit, users, settings; and everybody's own account."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import LogIn

PAGES = ("/admin/audit/", "/admin/user/", "/admin/setting/", "/admin/account/")


@pytest.mark.parametrize("page", PAGES)
def test_it_opens(log_in: LogIn, page: str) -> None:
    assert log_in("admin").get(page).status_code == 200
