"""The arguments of a call as the JSON that a row stores, for values that fields cannot express."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from mahaam.core.errors import PayloadBroken
from mahaam.core.payload import load
from mahaam.redaction.redact import MaskLeftOver, masked_call, unmasked_call

from ..present.template_helpers import pretty_json
from .field import Field
from .form import Form
from .kinds import LIST, OBJECT

Stored = tuple[Sequence[Any], dict[str, Any]]  # args and kwargs as a row stores them


class RawCall(Form):
    """Two fields of JSON that begin with the call `old`, its secrets masked.

    With `keeps_masks`, whoever takes the call puts the old secrets back where a mask was left.
    Without it, a mask is a fault.
    """

    def __init__(self, task: str, old: Stored = ((), {}), *, keeps_masks: bool = False) -> None:
        self._task, self._keeps_masks = task, keeps_masks
        args, kwargs = masked_call(*old, task)
        super().__init__(
            (
                Field("args", _("Arguments by place"), LIST, [], text=pretty_json(args)),
                Field("kwargs", _("Arguments by name"), OBJECT, {}, text=pretty_json(kwargs)),
            )
        )

    def read(self, typed: Mapping[str, str]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Return the args and kwargs that were typed, or None after setting a fault on a field."""
        args, kwargs = self.values(typed).values()
        if not self.is_right:
            return None
        try:
            if not self._keeps_masks:
                unmasked_call(args, kwargs, old=((), {}), task=self._task)
            return tuple(load(json.dumps(args))), load(json.dumps(kwargs))
        except (PayloadBroken, MaskLeftOver) as fault:
            self.fault("kwargs", str(fault))
            return None
