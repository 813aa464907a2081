"""Marks of deploys."""

from __future__ import annotations

import logging

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.metrics import deploys_store
from mahaam.postgres import database

log = logging.getLogger("mahaam.verbs")

REVISION_LIMIT_BYTES = 100
NOTE_LIMIT_BYTES = 500


def mark_deploy(revision: str, *, by: str, note: str | None = None) -> int:
    """Mark in every chart that `revision` was deployed now. Return the id of the mark.

    Raises OptionNotValid, DatabaseUnavailable.
    """
    revision = clean(revision.strip(), REVISION_LIMIT_BYTES)
    if not revision:
        raise OptionNotValid("A deploy needs a revision, such as v1.4 or a commit.")
    note = clean(note.strip(), NOTE_LIMIT_BYTES) if note else None
    with database.transaction() as cursor:  # not repeated: two marks would be two lines
        id_ = deploys_store.mark(cursor, revision, note=note or None, by=by)
        record.tell(
            cursor,
            AuditRecord(
                actor=by, verb="deploy", kind="deploy", targets=[revision], reason=note or None
            ),
        )
    log.info("Deploy marked. revision=%s by=%s", revision, by)
    return id_
