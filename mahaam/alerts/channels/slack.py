"""Slack, and services that accept the same messages (Mattermost, Rocket.Chat, Discord's /slack)."""

from __future__ import annotations

from mahaam.alerts.channels.post import body_of, deliver_to
from mahaam.alerts.messages.alert_message import Item
from mahaam.alerts.messages.deliveries import NewDelivery
from mahaam.alerts.messages.effects import Effects
from mahaam.alerts.messages.texts import AlertTexts, words

MARKS = {
    "critical": ":red_circle:",
    "warning": ":large_orange_circle:",
    "info": ":large_blue_circle:",
}
CLOSED = ":white_check_mark:"
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def deliver(delivery: NewDelivery, effects: Effects) -> None:
    """Send to a Slack-compatible webhook. Raises AddressRefused, NotDelivered."""
    message, own = delivery.told, words(delivery.language)
    lines = [_escaped(message.subject(own)), *(_line(item, own) for item in message.shown)]
    if message.left:
        lines.append(_escaped(own.said(message.more)))
    deliver_to(delivery.url or "", body_of({"text": "\n".join(lines)}), {}, effects)


def _line(item: Item, own: AlertTexts) -> str:
    mark = CLOSED if item.is_closed else MARKS[item.severity]
    line = f"{mark} {_escaped(own.said(item.what))}"
    return f"{line} <{item.url}|{_escaped(own.say('Open'))}>" if item.url else line


def _escaped(text: str) -> str:
    return text.translate(ESCAPES)
