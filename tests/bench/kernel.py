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

import numpy as np

from tests.bench.ledger import verdict
from tests.bench.peers import rates
from tests.bench.peers.environments import NotInstallable
from twinpipe.block_state import join_members
from twinpipe.body import builtin_body, builtin_names
from twinpipe.clock import Clock, usual_steps
from twinpipe.grid import Grid
from twinpipe.physics.model import Model, build, empty_ledger
from twinpipe.scenario import Scenario
from twinpipe.simulation import LANES, climate
from twinpipe.stepping import call

Line = tuple[str, str, str, str]  # what, measured, goal, verdict
REPETITIONS = 5


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


def ensemble(name: str, grid: str = "36x72", members: int = LANES) -> Ensemble:
    """Members of a built-in body on their usual steps."""
    body, shape = builtin_body(name), Grid.parse(grid)
    clock = Clock(body.orbit.sidereal_year_s, usual_steps(body.orbit.sidereal_year_s))
    return Ensemble(build((body,) * members, (Scenario(),) * members, shape, clock))


def body_lines(grid: str) -> Iterator[Line]:
    """Cell-steps per second and core of every body; Mars has water, regolith, buried CO2 and six layers of soil."""
    for name in ("mars", *(n for n in builtin_names() if n != "mars")):
        one = ensemble(name, grid)
        one.seconds()
        rate = one.cell_steps / statistics.median(one.seconds() for _ in range(REPETITIONS)) / 1e6
        goal = ("> 40 million", verdict(rate >= 40)) if name == "mars" else ("", "")
        yield f"{name}, cell-steps per second and core", f"{rate:.1f} million", *goal


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
    """climlab's and VPLanet's rates against that of Mars, side by side, medians."""
    try:
        rates.climlab(1), rates.poise(1)  # so that installing is not timed
    except NotInstallable as reason:
        yield "climlab and VPLanet", f"not installed: {reason}", "", ""
        return
    mars = ensemble("mars")
    mars.seconds()
    ours, flat, rows, poise = [], [], [], []
    for _ in range(REPETITIONS):
        ours.append(mars.seconds() / mars.cell_steps)
        a, b = rates.climlab(steps)
        flat.append(a)
        rows.append(b)
        poise.append(rates.poise(years))
    cell_step, step = statistics.median(ours), mars.model.grid.n_cells * statistics.median(ours)

    def line(what: str, ratio: float, goal: float) -> Line:
        return what, f"{ratio:,.1f}x", f"> {goal:g}x", verdict(ratio >= goal)

    yield line("climlab's seasonal model on 36x72, a cell and step", _middle(flat, "cell_step") / cell_step, 100)
    yield line("its year of 36 rows over ours of 36x72 in as many steps", _middle(rows, "year") / (90 * step), 20)
    yield line("VPLanet's POISE of 36 rows, a cell and step", _middle(poise, "cell_step") / cell_step, 300)
    yield line("its year of 36 rows over ours of 36x72 in as many steps", _middle(poise, "year") / (60 * step), 5)


def _middle(found: list[rates.Rate], field: str) -> float:
    return float(statistics.median(getattr(r, field) for r in found))
