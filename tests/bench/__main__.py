"""`python -m tests.bench [--tiny]`: all benchmarks, one table."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.bench.bands import band_lines
from tests.bench.cold import cold_lines
from tests.bench.costs import cost_lines
from tests.bench.ensemble import ensemble, time_ensemble, warm_up
from tests.bench.kernel import body_lines, compile_lines, peer_lines
from tests.bench.ledger import ledger_rows, verdict
from tests.bench.scaling import engine_lines, memory_line, write_line
from tests.bench.yardsticks.lines import yardstick_lines


def main(tiny: bool) -> None:
    """Run every benchmark; tiny only shows that they run."""
    threads = min(2, os.cpu_count() or 1)
    members, years, grid = (4, 2, "6x8") if tiny else (64, 100, "36x72")
    warm_up()
    timing = time_ensemble(ensemble(members, years, grid, 16), threads)
    console = Console(width=120)
    console.print(
        _table(
            f"{members} members, {grid}, {years} years, {threads} threads",
            [
                ("kernel, cell-steps per second and core", f"{timing.rate_per_core / 1e6:.1f} million", "", ""),
                ("wall", f"{timing.wall:.1f} s", "", ""),
                (
                    *("share of wall outside the kernel", f"{100 * timing.outside:.1f} %"),
                    *("< 12 %", verdict(timing.outside < 0.12)),
                ),
                ("written", f"{timing.megabytes:.1f} MB", "", ""),
            ],
        )
    )
    console.print(_table("engine", engine_lines(*((4, 2, "6x8", 1) if tiny else (32, 100, "36x72", 5)))))
    console.print(_table("what a task costs those who are shared", cost_lines(*((2, 20) if tiny else (16, 400)))))
    console.print(_table("store", [write_line(*((2, 80, "4x6", 1) if tiny else (16, 80, "36x72", 5)))]))
    console.print(_table("kernel", body_lines("4x8" if tiny else "36x72")))
    console.print(_table("bands of latitude", band_lines("8x12", 4, 1) if tiny else band_lines()))
    console.print(_table("yardsticks: Mars with six layers of soil and its CO2 cycle alone", yardstick_lines(tiny)))
    if not tiny:
        console.print(_table("memory", [memory_line()]))
        console.print(_table("cold start", cold_lines(5)))
        console.print(_table("kernel, a new process", compile_lines()))
        console.print(_table("peers, each installed from its packages", peer_lines(50, 50)))
    console.print(_table("ledger: embedded Postgres, safe against power failure", ledger_rows(tiny)))


def _table(title: str, rows: Iterable[tuple[str, str, str, str]]) -> Table:
    made = Table(title=title, title_justify="left")
    for heading in ("what", "measured", "goal", "verdict"):
        made.add_column(heading, justify="right" if heading == "measured" else "left")
    for row in rows:
        made.add_row(*row)
    return made


if __name__ == "__main__":
    main("--tiny" in sys.argv[1:])
