"""Laws of sweeps over whole histories: whatever is done in whatever order, what must hold, holds."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.factories import a_result, make_ready_twin, make_result, make_running, make_sweep
from tests.pipeline.test_sweeps import LATER, LEASE, count, members

from twinpipe.db import ledger
from twinpipe.db.ledger import SweepRow
from twinpipe.errors import Conflict

VERBS = ("claim", "take over", "complete", "fail member", "cancel member", "finish", "fail", "cancel", "reap", "run")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 1), st.integers(0, 1)), max_size=12))
def test_whatever_happens_a_twin_has_one_holder_and_members_follow_their_sweep(
    engine: Engine, steps: list[tuple[str, int, int]]
) -> None:
    twin = make_ready_twin(engine)
    sweeps = [make_sweep(engine, twin, number=2) for _ in range(2)]
    later = datetime.now(UTC)
    for verb, which, member in steps:
        later += LATER
        sweep = ledger.get_sweep(engine, sweeps[which].id)
        run = members(engine, sweep)[member]
        try:
            match verb:
                case "claim":
                    ledger.claim_sweep(engine, sweep.id, LEASE)
                case "take over":
                    ledger.claim_sweep(engine, sweep.id, LEASE, later)
                case "complete":
                    ledger.complete_run(engine, run.id, sweep.lease_generation, a_result())
                case "fail member":
                    ledger.fail_run(engine, run.id, sweep.lease_generation, "it froze over")
                case "cancel member":
                    ledger.cancel_run(engine, run.id)
                case "finish":
                    ledger.finish_sweep(engine, sweep.id, sweep.lease_generation)
                case "fail":
                    ledger.fail_sweep(engine, sweep.id, sweep.lease_generation, "it froze over")
                case "cancel":
                    ledger.cancel_sweep(engine, sweep.id)
                case "reap":
                    ledger.reap(engine, later)
                case "run":
                    make_result(engine, make_running(engine, ledger.get_twin(engine, twin.id)))
        except Conflict:
            pass  # refused, which must change nothing for the worse either
        _check(engine, twin.id, [ledger.get_sweep(engine, s.id) for s in sweeps])


def _check(engine: Engine, twin_id: int, sweeps: list[SweepRow]) -> None:
    runs = ledger.list_runs(engine, twin_id, limit=1000)
    holders = [s for s in sweeps if s.status == "running"]
    holders += [r for r in runs if r.status == "running" and r.sweep_id is None]  # type: ignore[misc]  # counted only
    assert len(holders) <= 1
    status = ledger.get_twin(engine, twin_id).status
    completed = any(run.status == "completed" for run in runs)
    assert status == ("running_simulation" if holders else "completed" if completed else "ready")
    for sweep in sweeps:
        mine = [run for run in runs if run.sweep_id == sweep.id]
        open_ = {run.status for run in mine} & {"queued", "running"}
        assert open_ <= ({sweep.status} if sweep.status in ("queued", "running") else set())
        if sweep.status == "running":
            owed = {run.lease_generation for run in mine if run.status == "running"}
            assert owed <= {sweep.lease_generation}
        if sweep.status == "completed":
            assert any(run.status == "completed" for run in mine)
    lacking = "simulation_runs r LEFT JOIN simulation_results s ON s.simulation_run_id = r.id"
    assert count(engine, f"{lacking} WHERE (r.status = 'completed') <> (s.id IS NOT NULL)") == 0
