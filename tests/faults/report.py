"""How results are shown: a rich table for people, a Markdown table for the documentation."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from tests.faults.campaign import Campaign, Result

COLUMNS = (
    "fault",
    "jobs",
    "times",
    "again (may)",
    "slowest recovery",
    "most running",
    "late",
    "s",
    "seed",
    "result",
)


def table(results: list[Result]) -> Table:
    """All results, one row each."""
    made = Table(*COLUMNS, title="Mahaam under faults")
    for result in results:
        made.add_row(*_cells(result), style="" if not result.broken else "red")
    return made


def markdown(results: list[Result]) -> str:
    """The table of docs/reliability.md."""
    lines = [
        "| fault | what happens | how it was tried | completed again | slowest recovery | result |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(result) for result in results]
    return "\n".join(lines)


def write_into(document: Path, results: list[Result]) -> None:
    """Put the table between the document's two marks."""
    head, _, rest = document.read_text("utf-8").partition("<!-- results:")
    mark, _, rest = rest.partition("\n")
    _, _, tail = rest.partition("<!-- end of results -->")
    parts = (
        head,
        "<!-- results:",
        mark,
        "\n",
        markdown(results),
        "\n<!-- end of results -->",
        tail,
    )
    document.write_text("".join(parts), "utf-8")


def _cells(result: Result) -> tuple[str, ...]:
    campaign = result.campaign
    return (
        campaign.name,
        str(result.jobs),
        str(campaign.times or ""),
        f"{result.completed_again} ({campaign.allowance.completed_again})",
        _recovery(result),
        str(result.most_running),
        str(result.late or ""),
        f"{result.seconds:.0f}",
        str(result.seed),
        "held" if not result.broken else "BROKEN",
    )


def _line(result: Result) -> str:
    campaign = result.campaign
    cells = (
        campaign.name,
        campaign.story,
        campaign.tried or _tried(campaign),
        f"{result.completed_again} (at most {campaign.allowance.completed_again})",
        _recovery(result) or "–",
        "held" if not result.broken else "**broken**",
    )
    return f"| {' | '.join(cells)} |"


def _tried(campaign: Campaign) -> str:
    times = {0: "", 1: "once in ", 2: "twice in "}.get(
        campaign.times, f"{campaign.times} times in "
    )
    consumers = f"{campaign.consumers} consumer{'s' if campaign.consumers > 1 else ''}"
    jobs = f"{campaign.jobs:,} jobs of {campaign.ms} ms"
    return f"{times}{jobs}, {consumers}, lease {campaign.lease_s:g} s"


def _recovery(result: Result) -> str:
    seconds = result.slowest_recovery_s
    return "" if seconds is None else f"{seconds:.1f} s"
