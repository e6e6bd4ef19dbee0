"""Laws of members apart: one that fails or is lost ends alone, and the bits of the others are those without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.pipeline.test_engine import bits

from twinpipe.body import builtin_body
from twinpipe.engine import Serial, run_plan
from twinpipe.errors import Cancelled, SimulationError
from twinpipe.layout import run_layout
from twinpipe.members import varied
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore, open_run
from twinpipe.sweep_spec import StopRule

MARS, PATTERN = builtin_body("mars"), load_pattern("mars_terraform")
COLD = StopRule(series="global_surface_temperature", below=1000.0, after_year=3.0)
# members by the light of their star, of which some end: no climate to start from, or too hot by their mirrors
NO_CLIMATE = varied(MARS, {"orbit.solar_constant_w_m2": 1e9})
MIRRORS = {"kind": "orbital_mirror", "area_m2": 1e18, "schedule": {"start_year": 5.0}}
TOO_HOT = Scenario.model_validate({"pattern": "custom", "interventions": [MIRRORS]})
FAIR = [PATTERN.scenario(MARS, {"factory_rate": 1e4 * (m + 1)}) for m in range(3)]


def spec(scenario: Scenario = FAIR[0], body: object = MARS) -> RunSpec:
    return RunSpec.model_validate({"body": body, "scenario": scenario, "years": 8, "grid": "4x6", "spin_up_orbits": 2})


def run(specs: list[RunSpec], path: Path, stops: tuple[StopRule, ...] = (), members: int = 16, orbits: int = 2) -> Plan:
    made = make_plan(tuple(specs), members, orbits, stops=stops)
    RunStore(path).create(run_layout(made, {"title": "test"}))
    run_plan(made, path, 0, Serial())
    RunStore(path).finish({})
    return made


def ended(path: Path) -> list[str | None]:
    """Why each member ended, by the last seal of each block."""
    seals = RunStore(path).seals.all()
    last = max(s["segment"] for s in seals)
    return [why for s in seals if s["segment"] == last for why in s["record"]["ended"]]


@pytest.mark.parametrize("members", [16, 2])
def test_a_member_that_fails_ends_alone(tmp_path: Path, members: int) -> None:
    fair = [spec(s) for s in FAIR]
    run(fair, tmp_path / "fair", members=members)
    run([fair[0], spec(TOO_HOT), fair[1], spec(body=NO_CLIMATE), fair[2]], tmp_path / "all", members=members)
    why = ended(tmp_path / "all")
    assert [w is None for w in why] == [True, False, True, False, True]
    assert "Mars ends near year" in str(why[1])
    with open_run(tmp_path / "fair") as alone, open_run(tmp_path / "all", verify=True) as together:
        for group in alone.children:
            for name, a in alone[str(group)].data_vars.items():
                if "member" in a.dims and not str(name).endswith("bnds"):
                    assert np.array_equal(a.to_numpy(), together[str(group)][str(name)].to_numpy()[[0, 2, 4]]), name
        warm = together["atmosphere"]["surface_temperature"].to_numpy()
    assert np.isfinite(warm[1, 0]).all()
    assert np.isnan(warm[1, -1]).all()
    assert np.isnan(warm[3]).all()


def test_members_that_all_fail_end_in_order(tmp_path: Path) -> None:
    run([spec(body=NO_CLIMATE), spec(FAIR[1], NO_CLIMATE)], tmp_path / "run")
    assert None not in ended(tmp_path / "run")


def test_the_only_member_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="near year"):
        run([spec(TOO_HOT)], tmp_path / "run")


def test_a_rule_stops_the_same_members_in_the_same_year_however_they_are_cut(tmp_path: Path) -> None:
    specs = [spec(FAIR[0]), spec(FAIR[1])]
    said = []
    for orbits in (1, 2, 4):
        run(specs, tmp_path / str(orbits), (COLD,), orbits=orbits)
        said.append(ended(tmp_path / str(orbits)))
    assert said[0] == said[1] == said[2]
    assert all(str(why).startswith("lost in year 3.8: global_surface_temperature was 2") for why in said[0])


def test_a_sweep_that_is_cut_short_knows_who_has_ended(tmp_path: Path) -> None:
    specs = [spec(FAIR[0]), spec(TOO_HOT), spec(FAIR[1])]
    made = make_plan(tuple(specs), 16, 1)
    whole = bits(made, tmp_path / "whole", Serial())
    path = tmp_path / "cut"
    RunStore(path).create(run_layout(made, {"title": "test"}))
    budget = iter([True] * 3 + [False])
    with pytest.raises(Cancelled):
        run_plan(made, path, 0, Serial(), lambda _: next(budget))
    assert bits(made, path, Serial()) == whole
