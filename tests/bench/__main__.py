"""`python -m tests.bench [--tiny]`: all benchmarks, one table."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.table import Table

from tests.bench.ensemble import ensemble, time_ensemble, warm_up
from tests.bench.ledger import ledger_rows


def main(tiny: bool) -> None:
    """Run every benchmark; tiny only shows that they run."""
    threads = min(2, os.cpu_count() or 1)
    members, years, grid = (4, 2, "6x8") if tiny else (64, 100, "36x72")
    warm_up()
    made = Table(title=f"{members} members, {grid}, {years} years, {threads} threads", title_justify="left")
    for heading in ("what", "measured", "goal"):
        made.add_column(heading, justify="right" if heading == "measured" else "left")
    timing = time_ensemble(ensemble(members, years, grid, 16), threads)
    made.add_row("kernel, cell-steps per second and core", f"{timing.rate_per_core / 1e6:.1f} million", "")
    made.add_row("wall", f"{timing.wall:.1f} s", "")
    made.add_row("share of wall outside the kernel", f"{100 * timing.outside:.1f} %", "< 12 %")
    made.add_row("written", f"{timing.megabytes:.1f} MB", "")
    console = Console(width=100)
    console.print(made)
    made = Table(title="ledger: embedded Postgres, safe against power failure", title_justify="left")
    for heading in ("what", "measured", "goal"):
        made.add_column(heading, justify="right" if heading == "measured" else "left")
    for row in ledger_rows(tiny):
        made.add_row(*row)
    console.print(made)


if __name__ == "__main__":
    main("--tiny" in sys.argv[1:])
