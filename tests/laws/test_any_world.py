"""Any valid world under any valid plan stays finite, keeps its masses and closes its books; what is invalid is told.

Fuzz: random bodies and schedules, half a century each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twinpipe.body import Body, builtin_body, builtin_names, explain
from twinpipe.errors import SimulationError
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

HONEST = ("runaway", "left its range", "100 mbar", "collapse", "condense")  # how a member may end honestly
GASES = ("CO2", "N2", "O2", "Ar", "CH4")

mass = st.floats(10, 20).map(lambda x: 10.0**x)
SHAPES: dict[str, dict[str, Any]] = {
    "hold": {},
    "ramp": {"ramp_years": 5.0},
    "pulse": {"pulse_years": 1.0, "period_years": 3.0},
    "feedback": {"feedback": {"target": 250.0}},
}
schedule = st.tuples(st.floats(0, 30), st.floats(1, 30), st.sampled_from(sorted(SHAPES))).map(
    lambda s: {"start_year": s[0], "end_year": s[0] + s[1], "shape": s[2]} | SHAPES[s[2]]
)
rate = st.floats(0, 9).map(lambda x: 10.0**x)


def item(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), "schedule": schedule, **fields})


INTERVENTIONS = st.one_of(
    item("super_greenhouse_gas", rate_kg_s=st.floats(0, 1e5)),
    item("aerosol", rate_kg_s=st.floats(0, 300)),
    item("orbital_mirror", area_m2=st.floats(0, 1e13)),
    item("sunshade", fraction=st.floats(0, 0.9)),
    item("dark_dust", rate_kg_s=st.floats(0, 1e6)),
    item("albedo_paint", change=st.floats(-0.1, 0.1)),
    item("heater", power_w=st.floats(0, 1e15), into=st.sampled_from(["ground", "ocean"])),
    item("volatile_import", rate_kg_s=rate, composition=st.sampled_from([{"N2": 1.0}, {"H2O": 0.5, "CO2": 0.5}])),
    item("gas_export", gas=st.sampled_from(["CO2", "N2"]), rate_kg_s=rate),
    item("reaction", reaction=st.just("sabatier"), reactant=st.just("CO2"), rate_kg_s=rate),
    item("reaction", reaction=st.just("water_electrolysis"), reactant=st.just("H2O"), rate_kg_s=rate),
    item("reaction", reaction=st.just("lime_carbonation"), reactant=st.just("CaO"), rate_kg_s=rate),
    item("inoculation", rate_kg_s=st.floats(0, 1e5)),
    item("aerogel_cover", share=st.floats(0, 1)),
    item("store_release", store=st.sampled_from(["buried_co2", "ground_ice"]), rate_kg_s=rate),
)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """A built-in body with another orbit, size, air and ground."""
    base = builtin_body(draw(st.sampled_from(builtin_names())))
    radius, gravity = draw(st.floats(5e5, 8e6)), draw(st.floats(0.5, 15))
    air = draw(st.dictionaries(st.sampled_from(GASES), mass, max_size=3))
    table = base.model_dump(mode="json")
    table["orbit"] |= {
        "solar_constant_w_m2": draw(st.floats(10, 1500)),
        "eccentricity": draw(st.floats(0, 0.4)),
        "obliquity_degree": draw(st.floats(0, 90)),
        "sidereal_year_s": draw(st.floats(2e7, 3e8)),
    }
    table["bulk"] = {"mean_radius_m": radius, "gravity_m_s2": gravity, "mass_kg": gravity * radius**2 / 6.6743e-11}
    table["atmosphere"] |= {"mass_kg": air, "escape_kg_s": {}}
    table["surface"] |= {"thermal_inertia_j_m2_k_s12": draw(st.floats(50, 2000)), "elevation_m": 0.0}
    table["uncertainty"] = {}
    return Body.model_validate(table)


@st.composite
def worlds(draw: st.DrawFn) -> RunSpec:
    plan = draw(st.lists(INTERVENTIONS, max_size=4, unique_by=lambda i: i["kind"]))
    return RunSpec(
        body=draw(bodies()),
        scenario=Scenario.model_validate({"interventions": plan}),
        years=50,
        grid="4x6",
        steps_per_orbit=24,
        spin_up_orbits=3,
    )


def lives(spec: RunSpec) -> None:
    plan = make_plan((spec,))
    state, ended = None, ""
    try:
        state, _ = start(plan, plan.blocks[0])
        for segment in plan.segments:
            done = run_segment(plan, plan.blocks[0], segment, state)
            state = done.state
            assert done.record["mass_error"][0] <= 1e-12
            assert done.record["energy_error"][0] <= 1e-9
            for name, a in done.arrays.items():
                assert np.isfinite(a).all(), name
    except SimulationError as error:
        ended = str(error)
    assert not ended or any(word in ended for word in HONEST), ended
    if state is None:
        return
    for name in ("gas", "ice", "local", "adsorbed", "aerosol", "store"):
        a = getattr(state, name)
        assert np.isfinite(a).all(), name
        assert a.size == 0 or a.min() >= 0 or name == "store", name


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spec=worlds())
def test_any_world_lives_or_ends_honestly(spec: RunSpec) -> None:
    lives(spec)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=worlds())
def test_five_hundred_worlds_live_or_end_honestly(spec: RunSpec) -> None:
    lives(spec)


def test_a_small_moon_with_a_deep_ocean_and_a_faint_sun_closes() -> None:
    """What freezes in a step is below the last digits of such an ocean's mass."""
    table = builtin_body("europa").model_dump(mode="json")
    table["orbit"] |= {"solar_constant_w_m2": 10.0, "eccentricity": 0.0, "obliquity_degree": 0, "sidereal_year_s": 2e7}
    table["bulk"] = {"mean_radius_m": 5e5, "gravity_m_s2": 0.5, "mass_kg": 0.5 * 5e5**2 / 6.6743e-11}
    table["atmosphere"] |= {"mass_kg": {}, "escape_kg_s": {}}
    table["surface"] |= {"thermal_inertia_j_m2_k_s12": 51.0, "elevation_m": 0.0}
    table["uncertainty"] = {}
    shade = {"kind": "sunshade", "fraction": 0.9, "schedule": {"start_year": 0, "end_year": 50}}
    plan, body = Scenario.model_validate({"interventions": [shade]}), Body.model_validate(table)
    lives(RunSpec(body=body, scenario=plan, years=50, grid="4x6", steps_per_orbit=24, spin_up_orbits=3))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=bodies(),
    where=st.sampled_from(
        ["orbit.eccentricity", "orbit.solar_constant_w_m2", "bulk.mean_radius_m", "atmosphere.heat_capacity_j_kg_k"]
    ),
    value=st.sampled_from([-1.0, float("nan"), float("inf"), "much", None, []]),
)
def test_an_invalid_world_is_refused_in_one_sentence(world: Body, where: str, value: Any) -> None:
    table = world.model_dump(mode="json")
    part, field = where.split(".")
    table[part][field] = value
    with pytest.raises(ValidationError) as caught:
        Body.model_validate(table)
    sentence = str(explain(caught.value))
    assert where in sentence
    assert "\n" not in sentence
