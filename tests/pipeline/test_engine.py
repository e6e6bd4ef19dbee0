"""Laws of the engine: however members are blocked and wherever they run, the bits are the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.pipeline.external_cluster import processes

from twinpipe import engine
from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.digest import array_digest
from twinpipe.engine import Executor, Serial, advance, prepare, run_plan
from twinpipe.errors import Cancelled, Failure
from twinpipe.layout import run_layout
from twinpipe.place import Place
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import load_pattern
from twinpipe.settings import Settings
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore, open_run

MEMBERS, YEARS, GRID = 5, 8, "6x8"


def plan(members_per_block: int, orbits_per_segment: int = 2) -> Plan:
    mars, pattern = builtin_body("mars"), load_pattern("mars_terraform")
    specs = tuple(
        RunSpec(
            body=mars,
            scenario=pattern.scenario(mars, {"factory_rate": 2e5 * (m + 1)}),
            years=YEARS,
            grid=GRID,
            spin_up_orbits=2,
        )
        for m in range(MEMBERS)
    )
    return make_plan(specs, members_per_block=members_per_block, orbits_per_segment=orbits_per_segment)


def sixteen() -> tuple[RunSpec, ...]:
    """Specs of 16 members."""
    few = plan(1).specs
    return tuple(few[m % MEMBERS].model_copy(update={"seed": m}) for m in range(16))


def bits(made: Plan, path: Place, how: Executor) -> dict[str, str]:
    """Digest of every array of a store that was run to its end, and of its final states by member."""
    store = RunStore(path)
    store.create(run_layout(made, {"title": "test"}))
    run_plan(made, path, 0, how)
    store.finish({})
    with open_run(path, verify=True) as tree:
        found = {
            f"{group}/{name}": array_digest(tree[group][name].to_numpy())
            for group in map(str, tree.children)
            for name in map(str, tree[group].data_vars)
        }
    last = len(made.segments) - 1
    for block in made.blocks:
        state = store.load_state(block.index, last)
        for m in range(*block.members):
            arrays = [state[k][m - block.members[0]] for k in sorted(state) if k != "step"]
            found[f"state of member {m}"] = array_digest(*arrays)
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return bits(plan(MEMBERS), tmp_path_factory.mktemp("reference") / "run.zarr", Serial())


@pytest.mark.parametrize("members_per_block", [1, 4])
def test_blocking_changes_nothing(tmp_path: Path, reference: dict[str, str], members_per_block: int) -> None:
    assert bits(plan(members_per_block), tmp_path / "run.zarr", Serial()) == reference


@pytest.mark.parametrize("segment", [4, 10])
def test_segments_change_nothing(tmp_path: Path, reference: dict[str, str], segment: int) -> None:
    assert bits(plan(MEMBERS, segment), tmp_path / "run.zarr", Serial()) == reference


@pytest.mark.parametrize("workers", [1, 2])
def test_dask_threads_change_nothing(tmp_path: Path, reference: dict[str, str], workers: int) -> None:
    with executor(workers=workers) as how:
        assert bits(plan(2), tmp_path / "run.zarr", how) == reference


def test_dask_processes_change_nothing(tmp_path: Path, reference: dict[str, str]) -> None:
    with processes(2) as how:
        assert bits(plan(2), tmp_path / "run.zarr", how) == reference


def test_processes_share_the_blocks(tmp_path: Path) -> None:
    made, path = make_plan(sixteen()[:8], members_per_block=2, orbits_per_segment=2), tmp_path / "run.zarr"
    prepare(made, RunStore(path), run_layout(made, {"title": "test"}))
    with processes(2) as how:
        tokens = run_plan(made, path, 0, how)
    by_worker = Counter(token.worker for token in tokens)
    assert len(by_worker) == 2
    assert min(by_worker.values()) >= len(tokens) // 4  # one that loads its kernel for longer gives blocks away


@pytest.mark.slow
@pytest.mark.parametrize("members_per_block", [1, 4, 7, 16])
def test_any_slab_on_any_number_of_workers_has_the_same_bits(tmp_path: Path, members_per_block: int) -> None:
    expected = bits(make_plan(sixteen(), 16, 2), tmp_path / "whole.zarr", Serial())
    made = make_plan(sixteen(), members_per_block, 2)
    for workers in (1, 2, 3):
        with executor(workers=workers) as how:
            assert bits(made, tmp_path / f"{workers} threads.zarr", how) == expected
        with processes(workers) as how:
            assert bits(made, tmp_path / f"{workers} processes.zarr", how) == expected


def test_resume_equals_continuous(tmp_path: Path, reference: dict[str, str]) -> None:
    path, made = tmp_path / "run.zarr", plan(2)
    RunStore(path).create(run_layout(made, {"title": "test"}))
    for stop_after in (1, 2, 1):
        budget = iter([True] * stop_after + [False])
        with pytest.raises(Cancelled):
            run_plan(made, path, 0, Serial(), lambda _, b=budget: next(b))  # type: ignore[misc]  # b binds early
    assert bits(made, path, Serial()) == reference


@pytest.mark.parametrize("from_disk", [True, False], ids=["from disk", "from memory"])
def test_a_run_that_stops_after_any_segment_goes_on_with_the_same_bits(
    tmp_path: Path, reference: dict[str, str], from_disk: bool
) -> None:
    path, made = tmp_path / "run.zarr", plan(2)
    RunStore(path).create(run_layout(made, {"title": "test"}))
    for _ in range(len(made.blocks) * len(made.segments)):
        with pytest.raises(Cancelled):
            run_plan(made, path, 0, Serial(), lambda _: False)
        if from_disk:
            engine._states.clear()  # as in a process that begins
    assert not list(Serial().run(made, path, 0))
    assert bits(made, path, Serial()) == reference


def test_a_scheduler_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(Failure, match=r"does not answer"), executor(Settings(dask_scheduler="tcp://127.0.0.1:9")):
        pass


def test_a_token_that_was_lost_with_its_worker_is_not_a_lost_run(tmp_path: Path, reference: dict[str, str]) -> None:
    path, made = tmp_path / "run.zarr", plan(MEMBERS)
    RunStore(path).create(run_layout(made, {"title": "test"}))
    for segment in range(3):
        first = advance(made, path, made.blocks[0], segment, 0)
        again = advance(made, path, made.blocks[0], segment, 0)  # as Dask does when the worker is gone
        assert (again.segment, again.mass_error, again.energy_error) == (segment, first.mass_error, first.energy_error)
    assert bits(made, path, Serial()) == reference
