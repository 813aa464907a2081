"""Questions of the console about alerts, rules, channels, deliveries and maintenance."""

from mahaam.alerts.queries.alert_queries import (
    STATES,
    AlertEntry,
    AlertSummary,
    alert,
    alert_counts,
    alert_page,
    alert_summary,
    last_pass,
)
from mahaam.alerts.queries.channel_queries import ChannelEntry, channel, channels
from mahaam.alerts.queries.delivery_queries import (
    DeliveryEntry,
    EffectEntry,
    deliveries_of,
    delivery_page,
    effects_of,
)
from mahaam.alerts.queries.maintenance_queries import MaintenanceEntry, maintenances
from mahaam.alerts.queries.rule_queries import RuleEntry, rule, rules

__all__ = [
    "STATES",
    "AlertEntry",
    "AlertSummary",
    "ChannelEntry",
    "DeliveryEntry",
    "EffectEntry",
    "MaintenanceEntry",
    "RuleEntry",
    "alert",
    "alert_counts",
    "alert_page",
    "alert_summary",
    "channel",
    "channels",
    "deliveries_of",
    "delivery_page",
    "effects_of",
    "last_pass",
    "maintenances",
    "rule",
    "rules",
]
