"""What the engine adds to direct calls, what two cores gain, and how near its writes come to bare Zarr."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from tests.bench.ensemble import ensemble
from tests.bench.kernel import Line
from tests.bench.ledger import verdict
from tests.pipeline.external_cluster import processes
from tests.pipeline.measure_memory import job, measured
from twinpipe.cluster import executor
from twinpipe.engine import GROUP_OF, advance, prepare, run_plan
from twinpipe.grid import Array
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.projection import project
from twinpipe.simulation import run_segment, start
from twinpipe.spec import OutputPolicy
from twinpipe.store import RunStore
from twinpipe.template import regions_of


@dataclass(frozen=True)
class Spent:
    """Seconds of a plan's run, on the wall's clock and of this process's processors."""

    wall: float
    cpu: float


def spent(plan: Plan, run: Callable[[Path], object]) -> Spent:
    """Seconds of a run into a store that is made before and dropped afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        prepare(plan, RunStore(path), run_layout(plan, {}))
        wall, cpu = time.perf_counter(), time.process_time()
        run(path)
        return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def directly(plan: Plan, threads: int) -> Spent:
    """Blocks over threads by calls of the task itself, without Dask."""

    def run(path: Path) -> None:
        def whole(index: int) -> None:
            for segment in range(len(plan.segments)):
                advance(plan, path, plan.blocks[index], segment, 0)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(whole, range(len(plan.blocks))))

    return spent(plan, run)


def engine_lines(members: int, years: int, grid: str, repetitions: int) -> Iterator[Line]:
    """Medians of repetitions side by side: direct calls on one and two threads, Dask on threads and processes."""
    plan, size = ensemble(members, years, grid, max(1, members // 4)), f"{members} members, {years} years"
    found: dict[str, list[Spent]] = {"one": [], "direct": [], "threads": [], "processes": []}
    with executor(workers=2) as threads, processes(2) as two:
        spent(plan, lambda path: run_plan(plan, path, 0, two))  # each process loads the kernel once
        for _ in range(repetitions):
            found["one"].append(directly(plan, 1))
            found["direct"].append(directly(plan, 2))
            found["threads"].append(spent(plan, lambda path: run_plan(plan, path, 0, threads)))
            found["processes"].append(spent(plan, lambda path: run_plan(plan, path, 0, two)))
    wall = {name: statistics.median(s.wall for s in all_of) for name, all_of in found.items()}
    overhead = statistics.median(
        with_dask.cpu / direct.cpu for with_dask, direct in zip(found["threads"], found["direct"], strict=True)
    )
    yield f"CPU of Dask over direct calls, {size}", f"{100 * (overhead - 1):+.1f} %", "< 3 %", verdict(overhead < 1.03)
    for name, goal in (("threads", 0.97), ("processes", 0.94)):
        share = wall["one"] / (2 * wall[name])
        yield f"efficiency of 2 {name}", f"{100 * share:.1f} %", f"> {100 * goal:.0f} %", verdict(share >= goal)


def write_line(members: int, years: int, grid: str, repetitions: int) -> Line:
    """A sealed segment over bare Zarr writes of the same arrays and a bare copy of the restart state.

    Bare has neither digests nor receipts nor seals, and forces nothing to disk.  Maps of every orbit, as of a run; the
    second segment, when the arrays are known.
    """
    specs = tuple(s.model_copy(update={"output": OutputPolicy()}) for s in ensemble(members, years, grid).specs)
    plan = make_plan(specs, members)
    assert len(plan.segments) > 1
    block, ratios, megabytes, arrays = plan.blocks[0], [], 0.0, {}
    begun, initial = start(plan, block)
    first = run_segment(plan, block, plan.segments[0], begun)
    second = run_segment(plan, block, plan.segments[1], first.state)
    state = second.state.arrays()
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            path, bare = Path(folder) / "run.zarr", Path(folder) / "bare.zarr"
            store = RunStore(path)
            store.create(run_layout(plan, {}))
            shutil.copytree(path, bare)
            store.write_segment(0, 0, named(first.arrays | initial), first.state.arrays(), first.record)
            arrays, regions = named(second.arrays), regions_of(store._template, 0, 1)
            opened = {
                key: zarr.open_array(bare, path="/".join(key), mode="r+").with_config({"write_empty_chunks": True})
                for key in arrays
            }
            began = time.perf_counter()
            for key, a in arrays.items():
                opened[key][regions[key][1]] = np.asarray(a, regions[key][0]["dtype"])
            np.savez(bare / "state.npz", allow_pickle=False, **state)
            between = time.perf_counter()
            store.write_segment(0, 1, arrays, state, second.record)
            ratios.append((between - began) / (time.perf_counter() - between))
            megabytes = sum(np.asarray(a, regions[k][0]["dtype"]).nbytes for k, a in arrays.items()) / 1e6
    ratio = statistics.median(ratios)
    what = f"sealed writes over bare ones, {megabytes:.0f} MB in {len(arrays)} arrays"
    return what, f"{100 * ratio:.0f} %", "> 80 %", verdict(ratio >= 0.8)


def named(arrays: dict[str, Array]) -> dict[tuple[str, str], Array]:
    """Arrays of a segment by group and name, without those that have no records in it."""
    return {(GROUP_OF[n.removeprefix("initial_")], n): a for n, a in arrays.items() if a.size}


def memory_line() -> Line:
    """Peak memory of a worker of two threads against its projection."""
    work: dict[str, Any] = {"body": "mars", "grid": "36x72", "members": 16, "members_per_block": 8}
    work |= {"orbits": 6, "orbits_per_segment": 3, "maps_every": 1}
    projected, found = project(job(**work)).worker(2), measured(work, 2)
    ratio, said = projected / found, f"{found / 1e6:.0f} MB of {projected / 1e6:.0f} MB projected"
    return "peak memory of two threads", said, "within 1.5x, never above", verdict(1 <= ratio <= 1.5)
