"""The campaigns in their short form; the long one is `make faults`."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.campaign import Campaign, Result, carry_out
from tests.faults.campaigns import SHORT
from tests.faults.servers import own_servers, shared_servers
from tests.fork_server.client import fork_server
from tests.servers import TestServers

AT_ONCE = 3  # most of a campaign is waiting for a lease


def _carried_out(campaign: Campaign, shared: TestServers, seed: int) -> Result:
    servers = own_servers() if campaign.own_servers else shared_servers(shared)
    with servers as own:
        return carry_out(
            campaign, own, seed=random.Random(f"{seed}:{campaign.name}").getrandbits(32)
        )


@pytest.mark.faults
@pytest.mark.timeout(120)
def test_every_rule_holds_in_every_campaign(servers: TestServers, seed: int) -> None:
    fork_server.start()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = list(threads.map(lambda campaign: _carried_out(campaign, servers, seed), SHORT))
    for result in results:
        print(f"{result.campaign.name}: {result.seconds:.1f} s, seed {result.seed}")
    broken = {result.campaign.name: result.broken for result in results if result.broken}
    assert not broken
