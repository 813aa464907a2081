"""Fills the product: real jobs for the consumer, and a day of history behind them."""

from __future__ import annotations

import random
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2

from mahaam import chord, enqueue, enqueue_many, huey
from mahaam.config import PROJECT_DIR

BY = "sara@example.com"
SETTLE_S = 60

# A day of work, with its quiet night and one bad hour.
HISTORY = """
INSERT INTO job_minute (minute, queue, task, worker_id, completed, failed, retried, wait_ms, waited, run_ms)
SELECT minute, queue, 'shop.' || task, gen_random_uuid(), done,
       CASE WHEN task = 'charge_card' THEN 1 + (random() * 3)::int ELSE 0 END, (random() * 4)::int,
       done * (20 + random() * 60)::int, done, done * mean_ms
FROM generate_series(date_trunc('minute', now() - interval '24 hours'), now(), '1 minute') AS minute,
     (VALUES ('orders', 'charge_card', 30, 52), ('emails', 'send_receipt', 45, 24),
             ('notifications', 'push_status', 80, 12)) AS kind(queue, task, many, mean_ms),
     LATERAL (SELECT (many * (1.2 + sin(extract(epoch FROM minute) / 13000)) * (0.85 + random() * 0.3))::int
              AS done) AS amount
ON CONFLICT DO NOTHING
"""
AGE = """
UPDATE job SET created_at = created_at - age.by, queued_at = queued_at - age.by,
               started_at = started_at - age.by, finished_at = finished_at - age.by
FROM (SELECT id, interval '1 second' * (row_number() OVER (ORDER BY id DESC) * 17) AS by
      FROM job WHERE state = 'completed') AS age
WHERE job.id = age.id
"""
# Where this checkout lies is nobody's business.
TIDY = """
UPDATE attempt
SET traceback = replace(replace(traceback, %(shown)s, '/srv/shop'), %(project)s, '/srv/mahaam');
UPDATE dead_letter SET
  traceback = replace(replace(traceback, %(shown)s, '/srv/shop'), %(project)s, '/srv/mahaam'),
  first_traceback = replace(replace(first_traceback, %(shown)s, '/srv/shop'), %(project)s,
                            '/srv/mahaam');
UPDATE worker SET host = 'jobs-' || (1 + hashtext(id::text) & 1);
"""
UNSETTLED = (
    "SELECT count(*) FROM job WHERE state = 'queued' OR state = 'retrying' AND queue <> 'default'"
)


def fill(database_url: str) -> str:
    """Enqueue, wait until the consumer has done most of it, add the past; the failed job to show."""
    import shop

    random.seed(4)
    _shop_day(shop)
    with closing(psycopg2.connect(database_url)) as link:
        link.autocommit = True
        _wait_until_settled(link)
        with link.cursor() as cursor:
            cursor.execute(HISTORY)
            cursor.execute(AGE)
            cursor.execute(
                TIDY, {"shown": shop.__file__.rsplit("/", 1)[0], "project": str(PROJECT_DIR)}
            )
            _in_the_middle(shop)
            cursor.execute("SELECT id FROM job WHERE state = 'failed' ORDER BY id DESC LIMIT 1")
            row = cursor.fetchone()
    assert row, "no job has failed"
    return str(row[0])


def _shop_day(shop) -> None:  # type: ignore[no-untyped-def]  # a module of the pictures
    orders = [random.randrange(40_000, 60_000) for _ in range(160)]
    enqueue_many(
        shop.charge_card,
        ({"order_id": order, "amount": order / 100, "token": "tok_4242"} for order in orders),
        created_by=BY,
        tags=["checkout"],
    )
    enqueue_many(
        shop.send_receipt,
        ({"order_id": order, "email": f"customer{order}@example.com"} for order in orders),
    )
    enqueue_many(shop.push_status, ({"user_id": order, "status": "packed"} for order in orders))
    for warehouse in ("basra", "erbil", "baghdad"):
        enqueue(shop.sync_stock, (warehouse,), created_by=BY)
    members = [shop.pick_parcel.s(51_200, shelf) for shelf in ("A-17", "C-03", "F-40")]
    huey.enqueue(chord(members, shop.hand_to_courier.s()))


def _in_the_middle(shop) -> None:  # type: ignore[no-untyped-def]
    """What is to be seen running, waiting and planned while the pictures are taken."""
    today = datetime.now(UTC).date()
    for days in range(3):
        enqueue(shop.nightly_report, (str(today - timedelta(days=days)),), created_by=BY)
    for hours in range(1, 7):
        enqueue(shop.push_status, (hours * 1000, "reminder"), delay=hours * 3600)
    time.sleep(9)  # the bars of the running ones are to have moved


def _wait_until_settled(link: psycopg2.extensions.connection) -> None:
    deadline = time.monotonic() + SETTLE_S
    with link.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(UNSETTLED)
            row = cursor.fetchone()
            if row == (0,):
                return
            time.sleep(0.3)
    raise TimeoutError(f"The consumer has not settled the shop's jobs within {SETTLE_S} s.")
