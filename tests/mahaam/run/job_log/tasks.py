"""Tasks that say something while they run."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import threading
import time
from typing import Any

from mahaam import JobEvent, current_job, huey, on, task, track
from mahaam.config import get_settings

log = logging.getLogger("shop.mail")
deaf = logging.getLogger("shop.deaf")
deaf.setLevel(logging.ERROR)


class Mute:
    """A value that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


@task(max_retries=0)
def speak(seconds: float = 0) -> None:
    """Say a line in each way that there is, then wait."""
    current_job.log("by hand")
    current_job.log("a\0b \ud800", level="warning")
    current_job.log("too fine", level=5)
    log.debug("sent to %s", "ann")
    log.log(5, "too fine as well")
    deaf.info("switched off by its owner")
    logging.getLogger("mahaam.anything").warning("the engine's own")
    logging.getLogger("huey.anything").warning("of Huey")
    try:
        raise ValueError("what happened")
    except ValueError:
        log.exception("a fault")
    time.sleep(seconds)


@task(max_retries=0)
def stumble() -> None:
    """Log what cannot be printed, what does not fit, and with a level that nobody knows."""
    log.info("%d pieces", "no")
    log.info(Mute())
    log.info("%s", Mute())
    log.info("x" * 10_000)
    log.log(10**6, "shrill")
    logging.getLogger("shop.\0odd").info("whoever")
    log.handle(logging.makeLogRecord({"name": 7, "levelno": 20, "msg": "whose?"}))
    current_job.log(7)


@task(max_retries=0)
def chatter(lines: int) -> None:
    """Say many lines."""
    for number in range(lines):
        current_job.log(f"line {number}")


@task(max_retries=1, retry_delay=0.1, retry_jitter=False)
def twice() -> None:
    """Say something in two attempts."""
    current_job.log(f"attempt {current_job.attempt}")
    if current_job.attempt == 1:
        raise RuntimeError("again")


@task(max_retries=0)
def delegate() -> None:
    """Speak from a thread with the task's context, and from one without."""
    context = contextvars.copy_context()
    for name, work in (("with", context.run), ("without", lambda function: function())):
        thread = threading.Thread(target=work, args=(lambda name=name: log.info(name),))
        thread.start()
        thread.join()


@task(max_retries=0)
def leave_behind(seconds: float) -> None:
    """End before a thread with the task's context speaks and calls another task."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_go_on, seconds)).start()


def _go_on(seconds: float) -> None:
    time.sleep(seconds)
    log.info("still here")
    chatter(0)


@task(max_retries=0, remove_on_complete=True)
def vanish() -> None:
    """Say something and leave no row."""
    current_job.log("gone with its job")
    current_job.progress(50)


@task(max_retries=0)
def wrong(percent: Any) -> str:
    """The error that a progress gets."""
    values = {"nan": float("nan"), "inf": float("inf"), "object": object()}
    try:
        current_job.progress(values.get(percent, percent))
    except ValueError as fault:
        return str(fault)
    return "accepted"


@task(max_retries=0)
def advance(*percents: int) -> None:
    """Say each of these and end at once."""
    for percent in percents:
        current_job.progress(percent, f"at {percent}")


@task(max_retries=0)
def count(name: str, items: int) -> int:
    """Iterate with a bar."""
    return sum(1 for _ in track(range(items), desc=name))


@task(max_retries=0)
def fill(total: int | None, *steps: int, pause_s: float = 0, **options: Any) -> None:
    """Move a bar by hand, with a pause before each step."""
    with track(total=total, **options) as bar:
        for step in steps:
            time.sleep(pause_s)
            bar.update(step)


@task(max_retries=0)
def part(seconds: float) -> None:
    """Wait, and say something at the very end."""
    time.sleep(seconds)
    current_job.log("farewell")
    current_job.progress(100)


# What follows is heard of, by handlers that note it in Redis.


@task(max_retries=0)
def settle(value: Any) -> Any:
    """Return it."""
    return {"value": value}


@task(max_retries=1, retry_delay=0.1, retry_jitter=False)
def collapse() -> None:
    """Fail twice, and so for good."""
    raise ValueError("no way")


@task(max_retries=0)
def end_its_worker() -> None:
    """Take the consumer down."""
    os._exit(9)


def tell(event: JobEvent) -> None:
    """Note what was heard, as a row in Redis."""
    key = f"{get_settings().redis_prefix}:heard:{event.job_id}"
    words = [event.event, event.attempt, event.error, event.result, event.progress]
    huey.storage.conn.rpush(key, json.dumps([event.task.rpartition(".")[2], *words]))


for name in ("active", "completed", "failed", "dead"):
    for heard in (settle, collapse, end_its_worker):
        on(name, task=heard)(tell)
on("completed", task=chatter)(tell)
on("progress", task="tests.mahaam.run.job_log.tasks.advance")(tell)
on("progress", task=part)(tell)


@on("active", task=collapse)
def fall(event: JobEvent) -> None:
    """Fail at everything."""
    raise SystemExit("a handler that cannot do anything")


@on("active", task=settle)
def hang(event: JobEvent) -> None:
    """Never end by itself."""
    time.sleep(60)
