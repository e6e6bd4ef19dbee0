"""The kernel by itself: cell-steps per second and core of each body, time to compile, and peers beside it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.ledger import verdict
from tests.bench.peers import rates
from tests.bench.peers.environments import NotInstallable
from tests.bench.yardsticks.job import mars_of_co2
from twinpipe.block_state import join_members
from twinpipe.body import Body, builtin_body, builtin_names, load_body
from twinpipe.clock import Clock, usual_steps
from twinpipe.grid import Grid
from twinpipe.physics.model import Model, build, empty_ledger
from twinpipe.scenario import Scenario
from twinpipe.simulation import LANES, climate
from twinpipe.stepping import call

Line = tuple[str, str, str, str]  # what, measured, goal, verdict
REPETITIONS = 5
BODIES = Path(__file__).parents[1] / "planets" / "bodies"  # other people's models


@dataclass
class Ensemble:
    """The untouched body, as many members as a call of the kernel advances together."""

    model: Model

    def __post_init__(self) -> None:
        body, grid, clock = self.model.bodies[0], self.model.grid, self.model.clock
        self.state = join_members([climate(body, grid, clock, 5).state] * self.model.n_members)
        self.sums = np.zeros((1, self.model.n_maps, *self.state.ice.shape))
        self.ledger, self.steps = empty_ledger(self.model.n_members), 0

    def seconds(self) -> float:
        """CPU seconds of the next orbit of all members."""
        n, before = self.model.clock.steps_per_orbit, time.thread_time()
        call(self.model, self.state, self.ledger, self.steps, n, self.sums, 4)
        self.steps += n
        return time.thread_time() - before

    @property
    def cell_steps(self) -> int:
        """Of an orbit of all members."""
        return self.model.n_members * self.model.grid.n_cells * self.model.clock.steps_per_orbit


def ensemble(body: Body, grid: str = "36x72", steps: int = 0, members: int = LANES) -> Ensemble:
    """Members of a body on a number of steps an orbit, by default its usual ones."""
    orbit = body.orbit.sidereal_year_s
    clock = Clock(orbit, steps or usual_steps(orbit))
    return Ensemble(build((body,) * members, (Scenario(),) * members, Grid.parse(grid), clock))


def body_lines(grid: str) -> Iterator[Line]:
    """Cell-steps per second and core of every body with all of its processes."""
    for name in builtin_names():
        one = ensemble(builtin_body(name), grid)
        one.seconds()
        rate = one.cell_steps / statistics.median(one.seconds() for _ in range(REPETITIONS)) / 1e6
        yield f"{name}, cell-steps per second and core", f"{rate:.1f} million", "", ""


def compile_lines() -> Iterator[Line]:
    """CPU seconds until a new process has its kernel: compiled, and from the cache."""
    command = [sys.executable, "-c", "from tests.bench.ensemble import warm_up; warm_up()"]
    with tempfile.TemporaryDirectory() as folder:
        for what in ("compiled", "from the cache"):
            before = os.times()
            subprocess.run(command, check=True, env=os.environ | {"NUMBA_CACHE_DIR": folder})
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            yield f"a new process with its kernel {what}", f"{spent:.1f} s of CPU", "", ""


def peer_lines(steps: int, years: int) -> Iterator[Line]:
    """climlab's and VPLanet's rates against ours, side by side, medians.

    The goals are of Mars with six layers of soil and its CO2 cycle, whose step does far more than theirs; beside it
    the kernel advances each peer's own model, and Mars with all of its processes.
    """
    try:
        rates.climlab(1), rates.poise(1)  # so that installing is not timed
    except NotInstallable as reason:
        yield "climlab and VPLanet", f"not installed: {reason}", "", ""
        return
    ours = [
        ensemble(mars_of_co2(0)),
        ensemble(load_body(str(BODIES / "climlab_seasonal.toml")), steps=rates.CLIMLAB_STEPS),
        ensemble(load_body(str(BODIES / "poise_earth.toml")), steps=rates.POISE_STEPS),
        ensemble(builtin_body("mars")),
    ]
    found: list[list[float]] = []  # CPU seconds by repetition
    for one in ours:
        one.seconds()
    for _ in range(REPETITIONS):
        (flat, rows), poise = rates.climlab(steps), rates.poise(years)
        peers = [flat.cell_step, rows.year, poise.cell_step, poise.year]
        found.append([statistics.median(one.seconds() for _ in range(3)) / one.cell_steps for one in ours] + peers)
    soil, like_climlab, like_poise, whole, flat_step, rows_year, poise_step, poise_year = (
        statistics.median(column) for column in zip(*found, strict=True)
    )
    cells = ours[0].model.grid.n_cells
    climlab_year, year = rates.CLIMLAB_STEPS * cells, rates.POISE_STEPS * cells

    def line(what: str, theirs: float, per_ours: int, own: float, goal: float) -> Iterator[Line]:
        ratio = theirs / (per_ours * soil)
        yield f"{what}, over Mars", f"{ratio:,.1f}x", f"> {goal:g}x", verdict(ratio >= goal)
        yield "  over that model itself here", f"{theirs / (per_ours * own):,.1f}x", "", ""
        yield "  over Mars with all of its processes", f"{theirs / (per_ours * whole):,.1f}x", "", ""

    yield from line("climlab's seasonal model on 36x72, a cell and step", flat_step, 1, like_climlab, 100)
    yield from line("its year of 36 rows over 36x72 in as many steps", rows_year, climlab_year, like_climlab, 20)
    yield from line("VPLanet's POISE of 36 rows, a cell and step", poise_step, 1, like_poise, 300)
    yield from line("its year of 36 rows over 36x72 in as many steps", poise_year, year, like_poise, 5)
