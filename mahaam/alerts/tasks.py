"""The tasks of alerts, and the maintenance that every consumer does for them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from mahaam import current_job, task
from mahaam.alerts import evaluate, notify
from mahaam.alerts.channels.address import AddressRefused
from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.deliveries import NewDelivery
from mahaam.alerts.messages.delivery_errors import NobodyToTell, NotDelivered
from mahaam.alerts.messages.effects import Effects
from mahaam.consumer.maintenance import duties
from mahaam.postgres import database

TRIES = 8  # over some twenty minutes
# Loaded when one is needed: a consumer that sends no mail needs neither Flask nor templates.
CHANNELS = {
    "email": "mahaam.alerts.channels.mail",
    "webhook": "mahaam.alerts.channels.webhook",
    "slack": "mahaam.alerts.channels.slack",
}
duties.add("alerts", evaluate.watch, every_s=evaluate.LOOK_EVERY_S, within_s=5.0)
duties.add("forget alerts", evaluate.prune, every_s=evaluate.FORGET_EVERY_S, within_s=10.0)


@task(
    queue=deliveries.QUEUE,
    priority=deliveries.PRIORITY,
    max_retries=TRIES - 1,
    retry_delay=5,
    retry_backoff=2.5,
    timeout=300,
    context=True,
    aliases=("tasks.alerts.jobs.deliver",),
)
def deliver(delivery_id: int, task: Any = None) -> str:
    """Deliver a notification through its channel; recipients that it did not reach now are tried again."""
    delivery = database.repeatable(partial(deliveries.find, id_=delivery_id))
    if delivery is None or delivery.state != "waiting":
        return "nothing to deliver"
    effects = Effects(delivery_id)
    is_last = task is None or task.retries <= 0
    try:
        _send(delivery, effects)
    except (AddressRefused, NobodyToTell) as fault:
        _note_fault(delivery_id, str(fault), is_last=True)
        return f"given up: {fault}"
    except NotDelivered as fault:
        _note_fault(delivery_id, str(fault), is_last=is_last)
        raise
    except Exception as fault:  # such as a message that cannot be read
        _note_fault(delivery_id, f"{type(fault).__name__}: {fault}", is_last=is_last)
        raise
    counts = effects.counts()
    if counts.refused:
        _note_fault(delivery_id, f"{counts.refused} of {counts.all} refused it.", is_last=True)
        return f"sent to {counts.sent} of {counts.all}"
    database.repeatable(partial(deliveries.note_sent, id_=delivery_id))
    return "sent"


def _send(delivery: NewDelivery, effects: Effects) -> None:
    if not delivery.is_enabled and delivery.about != "test":
        raise NobodyToTell("The channel is switched off.")
    channel = importlib.import_module(CHANNELS[delivery.kind])
    channel.deliver(delivery, effects)


def _note_fault(id_: int, fault: str, *, is_last: bool) -> None:
    database.repeatable(partial(deliveries.note_fault, id_=id_, fault=fault, is_last=is_last))


@task(queue=deliveries.QUEUE, max_retries=3)
def notify_dead_letters(ids: Sequence[int], count: int) -> int:
    """Send one message about dead letters, which stand for `count`.

    Return the number of channels. The verb "notify" of dead letters enqueues it.
    """
    return notify.send(ids, by=f"job:{current_job.id}"[:60], count=count)
