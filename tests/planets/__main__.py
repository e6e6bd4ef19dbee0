"""Prints the bodies as they are beside published numbers, a table each, and writes them as a page with plots.

Exit code 1 when one is outside its band without a known reason.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.planets import bodies_today, mars_thick, mars_warmed
from tests.planets.fillet import fillet_rows
from tests.planets.ice_caps import ice_line_rows
from tests.planets.mars_today import Row, budget_rows, control_run, drift, drift_rows, rows
from tests.planets.page import HEADER, cells_of, write_page
from tests.planets.pictures import Picture, ice_line_picture, mars_pictures, snowball_picture
from twinpipe.durable import check_writable
from twinpipe.errors import TwinpipeError

MINIMUM_WIDTH = 140  # columns; a pipe has no width of its own
STYLES = {"pass": "green", "missed": "yellow", "FAIL": "bold red"}


def table(title: str, results: list[Row]) -> Table:
    """The comparisons of a body as a table."""
    result = Table(title=title, title_justify="left")
    for name in HEADER:
        result.add_column(name, justify="right" if name in ("target", "ours", "error", "accept") else "left")
    for row in results:
        *cells, verdict = cells_of(row)
        result.add_row(*cells, f"[{STYLES[verdict]}]{verdict}[/]")
    return result


def mars_warmed_rows() -> Iterable[Row]:
    """Every comparison of Mars when something is added to its air."""
    yield from mars_warmed.humid_rows()
    yield from mars_warmed.gas_rows()
    yield mars_warmed.mix_row()
    yield from mars_warmed.cap_rows()
    yield from mars_warmed.aerosol_rows()
    yield from mars_warmed.rods_rows()


def mars_thick_rows() -> Iterable[Row]:
    """Every comparison of Mars under thick CO2, and of how much of it there is."""
    yield from mars_thick.column_rows()
    yield from mars_thick.constraint_rows()
    yield from mars_thick.native_rows()


OTHERS: dict[str, Callable[[], Iterable[Row]]] = {
    "venus": bodies_today.venus_rows,
    "titan": bodies_today.titan_rows,
    "europa": bodies_today.europa_rows,
    "earth": bodies_today.earth_rows,
    "luna": bodies_today.luna_rows,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planets", description=__doc__)
    parser.add_argument("--grid", default="36x72", help="of Mars; the others are the same along a row")
    parser.add_argument("--steps", type=int, default=96, help="steps per orbit of Mars")
    parser.add_argument(
        "--drift", type=int, default=1000, metavar="YEARS", help="length of the drift runs; 0 leaves them out"
    )
    parser.add_argument("--body", action="append", choices=["mars", *OTHERS], help="only this one; may be repeated")
    parser.add_argument(
        "--page",
        type=Path,
        default=Path(os.environ.get("TWINPIPE_HOME", ".")) / "planets",
        metavar="FOLDER",
        help="where the page with plots goes; default TWINPIPE_HOME/planets",
    )
    given = parser.parse_args()
    try:
        check_writable(given.page)  # before an hour of work
    except TwinpipeError as error:
        parser.error(str(error))
    console = Console()
    if console.width < MINIMUM_WIDTH:
        console = Console(width=MINIMUM_WIDTH)
    tables: dict[str, list[Row]] = {}
    pictures: list[Picture] = []

    def show(title: str, results: list[Row]) -> None:
        console.print(table(title, results))
        for row in results:
            if row.why and not row.passes:
                console.print(f"[yellow]missed[/] {row.quantity}: {row.why}")
        tables[title] = results

    for name in given.body or ["mars", *OTHERS]:
        if name == "mars":
            drifts = list(drift_rows(drift(given.drift, given.grid))) if given.drift else []
            control = control_run(given.grid, given.steps)
            budget = list(budget_rows(given.grid, given.steps))
            show("Mars today", rows(control) + budget + drifts)
            pictures += mars_pictures(control)
            show("Mars with more in its air", list(mars_warmed_rows()))
            show("Mars under thick CO2", list(mars_thick_rows()))
        else:
            held = bodies_today.drifts(name, given.drift) if given.drift else []
            show(f"{name.capitalize()} today", [*OTHERS[name](), *held])
            if name == "earth":
                show("FILLET's planet, untuned", list(fillet_rows()))
                pictures.append(snowball_picture())
    show("Ice lines of the classic energy-balance model", list(ice_line_rows()))
    every = [row for results in tables.values() for row in results]
    failed = sum(not row.passes and not row.why for row in every)
    console.print(f"{sum(row.passes for row in every)} of {len(every)} within their bands")
    console.print(str(write_page(given.page, tables, [*pictures, ice_line_picture()])), soft_wrap=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
