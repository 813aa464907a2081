"""A task module that sets logging up for itself, as if it were alone in its process."""

from __future__ import annotations

import logging
import logging.config

from mahaam import task

logging.config.dictConfig({"version": 1})  # every logger that is there is switched off


@task(max_retries=1, retry_delay=0.1)
def falls_once(numbers: list[int]) -> None:
    """Log what cannot be formatted, and fail the first time."""
    log = logging.getLogger("shop.late")
    log.warning("%d things\nof %s", "three", object(), extra={"lock": object()})
    log.warning("a lone \ud800 surrogate")
    if len(numbers) < 2:
        raise ValueError("once")


@task(max_retries=0)
def sets_logging_up() -> None:
    """Do it again while jobs run, with handlers for the root."""
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"nowhere": {"class": "logging.NullHandler"}},
            "root": {"handlers": ["nowhere"], "level": "ERROR"},
        }
    )
