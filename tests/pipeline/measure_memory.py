"""The peak memory (bytes) of a worker that runs a plan, measured in a process of its own: `python -m` with a job."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.engine import Serial, prepare, run_plan
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import load_pattern
from twinpipe.spec import OutputPolicy, RunSpec
from twinpipe.store import RunStore


def job(
    body: str, grid: str, members: int, members_per_block: int, orbits: int, orbits_per_segment: int, maps_every: int
) -> Plan:
    """Members of a body for some orbits; those of Mars are terraformed."""
    planet = builtin_body(body)
    pattern = load_pattern("mars_terraform" if body == "mars" else "custom")
    years = max(1, round(orbits * planet.orbit.sidereal_year_s / 31_557_600))
    specs = [
        RunSpec(
            body=planet,
            scenario=pattern.scenario(planet, {}),
            years=years,
            grid=grid,
            spin_up_orbits=1,
            seed=seed,
            output=OutputPolicy(maps_every_orbits=maps_every),
        )
        for seed in range(members)
    ]
    return make_plan(tuple(specs), members_per_block, orbits_per_segment)


def peak(plan: Plan, threads: int) -> int:
    """Run a plan, on Dask threads or (0) serially; the peak of this process so far."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        prepare(plan, RunStore(path), run_layout(plan, {}))
        if threads == 0:
            run_plan(plan, path, 0, Serial())
        else:
            with executor(workers=threads) as how:
                run_plan(plan, path, 0, how)
    # not the usage's maximum, which counts what the process was before it became this program
    peaks = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peaks[0].split()[1]) * 1024


def measured(work: dict[str, Any], threads: int) -> int:
    """Peak of a new process that does a job with the kernel from the cache."""
    text = orjson.dumps({"job": work, "threads": threads}).decode()
    command = [sys.executable, "-m", "tests.pipeline.measure_memory", text]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    wanted = orjson.loads(sys.argv[1])
    print(peak(job(**wanted["job"]), wanted["threads"]))
