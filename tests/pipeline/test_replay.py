"""A run from its row alone has the same bits; a difference is found and explained; what ended goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.pipeline.folders import run_folder
from tests.pipeline.terminal import Terminal

from twinpipe import lifecycle, replay
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.engine import Serial
from twinpipe.errors import Cancelled, Conflict
from twinpipe.physics.compiled import MODULE_FINGERPRINTS
from twinpipe.running import why
from twinpipe.scenario import load_pattern
from twinpipe.settings import Settings
from twinpipe.store import RunStore
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")
TERRAFORM = load_pattern("mars_terraform").scenario(MARS)
YEARS = 25  # three segments


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


@pytest.fixture
def twin(w: Workplace) -> int:
    return lifecycle.create_twin(w, MARS, "small", grid="6x8")[0].id


def completed(w: Workplace, twin: int) -> int:
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, YEARS)
    lifecycle.insert_result(w, lifecycle.simulate_run(w, run.id, Serial()))
    return run.id


def stopped(w: Workplace, twin: int) -> int:
    """A run that was cancelled after its first segment."""
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, YEARS)

    def cancel(_: float) -> None:
        ledger.cancel_run(w.engine, run.id)

    with pytest.raises(Cancelled):
        lifecycle.simulate_run(w, run.id, Serial(), on_progress=cancel)
    return run.id


def test_a_replay_from_the_row_alone_is_the_same_bits(w: Workplace, twin: int) -> None:
    run = completed(w, twin)
    seen: list[float] = []
    found = replay.verify_run(w, run, seen.append)
    assert found.identical
    assert found.agreeing == found.segments == len(seen) > 1
    assert seen[-1] == 1.0


def test_a_store_that_was_damaged_is_told(w: Workplace, twin: int) -> None:
    run = completed(w, twin)
    path = run_folder(w, ledger.get_run(w.engine, run))
    chunk = next((path / "atmosphere/surface_temperature").glob("c.*"))
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    found = replay.verify_run(w, run)
    assert not found.identical
    assert found.agreeing == found.segments  # the replay itself agrees with what was sealed
    assert chunk.name in found.reasons[0]


def test_other_bits_are_found_and_the_module_that_changed_is_named(
    w: Workplace, twin: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another star stands for other physics."""
    run = completed(w, twin)
    monkeypatch.setattr(replay, "CODE_FINGERPRINT", "0" * 64)
    monkeypatch.setattr(replay, "MODULE_FINGERPRINTS", MODULE_FINGERPRINTS | {"regolith": "0" * 16})
    under_another_star(engine)
    found = replay.verify_run(w, run)
    assert not found.identical
    assert found.agreeing == 0
    assert "atmosphere/surface_temperature" in found.differing
    assert "state" in found.differing
    assert found.reasons == ["the physics has changed since: regolith"]


def under_another_star(engine: Engine) -> None:
    snapshot = "jsonb_set(initial_state_snapshot, '{orbit,solar_constant_w_m2}', to_jsonb(591))"
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE digital_twins SET initial_state_snapshot = {snapshot}"))


def test_a_difference_without_a_cause_is_called_unexplained(w: Workplace, twin: int, engine: Engine) -> None:
    run = completed(w, twin)
    under_another_star(engine)
    found = replay.verify_run(w, run)
    assert found.reasons == ["neither physics nor versions have changed since: this difference is not explained"]


def test_a_result_names_every_module_of_the_physics(w: Workplace, twin: int) -> None:
    run = completed(w, twin)
    performance: Any = ledger.get_result(w.engine, run).performance_data
    assert performance["modules"] == MODULE_FINGERPRINTS
    assert {"kernel", "co2_ice", "transport"} < MODULE_FINGERPRINTS.keys()


def test_what_was_cancelled_goes_on_from_its_seals_to_the_same_bits(w: Workplace, twin: int) -> None:
    ended = stopped(w, twin)
    store = RunStore(run_folder(w, ledger.get_run(w.engine, ended)))
    before = store.sealed_segments(0)
    assert before > 0
    run = lifecycle.requeue(w, ended)
    receipt = lifecycle.simulate_run(w, run.id, Serial())
    lifecycle.insert_result(w, receipt)
    assert run.id != ended
    assert receipt.segments == len(lifecycle.run_plan_of(lifecycle.run_spec(w, run)).segments) - before
    assert replay.verify_run(w, run.id).identical


def test_what_cannot_go_on_is_told_in_one_sentence(w: Workplace, twin: int, engine: Engine) -> None:
    done = completed(w, twin)
    with pytest.raises(Conflict, match="is completed"):
        lifecycle.requeue(w, done)
    with engine.begin() as connection:
        old = "jsonb_set(parameters, '{spec,code_fingerprint}', to_jsonb(repeat('0', 64)))"
        connection.execute(text(f"UPDATE simulation_runs SET parameters = {old}, spec_digest = repeat('1', 64)"))
    other, _ = lifecycle.prepare_run(w, twin, TERRAFORM, YEARS)
    with pytest.raises(Conflict, match="queued"):
        replay.verify_run(w, other.id)
    ledger.cancel_run(w.engine, other.id)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE simulation_runs SET parameters = {old} WHERE id = {other.id}"))
    with pytest.raises(Conflict, match="other physics"):
        lifecycle.requeue(w, other.id)


def test_why_says_what_to_do(w: Workplace, twin: int) -> None:
    ended = stopped(w, twin)
    assert f"`twinpipe run resume {ended}` goes on from there" in why(ledger.get_run(w.engine, ended))
    run, _ = lifecycle.prepare_run(w, twin, TERRAFORM, YEARS)
    assert "waits to be started" in why(ledger.get_run(w.engine, run.id))
    ledger.fail_run(w.engine, run.id, None, "the disk is full.")
    assert "the disk is full. `twinpipe run resume" in why(ledger.get_run(w.engine, run.id))


def test_the_commands_of_runs(terminal: Terminal) -> None:
    twin = str(terminal("twin", "create", "mars", "--name", "m", "--grid", "6x8", "--json").json["id"])
    made = terminal("run", twin, "--years", "2", "--json").json
    run = str(terminal("run", "list", "--json").json[0]["id"])
    assert terminal("result", "show", run, "--json").json == made
    assert terminal("run", "verify", run, "--json").json["identical"] is True
    assert "are the same bits" in terminal("run", "verify", run).out
    assert terminal("run", "list", "--twin", twin).out.count("completed") == 1
    assert terminal("run", "show", run, "--json").json["status"] == "completed"
    assert "is completed" in terminal("run", "why", run, "--json").json["why"]
    assert terminal("run", "cancel", run, "--json").json["changed"] is False
    for command in ("resume", "verify", "why", "show", "cancel"):
        assert "999" in terminal("run", command, "999").refusal(2)
    assert "is completed; there is nothing to resume" in terminal("run", "resume", run).refusal(1)
