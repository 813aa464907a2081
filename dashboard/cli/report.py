"""Prints the result of a verb: what was done, and for the rest the reasons, with exit code 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mahaam.verbs import VerbResult

from ..web.languages import said
from .commands import Refusal
from .output import print_json


def tell(result: VerbResult, sentence: Callable[[int], str], *, is_json: bool, **more: Any) -> None:
    """Print `sentence` for the number of rows done, or everything and `more` as JSON."""
    count = len(result.done)
    if is_json:
        refused = {str(id_): str(reason) for id_, reason in result.refused.items()}
        print_json({"done": result.done, "refused": refused, **more})
    elif count:
        click.echo(sentence(count))
    if result.refused:
        raise Refusal("\n".join(map(said, result.refused.values())))
