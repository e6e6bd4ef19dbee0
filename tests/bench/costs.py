"""What a task costs those whom all cores share, the client and the scheduler, and how many cores that feeds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.ensemble import ensemble
from tests.bench.kernel import Line
from tests.pipeline.external_cluster import Cluster
from twinpipe.cluster import executor
from twinpipe.engine import prepare, run_plan
from twinpipe.layout import run_layout
from twinpipe.plan import make_plan
from twinpipe.store import RunStore

TASK_SECONDS = 8.0  # of a block of 16 members for 20 orbits on 36x72; `make bench` prints the kernel's own rate


def cost_lines(members: int, years: int, orbits: int = 5) -> Iterator[Line]:
    """Processor time of client and scheduler for a task, and its files: of many that compute nearly nothing.

    The cores that they feed, when a task takes TASK_SECONDS of one, are TASK_SECONDS over each of the times.
    """
    specs = ensemble(members, years, "4x6").specs
    plan = make_plan(specs, members_per_block=1, orbits_per_segment=orbits)
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder)) as cluster:
        cluster.join(2)
        assert cluster.scheduler is not None
        scheduler = psutil.Process(cluster.scheduler.pid)
        with executor(cluster.settings) as how:
            path = Path(folder) / "run.zarr"
            store = RunStore(path)
            prepare(plan, store, run_layout(plan, {}))
            before, made = _files(path), _cpu(scheduler)
            own = time.process_time()
            tasks = len(run_plan(plan, path, 0, how))
            client, shared = (time.process_time() - own) / tasks, (_cpu(scheduler) - made) / tasks
            files, size = (b - a for a, b in zip(before, _files(path), strict=True))
    yield "client, processor time of a task", f"{1e3 * client:.1f} ms", "", f"feeds {TASK_SECONDS / client:,.0f} cores"
    yield "scheduler, of a task", f"{1e3 * shared:.1f} ms", "", f"feeds {TASK_SECONDS / shared:,.0f} cores"
    per_second = 1000 / TASK_SECONDS * files / tasks
    yield "files of a task", f"{files / tasks:.0f}", "", f"{per_second:,.0f} a second of 1,000 cores"
    yield "bytes of a task of 24 cells", f"{size / tasks / 1e3:.0f} kB", "", ""


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _files(path: Path) -> tuple[int, int]:
    sizes = [p.stat().st_size for p in path.rglob("*") if p.is_file()]
    return len(sizes), sum(sizes)
