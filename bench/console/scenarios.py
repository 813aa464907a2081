"""What is looked at: every page of the menu, one of each kind of details, and the list of jobs in
more than forty ways."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from bench.console.site import Site
from bench.servers import BenchServers

MENU = re.compile(r'class="nav-item-link" href="([^"?#]+)"')
JOBS = "/admin/job/"

# name -> filter; names in braces are filled in from the rows: see `places`
LISTS: dict[str, dict[str, str]] = {
    "newest page": {},
    "deep page": {"after": "{middle}"},
    "last page": {"before": "{oldest}"},
    "one past the last page": {"after": "{oldest}"},
    "failed": {"state": "failed"},
    "failed, deep": {"state": "failed", "after": "{middle}"},
    "failed, last page": {"state": "failed", "before": "{oldest}"},
    "retrying": {"state": "retrying"},
    "running": {"state": "running"},
    "queued": {"state": "queued"},
    "scheduled": {"state": "scheduled"},
    "expired": {"state": "expired"},
    "cancelled": {"state": "cancelled"},
    "completed": {"state": "completed"},
    "completed, deep": {"state": "completed", "after": "{middle}"},
    "completed, last page": {"state": "completed", "before": "{oldest}"},
    "a busy queue": {"queue": "orders"},
    "a quiet queue, deep": {"queue": "reports", "after": "{middle}"},
    "a queue without jobs": {"queue": "nobody"},
    "a common task": {"task": "shop.orders.place"},
    "a rare task": {"task": "shop.search.rebuild"},
    "a rare task, last page": {"task": "shop.search.rebuild", "before": "{oldest}"},
    "a task without jobs": {"task": "shop.nobody.knows"},
    "state and queue": {"state": "failed", "queue": "emails"},
    "state and rare task": {"state": "expired", "task": "shop.ledger.reconcile"},
    "state, queue, task": {"state": "completed", "queue": "orders", "task": "shop.orders.refund"},
    "a queue and a task of another": {"queue": "emails", "task": "shop.orders.place"},
    "the last day": {"created_from": "{yesterday}"},
    "a day in the middle": {"created_from": "{from}", "created_to": "{to}"},
    "failed in a day": {"state": "failed", "created_from": "{from}", "created_to": "{to}"},
    "a time without jobs": {"created_to": "2001-01-01T00:00"},
    "a common tag": {"tag": "bulk"},
    "a tag of some": {"tag": "tenant-17"},
    "a tag of few": {"tag": "needle-tag"},
    "a tag of none": {"tag": "nobody"},
    "a tag of some, deep": {"tag": "tenant-17", "after": "{middle}"},
    "a common error": {"error": "TimeoutError"},
    "an error of some": {"error": "hooks17.example.com"},
    "an error of few": {"error": "NeedleError"},
    "an error of none": {"error": "the moon is full"},
    "failed by a common error": {"state": "failed", "error": "connection refused"},
    "failed by a common error, deep": {"state": "failed", "error": "refused", "after": "{middle}"},
    "an argument of most": {"argument": "opts.dry=false"},
    "an argument of many": {"argument": "region=eu"},
    "an argument of some": {"argument": "opts.batch=7"},
    "an argument of some, deep": {"argument": "opts.batch=7", "after": "{middle}"},
    "an argument of few": {"argument": "user_id=4242424242"},
    "an argument of one": {"argument": "order_id=900000000007"},
    "an argument of none": {"argument": "order_id=1"},
    "a positional argument": {"argument": "[8]"},
    "two arguments": {"argument": '{"opts": {"batch": 7}, "region": "me"}'},
    "state and argument of some": {"state": "failed", "argument": "opts.batch=7"},
    "all at once": {
        "state": "failed",
        "queue": "orders",
        "task": "shop.orders.place",
        "argument": "region=us",
        "error": "Error",
        "created_from": "{from}",
    },
    "all at once, none": {"state": "expired", "queue": "orders", "tag": "nightly", "error": "moon"},
}
# Dead letters in more than one way.
LETTERS: dict[str, dict[str, str]] = {
    "open": {"reprocessed": "no", "resolved": "no"},
    "resolved": {"resolved": "yes"},
    "of a task": {"task": "shop.orders.place"},
    "of a queue, open": {"queue": "emails", "reprocessed": "no", "resolved": "no"},
    "by a common error": {"error": "TimeoutError"},
    "by an error of few": {"error": "NeedleError"},
    "by an error of none": {"error": "the moon is full"},
    "of nobody": {"unowned": "yes"},
    "of somebody without any": {"owner": "nobody@example.com"},
    "of the last day": {"since": "{yesterday}"},
}
PLACES = """
SELECT (SELECT id::text FROM job ORDER BY id LIMIT 1), middle.id::text,
       to_char(now() - interval '1 day', 'YYYY-MM-DD"T"HH24:MI'),
       to_char(middle.created_at - interval '1 day', 'YYYY-MM-DD"T"HH24:MI'),
       to_char(middle.created_at, 'YYYY-MM-DD"T"HH24:MI')
FROM (SELECT id, created_at FROM job ORDER BY id OFFSET (SELECT count(*) / 2 FROM job) LIMIT 1) AS middle
"""
GROUP = "SELECT id FROM error_group ORDER BY count DESC, id LIMIT 1"
LETTER = "SELECT id FROM dead_letter ORDER BY id LIMIT 1"
FAILED = "SELECT id::text FROM job WHERE state = 'failed' ORDER BY id DESC LIMIT 1"


def paths(servers: BenchServers, site: Site) -> dict[str, str]:
    """Every page to be measured on the database that `servers` uses: name -> path."""
    (row,) = servers.run(PLACES)
    slots = dict(zip(("oldest", "middle", "yesterday", "from", "to"), row, strict=True))
    pages = dict.fromkeys(MENU.findall(site.get("/admin/")[1]))
    pages |= {"/jobs/create/": None}
    ((failed,),) = servers.run(FAILED)
    ((letter,),) = servers.run(LETTER)
    ((group,),) = servers.run(GROUP)
    return {
        **{f"page {path}": path for path in pages},
        "page of a job": f"{JOBS}{failed}/",
        "page of a dead letter": f"/admin/deadletterqueue/{letter}/",
        "how many jobs there are": f"{JOBS}count/",
        "page of an error": f"/admin/error/{group}/",
        **{
            f"dead letters: {name}": _address(asked, slots, "/admin/deadletterqueue/")
            for name, asked in LETTERS.items()
        },
        **{f"jobs: {name}": _address(asked, slots) for name, asked in LISTS.items()},
    }


def _address(asked: dict[str, str], slots: dict[str, str], list_: str = JOBS) -> str:
    filled = {name: slots.get(value[1:-1], value) for name, value in asked.items()}
    return f"{list_}?{urlencode(filled)}" if filled else list_
