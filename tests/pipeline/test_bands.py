"""Bands of latitude through the store: the same bits on threads and processes, after kills and wherever it was cut."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from tests.pipeline.external_cluster import processes
from tests.pipeline.test_engine import bits

from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.engine import Executor, Serial, run_plan
from twinpipe.errors import Cancelled
from twinpipe.layout import run_layout
from twinpipe.plan import Plan, make_plan
from twinpipe.result import build_result, read_outcome
from twinpipe.scenario import load_pattern
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore, open_run
from twinpipe.tree import run_in_memory

ROWS = 3  # of the bands of 8 rows: 3, 3 and 2


def plan(rows: int = ROWS, orbits_per_segment: int = 1, members: int = 1) -> Plan:
    mars, pattern = builtin_body("mars"), load_pattern("mars_terraform")
    spec = RunSpec(
        body=mars,
        scenario=pattern.scenario(mars, {"factory_rate": 2e5}),
        years=6,
        grid="8x12",
        steps_per_orbit=24,
        spin_up_orbits=2,
    )
    return make_plan((spec,) * members, 1, orbits_per_segment, rows)


def finished(made: Plan, path: Path, how: Executor) -> dict[str, str]:
    """Digest of every array of a store that was run to its end, and of the final states of its bands."""
    found = bits(made, path, how)
    store, last = RunStore(path), len(made.segments) - 1
    return {k: v for k, v in found.items() if not k.startswith("state")} | {
        f"state of block {b.index}": str(store.seals.read(b.index, last)["digests"]["state"])  # type: ignore[index]  # sealed
        for b in made.blocks
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return finished(plan(), tmp_path_factory.mktemp("reference") / "run.zarr", Serial())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_threads_change_nothing(tmp_path: Path, reference: dict[str, str], workers: int) -> None:
    with executor(workers=workers) as how:
        assert finished(plan(), tmp_path / "run.zarr", how) == reference


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_change_nothing(tmp_path: Path, reference: dict[str, str], workers: int) -> None:
    with processes(workers) as how:
        assert finished(plan(), tmp_path / "run.zarr", how) == reference


def test_a_worker_that_dies_costs_a_segment_and_no_bit(tmp_path: Path, reference: dict[str, str]) -> None:
    made, path = plan(), tmp_path / "run.zarr"
    RunStore(path).create(run_layout(made, {"title": "test"}))
    with processes(2) as how:
        victims = sorted(how.client.run(os.getpid).values())[:1]
        for token in how.run(made, path, 0):
            if token is not None and victims:
                os.kill(victims.pop(), signal.SIGKILL)
    assert finished(made, path, Serial()) == reference


def test_what_is_stored_is_what_is_simulated_in_memory(tmp_path: Path, reference: dict[str, str]) -> None:
    made, path = plan(), tmp_path / "run.zarr"
    assert finished(made, path, Serial()) == reference
    memory = run_in_memory(made)
    with open_run(path, verify=True) as tree:
        for group in map(str, tree.children):
            for name in map(str, tree[group].data_vars):
                if name in memory:
                    stored = tree[group][name].to_numpy()
                    assert np.array_equal(stored, memory[name].astype(stored.dtype)), name


def test_bands_agree_with_one_block_in_the_store(tmp_path: Path) -> None:
    results = []
    for rows in (ROWS, 8):
        made, path = plan(rows), tmp_path / f"{rows}.zarr"
        finished(made, path, Serial())
        results.append(build_result(read_outcome(made, path, 0)))
    for banded, whole in zip(results[0]["end_state"].items(), results[1]["end_state"].items(), strict=True):
        assert banded[0] == whole[0]
        if isinstance(whole[1], float):
            assert banded[1] == pytest.approx(whole[1], rel=1e-9)


def test_resume_goes_on_from_what_all_bands_have_sealed(tmp_path: Path, reference: dict[str, str]) -> None:
    path, made = tmp_path / "run.zarr", plan()
    RunStore(path).create(run_layout(made, {"title": "test"}))
    n = len(made.bands)
    for stop_after in (1, n):  # tokens; a stop between those of the bands is one after their segment
        budget = iter([True] * stop_after + [False])
        with pytest.raises(Cancelled):
            run_plan(made, path, 0, Serial(), lambda _, b=budget: next(b))  # type: ignore[misc]  # b binds early
    seals = RunStore(path).seals
    done = seals.count(0)
    assert 0 < done < len(made.segments)
    seals.path(1, done - 1).unlink()  # as if the others had been killed before this band sealed
    seals.state_path(1, done - 1).unlink()
    assert finished(made, path, Serial()) == reference


@pytest.mark.parametrize("threads", [1, 2])
def test_members_in_bands_are_stored_apart(tmp_path: Path, threads: int) -> None:
    made, path = plan(members=2), tmp_path / "run.zarr"
    with executor(workers=threads) as how:
        finished(made, path, how)
    with open_run(path, verify=True) as tree:
        field = tree["atmosphere"]["surface_temperature"].to_numpy()
    assert np.isfinite(field).all()
    assert np.array_equal(field[0], field[1])
