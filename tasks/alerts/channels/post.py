"""Posts JSON to a checked address: one connection, no redirect, an answer that is not read for long."""

from __future__ import annotations

import json
import ssl
from typing import Any

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from tasks.alerts.channels.address import Target, target
from tasks.alerts.errors import NotDelivered

TIMEOUT = urllib3.Timeout(connect=5, read=10)
ANSWER_BYTES = 500
AGENT = "Mahaam-Webhook"


def body_of(message: dict[str, Any]) -> bytes:
    """A message as it is sent, and signed."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Post `body`. Raises AddressRefused, NotDelivered."""
    to = target(url)
    try:
        with _pool(to) as pool:
            answer = pool.urlopen(
                "POST",
                to.path,
                body=body,
                headers={
                    "Host": to.host_header,
                    "Content-Type": "application/json",
                    "User-Agent": AGENT,
                    **headers,
                },
                redirect=False,
                retries=False,
                timeout=TIMEOUT,
                preload_content=False,
            )
            said = answer.read(ANSWER_BYTES)
            answer.release_conn()
    except (HTTPError, OSError) as fault:
        raise NotDelivered(f"{to.host_header} does not answer: {type(fault).__name__}") from fault
    if not 200 <= answer.status < 300:
        words = said.decode("utf-8", "replace").strip().partition("\n")[0][:200]
        raise NotDelivered(f"{to.host_header} answered {answer.status}: {words}")


def _pool(to: Target) -> HTTPConnectionPool:
    """A pool that connects to the address that was checked, and expects the host's certificate."""
    if to.scheme == "http":
        return urllib3.HTTPConnectionPool(to.ip, to.port, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        to.ip,
        to.port,
        maxsize=1,
        ssl_context=ssl.create_default_context(),
        assert_hostname=to.host,
        server_hostname=to.host,
    )
