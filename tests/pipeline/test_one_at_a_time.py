"""Laws of who runs when: one run or sweep at a time on a twin, others in their turn, and twins beside each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.pipeline.auditing import a_run, a_sweep, a_twin, workplace

from twinpipe import lifecycle, sweeping
from twinpipe.db import ledger
from twinpipe.engine import Serial
from twinpipe.errors import Busy, Conflict
from twinpipe.running import await_twin, in_turn
from twinpipe.workplace import Workplace


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine) -> Workplace:
    return workplace(tmp_path, server)


def simulation(w: Workplace, run: int, meanwhile: Callable[[float], None]) -> Callable[[], None]:
    """What simulates a run and inserts its result."""

    def simulate() -> None:
        lifecycle.insert_result(w, lifecycle.simulate_run(w, run, Serial(), on_progress=meanwhile))

    return simulate


def test_flows_on_one_twin_take_turns_and_all_come_to_their_ends(w: Workplace) -> None:
    twin = a_twin(w)
    runs = [a_run(w, twin, years).id for years in (2, 3, 4)]
    sweep = a_sweep(w, twin).id
    begins: list[Callable[[], object]] = [simulation(w, run, lambda _: time.sleep(0.05)) for run in runs]
    begins.append(lambda: sweeping.simulate_sweep(w, sweep, Serial()))
    with ThreadPoolExecutor(len(begins)) as pool:  # all at once on a twin that is free: one is first
        for done in [pool.submit(in_turn, w, twin.id, begin, 120.0) for begin in begins]:
            done.result()
    done_runs, done_sweep = [ledger.get_run(w.engine, run) for run in runs], ledger.get_sweep(w.engine, sweep)
    assert {r.status for r in done_runs} == {done_sweep.status} == {"completed"}
    all_of_them = [(done_sweep.started_at, done_sweep.completed_at)]
    all_of_them += [(r.started_at, r.completed_at) for r in done_runs]
    spans = sorted((begun, ended) for begun, ended in all_of_them if begun and ended)
    assert len(spans) == len(begins)
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))


def test_runs_of_two_twins_run_beside_each_other(w: Workplace) -> None:
    both = threading.Barrier(2, timeout=60)
    met: list[int] = []

    def meet(run: int) -> Callable[[float], None]:
        def once(_: float) -> None:
            if run not in met:
                both.wait()  # for the other, which is simulating too
                met.append(run)

        return once

    twins = [a_twin(w, name) for name in ("one", "other")]
    runs = [a_run(w, twin).id for twin in twins]
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(in_turn, w, twin.id, simulation(w, run, meet(run)))
            for run, twin in zip(runs, twins, strict=True)
        ]
    assert sorted(met) == runs
    assert [(f.exception(), ledger.get_run(w.engine, run).status) for f, run in zip(done, runs, strict=True)] == [
        (None, "completed")
    ] * 2


def test_a_twin_is_held_by_its_sweep_until_that_ends_whatever_its_members_are(w: Workplace) -> None:
    twin = a_twin(w)
    sweep, late = a_sweep(w, twin).id, a_run(w, twin).id
    generation = ledger.claim_sweep(w.engine, sweep, 60.0)
    for member in ledger.list_members(w.engine, sweep):
        ledger.stop_member(w.engine, member.id, generation, "it was lost")
    assert {m.status for m in ledger.list_members(w.engine, sweep)} == {"cancelled"}
    assert (ledger.holder(w.engine, twin.id) or ("",))[0] == f"sweep {sweep}"
    with pytest.raises(Conflict, match=f"sweep {sweep} still holds twin {twin.id}"):
        await_twin(w, twin.id, patience=0.0)
    with pytest.raises(Busy, match="one at a time"):
        ledger.claim_run(w.engine, late, 60.0)
    ledger.finish_sweep(w.engine, sweep, generation)
    assert ledger.holder(w.engine, twin.id) is None
    await_twin(w, twin.id, patience=0.0)


def test_a_run_is_waited_for_though_many_newer_ones_wait_too(w: Workplace) -> None:
    twin = a_twin(w)
    first = a_run(w, twin).id
    ledger.claim_run(w.engine, first, 60.0, datetime.now(UTC) + timedelta(hours=1))
    for years in range(3, 56):
        a_run(w, twin, years)
    with pytest.raises(Conflict, match=f"run {first} still holds twin {twin.id}"):
        await_twin(w, twin.id, patience=0.0)
