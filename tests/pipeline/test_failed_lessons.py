"""What counts for a learned pattern: a world that it ends, once, and not a run that somebody cancelled."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from twinpipe import lifecycle
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.db.learned import PatternRow, get_pattern, learn_pattern
from twinpipe.db.rows import TwinRow
from twinpipe.errors import Cancelled, SimulationError
from twinpipe.running import run_scenario
from twinpipe.scenario import Scenario
from twinpipe.settings import Settings
from twinpipe.teaching import apply_to_twin, learn_run
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")
WARM = {"kind": "heater", "power_w": 1e15, "schedule": {"start_year": 1.0, "end_year": 3.0}}


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


def learned(w: Workplace) -> tuple[TwinRow, PatternRow]:
    """A twin and what was learned on it."""
    twin, _ = lifecycle.create_twin(w, MARS, "Mars", grid="4x6")
    plan = Scenario.model_validate({"interventions": [WARM], "phases": [{"id": "a", "start_year": 0, "end_year": 3}]})
    return twin, learn_run(w, run_scenario(w, twin.id, plan, 3, quiet=True)["run_id"])


def test_an_application_that_was_cancelled_tells_nothing_of_the_pattern(w: Workplace, engine: Engine) -> None:
    twin, good = learned(w)
    with ThreadPoolExecutor(1) as pool:
        applied = pool.submit(apply_to_twin, w, good.pattern_id, twin.id, 1000, quiet=True)
        while not (running := [run for run in ledger.list_runs(engine, twin.id) if run.status == "running"]):
            assert not applied.done()
            time.sleep(0.01)  # only the ledger says when it has begun: an application has no hook
        ledger.cancel_run(engine, running[0].id)
        with pytest.raises(Cancelled):
            applied.result()
    assert ledger.get_run(engine, running[0].id).status == "cancelled"
    assert get_pattern(engine, good.pattern_id).times_applied == 0


def test_an_application_that_ends_the_world_counts_as_a_failure(w: Workplace, engine: Engine) -> None:
    twin, good = learned(w)
    # the same with a heater that boils the planet away
    phases = json.loads(json.dumps(good.deployment_sequence).replace("1000000000000000.0", "1e22"))
    assert phases != good.deployment_sequence
    learn_pattern(
        engine,
        "too-hot",
        required_conditions=good.required_conditions,
        deployment_sequence=phases,
        optimizations=[],
        success_score=good.success_score,
    )
    before = len(ledger.list_runs(engine, twin.id))
    for _ in range(2):  # the same run again fails again, and counts anew
        with pytest.raises(SimulationError):
            apply_to_twin(w, "too-hot", twin.id, quiet=True)
    runs = ledger.list_runs(engine, twin.id)
    assert [r.status for r in runs[: len(runs) - before]] == ["failed"] * (len(runs) - before)
    row = get_pattern(engine, "too-hot")
    assert (row.times_applied, row.success_rate) == (len(runs) - before, 0.0)
    assert ledger.get_twin(engine, twin.id).status == "completed"
    assert get_pattern(engine, good.pattern_id).times_applied == 0
    # what does well counts as well
    done = apply_to_twin(w, good.pattern_id, twin.id, 4, quiet=True)
    row = get_pattern(engine, good.pattern_id)
    assert (row.times_applied, row.success_rate) == (1, float(done["overall_score"] >= 0.9 * good.success_score))
