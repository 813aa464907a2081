"""Evaluation of all rules, every 15 seconds, in any one consumer: opens and closes alerts, and notifies."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg2

from mahaam.alerts import dispatch, store
from mahaam.alerts.messages import deliveries
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.probes import world
from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import MOST_FINDINGS, Cause, Evaluation, Probes
from mahaam.alerts.store import StoredRule
from mahaam.core.log_throttle import cause
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

log = logging.getLogger("mahaam.alerts")

LOOK_EVERY_S = 5.0  # how often each consumer asks whether an evaluation is due
FORGET_EVERY_S = 600.0
# An evaluation that takes longer costs more than it is worth; a lock that it waits for is in use.
PATIENCE = "SET LOCAL statement_timeout = '2s'; SET LOCAL lock_timeout = '500ms'"
NO_KIND = "There is no rule of this kind any more."
TOO_MANY = Translatable("Rule %(rule)s finds more than %(count)s causes at once.")


def watch() -> bool:
    """Evaluate the rules if it is time. Return True if it was. Raises DatabaseUnavailable."""
    began_at = time.monotonic()
    with database.transaction() as cursor:
        if not store.begin(cursor):
            return False
        cursor.execute(PATIENCE)
        _look_at_all(cursor, world(cursor))
        deliveries.end_left_behind(cursor)
        notices = dispatch.tell(cursor)
        store.end(cursor, took_ms=int((time.monotonic() - began_at) * 1000))
    accept.ring(notices)
    return True


def prune() -> None:
    """Delete what is past its retention. Raises DatabaseUnavailable."""
    database.repeatable(store.prune)


def _look_at_all(cursor: Cursor, seen: Probes) -> None:
    store.note_depths(cursor, seen.depths)
    live = store.live(cursor)
    for rule in store.rules(cursor):
        fault = _evaluate(
            cursor,
            rule,
            Evaluation(rule.parameters, live.get(rule.id, set()), rule.changed_at, seen),
        )
        # Logged once, however often the rule is evaluated.
        if store.note_fault(cursor, rule.id, fault) and fault:
            log.warning(
                "A rule could not be looked at. rule=%s fault=%s",
                rule.name,
                fault,
                extra=cause(rule.id),
            )
    store.close_with_rules(cursor)


def _evaluate(cursor: Cursor, rule: StoredRule, look: Evaluation) -> str | None:
    """Open and close what one rule finds. Return the error when it could not be evaluated."""
    kind = KINDS.get(rule.kind)
    if kind is None:
        return NO_KIND
    try:
        with _part(cursor):
            parameters = kind.checked(rule.parameters)
            findings = _bounded(rule, kind.look(cursor, replace(look, parameters=parameters)))
            opened = store.open_all(cursor, rule, findings)
            store.close_gone(cursor, rule.id, [finding.subject for finding in findings])
    except Exception as fault:  # a rule that cannot be evaluated must not affect the others
        if isinstance(fault, psycopg2.OperationalError | psycopg2.InterfaceError) and cursor.closed:
            raise
        return f"{type(fault).__name__}: {fault}".splitlines()[0][:500]
    for id_, subject in opened:
        log.warning(
            "Alert opened. alert=%s rule=%s subject=%s", id_, rule.name, subject,
            extra=cause(rule.id, subject),
        )  # fmt: skip
    return None


def _bounded(rule: StoredRule, findings: list[Cause]) -> list[Cause]:
    """Return what was found, or one finding that says so when it is more than anybody reads."""
    if len(findings) < MOST_FINDINGS:
        return findings
    what = TOO_MANY.about(rule=rule.name, count=MOST_FINDINGS - 1)
    return [Cause("many", what, address_of(LinkedPage.ERRORS))]


@contextmanager
def _part(cursor: Cursor) -> Iterator[None]:
    """Open a part of the transaction that can fail alone."""
    cursor.execute("SAVEPOINT part")
    try:
        yield
    except Exception:
        if not cursor.connection.closed:
            cursor.execute("ROLLBACK TO SAVEPOINT part")
        raise
    cursor.execute("RELEASE SAVEPOINT part")
