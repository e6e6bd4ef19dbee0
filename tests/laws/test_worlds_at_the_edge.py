"""Worlds that once broke a book or a number: each law holds at its edge too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.laws.any_worlds import lives
from twinpipe.body import Body, builtin_body
from twinpipe.clock import Clock
from twinpipe.errors import SimulationError
from twinpipe.intervention import Schedule
from twinpipe.physics import phase, shell
from twinpipe.physics.interventions import activity
from twinpipe.physics.longwave import outgoing
from twinpipe.physics.regolith import COLDEST, missing
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec


def world(
    name: str, radius: float, gravity: float, *deeds: dict[str, Any], steps: int = 12, orbits: int = 3, **parts: Any
) -> RunSpec:
    """Half a century of a built-in body of another size, with other numbers in its parts; None: without the part."""
    table = builtin_body(name).model_dump(mode="json")
    table["bulk"] = {"mean_radius_m": radius, "gravity_m_s2": gravity, "mass_kg": gravity * radius**2 / 6.6743e-11}
    table["atmosphere"] |= {"mass_kg": {}, "escape_kg_s": {}}
    table["surface"]["elevation_m"] = 0.0
    table["uncertainty"] = {}
    for part, numbers in parts.items():
        table[part] = None if numbers is None else (table[part] or {}) | numbers
    plan, body = Scenario.model_validate({"interventions": deeds}), Body.model_validate(table)
    return RunSpec(body=body, scenario=plan, years=50, grid="4x6", steps_per_orbit=steps, spin_up_orbits=orbits)


def test_a_small_moon_with_a_deep_ocean_and_a_faint_sun_closes() -> None:
    """What freezes in a step is below the last digits of such an ocean's mass."""
    orbit = {"solar_constant_w_m2": 10.0, "eccentricity": 0.0, "obliquity_degree": 0, "sidereal_year_s": 2e7}
    shade = {"kind": "sunshade", "fraction": 0.9, "schedule": {"start_year": 0, "end_year": 50}}
    ground = {"thermal_inertia_j_m2_k_s12": 51.0}
    assert lives(world("europa", 5e5, 0.5, shade, steps=24, orbit=orbit, surface=ground))


def test_air_of_two_thousand_bar_closes_by_its_digits() -> None:
    """It holds so much heat that what the sun brings in a step is in the last digits of its temperature."""
    orbit = {"solar_constant_w_m2": 10.0, "eccentricity": 0.0, "obliquity_degree": 0, "sidereal_year_s": 5.2e6}
    air = {"mass_kg": {"CO2": 1e20}, "heat_capacity_j_kg_k": 500.0}
    spec = world("earth", 2e5, 1.0, steps=12, orbits=0, orbit=orbit, atmosphere=air, water_cycle=None, biosphere=None)
    assert lives(spec)


@pytest.mark.parametrize("thickness", [0.1, 1.0, 30.0, 15e3])
@pytest.mark.parametrize("surface", [40.0, 95.0, 260.0, 400.0])
def test_a_shell_of_any_thickness_conducts_what_its_ends_ask(thickness: float, surface: float) -> None:
    _, flux = shell.steady(np.array([surface]), thickness, np.array([10.0, 10.0]), 567.0, 270.0, np.array([5.0]))
    top = surface + flux[0] * 5.0
    assert min(surface, 270.0) <= top <= max(surface, 270.0)
    assert flux[0] * thickness == pytest.approx(567.0 * math.log(270.0 / top), rel=1e-9, abs=1e-9)


def end_of(spec: RunSpec) -> str:
    plan = make_plan((spec,))
    with pytest.raises(SimulationError) as caught:
        start(plan, plan.blocks[0])
    return str(caught.value)


def test_an_ocean_that_freezes_through_ends_the_run() -> None:
    thin = {"thickness_m": 100.0, "ocean_mass_kg": 1e12}
    assert "ocean is gone" in end_of(world("europa", 5e5, 0.5, orbits=1, ice_shell=thin))


def test_an_ocean_that_is_taken_away_ends_the_run() -> None:
    small = {"ocean_mass_kg": 1e18}
    pump = {"kind": "store_release", "store": "ocean_water", "rate_kg_s": 1e12}
    assert not lives(world("europa", 1.5e6, 1.3, pump, ice_shell=small))


def test_a_shell_that_goes_to_space_ends_the_run() -> None:
    near = {"solar_constant_w_m2": 1361.0}
    spec = world("europa", 5e5, 0.5, orbit=near, surface={"albedo": 0.1}, ice_shell={"thickness_m": 1.0})
    assert "gone to space" in end_of(spec)


def test_no_night_is_colder_than_absolute_zero() -> None:
    """A spot of 30 K whose sun rises radiates at most as if its nights were at 0 K: v = 3."""
    one, k, amplitude2 = np.ones(1), np.zeros(1), np.array([1e6])
    outgoing(np.array([30.0]), one, one, amplitude2, 0.0, one, np.zeros(1), k)
    assert amplitude2[0] == 900.0
    assert k[0] == pytest.approx(4 * 5.670374e-8, rel=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 8.0, 39.0, 41.0, 97.0, 250.0, 400.0])
def test_noon_lifts_vapour_by_a_number(temperature: float) -> None:
    factor = phase.daily_factor(temperature, 1500.0)
    assert math.isfinite(factor)
    assert factor >= 1.0


def test_desorption_cools_no_ground_to_absolute_zero() -> None:
    today, warming, amount, gain = np.array([45.0]), np.zeros(1), np.array([1e5]), np.zeros(1)
    missing(amount, warming, today, np.zeros(1), np.array([30.0]), 1.0, 0.1, gain)
    assert today[0] + warming[0] + 0.1 * gain[0] == pytest.approx(COLDEST)


def test_a_sea_under_air_without_methane_stays_a_number() -> None:
    assert lives(world("titan", 2.5e6, 1.35, orbits=4, atmosphere={"mass_kg": {"N2": 1e12}}))


def test_a_body_whose_clouds_keep_all_its_heat_spins_up() -> None:
    """To no temperature of it does a change of OLR answer, by which its balance could be found."""
    orbit, air = {"solar_constant_w_m2": 10.0, "sidereal_year_s": 1e7}, {"mass_kg": {"N2": 1e14}}
    assert lives(world("titan", 2.5e6, 1.35, orbit=orbit, atmosphere=air, climate={"cloud_olr_w_m2": -100.0}))


def test_water_over_ground_of_a_few_kelvin_stays_a_number() -> None:
    dark, cold = {"solar_constant_w_m2": 6e-4}, {"start": {"mean_k": 7.0}}
    steam = {"kind": "volatile_import", "rate_kg_s": 1.0, "composition": {"H2O": 1.0}, "heat_fraction": 0.0}
    ground = {"geothermal_flux_w_m2": 0.0}
    assert lives(world("luna", 2.4e5, 0.5, steam, orbit=dark, surface=ground, climate=cold))


def windy(*deeds: dict[str, Any]) -> RunSpec:
    """Twelve steps to six years: ground without sun is far colder after a step than where OLR has its tangent."""
    orbit = {
        "solar_constant_w_m2": 24.9,
        "eccentricity": 0.442,
        "obliquity_degree": 155.0,
        "perihelion_ls_degree": 358.4,
        "sidereal_year_s": 1.838e8,
    }
    climate = builtin_body("mars").climate.model_dump(mode="json")
    longwave = climate["longwave"] | {"haze_absorption": 0.068, "emissivity_factor": 1.1, "diurnal_factor": 0.937}
    wind = {"longwave": longwave, "diffusivity_w_m2_k": 1.44, "air_coupling_w_m2_k": 10.0, "cloud_olr_w_m2": 1.0}
    ground = {"albedo": 0.19, "thermal_inertia_j_m2_k_s12": 72.66, "volumetric_heat_capacity_j_m3_k": 1.663e6}
    spec = world(
        "mars",
        5.207e6,
        0.569,
        *deeds,
        orbits=1,
        orbit=orbit | {"solar_day_s": 9.5e6, "eclipse_fraction": 0.0},
        surface=ground | {"geothermal_flux_w_m2": 0.1673},
        climate=wind | {"relative_humidity": 0.0},
        atmosphere={"heat_capacity_j_kg_k": 996.7},
        regolith=None,
    )
    return spec.model_copy(update={"grid": "5x3"})


def test_winds_take_no_more_heat_than_there_is() -> None:
    assert lives(windy())


def test_who_is_carried_again_does_not_touch_the_bits_of_others() -> None:
    lit = windy({"kind": "heater", "power_w": 1e16})
    both = after_a_segment(windy(), lit)
    for member, alone in enumerate((after_a_segment(windy()), after_a_segment(lit))):
        assert np.array_equal(both[member], alone[0])
    assert not np.array_equal(both[0], both[1])


def after_a_segment(*specs: RunSpec) -> Any:
    """(member, layer, lat, lon) temperatures of one block."""
    plan = make_plan(specs)
    (block,) = plan.blocks
    state, _ = start(plan, block)
    for segment in plan.segments[:5]:
        state = run_segment(plan, block, segment, state).state
    return state.T


def test_snow_on_co2_ice_cools_no_ground_to_absolute_zero() -> None:
    orbit = {"solar_constant_w_m2": 249.4, "eccentricity": 0.745, "obliquity_degree": 56.2, "sidereal_year_s": 7.4e7}
    ground = {"albedo": 0.525, "thermal_inertia_j_m2_k_s12": 10.0, "volumetric_heat_capacity_j_m3_k": 6.4e5}
    lives(world("mars", 2e5, 3.05, orbit=orbit, surface=ground, atmosphere={"mass_kg": {"CO": 1e12, "C2H6": 2.5e13}}))


def test_ice_that_boils_in_thin_air_draws_no_heat_from_space() -> None:
    orbit = {"solar_constant_w_m2": 562.34, "eccentricity": 0.875, "obliquity_degree": 0.0, "sidereal_year_s": 1e7}
    longwave = builtin_body("mars").climate.model_dump(mode="json")["longwave"] | {"diurnal_factor": 0.0}
    wind = {"longwave": longwave, "diffusivity_w_m2_k": 3.0, "air_coupling_w_m2_k": 0.0, "relative_humidity": 0.0}
    ground = {"albedo": 0.0, "thermal_inertia_j_m2_k_s12": 10.0, "geothermal_flux_w_m2": 0.0}
    air = {"heat_capacity_j_kg_k": 500.0}
    days = {"perihelion_ls_degree": 0.0, "solar_day_s": 1e4}
    spec = world("mars", 3.162e5, 1.0, orbits=1, orbit=orbit | days, surface=ground, climate=wind, atmosphere=air)
    lives(spec)
    plan = make_plan((spec,))
    state, _ = start(plan, plan.blocks[0])
    for segment in plan.segments[:1]:
        flux = run_segment(plan, plan.blocks[0], segment, state).arrays["outgoing_longwave_flux"]
        assert flux.min() >= 0.0


def test_a_ramp_of_no_time_is_a_step() -> None:
    clock = Clock(3e7, 12)
    step = activity(Schedule(start_year=1.0, end_year=9.0), clock, 0, 60)
    assert activity(
        Schedule(start_year=1.0, end_year=9.0, shape="ramp", ramp_years=1e-308), clock, 0, 60
    ) == pytest.approx(step)
