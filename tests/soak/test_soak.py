"""A minute of mixed load; the long form is `make soak`."""

from __future__ import annotations

import pytest

from tests.faults.servers import shared_servers
from tests.servers import TestServers
from tests.soak.result import SHORT
from tests.soak.soak import soak

MINUTES = 1


@pytest.mark.timeout(300)
def test_a_healthy_system_says_nothing_and_stays_level(servers: TestServers) -> None:
    with shared_servers(servers) as own:
        soaked = soak(own, minutes=MINUTES, bounds=SHORT)
    print(soaked.summary())
    assert soaked.jobs > 0
    assert not soaked.broken, "\n".join(soaked.broken)
