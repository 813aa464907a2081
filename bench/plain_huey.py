"""The peer: `PriorityRedisHuey` as it comes, without any record. `consume JOBS GREENLETS`."""

from gevent import monkey

monkey.patch_all()

import logging
import os
import sys
import time

import gevent
from huey import PriorityRedisHuey

huey = PriorityRedisHuey("plain", url=os.environ["REDIS_URL"])


class Count:
    """How many tasks were run, and between which times."""

    done = 0
    first_at = 0.0
    last_at = 0.0


@huey.task()
def noop(value: object = None) -> None:
    """Do nothing but count."""
    Count.done += 1
    Count.last_at = time.perf_counter()
    Count.first_at = Count.first_at or Count.last_at


def consume(jobs: int, greenlets: int) -> float:
    """Jobs per second of a greenlet consumer on a full queue."""
    huey.storage.flush_all()
    for _ in range(jobs):
        noop(None)
    logging.getLogger("huey").setLevel(logging.WARNING)
    consumer = huey.create_consumer(workers=greenlets, worker_type="greenlet", periodic=False)
    gevent.spawn(_stop_when_done, consumer, jobs)
    consumer.run()
    return jobs / (Count.last_at - Count.first_at)


def _stop_when_done(consumer: object, jobs: int) -> None:
    while Count.done < jobs:
        gevent.sleep(0.05)
    consumer.stop_flag.set()  # type: ignore[attr-defined]


if __name__ == "__main__":
    print(consume(int(sys.argv[1]), int(sys.argv[2])))
