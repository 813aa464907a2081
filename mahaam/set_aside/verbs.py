"""The verb that has a row tried again at once that a loop set aside."""

from __future__ import annotations

import logging

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.postgres import database
from mahaam.set_aside import store

log = logging.getLogger("mahaam.set_aside")


def try_again(loop: str, key: str, *, by: str) -> bool:
    """Have a row tried again within a second. Return True if it is set aside."""
    with database.transaction() as cursor:
        if not store.retry(cursor, loop, [key]):
            return False
        record.tell(
            cursor, AuditRecord(actor=by, verb="try_again", kind="row", targets=[f"{loop}: {key}"])
        )
    log.info("A row that was put aside is tried again. loop=%s key=%s by=%s", loop, key, by)
    return True
