"""`flask demo`: shows on the running product that it keeps its promises, checked from the rows."""

from __future__ import annotations

import click

from ..commands import Commands
from ..output import as_json
from . import dead_letter as dead_letter_demo
from . import priority_concurrency as priority_demo

demo = Commands("demo", help="Try the running product and judge it.")

clear = click.option("--clear", is_flag=True, help="First cancel what earlier demos left.")


@demo.add("priority-concurrency")
@click.option("--count", default=12, type=click.IntRange(1, 500), help="Jobs.", show_default=True)
@click.option(
    "--sleep",
    "sleep_s",
    default=15.0,
    type=click.FloatRange(0.05, 3600),
    help="Seconds that each job takes.",
    show_default=True,
)
@clear
@as_json
def priority_concurrency(count: int, sleep_s: float, clear: bool, is_json: bool) -> None:
    """See that higher priorities start first, and that exactly as many run as there are slots."""
    priority_demo.show(count, sleep_s=sleep_s, clear=clear, is_json=is_json)


@demo.add("dead-letter")
@click.option(
    "--retries",
    default=3,
    type=click.IntRange(0, 20),
    help="Before it gives up.",
    show_default=True,
)
@click.option(
    "--delay",
    "delay_s",
    default=1.0,
    type=click.FloatRange(0, 60),
    help="Seconds before the first retry; each further wait is twice as long.",
    show_default=True,
)
@clear
@as_json
def dead_letter(retries: int, delay_s: float, clear: bool, is_json: bool) -> None:
    """See a job fail, be retried, and end in the dead letters."""
    dead_letter_demo.show(retries, delay_s=delay_s, clear=clear, is_json=is_json)
