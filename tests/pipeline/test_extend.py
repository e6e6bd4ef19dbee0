"""A run that is extended is the run that would have been: it begins with the same segments, which it does not own."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.pipeline.folders import run_folder
from tests.pipeline.terminal import Terminal
from tests.pipeline.test_replay import TERRAFORM, completed, stopped

from twinpipe import lifecycle, replay
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.engine import Serial
from twinpipe.errors import Conflict, InvalidInput, StoreError
from twinpipe.settings import Settings
from twinpipe.store import RunStore, drop, open_run
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


@pytest.fixture
def twin(w: Workplace) -> int:
    return lifecycle.create_twin(w, MARS, "small", grid="6x8")[0].id


def extended(w: Workplace, run: int, years: int) -> lifecycle.Receipt:
    longer, new = lifecycle.extend_run(w, run, years)
    assert new
    receipt = lifecycle.simulate_run(w, longer.id, Serial())
    lifecycle.insert_result(w, receipt)
    return receipt


@pytest.mark.parametrize("years", [1, 17])
def test_extended_equals_continuous(w: Workplace, twin: int, years: int) -> None:
    short = completed(w, twin)
    receipt = extended(w, short, years)
    plan = lifecycle.run_plan_of(lifecycle.run_spec(w, ledger.get_run(w.engine, receipt.run_id)))
    assert receipt.segments == len(plan.segments) - 2  # of the three that were there, the last is no whole one
    again, _ = lifecycle.prepare_run(w, twin, TERRAFORM, plan.specs[0].years, again=True)
    continuous = lifecycle.simulate_run(w, again.id, Serial())
    assert receipt.seal_digest == continuous.seal_digest
    assert replay.verify_run(w, receipt.run_id).identical
    assert replay.verify_run(w, short).identical


def test_shared_segments_take_no_room_and_outlive_the_run_that_made_them(w: Workplace, twin: int) -> None:
    short = completed(w, twin)
    longer = extended(w, short, 10)
    mine, theirs = (run_folder(w, ledger.get_run(w.engine, run)) for run in (longer.run_id, short))
    store = RunStore(theirs)
    for segment in range(2):
        seal = store.seals.read(0, segment)
        assert seal is not None
        assert all((mine / name).samefile(theirs / name) for name in seal["files"])
    drop(theirs)
    open_run(mine, verify=True).close()
    with pytest.raises(StoreError, match="no outputs"):
        extended(w, short, 20)


def test_a_run_can_be_extended_again_and_again(w: Workplace, twin: int) -> None:
    run = shortest = completed(w, twin)
    for years in (3, 8):
        run = extended(w, run, years).run_id
    again, _ = lifecycle.prepare_run(w, twin, TERRAFORM, 36, again=True)
    lifecycle.insert_result(w, lifecycle.simulate_run(w, again.id, Serial()))
    result, continuous = (ledger.get_result(w.engine, r) for r in (run, again.id))
    assert (result.end_state, result.key_events) == (continuous.end_state, continuous.key_events)
    longer, new = lifecycle.extend_run(w, shortest, 11)
    assert (longer.id, new) == (again.id, False)  # the same spec is the same run


def test_what_cannot_be_extended_is_told_in_one_sentence(w: Workplace, twin: int) -> None:
    with pytest.raises(Conflict, match="only a completed run"):
        lifecycle.extend_run(w, stopped(w, twin), 5)
    done = completed(w, twin)
    for years in (0, 976):
        with pytest.raises(InvalidInput, match="25 of at most 1000 years"):
            lifecycle.extend_run(w, done, years)


def test_the_command_extends(terminal: Terminal) -> None:
    twin = str(terminal("twin", "create", "mars", "--name", "m", "--grid", "6x8", "--json").json["id"])
    terminal("run", twin, "--years", "2", "--json")
    run = str(terminal("run", "list", "--json").json[0]["id"])
    longer = terminal("run", "extend", run, "--years", "2", "--json").json
    assert longer["run_id"] != int(run)
    assert terminal("run", "show", str(longer["run_id"]), "--json").json["duration_years"] == 4
    assert "2 of at most 1000 years" in terminal("run", "extend", run, "--years", "999").refusal(2)
    assert "999" in terminal("run", "extend", "999", "--years", "1").refusal(2)
