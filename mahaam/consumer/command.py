"""The command line of the consumer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import psycopg2
import redis

from mahaam.config import EXIT_CODE, ConfigurationFault, get_settings
from mahaam.consumer.consumer import DurableConsumer
from mahaam.consumer.options import ConsumerOptions
from mahaam.core.errors import MahaamError, UnknownQueue
from mahaam.doorbell.doorbell import check_server
from mahaam.enqueuing import catalog
from mahaam.huey_adapter.api import huey
from mahaam.logs import log_setup
from mahaam.redaction.redact import masked_for_log
from mahaam.run import asyncio_threads, fork, signal_guard

log = logging.getLogger("mahaam.consumer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a consumer with the options of the command line. Return the exit code."""
    try:
        settings = get_settings()
        options = _parser().parse_args(arguments)
        log_setup.set_up_logging(settings.log_level, settings.log_format)
        check_server(settings)
        fork.watch()
        signal_guard.guard()
        asyncio_threads.install()
        catalog.load()
        log_setup.restore()
        consumer = DurableConsumer(huey, _consumer_options(options))
        code = consumer.run()
    except (ConfigurationFault, UnknownQueue) as fault:
        print(masked_for_log(str(fault)), file=sys.stderr)
        return EXIT_CODE
    except (psycopg2.Error, redis.RedisError, MahaamError) as fault:
        sentence = masked_for_log(str(fault).strip())
        print(f"The consumer could not start: {sentence}", file=sys.stderr)
        return 1
    if consumer.is_to_restart:
        _begin_again()
    return code


def _begin_again() -> NoReturn:
    """Start the same command anew in this process, so that its supervisor need not know."""
    log.info("Starting again.")
    logging.shutdown()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 (ourselves, as we were started)


def _consumer_options(options: argparse.Namespace) -> ConsumerOptions:
    return ConsumerOptions(
        workers=options.workers,
        queues=options.queues,
        weighted=options.order == "weighted",
        shutdown_timeout_s=options.shutdown_timeout,
        max_jobs=options.max_jobs,
        max_time_s=options.max_time,
        stop_when_empty=options.stop_when_empty,
        periodic=options.periodic,
    )


def _parser() -> argparse.ArgumentParser:
    settings = get_settings()
    parser = argparse.ArgumentParser(
        prog="huey_consumer.py",
        description="Runs jobs. Ends gracefully on SIGTERM and SIGINT: takes nothing new, lets running "
        "jobs finish within the time-out, releases the rest; a second signal ends at once. SIGHUP: ends so, "
        "and starts again. SIGUSR1: takes nothing new, and stays. SIGQUIT: logs what each greenlet does.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "-w",
        "--workers",
        type=_count,
        default=settings.workers,
        metavar="N",
        help="jobs run at once",
    )
    parser.add_argument(
        "-q", "--queues", type=_names, default=list(settings.queues), metavar="A,B",
        help="queues to serve, the first one first; empty: all, in the order of their rank",
    )  # fmt: skip
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--strict", dest="order", action="store_const", const="strict", default=settings.queue_order,
        help="empty the first queue before looking at the next",
    )  # fmt: skip
    order.add_argument(
        "--weighted", dest="order", action="store_const", const="weighted", default=argparse.SUPPRESS,
        help="share between the queues by their weights",
    )  # fmt: skip
    parser.add_argument(
        "--shutdown-timeout", type=_seconds, default=settings.shutdown_timeout_s, metavar="S",
        help="seconds that running jobs get after a signal",
    )  # fmt: skip
    parser.add_argument("--max-jobs", type=_count, metavar="N", help="end after starting N jobs")
    parser.add_argument("--max-time", type=_seconds, metavar="S", help="end after S seconds")
    parser.add_argument(
        "--stop-when-empty", action="store_true", help="end when no job is queued any more"
    )
    parser.add_argument(
        "-n", "--no-periodic", dest="periodic", action="store_false", help="fire no periodic tasks"
    )
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 10**7:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(names)) != len(names):
        raise argparse.ArgumentTypeError("a queue is named twice")
    return names
