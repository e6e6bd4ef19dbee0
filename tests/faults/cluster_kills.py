"""`python -m tests.faults.cluster_kills`: an ensemble whose worker, scheduler and client are killed on the way.

It ends with the seals of an undisturbed run, and computes no more segments again than were in flight.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.bench.ensemble import ensemble
from tests.pipeline.external_cluster import Cluster
from twinpipe.cluster import executor
from twinpipe.engine import prepare, run_plan
from twinpipe.layout import run_layout
from twinpipe.plan import Plan
from twinpipe.settings import Settings
from twinpipe.store import RunStore

WORKERS = 2  # of one thread each


@dataclass(frozen=True)
class Outcome:
    """Digests of the seals of both runs, their seconds, and how many segments were computed again."""

    undisturbed: str
    disturbed: str
    seconds: tuple[float, float]
    segments: int
    again: int
    kills: tuple[str, ...]


def plan_of(members: int, years: int, grid: str, per_block: int) -> Plan:
    return ensemble(members, years, grid, per_block)


def client(choices: list[str], address: str, path: Path) -> None:
    """What is killed: runs what is owed, and says a word for each sealed segment."""
    plan = plan_of(int(choices[0]), int(choices[1]), choices[2], int(choices[3]))
    with executor(Settings(dask_scheduler=address)) as how:

        def say(_: float) -> bool:
            print("sealed", flush=True)
            return True

        run_plan(plan, path, 0, how, say)


def disturbed(plan: Plan, choices: list[str], folder: Path, path: Path) -> tuple[str, ...]:
    """Run a plan to its end, killing a worker, the client and the scheduler at a quarter, half and three quarters."""
    owed, kills = len(plan.blocks) * len(plan.segments), ["worker", "client", "scheduler"]
    limits = {name: owed * (i + 1) // 4 for i, name in enumerate(kills)}
    done: list[str] = []
    counting = ["--preload=tests.faults.counting"]
    with Cluster(folder) as cluster:
        cluster.join(WORKERS, *counting)
        while len(RunStore(path).seals.all()) < owed:
            address = str(cluster.settings.dask_scheduler)
            command = [sys.executable, "-m", "tests.faults.cluster_kills", "--client", address, str(path), *choices]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
                assert running.stdout is not None
                for _ in running.stdout:
                    due = [n for n in kills if n not in done and len(RunStore(path).seals.all()) >= limits[n]]
                    if not due:
                        continue
                    done.append(due[0])
                    if due[0] == "worker":
                        cluster.workers[0].kill()
                        cluster.join(1, *counting)
                    elif due[0] == "client":
                        running.kill()
                    else:  # the client says that it is gone, and ends by itself
                        cluster.lose_scheduler()
                        cluster.join(WORKERS, *counting)
    return tuple(done)


def play(members: int, years: int, grid: str, per_block: int) -> Outcome:
    """Run the ensemble undisturbed and disturbed."""
    choices = [str(members), str(years), grid, str(per_block)]
    plan = plan_of(members, years, grid, per_block)
    digests, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        count = Path(folder, "computed")
        os.environ["TWINPIPE_TEST_COUNT"] = str(count)
        kills: tuple[str, ...] = ()
        for name in ("undisturbed", "disturbed"):
            path = Path(folder, f"{name}.zarr")
            prepare(plan, RunStore(path), run_layout(plan, {"title": "kills"}))
            began = time.perf_counter()
            if name == "disturbed":
                kills = disturbed(plan, choices, Path(folder), path)
            else:
                with executor(workers=WORKERS) as how:
                    run_plan(plan, path, 0, how)
            seconds.append(time.perf_counter() - began)
            digests.append(RunStore(path).finish({}))
        computed = Counter(count.read_text().splitlines())
    again = sum(computed.values()) - len(computed)
    return Outcome(
        digests[0], digests[1], (seconds[0], seconds[1]), len(plan.blocks) * len(plan.segments), again, kills
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[4:], sys.argv[2], Path(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        for option, usual in (("members", 1000), ("years", 100), ("per_block", 16)):
            parser.add_argument(f"--{option.replace('_', '-')}", type=int, default=usual)
        parser.add_argument("--grid", default="36x72")
        print(play(**vars(parser.parse_args())))
