"""Laws of whole sweeps: what is new is computed and nothing else, whatever happens the bits are the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ByteSize
from sqlalchemy import Engine, text
from tests.pipeline.terminal import environment
from tests.pipeline.test_isolation import MIRRORS

from twinpipe import lifecycle, sweeping
from twinpipe.audit import audit
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.db.census import give_up_outputs
from twinpipe.drawing import report_sweep
from twinpipe.engine import Executor, Serial, prepare, run_plan
from twinpipe.errors import Cancelled, Conflict, InvalidInput
from twinpipe.layout import run_layout
from twinpipe.lookup import run_tree, sweep_tree
from twinpipe.quantiles import LEVELS
from twinpipe.replay import verify_run
from twinpipe.reporting import write_run_report
from twinpipe.result import build_result, read_outcome
from twinpipe.scenario import Scenario
from twinpipe.settings import Settings
from twinpipe.store import RunStore, open_run
from twinpipe.sweep_running import summary
from twinpipe.sweep_spec import SweepSpec, read_sweep
from twinpipe.sweep_tables import quote_lines
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")
BASE = {"pattern": "mars_terraform", "years": 8, "grid": "4x6", "output": {"maps_every_orbits": 1}}
RATES = {"kind": "list", "name": "factory_rate", "values": ["5e4 kg/s", 5e5]}
STORMS = {"events": ["disaster"], "interventions": [{"id": "dust_storm", "per_century": 50}]}
DRAWN = [
    {"kind": "loguniform", "name": "factory_rate", "low": 1e5, "high": 1e6},
    {"kind": "uniform", "name": "shield_years", "low": 1.0, "high": 4.0},
]


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


def a_sweep(**changes: Any) -> SweepSpec:
    return SweepSpec.model_validate({"base": BASE, **changes})


def run(w: Workplace, spec: SweepSpec, how: Executor | None = None) -> tuple[dict[str, Any], sweeping.SweepReceipt]:
    sweep, new = sweeping.create_sweep(w, sweeping.offer(w, spec))
    assert new
    receipt = sweeping.simulate_sweep(w, sweep.id, how or Serial())
    return summary(w, sweep.id), receipt


def test_a_member_is_the_run_of_its_spec_bit_for_bit(w: Workplace) -> None:
    sun = {"kind": "list", "name": "orbit.solar_constant_w_m2", "values": [580.0, 590.0]}
    by_body = {"kind": "list", "name": "co2_ice.albedo_south", "values": [0.6, 0.65]}
    base = {**{k: v for k, v in BASE.items() if k != "pattern"}, "scenario": STORMS}
    found, receipt = run(w, a_sweep(base=base, axes=[sun, by_body], design={"replicates": 2}))
    assert (receipt.status, receipt.computed, found["counts"]["completed"]) == ("completed", 8, 8)
    assert len({m["values"]["seed"] for m in found["ranking"]}) == 2
    assert len({m["measures"]["surface_temperature_k"] for m in found["ranking"]}) == 8  # none is a copy
    third = next(m for m in found["ranking"] if m["member"] == 2)
    row = ledger.get_run(w.engine, third["run"])
    alone = lifecycle.run_spec(w, row)
    assert alone.digest == row.spec_digest
    assert alone.body.co2_ice is not None
    assert alone.body.co2_ice.albedo_south == third["values"]["co2_ice.albedo_south"] == 0.65
    plan, path = lifecycle.run_plan_of(alone), w.settings.home / "alone.zarr"
    prepare(plan, RunStore(path), run_layout(plan, {"title": "alone"}))
    run_plan(plan, path, 0, Serial())
    RunStore(path).finish({})
    result, theirs = build_result(read_outcome(plan, path, 0)), ledger.get_result(w.engine, row.id)
    for payload in ("start_state", "end_state", "key_events", "resource_consumption", "success_metrics"):
        assert _floats(getattr(theirs, payload)) == _floats(result[payload]), payload


def _floats(value: Any) -> Any:
    """With the numbers that JSON writes without a point as what they were."""
    if isinstance(value, dict):
        return {k: _floats(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_floats(v) for v in value]
    return float(value) if isinstance(value, int) else value


def test_a_sweep_that_grows_computes_only_what_is_new(w: Workplace) -> None:
    few = a_sweep(axes=DRAWN, design={"kind": "sobol", "points": 8})
    _, first = run(w, few)
    many = a_sweep(axes=DRAWN, design={"kind": "sobol", "points": 16})
    offered = sweeping.offer(w, many)
    assert (offered.quote.members, offered.quote.new, offered.quote.reused, offered.quote.measured) == (16, 8, 8, True)
    found, second = run(w, many)
    assert (first.computed, second.computed) == (8, 8)
    assert found["counts"] == {"members": 16, "computed": 8, "reused": 8, "completed": 16}
    assert [m["member"] for m in sorted(found["ranking"], key=lambda m: m["member"])] == list(range(16))
    same, new = sweeping.create_sweep(w, sweeping.offer(w, many))
    assert (same.id, new) == (second.sweep_id, False)
    third, receipt = run(w, a_sweep(axes=DRAWN, design={"kind": "sobol", "points": 4}))  # all are there
    assert (receipt.status, receipt.computed, third["counts"]["reused"]) == ("completed", 0, 4)
    assert audit(w).drifts == ()
    report = write_run_report(w, found["ranking"][0]["run"])
    assert all(picture.stat().st_size > 1000 for picture in report.pictures.values())
    for m in (found["ranking"][0], found["ranking"][-1]):
        replayed = verify_run(w, m["run"])  # with the members of its block
        assert replayed.identical, replayed.sentences()
        assert replayed.segments > 0
    with open_run(str(Path(found["statistics"]))) as tree:
        warm = tree["atmosphere"]["surface_temperature"]
        assert warm.dims == ("quantile", "time", "lat", "lon")
        assert "realization: quantile" in warm.attrs["cell_methods"]
        assert tree.attrs["members"] == 16
        expected = []
        for number in (first.sweep_id, second.sweep_id):
            with open_run(lifecycle.run_path(w, ledger.list_members(w.engine, number)[0])) as own:
                expected.append(own["atmosphere"]["surface_temperature"].to_numpy())
        exact = np.quantile(np.concatenate(expected), LEVELS, axis=0)
        assert np.array_equal(warm.to_numpy(), exact)


def test_a_member_is_verified_by_the_files_of_its_block_alone(w: Workplace) -> None:
    """What another block has lost is not its affair."""
    rates = {"kind": "list", "name": "factory_rate", "values": [1e4 * (n + 1) for n in range(9)]}
    found, _ = run(w, a_sweep(base=BASE | {"years": 3}, axes=[rates]))
    runs = {m["member"]: m["run"] for m in found["ranking"]}
    path = lifecycle.run_path(w, ledger.get_run(w.engine, runs[0]))
    assert isinstance(path, Path)
    first = RunStore(path).seals.read(0, 0)
    assert first is not None
    lost = next(name for name in first["files"] if "surface_temperature" in name)
    (path / lost).unlink()
    assert verify_run(w, runs[8]).identical
    damaged = verify_run(w, runs[0])
    assert not damaged.identical
    assert any("its store is not what was sealed" in said for said in damaged.sentences())


def test_a_sweep_that_grew_is_opened_and_told_with_all_of_its_members(w: Workplace) -> None:
    """Those that it computed and those that were there, in the order of its design, each read where it lies."""
    short = BASE | {"years": 3}
    first, _ = run(w, a_sweep(base=short, axes=[RATES]))
    values = [*RATES["values"], 7e4, 2e5]
    grown, _ = run(w, a_sweep(base=short, axes=[{**RATES, "values": [values[2], values[0], values[3], values[1]]}]))
    same, receipt = run(w, a_sweep(name="the same", base=short, axes=[{**RATES, "values": values}]))
    assert (grown["counts"]["computed"], grown["counts"]["reused"], receipt.computed) == (2, 2, 0)
    for found in (grown, same):
        number = found["sweep"]["id"]
        order = {m["member"]: m["run"] for m in found["ranking"]}
        with sweep_tree(w, number) as tree:
            atmosphere = tree["atmosphere"].to_dataset()
            field = atmosphere["surface_temperature"]
            assert field.chunks is not None  # nothing is read yet
            assert atmosphere["member"].values.tolist() == [0, 1, 2, 3]
            assert (tree.attrs["sweep"], tree.attrs["title"]) == (number, f"Sweep {number}: {found['sweep']['name']}")
            assert tree.attrs["Conventions"].startswith("CF-")
            assert tree.attrs["planet_mean_radius_m"] == MARS.bulk.mean_radius_m
            assert not {"seal_digest", "spec_digest", "history"} & tree.attrs.keys()
            assert atmosphere["member"].attrs["standard_name"] == "realization"
            assert atmosphere["member"].dtype == np.int32
            for member in range(4):
                with run_tree(w, order[member]) as own:
                    expected = own["atmosphere"].to_dataset()["surface_temperature"].values[0]
                np.testing.assert_array_equal(field.isel(member=member).values, expected)
        page = report_sweep(w, number).read_text(encoding="utf-8")
        assert "4 members" in page
        assert "members that were computed before" in page.lower()
    retired = first["ranking"][0]["run"]
    with w.engine.begin() as connection:  # as retention does
        connection.execute(
            text("UPDATE simulation_runs SET parameters = NULL, purged_at = now() WHERE id = :run"), {"run": retired}
        )
    gone = f"of sweep {same['sweep']['id']} the outputs of run {retired} were taken by retention"
    for open_it in (sweep_tree, report_sweep):
        with pytest.raises(Conflict, match=gone):
            open_it(w, same["sweep"]["id"])
    again, receipt = run(w, a_sweep(name="the same", base=short, axes=[{**RATES, "values": values}]))
    assert (receipt.computed, again["counts"]["reused"]) == (1, 3)
    with sweep_tree(w, again["sweep"]["id"]) as tree:
        assert tree["atmosphere"].sizes["member"] == 4


def test_members_whose_store_is_lost_stop_nobody_and_are_computed_anew_once_that_is_known(
    w: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    short = BASE | {"years": 3}
    first, _ = run(w, a_sweep(base=short, axes=[RATES]))
    lost = [m["run"] for m in first["ranking"]]
    shutil.rmtree(str(lifecycle.run_path(w, ledger.get_run(w.engine, lost[0]))))
    more = a_sweep(base=short, axes=[{**RATES, "values": [*RATES["values"], 7e4]}])
    with caplog.at_level("WARNING"):
        grown, receipt = run(w, more)
    assert (receipt.status, receipt.computed) == ("completed", 1)
    assert "members are left out of the quantiles" in caplog.text
    with open_run(str(Path(grown["statistics"]))) as tree:
        assert tree.attrs["members"] == 1
    for number in lost:
        give_up_outputs(w.engine, number, "its store is lost")
    _, receipt = run(w, a_sweep(base=short, axes=[RATES]))
    assert receipt.computed == 2
    _, receipt = run(w, more)
    assert receipt.computed == 0


def test_members_that_fail_or_are_lost_stop_nobody_and_say_why(w: Workplace) -> None:
    hot = {"pattern": "custom", "interventions": [MIRRORS]}
    base = {**{k: v for k, v in BASE.items() if k != "pattern"}, "scenario": hot}
    light = {"kind": "list", "name": "orbit.solar_constant_w_m2", "values": [1e-3, 586.2, 1e9]}
    with pytest.raises(InvalidInput, match="members"):
        sweeping.offer(w, a_sweep(base=base, axes=[light], design={"replicates": 100_000}))
    cold = {"series": "global_surface_temperature", "below": 204.0, "after_year": 3.0}
    sun = {"kind": "list", "name": "orbit.solar_constant_w_m2", "values": [540.0, 586.2, 590.0, 1e9]}
    found, receipt = run(w, a_sweep(axes=[sun], stop=[cold]))
    assert receipt.status == "completed"
    assert {k: v for k, v in found["counts"].items() if k not in ("members", "computed", "reused")} == {
        "cancelled": 1,
        "completed": 2,
        "failed": 1,
    }
    assert [m["why"][:17] for m in found["ended"]] == ["lost in year 3.8:", "the simulation of"]
    assert len(found["ranking"]) == 2
    replayed = verify_run(w, found["ranking"][0]["run"])  # those of its block end again as they did
    assert replayed.identical, replayed.sentences()


def test_variants_are_compared_in_pairs_and_duplicates_collapse(w: Workplace) -> None:
    variants = [{"name": "plan"}, {"name": "same"}, {"name": "more", "parameters": {"factory_rate": "1e6 kg/s"}}]
    axis = {"kind": "uniform", "name": "shield_years", "low": 1.0, "high": 4.0}
    spec = a_sweep(axes=[axis], variants=variants, design={"kind": "latin_hypercube", "points": 4})
    found, receipt = run(w, spec)
    assert receipt.computed == found["counts"]["members"] == 8  # the second is the first by another name
    warmer = next(d for d in found["differences"] if d["measure"] == "surface_temperature_k")
    assert (warmer["variant"], warmer["to"], warmer["pairs"], warmer["higher"]) == ("more", "plan", 4, 1.0)
    assert 0 < warmer["interval"][0] < warmer["mean"] < warmer["interval"][1]
    costs = [m["measures"]["cost_gcc"] for m in found["pareto"]]
    scores = [m["measures"]["overall_score"] for m in found["pareto"]]
    assert costs == sorted(costs)
    assert scores == sorted(scores)
    assert max(scores) == found["ranking"][0]["measures"]["overall_score"]


def test_a_cancelled_sweep_goes_on_where_it_was(w: Workplace) -> None:
    spec = a_sweep(base={**BASE, "years": 100}, axes=DRAWN, design={"kind": "sobol", "points": 8})
    sweep, _ = sweeping.create_sweep(w, sweeping.offer(w, spec))

    def cancel(done: float) -> None:
        ledger.cancel_sweep(w.engine, sweep.id)
        time.sleep(1.2)  # until the next heartbeat

    with pytest.raises(Cancelled):
        sweeping.simulate_sweep(w, sweep.id, Serial(), on_progress=cancel)
    rest = sweeping.requeue_sweep(w, sweep.id)
    assert rest.id != sweep.id
    receipt = sweeping.simulate_sweep(w, rest.id, Serial())
    plan = sweeping.plan_of(ledger.list_members(w.engine, rest.id), MARS, ())
    assert 0 < receipt.segments < len(plan.segments) * len(plan.blocks)
    with pytest.raises(Conflict, match="completed"):
        sweeping.requeue_sweep(w, rest.id)


def test_a_quote_beyond_the_memory_allowed_is_refused_before_anything_is_made(w: Workplace) -> None:
    small = Workplace(Settings(home=w.settings.home, memory_limit=ByteSize(10_000_000)), w.engine, w.url)
    with pytest.raises(
        InvalidInput, match=r"TWINPIPE_MEMORY_LIMIT: '10 MB' .* would take \d+ MB for blocks of 2 on 4x6"
    ):
        sweeping.offer(small, a_sweep(axes=[RATES]))
    twin = lifecycle.create_twin(w, MARS, "small", grid="4x8")[0]
    with pytest.raises(InvalidInput, match="TWINPIPE_MEMORY_LIMIT"):
        lifecycle.prepare_run(small, twin.id, Scenario(), 2)
    assert ledger.list_sweeps(w.engine) == []
    assert ledger.list_runs(w.engine) == []


def test_the_bill_is_of_what_was_quoted_and_corrects_the_next_quote(w: Workplace) -> None:
    sun = {"kind": "list", "name": "orbit.solar_constant_w_m2", "values": [580.0, 590.0]}
    one, two = (sweeping.offer(w, a_sweep(axes=axes)).quote for axes in ([RATES], [RATES, sun]))
    orbits, cells, years = 30, 24, MARS.orbit.sidereal_year_s / 31_557_600
    member = round(8 / years * 96) * cells
    spun_up = orbits * 96 * cells
    assert one.cell_steps == pytest.approx(2 * member + spun_up, rel=0.01)
    assert two.cell_steps == pytest.approx(4 * member + 2 * spun_up, rel=0.01)  # two bodies
    assert not one.measured
    found, _ = run(w, a_sweep(axes=[RATES]))
    bills = [ledger.get_result(w.engine, m["run"]).performance_data for m in found["ranking"]]
    assert sum(bill["cell_steps"] for bill in bills) == one.cell_steps
    again = sweeping.offer(w, a_sweep(axes=[RATES, sun])).quote
    assert again.measured
    cost = sum(bill["seconds"] for bill in bills) / one.cell_steps
    assert again.core_hours == pytest.approx(again.cell_steps * cost / 3600, rel=1e-9)


def test_a_quote_says_when_the_rows_expire(w: Workplace) -> None:
    assert "as new twins do" in quote_lines(sweeping.offer(w, a_sweep()).quote.as_dict())[-1]
    for expires_at, said in (("NULL", "never"), ("'2300-01-02 00:00Z'", "2300-01-02")):
        twin = lifecycle.create_twin(w, MARS, said, grid="4x6")[0]
        with w.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE digital_twins SET expires_at = {expires_at} WHERE id = {twin.id}")
        quoted = sweeping.offer(w, a_sweep(), twin.id).quote.as_dict()
        assert quoted["twin"] == twin.id
        assert f"they expire with the twin: {said}" in quote_lines(quoted)[-1]


SWEEP = """
name = "killed"
[base]
years = 150
grid = "4x6"
output = { maps_every_orbits = 1 }
[[axes]]
kind = "uniform"
name = "mirror_area"
low = 0
high = 1e12
[design]
kind = "sobol"
points = 32
"""


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_sweep_that_is_killed_and_resumed_has_the_digests_of_one_that_was_not(
    w: Workplace, tmp_path: Path, server: str, kills: int
) -> None:
    file, stores = tmp_path / "sweep.toml", tmp_path / "elsewhere"
    file.write_text(SWEEP, encoding="utf-8")
    env = environment(tmp_path / "home", TWINPIPE_DATABASE_URL=server, TWINPIPE_STORE_URL=str(stores))
    command = [str(Path(sys.executable).with_name("twinpipe")), "sweep", str(file), "--json"]
    for _ in range(kills):
        before = len(list(stores.rglob("seals/*/*.json")))
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 120
            while len(list(stores.rglob("seals/*/*.json"))) < before + 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        sweep = ledger.list_sweeps(w.engine)[0]
        assert sweep.status == "running"
        command[1:3] = ["sweep", "resume"]
        command[3:] = [str(sweep.id), "--json"]
        with w.engine.begin() as connection:  # as after half a minute, when its lease is over
            connection.exec_driver_sql(
                "UPDATE sweeps SET lease_until = now() - interval '1 second' WHERE status = 'running'"
            )
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    resumed = ledger.list_sweeps(w.engine)[0]
    assert resumed.status == "completed"
    digests = {
        ledger.get_result(w.engine, r.id).performance_data["seal_digest"]
        for r in ledger.list_members(w.engine, resumed.id)
    }
    with w.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE digital_twins SET status = 'deleted', deleted_at = now()")
    elsewhere = Workplace(Settings(home=tmp_path / "undisturbed"), w.engine, w.url)
    _, receipt = run(elsewhere, read_sweep(file))
    undisturbed = ledger.list_members(w.engine, receipt.sweep_id)
    files = [
        {(s["block"], s["segment"]): s["digests"] for s in RunStore(path).seals.all()}
        for path in (lifecycle.run_path(elsewhere, undisturbed[0]), stores / next(iter(_folders(stores))))
    ]
    assert files[0] == files[1]
    assert len(digests) == 1


def _folders(stores: Path) -> list[str]:
    return [str(p.relative_to(stores)) for p in stores.glob("*.zarr/runs/*.zarr")]
