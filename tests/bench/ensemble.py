"""The engine around the kernel: an ensemble through Dask and Zarr, and how much of the time is not kernel."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.engine import prepare, run_plan
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import load_pattern
from twinpipe.spec import OutputPolicy, RunSpec
from twinpipe.store import RunStore


@dataclass(frozen=True)
class Timing:
    """Seconds of an ensemble on a number of threads."""

    cell_steps: int
    wall: float
    kernel: float  # seconds of all threads, on the wall's clock
    kernel_cpu: float  # seconds of all processors
    threads: int
    megabytes: float

    @property
    def rate_per_core(self) -> float:
        """Cell-steps per second of kernel on one core."""
        return self.cell_steps / self.kernel_cpu

    @property
    def outside(self) -> float:
        """Share of the wall time of all threads that is not kernel."""
        return 1 - self.kernel / (self.wall * self.threads)


def ensemble(members: int, years: int, grid: str, members_per_block: int = 16) -> Plan:
    """Terraformed Mars with the factories' rate varied from member to member."""
    mars, pattern = builtin_body("mars"), load_pattern("mars_terraform")
    specs = tuple(
        RunSpec(
            body=mars,
            scenario=pattern.scenario(mars, {"factory_rate": 1e5 * (m + 1) / members}),
            years=years,
            grid=grid,
            output=OutputPolicy(maps_every_orbits=5),
        )
        for m in range(members)
    )
    return make_plan(specs, members_per_block=members_per_block)


def time_ensemble(plan: Plan, threads: int) -> Timing:
    """Run a plan on a local cluster into a store on disk; everything from the first submission to the last seal."""
    with tempfile.TemporaryDirectory() as folder, executor(workers=threads) as how:
        path = Path(folder) / "ensemble.zarr"
        store = RunStore(path)
        began = time.perf_counter()
        prepare(plan, store, run_layout(plan, {"title": "benchmark"}))
        tokens = run_plan(plan, path, 0, how)
        store.finish({})
        wall = time.perf_counter() - began
        size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) / 1e6
    cell_steps = plan.n_members * plan.n_steps * plan.grid.n_cells
    kernel, cpu = sum(t.kernel_seconds for t in tokens), sum(t.kernel_cpu_seconds for t in tokens)
    return Timing(cell_steps, wall, kernel, cpu, threads, size)


def warm_up() -> None:
    """Compile or load the kernel, so that no benchmark times that."""
    with tempfile.TemporaryDirectory() as folder, executor(workers=1) as how:
        plan = ensemble(1, 1, "4x4")
        store = RunStore(Path(folder) / "warm.zarr")
        store.create(run_layout(plan, {}))
        run_plan(plan, store.path, 0, how)
