"""Laws of the main job: one result row that agrees with the store, and ends that leave nothing half done."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sqlalchemy import Engine, text
from tests.pipeline.terminal import environment

from twinpipe import lifecycle
from twinpipe.body import builtin_body
from twinpipe.cluster import executor
from twinpipe.db import ledger
from twinpipe.engine import Executor, Serial, Token, advance
from twinpipe.errors import Cancelled, Conflict, SimulationError, StoreError
from twinpipe.heartbeat import Heartbeat
from twinpipe.layout import Layout
from twinpipe.place import Place
from twinpipe.plan import Plan
from twinpipe.running import await_lease
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.settings import Settings
from twinpipe.store import RunStore, create_twin_store, open_run
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")
TERRAFORM = load_pattern("mars_terraform").scenario(MARS)


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


@pytest.fixture
def twin(w: Workplace) -> int:
    return lifecycle.create_twin(w, MARS, "small", grid="6x8")[0].id


def simulate(w: Workplace, run_id: int, how: Executor | None = None, **more: Any) -> dict[str, Any]:
    return lifecycle.insert_result(w, lifecycle.simulate_run(w, run_id, how or Serial(), **more))


def sealed(w: Workplace, run_id: int) -> int:
    return RunStore(lifecycle.run_path(w, ledger.get_run(w.engine, run_id))).sealed_segments(0)


class Failing:
    """An executor whose worker fails after some segments."""

    def __init__(self, after: int, error: BaseException) -> None:
        self.after, self.error = after, error

    def run(self, plan: Plan, path: Place, generation: int) -> Iterator[Token]:
        for segment in range(self.after):
            yield advance(plan, path, plan.blocks[0], segment, generation)
        raise self.error


@pytest.mark.parametrize("where", ["here", "on a cluster"])
def test_the_result_agrees_with_the_store(w: Workplace, twin: int, where: str) -> None:
    run, new = lifecycle.prepare_run(w, twin, TERRAFORM, 40)
    assert new
    if where == "here":
        simulate(w, run.id)
    else:
        with executor(workers=2) as how:
            simulate(w, run.id, how)
    result = ledger.get_result(w.engine, run.id)
    with xr.open_datatree(result.performance_data["store"], engine="zarr") as tree:
        air = tree["atmosphere"].to_dataset()
        south, north = np.sin(np.deg2rad(air["lat_bnds"].to_numpy())).T
        area = (north - south)[:, None] * np.ones(air.sizes["lon"]) / (2 * air.sizes["lon"])
        assert area.sum() == pytest.approx(1, rel=1e-12)
        last = air["surface_temperature"].isel(member=0).to_numpy()[-1].astype(float)
    said = result.end_state["atmosphere"]["surface_temperature_k"]
    assert float((area * last).sum()) == pytest.approx(said, rel=1e-6)


def test_a_completed_run_has_exactly_one_result(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 3)
    receipt = lifecycle.simulate_run(w, run.id, Serial())
    first = lifecycle.insert_result(w, receipt)
    assert lifecycle.insert_result(w, receipt) == first
    done = ledger.get_run(w.engine, run.id)
    assert (done.status, done.progress, done.error_message, done.lease_until) == ("completed", 1.0, None, None)
    assert ledger.get_twin(w.engine, twin).status == "completed"
    with w.engine.connect() as connection:
        assert connection.scalars(text("SELECT count(*) FROM simulation_results")).one() == 1
    with pytest.raises(Conflict, match=r"is completed already\.$"):
        lifecycle.simulate_run(w, run.id, Serial())
    assert ledger.get_run(w.engine, run.id) == done
    assert lifecycle.prepare_run(w, twin, TERRAFORM, 3) == (done, False)


def test_progress_only_grows(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 300)
    told: list[float] = []
    row: list[float] = []

    def show(fraction: float) -> None:
        told.append(fraction)
        row.append(ledger.get_run(w.engine, run.id).progress)
        time.sleep(0.15)  # so that heartbeats fall between segments

    receipt = lifecycle.simulate_run(w, run.id, Serial(), on_progress=show)
    row.append(ledger.get_run(w.engine, run.id).progress)
    assert told == pytest.approx([(i + 1) / receipt.segments for i in range(receipt.segments)])
    assert row == sorted(row)
    assert 0 < row[-2] < 1
    assert row[-1] == 0.999  # only the result completes a run
    lifecycle.insert_result(w, receipt)
    assert ledger.get_run(w.engine, run.id).progress == 1.0


def test_a_run_that_is_taken_over_does_not_lose_its_progress(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 300)
    generation = ledger.claim_run(w.engine, run.id, 0.0)
    assert ledger.report_progress(w.engine, run.id, generation, 0.5, 0.0)
    seen: list[float] = []

    def show(fraction: float) -> None:
        time.sleep(0.1)
        seen.append(ledger.get_run(w.engine, run.id).progress)

    simulate(w, run.id, on_progress=show)
    assert min(seen) == 0.5
    assert ledger.get_run(w.engine, run.id).attempt == 2


def test_cancelling_stops_within_a_segment_and_keeps_what_is_sealed(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 200)
    owed = len(lifecycle.run_plan_of(lifecycle.run_spec(w, run)).segments)
    cancelled: list[bool] = []

    def show(fraction: float) -> None:
        if fraction < 2.5 / owed:
            return
        with ThreadPoolExecutor(1) as other:
            cancelled.append(other.submit(ledger.cancel_run, w.engine, run.id).result())
        time.sleep(1.5)  # the heartbeat hears of it within a second

    with pytest.raises(Cancelled):
        lifecycle.simulate_run(w, run.id, Serial(), on_progress=show)
    assert cancelled == [True]
    assert sealed(w, run.id) == 3
    row = ledger.get_run(w.engine, run.id)
    assert (row.status, row.error_message, row.lease_until) == ("cancelled", None, None)
    assert ledger.get_twin(w.engine, twin).status == "ready"

    rest, new = lifecycle.prepare_run(w, twin, TERRAFORM, 200)
    assert new
    receipt = lifecycle.simulate_run(w, rest.id, Serial())
    assert receipt.segments == owed - 3
    lifecycle.insert_result(w, receipt)
    whole, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 200, again=True)
    undisturbed = lifecycle.simulate_run(w, whole.id, Serial())
    assert (undisturbed.segments, undisturbed.seal_digest) == (owed, receipt.seal_digest)
    lifecycle.insert_result(w, undisturbed)
    results = [ledger.get_result(w.engine, r) for r in (rest.id, whole.id)]
    assert results[0].end_state == results[1].end_state
    assert results[0].key_events == results[1].key_events


def test_cancelling_stops_a_cluster_too(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 400)

    def show(fraction: float) -> None:
        ledger.cancel_run(w.engine, run.id)
        time.sleep(1.5)

    with executor(workers=2) as how, pytest.raises(Cancelled):
        lifecycle.simulate_run(w, run.id, how, on_progress=show)
    assert ledger.get_run(w.engine, run.id).status == "cancelled"
    assert 1 <= sealed(w, run.id) <= 3
    with pytest.raises(StoreError, match="is not sealed"):
        open_run(lifecycle.run_path(w, run))


def test_who_lost_a_run_does_not_cancel_it_for_who_took_it_over(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 100)
    later = datetime.now(UTC) + timedelta(hours=1)
    taken: list[int] = []

    def show(fraction: float) -> None:
        if not taken:  # as after a night of sleep
            taken.append(ledger.claim_run(w.engine, run.id, 7200, now=later))
            time.sleep(1.5)

    with pytest.raises(Cancelled):
        lifecycle.simulate_run(w, run.id, Serial(), on_progress=show)
    row = ledger.get_run(w.engine, run.id)
    assert (row.status, row.lease_generation) == ("running", taken[0])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SimulationError("the simulation of Mars left its range near year 20.0."), "left its range near year 20"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_worker_that_fails_leaves_a_failed_row_with_one_sentence(
    w: Workplace, twin: int, error: Exception, message: str
) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 60)
    with pytest.raises(type(error)):
        lifecycle.simulate_run(w, run.id, Failing(1, error))
    row = ledger.get_run(w.engine, run.id)
    assert row.status == "failed"
    assert row.error_message is not None
    assert message in row.error_message
    assert "\n" not in row.error_message
    assert ledger.get_twin(w.engine, twin).status == "ready"
    assert sealed(w, run.id) == 1
    rest, new = lifecycle.prepare_run(w, twin, TERRAFORM, 60)
    assert new
    simulate(w, rest.id)
    assert ledger.get_twin(w.engine, twin).status == "completed"


def test_an_interrupt_leaves_a_cancelled_row(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 60)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.simulate_run(w, run.id, Failing(1, KeyboardInterrupt()))
    assert ledger.get_run(w.engine, run.id).status == "cancelled"


def test_a_twin_that_cannot_be_made_is_failed_and_runs_nothing(w: Workplace) -> None:
    w.settings.store_path.write_text("a file, where a folder is needed", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write"):
        lifecycle.create_twin(w, MARS, "without a place", grid="6x8")
    [row] = ledger.list_twins(w.engine)
    assert (row.status, row.store_path) == ("failed", None)
    with pytest.raises(Conflict, match="is failed"):
        lifecycle.prepare_run(w, row.id, TERRAFORM, 3)


def test_an_untouched_twin_stays_as_it_is(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, Scenario(), 100)
    result = simulate(w, run.id)
    start, end = result["start_state"]["atmosphere"], result["end_state"]["atmosphere"]
    assert end["surface_temperature_k"] == pytest.approx(start["surface_temperature_k"], abs=0.5)
    assert end["surface_pressure_pa"] == pytest.approx(start["surface_pressure_pa"], rel=0.02)
    assert result["key_events"] == []


def run_command(w: Workplace, twin: int) -> list[str]:
    return [str(Path(sys.executable).with_name("twinpipe")), "run", str(twin), "--years", "1000"]


def test_a_run_whose_process_was_killed_resumes_from_its_seals(w: Workplace, twin: int) -> None:
    """Ended by the reaper when its lease is over; the same request then computes only what is missing."""
    settings = environment(w.settings.home, TWINPIPE_DATABASE_URL=w.url)
    command = subprocess.Popen(run_command(w, twin), env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seals = w.twin_path(twin) / "runs"
    try:
        deadline = time.monotonic() + 90
        while len(list(seals.glob("*/simulation_state/seals/0/*.json"))) < 3:
            assert command.poll() is None, command.stdout and command.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        command.send_signal(signal.SIGKILL)
        command.communicate()
    [killed] = ledger.list_runs(w.engine, twin)
    assert killed.status == "running"
    assert ledger.reap(w.engine) == []  # its lease is not over
    with pytest.raises(Conflict, match="is held by another process"):
        lifecycle.simulate_run(w, killed.id, Serial())

    assert ledger.reap(w.engine, now=datetime.now(UTC) + timedelta(minutes=1)) == [killed.id]
    row = ledger.get_run(w.engine, killed.id)
    assert (row.status, row.error_message) == ("failed", "the process that ran it ended without saying so")
    assert ledger.get_twin(w.engine, twin).status == "ready"
    before = sealed(w, killed.id)
    rest, new = lifecycle.prepare_run(w, twin, TERRAFORM, 1000)
    owed = len(lifecycle.run_plan_of(lifecycle.run_spec(w, rest)).segments)
    assert new
    assert 3 <= before < owed
    with executor(workers=2) as how:
        receipt = lifecycle.simulate_run(w, rest.id, how)
        lifecycle.insert_result(w, receipt)
        assert receipt.segments == owed - before
        whole, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 1000, again=True)
        assert lifecycle.simulate_run(w, whole.id, how).seal_digest == receipt.seal_digest
    with open_run(Path(receipt.path), verify=True) as tree:
        assert np.isfinite(tree["atmosphere"]["surface_temperature"].to_numpy()).all()


def test_a_command_waits_out_the_lease_of_a_dead_process(w: Workplace, twin: int) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 3)
    ledger.claim_run(w.engine, run.id, 3.0)  # and nobody beats
    began = time.monotonic()
    await_lease(w, twin, quiet=True)
    assert 2 < time.monotonic() - began < 10
    assert ledger.get_run(w.engine, run.id).status == "failed"


def test_a_command_does_not_wait_for_a_living_process(
    w: Workplace, twin: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 3)
    generation = ledger.claim_run(w.engine, run.id, 60.0)
    with Heartbeat(w.engine, run.id, generation):
        began = time.monotonic()
        await_lease(w, twin, quiet=False)
        assert time.monotonic() - began < 6
    assert ledger.get_run(w.engine, run.id).status == "running"
    assert re.fullmatch(rf"run {run.id} holds twin {twin}; .*\n", capsys.readouterr().err)


def test_a_store_of_another_ledger_is_refused_and_left_alone(w: Workplace, twin: int) -> None:
    foreign = w.twin_path(twin + 1)
    create_twin_store(foreign, Layout({"title": "of another ledger"}, {}))
    before = sorted(p.read_bytes() for p in foreign.rglob("*") if p.is_file())
    with pytest.raises(StoreError, match="another ledger"):
        lifecycle.create_twin(w, MARS, "second", grid="6x8")
    assert sorted(p.read_bytes() for p in foreign.rglob("*") if p.is_file()) == before
    assert ledger.get_twin(w.engine, twin + 1).status == "failed"
