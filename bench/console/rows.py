"""A month of a busy shop: jobs in a realistic mix, with their attempts, dead letters and rollups."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

SPAN = timedelta(days=30)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NULL = "\\N"
WORKER = "00000000-0000-4000-8000-00000000000a"

# task -> (queue, share of all jobs)
TASKS = {
    "shop.orders.place": ("orders", 150),
    "shop.orders.reserve_stock": ("orders", 130),
    "shop.orders.charge_card": ("orders", 100),
    "shop.orders.refund": ("orders", 8),
    "shop.emails.welcome": ("emails", 40),
    "shop.emails.receipt": ("emails", 140),
    "shop.emails.newsletter": ("emails", 90),
    "shop.emails.unsubscribe": ("emails", 3),
    "shop.push.send": ("notifications", 120),
    "shop.push.expire_tokens": ("notifications", 6),
    "shop.sms.send": ("notifications", 20),
    "shop.search.index_product": ("default", 110),
    "shop.search.rebuild": ("default", 1),
    "shop.images.resize": ("default", 60),
    "shop.images.strip": ("default", 9),
    "shop.webhooks.deliver": ("default", 80),
    "shop.carts.expire": ("default", 30),
    "shop.reports.daily": ("reports", 1),
    "shop.reports.export": ("reports", 2),
    "shop.ledger.reconcile": ("reports", 1),
}
# state -> share of those jobs that are not the newest ones, out of 1000
STATES = {
    "completed": 936,
    "failed": 33,
    "cancelled": 18,
    "expired": 8,
    "scheduled": 4,
    "retrying": 1,
}
BACKLOG = 200  # one job in so many is queued: the newest ones
RUNNING = 32
ERRORS = (
    "TimeoutError: the payment provider did not answer within 10 s (request {n})",
    "ConnectionError: [Errno 111] connection refused by 10.0.{m}.{k}:8443",
    "ValueError: order {n} has no shipping address",
    "KeyError: 'customer_{n}'",
    "HTTPError: 503 Server Error: Service Unavailable for url: https://hooks{m}.example.com/in/{n}",
    'IntegrityError: duplicate key value violates unique constraint "receipt_order_id_key" ({n})',
    "SMTPRecipientsRefused: user{n}@example.com: mailbox unavailable",
    "MemoryError: cannot allocate an image of {m}00 x {k}00 pixels",
)
TAGS = ("{nightly}", "{import,tenant-%d}", "{tenant-%d}", "{campaign-%d,bulk}")
NEEDLES = 40  # jobs that only an index finds


class Job(NamedTuple):
    """The columns that are copied, as text."""

    id: str
    task: str
    queue: str
    priority: int
    state: str
    args: str
    kwargs: str
    tags: str
    attempt: int
    retry_count: int
    run_at: str
    created_at: str
    queued_at: str
    started_at: str
    finished_at: str
    worker_id: str
    result: str
    error: str


def jobs(count: int, *, seed: int = 7) -> Iterator[Job]:
    """`count` jobs, oldest first, the last one created now."""
    dice = random.Random(seed)
    names, shares = list(TASKS), list(itertools.accumulate(share for _, share in TASKS.values()))
    states, odds = list(STATES), list(itertools.accumulate(STATES.values()))
    needles = set(range(count // NEEDLES // 2, count, max(count // NEEDLES, 1)))
    start, step_ms = datetime.now(UTC) - SPAN, SPAN / timedelta(milliseconds=1) / count
    began_ms = (start - EPOCH) // timedelta(milliseconds=1)
    backlog = count - count // BACKLOG
    for number in range(count):
        (task,) = dice.choices(names, cum_weights=shares)
        state = dice.choices(states, cum_weights=odds)[0]
        if number >= backlog:
            state = "running" if number < backlog + min(RUNNING, count // BACKLOG) else "queued"
        yield _job(dice, number, began_ms + int(number * step_ms), task, state, number in needles)


def _job(dice: random.Random, number: int, ms: int, task: str, state: str, is_needle: bool) -> Job:
    at, soon, later = (_text(ms + more) for more in (0, 40, 40 + int(dice.expovariate(1 / 300))))
    started = state not in ("queued", "scheduled", "cancelled", "expired")
    ended = state in ("completed", "failed", "cancelled", "expired")
    waits = state in ("scheduled", "retrying")
    retries = 3 if state == "failed" else 1 if state == "retrying" or dice.random() < 0.02 else 0
    return Job(
        id=_uuid7(ms, dice.getrandbits(74)),
        task=task,
        queue=TASKS[task][0],
        priority=dice.choice((0, 0, 0, 0, 0, 0, 5, 10)),
        state=state,
        args=f"[{number}]" if number % 8 == 0 else "[]",
        kwargs=_kwargs(dice, number, is_needle),
        tags="{needle-tag}" if is_needle else _tags(dice),
        attempt=retries + 1 if started else 0,
        retry_count=retries,
        run_at="2030-01-01 00:00:00Z" if waits else NULL,
        created_at=at,
        queued_at=NULL if state == "scheduled" else at,
        started_at=soon if started else NULL,
        finished_at=later if ended else NULL,
        worker_id=WORKER if started else NULL,
        result='{"sent": true}' if state == "completed" and number % 3 == 0 else NULL,
        error=_error(dice, is_needle) if state in ("failed", "retrying") or retries else NULL,
    )


def _kwargs(dice: random.Random, number: int, is_needle: bool) -> str:
    given = {
        "user_id": 4_242_424_242 if is_needle else int(dice.paretovariate(0.4)) % 2_000_000,
        "order_id": 900_000_000_000 + number,
        "opts": {"batch": dice.randrange(1000), "dry": False},
        "region": dice.choice(("eu", "us", "me", "apac")),
    }
    return json.dumps(given)


def _tags(dice: random.Random) -> str:
    return (
        dice.choice(TAGS).replace("%d", str(dice.randrange(200))) if dice.random() < 0.15 else NULL
    )


def _error(dice: random.Random, is_needle: bool) -> str:
    if is_needle:
        return "NeedleError: only an index finds this"
    n, m, k = dice.randrange(10**6), dice.randrange(1, 90), dice.randrange(1, 250)
    return dice.choice(ERRORS).format(n=n, m=m, k=k)


def _uuid7(ms: int, noise: int) -> str:
    value = f"{ms:012x}7{noise >> 62:03x}{0x8 | noise & 3:x}{noise >> 2 & (2**60 - 1):015x}"
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def _text(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}Z"
