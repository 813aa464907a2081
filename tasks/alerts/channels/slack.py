"""Slack, and what takes the same messages (Mattermost, Rocket.Chat, Discord's /slack)."""

from __future__ import annotations

from tasks.alerts.channels.post import body_of, deliver_to
from tasks.alerts.deliveries import Delivery
from tasks.alerts.effects import Effects
from tasks.alerts.message import Item
from tasks.alerts.words import Words, words

MARKS = {
    "critical": ":red_circle:",
    "warning": ":large_orange_circle:",
    "info": ":large_blue_circle:",
}
CLOSED = ":white_check_mark:"
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def deliver(delivery: Delivery, effects: Effects) -> None:
    """Send to a Slack-compatible webhook. Raises AddressRefused, NotDelivered."""
    message, own = delivery.told, words(delivery.language)
    lines = [_escaped(message.subject(own)), *(_line(item, own) for item in message.shown)]
    if message.left:
        lines.append(_escaped(own.said(message.more)))
    deliver_to(delivery.url or "", body_of({"text": "\n".join(lines)}), {}, effects)


def _line(item: Item, own: Words) -> str:
    mark = CLOSED if item.is_closed else MARKS[item.severity]
    return f"{mark} {_escaped(own.said(item.what))} <{item.url}|{_escaped(own.say('Open'))}>"


def _escaped(text: str) -> str:
    return text.translate(ESCAPES)
