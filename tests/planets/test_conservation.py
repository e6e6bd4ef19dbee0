"""Every body that ships closes its books of each element and of energy over a century, all its processes on; X22."""

from __future__ import annotations

import numpy as np
import pytest

from twinpipe.body import builtin_body, builtin_names
from twinpipe.clock import usual_steps
from twinpipe.intervention import AerosolFactory, GasExport, Heater, OrbitalMirror, Region, Schedule, VolatileImport
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

LATER = Schedule(start_year=10, end_year=80)
DEEDS = Scenario(
    interventions=(
        OrbitalMirror(area_m2=1e11, schedule=LATER),
        Heater(power_w=1e13, target=Region(south_degree=-90, north_degree=-30), schedule=LATER),
        AerosolFactory(rate_kg_s=10.0, schedule=LATER),
        VolatileImport(rate_kg_s=1e6, composition={"N2": 0.9, "CO2": 0.1}, schedule=LATER),
        GasExport(gas="Ar", rate_kg_s=1e5, schedule=LATER),
    )
)


def closes(name: str, scenario: Scenario, grid: str) -> None:
    body = builtin_body(name)
    spec = RunSpec(
        body=body,
        scenario=scenario,
        years=100,
        grid=grid,
        steps_per_orbit=usual_steps(body.orbit.sidereal_year_s),
        spin_up_orbits=4,
    )
    plan = make_plan((spec,))
    state, _ = start(plan, plan.blocks[0])
    for segment in plan.segments:
        done = run_segment(plan, plan.blocks[0], segment, state)
        state = done.state
        assert done.record["mass_error"][0] <= 1e-12
        assert max(done.record["energy_error"][0], done.record["transport_error"][0]) <= 1e-9
    assert np.abs(state.energy_flow[0, :2]).min() > 0  # light came and heat went


@pytest.mark.parametrize("name", builtin_names())
def test_a_century_of_deeds_closes(name: str) -> None:
    closes(name, DEEDS, "4x6")


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [Scenario(), DEEDS], ids=["control", "deeds"])
@pytest.mark.parametrize("name", builtin_names())
def test_a_century_closes_on_a_finer_grid(name: str, scenario: Scenario) -> None:
    closes(name, scenario, "12x24")
