"""The jobs of a shop, as the pictures show them."""

from __future__ import annotations

import time

from mahaam import current_job, task, track


class PaymentRefused(Exception):
    """The bank said no."""


class CardExpired(Exception):
    """The card is too old."""


class MailboxFull(Exception):
    """The mail server did not take it."""


class StockServiceAway(Exception):
    """The warehouse does not answer."""


@task(queue="orders", priority=10, max_retries=2, retry_delay=1, timeout=30)
def charge_card(order_id: int, amount: float, token: str = "") -> str:
    """Charge a card for an order."""
    current_job.log(f"Charging {amount:.2f} for order {order_id}.")
    time.sleep(0.05)
    if order_id % 7 == 0:
        raise PaymentRefused(f"Order {order_id}: the bank declined the card (insufficient funds).")
    if order_id % 23 == 0:
        raise CardExpired(f"Order {order_id}: the card expired in 09/26.")
    return f"ch_{order_id:08d}"


@task(queue="emails", priority=5, max_retries=1, retry_delay=1)
def send_receipt(order_id: int, email: str, locale: str = "en") -> str:
    """Mail the receipt of an order."""
    time.sleep(0.02)
    if order_id % 17 == 0:
        raise MailboxFull(f"<{email}>: 452 4.2.2 mailbox full")
    return f"sent to {email}"


@task(queue="notifications", priority=8)
def push_status(user_id: int, status: str) -> None:
    """Tell a customer's phone where the parcel is."""
    time.sleep(0.01)


@task(queue="reports", max_retries=0, timeout=900)
def nightly_report(day: str, sections: int = 40) -> str:
    """Add up a day, section by section."""
    for section in track(range(sections), desc="adding up sections"):
        current_job.log(f"Section {section + 1} of {sections}: {1000 + section * 37} orders.")
        time.sleep(2)
    return f"report-{day}.pdf"


@task(queue="default", max_retries=8, retry_delay=120, retry_backoff=2)
def sync_stock(warehouse: str, full: bool = False) -> int:
    """Take over what a warehouse says it has."""
    current_job.log(f"Asking warehouse {warehouse}.")
    raise StockServiceAway(f"Warehouse {warehouse}: no answer within 5 s.")


@task(queue="orders")
def pick_parcel(order_id: int, shelf: str) -> str:
    """Take one item from its shelf."""
    time.sleep(0.02)
    return shelf


@task(queue="orders")
def hand_to_courier(parcels: list[str]) -> int:
    """Give everything of an order to the courier."""
    return len(parcels)
