"""One measured figure, and the table and file in which all figures of a run are told."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with the target that it had to reach; `ok` says whether it did."""

    figure: str
    value: float
    unit: str
    target: str
    ok: bool
    detail: str


def at_least(figure: str, value: float, target: float, *, unit: str, detail: str) -> Figure:
    """A figure that must not be smaller than its target."""
    return Figure(figure, round(value, 3), unit, f"≥ {target:g}", value >= target, detail)


def at_most(figure: str, value: float, target: float, *, unit: str, detail: str) -> Figure:
    """A figure that must not be larger than its target."""
    return Figure(figure, round(value, 3), unit, f"≤ {target:g}", value <= target, detail)


def reported(figure: str, value: float, *, unit: str, detail: str) -> Figure:
    """A figure that has no target."""
    return Figure(figure, round(value, 3), unit, "–", True, detail)


def spread(values: Sequence[float], *, digits: int = 0) -> str:
    """The median of some rounds, and between what they lay."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` (0 to 1) of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def report(figures: Sequence[Figure], *, name: str) -> bool:
    """Print the table, write `results/NAME.json`; returns whether every target was reached."""
    table = Table(title=f"Benchmark: {name}")
    for heading in ("figure", "value", "unit", "target", "", "detail"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for row in figures:
        mark = "[green]reached[/]" if row.ok else "[red]short[/]"
        table.add_row(row.figure, f"{row.value:g}", row.unit, row.target, mark, row.detail)
    Console(width=None).print(table)
    RESULTS.mkdir(exist_ok=True)
    rows = [asdict(row) for row in figures]
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    return all(row.ok for row in figures)
