"""Random valid worlds: a built-in body with other numbers and spheres, under random plans, on random grids."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st

from twinpipe.body import Body, builtin_body, builtin_names
from twinpipe.errors import SimulationError
from twinpipe.intervention import Aerosol, StoreName, SuperGas
from twinpipe.part import GasName
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.plan import make_plan
from twinpipe.reactions import REACTIONS, PlantReaction
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

Table = dict[str, Any]
GASES: tuple[str, ...] = get_args(GasName)
# how a world may end honestly
HONEST = ("runaway", "left its range", "100 mbar", "would condense", "ocean is gone", "gone to space")


def magnitude(low: float, high: float) -> st.SearchStrategy[float]:
    """10 to a power between low and high."""
    return st.floats(low, high).map(lambda x: 10.0**x)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Table]:
    return st.fixed_dictionaries(fields)


SHAPES: dict[str, st.SearchStrategy[Table]] = {
    "hold": some(),
    "ramp": some(ramp_years=st.floats(0, 40)),
    "pulse": some(pulse_years=st.floats(0.1, 2), period_years=st.floats(2, 20)),
    "feedback": some(
        feedback=st.one_of(
            some(target=st.floats(100, 350), gain=st.floats(-1, 1)),
            some(measure=st.just("surface_pressure_pa"), target=magnitude(0, 6), gain=magnitude(-6, 0)),
        )
    ),
}


@st.composite
def schedules(draw: st.DrawFn) -> Table:
    shape, start = draw(st.sampled_from(sorted(SHAPES))), draw(st.floats(0, 30))
    return {"start_year": start, "end_year": start + draw(st.floats(1, 30)), "shape": shape} | draw(SHAPES[shape])


REGIONS: st.SearchStrategy[Table] = st.one_of(
    st.just({}),
    some(south_degree=st.floats(-90, -1), north_degree=st.floats(0, 90)),
    some(
        south_degree=st.floats(40, 80),
        north_degree=st.just(90.0),
        west_degree=st.floats(-180, 180),
        east_degree=st.floats(-180, 180),
    ),
)


def item(kind: str, *, where: bool = False, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Table]:
    place = {"target": REGIONS} if where else {}
    return some(kind=st.just(kind), schedule=schedules(), **fields, **place)


def plant(reaction: str) -> st.SearchStrategy[Table]:
    reactants = REACTIONS[reaction].reactants
    minerals = [r for r in reactants if r in ("CaO", "MgO")]
    return item(
        "reaction",
        reaction=st.just(reaction),
        reactant=st.sampled_from(reactants),
        rate_kg_s=magnitude(0, 9),
        supply_kg_s=some(**{m: magnitude(0, 9) for m in minerals}),
    )


COMPOSITIONS = st.sampled_from([{"N2": 1.0}, {"H2O": 0.5, "CO2": 0.5}, {"NH3": 0.2, "CH4": 0.3, "H2": 0.5}])
INTERVENTIONS = st.one_of(
    item("super_greenhouse_gas", gas=st.sampled_from(get_args(SuperGas)), rate_kg_s=st.floats(0, 1e5)),
    item("aerosol", particle=st.sampled_from(get_args(Aerosol)), rate_kg_s=st.floats(0, 300)),
    item("orbital_mirror", where=True, area_m2=st.floats(0, 1e13)),
    item("sunshade", fraction=st.floats(0, 1)),
    item("dark_dust", where=True, rate_kg_s=st.floats(0, 1e6)),
    item("albedo_paint", where=True, change=st.floats(-0.3, 0.3)),
    item("heater", where=True, power_w=magnitude(0, 15), into=st.sampled_from(["ground", "ocean"])),
    item("volatile_import", rate_kg_s=magnitude(0, 9), composition=COMPOSITIONS),
    item("gas_export", gas=st.sampled_from(GASES), rate_kg_s=magnitude(0, 9)),
    st.sampled_from(get_args(PlantReaction)).flatmap(plant),
    item("inoculation", where=True, rate_kg_s=st.floats(0, 1e5)),
    item("aerogel_cover", where=True, share=st.floats(0, 1)),
    item("store_release", store=st.sampled_from(get_args(StoreName)), rate_kg_s=magnitude(0, 12)),
)

DEPOSITS = some(name=st.just("cap"), mass_kg=magnitude(8, 20), south_degree=st.just(50.0), north_degree=st.just(90.0))
SPHERES: dict[str, st.SearchStrategy[Table]] = {
    "co2_ice": some(
        albedo_north=st.floats(0, 1),
        albedo_south=st.floats(0, 1),
        emissivity_north=st.floats(0.3, 1),
        emissivity_south=st.floats(0.3, 1),
        condensation=st.sampled_from(["frost", "frost_or_liquid"]),
    ),
    "regolith": some(inventory_kg=magnitude(8, 18)),
    "buried_co2": some(mass_kg=magnitude(8, 18), south_degree=st.just(-90.0), north_degree=st.floats(-89, -50)),
    "water_cycle": some(snow_albedo=st.floats(0.3, 0.9), hold_kg_m2=magnitude(-1, 3)),
    "hydrosphere": some(total_water_kg=magnitude(8, 22), surface_ice=st.lists(DEPOSITS, max_size=1)),
    "methane_cycle": some(
        photolysis_kg_s=magnitude(0, 5),
        seas=st.lists(
            some(
                name=st.just("north"),
                methane_kg=magnitude(8, 18),
                ethane_kg=magnitude(8, 18),
                south_degree=st.just(60.0),
                north_degree=st.just(90.0),
            ),
            max_size=1,
        ),
    ),
    "ice_shell": some(
        thickness_m=magnitude(0, 4.5), ocean_mass_kg=magnitude(12, 22), ocean_exchange_w_m2_k=st.floats(0, 100)
    ),
    "biosphere": some(living_kg_m2=magnitude(-6, 0), uv_survival=st.floats(0, 1), buried_fraction=st.floats(0, 1)),
    "interior": some(
        outgassing_kg_s=st.dictionaries(st.sampled_from(GASES), magnitude(0, 6), max_size=3),
        weathering_kg_s=magnitude(0, 6),
        oxidation_kg_s=magnitude(0, 6),
    ),
}


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """A built-in body with another orbit, size, air, ground and climate, and some spheres more or fewer."""
    table = builtin_body(draw(st.sampled_from(builtin_names()))).model_dump(mode="json")
    radius, gravity = draw(magnitude(5.3, 7.2)), draw(magnitude(-0.7, 1.3))
    table["orbit"] |= {
        "solar_constant_w_m2": draw(magnitude(1, 3.4)),
        "eccentricity": draw(st.floats(0, 0.9)),
        "obliquity_degree": draw(st.floats(0, 180)),
        "perihelion_ls_degree": draw(st.floats(0, 359)),
        "sidereal_year_s": draw(magnitude(6.7, 9.2)),
        "solar_day_s": draw(magnitude(4, 7)),
        "eclipse_fraction": draw(st.floats(0, 0.5)),
    }
    table["bulk"] = {"mean_radius_m": radius, "gravity_m_s2": gravity, "mass_kg": gravity * radius**2 / 6.6743e-11}
    table["atmosphere"] |= {
        "mass_kg": draw(st.dictionaries(st.sampled_from(GASES), magnitude(8, 20), max_size=3)),
        "heat_capacity_j_kg_k": draw(st.floats(500, 2000)),
        "escape_kg_s": draw(st.dictionaries(st.sampled_from(GASES), magnitude(-2, 6), max_size=2)),
    }
    table["surface"] |= {
        "albedo": draw(st.floats(0, 0.9)),
        "thermal_inertia_j_m2_k_s12": draw(magnitude(1, 3.4)),
        "volumetric_heat_capacity_j_m3_k": draw(magnitude(5.5, 6.6)),
        "geothermal_flux_w_m2": draw(st.floats(0, 0.3)),
    }
    if draw(st.booleans()):
        table["surface"]["elevation_m"] = 0.0
    table["climate"] |= {
        "diffusivity_w_m2_k": draw(st.floats(0, 10)),
        "air_coupling_w_m2_k": draw(st.sampled_from([0.0, 1.0, 10.0])),
        "relative_humidity": draw(st.floats(0, 1)),
        "cloud_albedo": draw(st.floats(-0.05, 0.05)),
        "cloud_olr_w_m2": draw(st.sampled_from([0.0, 0.0, -1.0, 1.0])),
    }
    table["climate"]["longwave"] |= {
        "emissivity_factor": draw(st.floats(0.5, 1.1)),
        "diurnal_factor": draw(st.floats(0, 1)),
        "large_diurnal": draw(st.booleans()),
        "nitrogen_column": draw(st.booleans()),
        "haze_absorption": draw(st.floats(0, 0.8)),
    }
    for name in draw(st.lists(st.sampled_from(sorted(SPHERES)), max_size=4, unique=True)):
        table[name] = draw(st.one_of(st.none(), SPHERES[name])) or ({} if name == "hydrosphere" else None)
    if table["ice_shell"]:
        table["regolith"] = None
    if table["climate"]["column"]["kind"] == "slab":
        table["ice_shell"] = table["regolith"] = table["buried_co2"] = None
    table["uncertainty"] = {}
    return Body.model_validate(table)


@st.composite
def worlds(draw: st.DrawFn) -> RunSpec:
    """Half a century of such a body under up to five interventions."""
    plan = draw(st.lists(INTERVENTIONS, max_size=5))
    return RunSpec(
        body=draw(bodies()),
        scenario=Scenario.model_validate({"interventions": plan}),
        years=50,
        grid=draw(st.sampled_from(["4x1", "4x6", "5x3", "7x4"])),
        steps_per_orbit=draw(st.sampled_from([12, 24, 36])),
        spin_up_orbits=draw(st.integers(0, 4)),
    )


def lives(spec: RunSpec) -> bool:
    """Whether a world lives to the end; it may end earlier in a sentence, but not with a broken book or number."""
    plan = make_plan((spec,))
    state, ended = None, ""
    try:
        state, _ = start(plan, plan.blocks[0])
        for segment in plan.segments:
            done = run_segment(plan, plan.blocks[0], segment, state)
            state = done.state
            assert done.record["mass_error"][0] <= MASS_TOLERANCE
            assert done.record["energy_error"][0] <= ENERGY_TOLERANCE
            assert done.record["transport_error"][0] <= ENERGY_TOLERANCE
            for name, a in done.arrays.items():
                assert np.isfinite(a).all(), name
    except SimulationError as error:
        ended = str(error)
        assert any(word in ended for word in HONEST), ended
        assert "\n" not in ended
        assert "nan" not in ended
        assert "temperatures -" not in ended  # no ground is colder than 0 K
    if state is not None:
        for name, a in state.arrays().items():
            assert np.isfinite(a).all(), name
        for name in ("gas", "ice", "local", "adsorbed", "aerosol", "store"):
            a = getattr(state, name)
            assert a.size == 0 or a.min() >= 0, name
    return not ended
