"""A planet in bands of latitude on two threads and on two processes, against the same planet in one block."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench.ledger import verdict
from tests.pipeline.external_cluster import processes
from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.engine import Dask
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import load_pattern
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore

Line = tuple[str, str, str, str]  # what, measured, goal, verdict
YEARS = 3  # of which the last 1.1 are timed: a segment without the spin-up before it
GOAL = 1.6


def planet(grid: str, rows: int = 0) -> Plan:
    """Terraformed Mars, in bands of some rows; 0: as the grid prescribes."""
    mars = builtin_body("mars")
    scenario = load_pattern("mars_terraform").scenario(mars, {})
    return make_plan((RunSpec(body=mars, scenario=scenario, years=YEARS, grid=grid, spin_up_orbits=1),), 1, 1, rows)


def last_segment(plan: Plan, how: Dask) -> float:
    """Wall seconds from the seals of the first segment to those of the second."""
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder) / "bands.zarr")
        store.create(run_layout(plan, {"title": "benchmark"}))
        sealed = {}
        for token in how.run(plan, store.path, 0):
            if token is not None:
                sealed[token.segment] = time.perf_counter()
    return sealed[1] - sealed[0]


def band_lines(grid: str = "720x1440", rows: int = 0, repetitions: int = 5) -> Iterator[Line]:
    """Times of one block over times of bands, side by side, medians."""
    whole, banded = planet(grid, rows=10**4), planet(grid, rows)
    seconds: dict[str, list[float]] = {"one": [], "threads": [], "processes": []}
    for _ in range(repetitions):
        ways: dict[str, tuple[Plan, AbstractContextManager[Dask]]] = {
            "one": (whole, executor(workers=1)),
            "threads": (banded, executor(workers=2)),
            "processes": (banded, processes(2)),
        }
        for name, (plan, way) in ways.items():
            with way as how:
                seconds[name].append(last_segment(plan, how))
    steps = whole.segments[1].steps[1] - whole.segments[1].steps[0]
    one = statistics.median(seconds["one"])
    yield f"{steps} steps of {grid} in one block", f"{one:.2f} s", "", ""
    for name in ("threads", "processes"):
        ratio = one / statistics.median(seconds[name])
        goal = (f"> {GOAL}x", verdict(ratio >= GOAL)) if (os.cpu_count() or 1) >= 2 else ("", "")
        yield f"{len(banded.bands)} bands on 2 {name} over one block", f"{ratio:.2f}x", *goal
