"""Prints Mars today beside published numbers; exit code 1 when one is outside its band."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from tests.planets.mars_today import Row, control_run, drift, drift_rows, rows

MINIMUM_WIDTH = 140  # columns; a pipe has no width of its own


def table(results: list[Row]) -> Table:
    """The comparisons as a table."""
    result = Table(title="Mars today", title_justify="left")
    for name in ("quantity", "target", "ours", "error", "accept", "today's models", "verdict"):
        result.add_column(name, justify="right" if name in ("target", "ours", "error", "accept") else "left")
    for row in results:
        unit = "" if row.unit == "1" else f" {row.unit}"
        error, band = f"{row.error:.2g}{unit}", f"{row.band:g}{unit}"
        verdict = "[green]pass[/]" if row.passes else "[bold red]FAIL[/]"
        result.add_row(row.quantity, row.target, row.ours, error, band, row.models, verdict)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planets", description=__doc__)
    parser.add_argument("--grid", default="36x72")
    parser.add_argument("--steps", type=int, default=96, help="steps per orbit")
    parser.add_argument(
        "--drift", type=int, default=1000, metavar="YEARS", help="length of the drift run; 0 leaves it out"
    )
    given = parser.parse_args()
    results = rows(control_run(given.grid, given.steps))
    if given.drift:
        results += drift_rows(drift(given.drift, given.grid))
    console = Console()
    if console.width < MINIMUM_WIDTH:
        console = Console(width=MINIMUM_WIDTH)
    console.print(table(results))
    failed = sum(not row.passes for row in results)
    console.print(f"{len(results) - failed} of {len(results)} within their bands")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
