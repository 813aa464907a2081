"""Tasks as a Huey application writes them, with witnesses of everything that Huey says."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from mahaam import (
    RetryTask,
    huey,
    lock_task,
    on_shutdown,
    on_startup,
    periodic_task,
    post_execute,
    rate_limit,
    signal,
    task,
)


def note(line: str) -> None:
    """Add a line to the file of this consumer's witness, if it has one."""
    if path := os.environ.get("WITNESS"):
        with Path(path).open("a") as file:
            file.write(f"{line}\n")


@signal()
def hear(name: str, message: Any, *_args: Any) -> None:
    """Note every signal."""
    note(f"{message.id} {name}")


@signal("complete", "executing")
def make_trouble(name: str, message: Any) -> None:
    """Do what a handler should not do, for jobs that ask for it."""
    if message.kwargs.get("trouble") == "exit":
        raise SystemExit(3)
    if message.kwargs.get("trouble") == "block" and name == "complete":
        time.sleep(60)


@post_execute()
def after(message: Any, _value: Any, _fault: BaseException | None) -> None:
    """Raise what is no Exception, for jobs that ask for it."""
    if message.kwargs.get("trouble") == "hook":
        raise KeyboardInterrupt


@on_startup()
def begin() -> None:
    """Note that a worker begins."""
    note("- startup")


@on_shutdown()
def finish() -> None:
    """Note that a worker has ended, after a while."""
    time.sleep(0.2)
    note("- shutdown")


@periodic_task(lambda _moment: True)
def every_minute() -> str:
    """Run once a minute."""
    return "fired"


@huey.task()
def plain(value: Any = None, trouble: str | None = None) -> Any:
    """Return the value."""
    return value


@huey.task(retries=1)
def fails(value: Any = None) -> None:
    """Fail, and fail again."""
    raise ValueError(value)


@huey.task(retries=1)
def retries_at(at: datetime) -> None:
    """Want to be tried again at a time."""
    raise RetryTask(eta=at)


@task(max_retries=1, retry_delay=0.1)
def fails_later() -> None:
    """Fail, and fail again a little later."""
    raise ValueError("later")


@huey.task(retries=30, retry_delay=0.1)
@lock_task("one")
def alone(seconds: float) -> float:
    """Hold a lock."""
    time.sleep(seconds)
    return time.time()


@huey.task()
@rate_limit("two", limit=2, per=3600)
def limited() -> str:
    """Run twice an hour."""
    return "ran"


@huey.task(context=True)
def itself(task: Any = None) -> list[Any]:
    """What Huey's context says."""
    return [task.id, task.retries]
