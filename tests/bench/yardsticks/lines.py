"""The kernel beside its yardsticks, in one run: rates, ratios, and shares of what the machine can do."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Iterator

from tests.bench.ledger import verdict
from tests.bench.yardsticks.in_c import InC, library
from tests.bench.yardsticks.job import Kernel, Version, job
from tests.bench.yardsticks.limits import Limits
from tests.bench.yardsticks.step_numpy import InNumpy
from tests.bench.yardsticks.step_xarray import InXarray
from twinpipe.physics.model import Model
from twinpipe.physics.records import State

Line = tuple[str, str, str, str]  # what, measured, goal, verdict
REPETITIONS = 7


def rate(version: Version, model: Model, n: int) -> float:
    """Cell-steps per second of processor time over n steps."""
    before = time.thread_time()
    version.advance(n)
    return n * model.grid.n_cells * model.n_members / (time.thread_time() - before)


def yardstick_lines(tiny: bool) -> Iterator[Line]:
    """Medians of repetitions that take turns, so that what else the machine does meets all alike."""
    try:
        operations, wide = (ctypes.c_long.in_dll(library("step.c"), name).value for name in ("OPERATIONS", "WIDE"))
    except FileNotFoundError as reason:
        yield "yardsticks", f"not built: {reason}", "", ""
        return
    model, start = job("4x8" if tiny else "36x72")
    orbit = model.clock.steps_per_orbit
    limits = Limits(20_000, 100_000) if tiny else Limits()
    versions: list[tuple[Callable[[Model, State], Version], int]] = [
        (Kernel, orbit),
        (InC, orbit),
        (InNumpy, 8),
        (InXarray, 4),
    ]
    measures: list[Callable[[], float]] = [limits.peak, limits.copy, limits.triad]
    for make, n in versions:
        version = make(model, start)
        version.advance(n)
        measures.append(lambda version=version, n=n: rate(version, model, n))  # type: ignore[misc]  # bound as defaults
    found = [[measure() for measure in measures] for _ in range(REPETITIONS)]
    peak, copy, triad, kernel, c, in_numpy, in_xarray = (statistics.median(x) for x in zip(*found, strict=True))
    in_turns = [[row[3] / other for other in row[4:]] for row in found]
    to_c, to_numpy, to_xarray = (statistics.median(x) for x in zip(*in_turns, strict=True))
    share = kernel * operations / peak
    yield (
        "kernel, cell-steps per second and core",
        f"{kernel / 1e6:.1f} million",
        "> 40 million",
        verdict(kernel >= 4e7),
    )
    yield "the same step in C", f"{c / 1e6:.1f} million", "", ""
    yield "in numpy", f"{in_numpy / 1e6:.2f} million", "", ""
    yield "with xarray", f"{in_xarray / 1e6:.2f} million", "", ""
    if wide:
        yield "kernel over C", f"{to_c:.2f}", ">= 0.6", verdict(to_c >= 0.6)
    else:
        yield "kernel over C, which is made for AVX-512", f"{to_c:.2f}", "", ""
    yield "kernel over numpy", f"{to_numpy:.1f}x", ">= 15x", verdict(to_numpy >= 15)
    yield "kernel over xarray", f"{to_xarray:.1f}x", ">= 60x", verdict(to_xarray >= 60)
    yield (
        f"kernel's share of the peak, {operations} operations a cell-step",
        f"{share:.0%}",
        ">= 20 %",
        verdict(share >= 0.2),
    )
    yield "C's share of the peak", f"{c * operations / peak:.0%}", "", ""
    yield "peak of multiply-adds, one core", f"{peak / 1e9:.1f} GF/s", "", ""
    yield "bandwidth of memory, copy and triad, one core", f"{copy / 1e9:.1f} and {triad / 1e9:.1f} GB/s", "", ""
