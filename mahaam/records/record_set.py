"""A verb on many records at once: those that accept it, in one transaction, with one audit event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import LARGEST_ID, Id, VerbResult
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records.table import Row

log = logging.getLogger("mahaam.verbs")

Facts = dict[str, Any]  # further facts for the audit: before, after, reason


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Rows of one kind, which `lock` returns by id; the audit names them by their column `target`."""

    kind: str
    lock: Callable[[Cursor, Sequence[int]], dict[int, Row]]
    missing: Translatable
    target: str = "id"

    def each(
        self,
        ids: Iterable[int],
        verb: str,
        why_not: Callable[[Row], Translatable | None],
        change: Callable[[Cursor, list[Row]], Facts],
        *,
        by: str,
    ) -> VerbResult:
        """Apply `change` to those of `ids` for which `why_not` has no reason. Return the result.

        Raises DatabaseUnavailable.
        """
        wanted = list(dict.fromkeys(ids))
        with database.transaction() as cursor:
            found = self.lock(cursor, [id_ for id_ in wanted if 0 < id_ <= LARGEST_ID])
            refused: dict[Id, Translatable] = {
                id_: self.missing.about(id=id_) for id_ in wanted if id_ not in found
            }
            refused |= {id_: why for id_, row in found.items() if (why := why_not(row)) is not None}
            rows = [found[id_] for id_ in wanted if id_ not in refused]
            if rows:
                facts = change(cursor, rows)
                targets = [str(row[self.target]) for row in rows]
                record.tell(
                    cursor,
                    AuditRecord(actor=by, verb=verb, kind=self.kind, targets=targets, **facts),
                )
        log.info("Records changed. kind=%s verb=%s count=%s by=%s", self.kind, verb, len(rows), by)
        return VerbResult(tuple(row["id"] for row in rows), refused)
