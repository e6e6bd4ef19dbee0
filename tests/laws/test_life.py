"""Life grows where there is light, warmth, water and air, and turns over what it says; B14."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.laws.toy_bodies import MARS, clock_of, drive
from tests.laws.toy_runs import Ran, garden, spec_of
from twinpipe.body import Atmosphere
from twinpipe.constants import MOLAR_MASS, YEAR
from twinpipe.grid import Array, Grid
from twinpipe.intervention import Inoculation, Schedule
from twinpipe.physics.biosphere import HALF_COVER, PER_LIGHT, UV, numbers, oxygen_rate, warmth
from twinpipe.physics.model import build, first_guess
from twinpipe.physics.records import REACTION_HEAT
from twinpipe.physics.substances import LIQUID_WATER, LIVING_MATTER, O2
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec
from twinpipe.spheres import Biosphere, WaterCycle

LIFE = numbers(Biosphere())
BEST = {"light": 100.0, "temperature": 303.0, "pressure": 1e5, "co2": 1e4, "n2": 8e4, "water": 1.0}
SEEDS = Inoculation(rate_kg_s=1e3, schedule=Schedule(end_year=2))
MATTER_PER_O2 = MOLAR_MASS["CH2O"] / MOLAR_MASS["O2"]


def rate(**changes: float) -> float:
    return rate_of(LIFE, **changes)


def rate_of(life: Array, **changes: float) -> float:
    v = {**BEST, **changes}
    return float(oxygen_rate(v["light"], v["temperature"], v["pressure"], v["co2"], v["n2"], v["water"], life))


@pytest.mark.parametrize(
    "missing",
    [
        {"light": 0.0},
        {"water": 0.0},
        {"co2": 0.0},
        {"n2": 0.0},
        {"pressure": 4.9e3},
        {"temperature": 273.0},
        {"temperature": 318.0},
        {"temperature": 200.0},
    ],
    ids=str,
)
def test_without_light_water_air_or_warmth_nothing_grows(missing: dict[str, float]) -> None:
    assert rate() > 0
    assert rate(**missing) == 0


@given(st.sampled_from(["light", "co2", "n2", "pressure", "water"]), st.floats(0, 1), st.floats(0, 1))
def test_more_of_anything_never_makes_less(name: str, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert rate(**{name: low * BEST[name]}) <= rate(**{name: high * BEST[name]}) * (1 + 1e-12)


@given(st.floats(150, 400))
def test_warmth_is_between_nothing_and_all(temperature: float) -> None:
    assert 0.0 <= warmth(temperature, 273.0, 303.0, 318.0) <= 1.0
    assert warmth(303.0, 273.0, 303.0, 318.0) == pytest.approx(1.0)


def test_a_whole_mars_makes_its_printed_oxygen() -> None:
    """B14: 1 % of the sunlight that Mars absorbs makes 1.1e7 kg/s, and 21 kPa of O2 (8.15e17 kg) takes 2400 years."""
    mars = Ran(MARS, years=4)
    absorbed = float(mars.series["global_absorbed_shortwave_flux"][-24:].mean())
    made = rate(co2=1e12, n2=1e12, light=absorbed) * mars.area
    assert made == pytest.approx(1.1e7, rel=0.1)
    assert 8.15e17 / made / YEAR == pytest.approx(2400, rel=0.1)
    assert LIFE[PER_LIGHT] == pytest.approx(6.8e-10, rel=0.01)  # kg of O2 per J of light


def test_life_spreads_over_a_garden_and_leaves_the_oxygen_of_what_is_buried() -> None:
    ran = Ran(garden(), SEEDS, years=30)
    ran.closes()
    living, organic = ran.ground("living_matter"), ran.store("organic_matter")
    assert living / ran.area > 0.5
    assert organic > 0
    brought = float(ran.state.spread[0, LIVING_MATTER])
    assert brought == pytest.approx(2 * YEAR * 1e3, rel=1e-9)
    escaped = float(ran.state.escaped.sum())
    net = (living + organic - brought) / MATTER_PER_O2
    assert ran.gained("O2") + escaped == pytest.approx(net, rel=1e-6)
    assert -ran.gained("CO2") == pytest.approx(net * MOLAR_MASS["CO2"] / MOLAR_MASS["O2"], rel=1e-6)
    assert ran.state.energy_flow[0, REACTION_HEAT] * ran.area == pytest.approx(
        -net * (4.7e5 - 2.501e6 * MOLAR_MASS["H2O"]) / MOLAR_MASS["O2"], rel=1e-6
    )


def test_a_full_cover_darkens_the_ground() -> None:
    def absorbed(darkening: float) -> float:
        body = garden(biosphere=Biosphere(darkening=darkening))
        return float(Ran(body, SEEDS, years=12).series["global_absorbed_shortwave_flux"][-24:].mean())

    assert absorbed(0.1) - absorbed(0.0) == pytest.approx(0.1 * 1361 / 4, rel=0.35)


@pytest.mark.parametrize("place", ["today", "airless", "frozen"])
def test_what_is_brought_where_nothing_can_live_dies(place: str) -> None:
    airless = garden().model_copy(update={"atmosphere": Atmosphere(mass_kg={"CO2": 1e10, "O2": 1e15})})
    body = {"today": MARS, "airless": airless, "frozen": garden(400.0)}[place]
    ran = Ran(body, SEEDS, years=12)
    ran.closes()
    assert ran.ground("living_matter") < 1e-4 * 2 * YEAR * 1e3
    assert ran.state.energy_flow[0, REACTION_HEAT] >= 0  # only respiration


def test_on_dry_ground_life_has_only_the_water_that_came_with_it() -> None:
    dry = garden(atmosphere=Atmosphere(mass_kg={"CO2": 1e18, "N2": 1e18, "O2": 1e15}))
    ran = Ran(dry, SEEDS)
    ran.closes()
    assert 0 < ran.ground("living_matter") + ran.store("organic_matter") <= 2 * YEAR * 1e3


def test_without_oxygen_the_dead_are_buried() -> None:
    body = garden(400.0).model_copy(update={"atmosphere": Atmosphere(mass_kg={"CO2": 1e18, "N2": 1e18})})
    ran = Ran(body, SEEDS)
    ran.closes()
    assert ran.gas("O2") == 0
    assert ran.store("organic_matter") + ran.ground("living_matter") == pytest.approx(2 * YEAR * 1e3, rel=1e-9)


def test_with_a_water_cycle_a_cell_needs_liquid_and_takes_it() -> None:
    """Liquid lies where it was laid by hand, under air as damp as it can be."""
    body = garden(water_cycle=WaterCycle(hold_kg_m2=1e3, exchange_velocity_m_s=0.0))
    model = build((body,), (Scenario(interventions=(SEEDS,)),), Grid(4, 6), clock_of(body, 24))
    s = first_guess(model)
    s.T[:] = 300.0
    s.mean_temperature[:] = 300.0
    s.local[LIQUID_WATER, 1] = 100.0
    s.local[LIVING_MATTER] = 1.0
    oxygen = s.gas[O2].copy()
    drive(model, s, 0, 1)
    living = s.local[LIVING_MATTER]
    assert (living[1] > living[2]).all()
    assert s.local[LIQUID_WATER, 1].max() < 100.0
    assert living[2] == pytest.approx(living[0])
    assert float((s.gas[O2] - oxygen)[0]) != 0


def test_life_and_the_water_cycle_close_together() -> None:
    ran = Ran(garden(water_cycle=WaterCycle(), co2_ice=MARS.co2_ice, regolith=MARS.regolith), SEEDS, years=20)
    ran.closes()
    assert ran.ground("living_matter") > 0
    assert ran.store("ocean_water") == 0  # water is in the cells


def test_numbers_of_a_body_without_life_make_nothing() -> None:
    none = numbers(None)
    assert none[UV] == 0
    assert none[HALF_COVER] > 0
    assert rate_of(none) == 0


@pytest.mark.parametrize("wrong", [{"best_k": 280.0}, {"full_pressure_pa": 4000.0}, {"warmest_k": 300.0}])
def test_needs_that_contradict_each_other_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="must"):
        Biosphere.model_validate(wrong)


def test_life_next_door_changes_no_bit_of_a_lifeless_run() -> None:
    """A control in the block of an inoculated body, and alone."""
    control, alive = spec_of(MARS, years=4), spec_of(MARS, SEEDS, years=4)

    def last(*specs: RunSpec) -> np.ndarray:
        plan = make_plan(specs, 2)
        state, _ = start(plan, plan.blocks[0])
        for segment in plan.segments:
            state = run_segment(plan, plan.blocks[0], segment, state).state
        return np.concatenate([state.T[0].ravel(), state.gas[0], state.energy_flow[0]])

    assert np.array_equal(last(control), last(control, alive))


@given(
    st.builds(
        Biosphere,
        efficiency=st.floats(0, 0.04),
        buried_fraction=st.floats(0, 1),
        turnover_years=st.floats(0.01, 100),
        half_cover_kg_m2=st.floats(1e-3, 10),
        spread_per_year=st.floats(0, 10),
        living_kg_m2=st.floats(0, 10),
    ),
    st.floats(300, 2500),
    st.fixed_dictionaries({g: st.floats(0, 1e18) for g in ("CO2", "N2", "O2", "H2O")}),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_books_close_however_life_is(life: Biosphere, light: float, gases: dict[str, float]) -> None:
    body = garden(light, biosphere=life, atmosphere=Atmosphere(mass_kg={**gases, "N2": gases["N2"] + 1e15}))
    Ran(body, SEEDS, years=4).closes()
