"""Thick air, ice and shadow in the whole model: liquid CO2, transport, slow heat, runaway; B1, B2, B6, B8."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planets.worlds import with_climate, world
from twinpipe.body import Body, IceRamp, Start, StepIce, builtin_body
from twinpipe.clock import Clock
from twinpipe.constants import MOLAR_MASS
from twinpipe.errors import SimulationError
from twinpipe.fields import SERIES_FIELDS, ZONALS
from twinpipe.grid import Grid
from twinpipe.physics import budget, shortwave
from twinpipe.physics.co2_ice import (
    CRITICAL_POINT,
    CRITICAL_PRESSURE,
    TRIPLE_POINT,
    condensation_point,
    frost_point_of,
    vapour_pressure,
)
from twinpipe.physics.kernel import advance
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.physics.records import D, Outputs, State, scratch
from twinpipe.physics.substances import CO2, H2
from twinpipe.scenario import Scenario
from twinpipe.simulation import equilibrate
from twinpipe.stepping import call

VENUS, EARTH, EUROPA, TITAN = (builtin_body(n) for n in ("venus", "earth", "europa", "titan"))


def point(pascal: float) -> float:
    out = np.empty(1)
    condensation_point(np.array([np.log(pascal)]), np.zeros(1), out)
    return float(out[0])


@given(st.floats(60, 304))
@settings(deadline=None)
def test_co2_condenses_where_its_vapour_saturates(kelvin: float) -> None:
    assert point(float(vapour_pressure(np.array(kelvin)))) == pytest.approx(
        kelvin, abs=0.1
    )  # 0.5 % of p where ice meets liquid


def test_ice_and_liquid_meet_at_the_triple_point_and_end_at_the_critical_point() -> None:
    below, above = vapour_pressure(np.array([TRIPLE_POINT - 1e-6, TRIPLE_POINT + 1e-6]))
    assert below == pytest.approx(5.18e5, rel=0.01)  # physics.md B8
    assert above == pytest.approx(below, rel=0.01)  # two authors
    assert float(vapour_pressure(np.array(CRITICAL_POINT))) == CRITICAL_PRESSURE
    assert point(9.2e6) == CRITICAL_POINT


def test_both_laws_of_frost_agree_on_mars() -> None:
    for pascal in (100.0, 600.0, 1000.0):
        assert point(pascal) == pytest.approx(frost_point_of(pascal), abs=0.6)


def test_books_close_while_an_ocean_of_co2_rains_out() -> None:
    """Under almost no sunlight Venus' air condenses: mass to 1e-12, energy to 1e-9 of the gross flux."""
    venus = with_climate(VENUS, start=Start(mean_k=300.0))
    dark = venus.model_copy(update={"orbit": venus.orbit.model_copy(update={"solar_constant_w_m2": 20.0})})
    clock = Clock(dark.orbit.sidereal_year_s, 24)
    model = build((dark,), (Scenario(),), Grid.parse("8x1"), clock)
    s, ledger = first_guess(model), empty_ledger(1)
    before = budget.contents(model, s)
    n = 300 * 24
    call(model, s, ledger, 0, n, np.zeros((1, model.n_maps, 8, 1)), n)
    books = budget.closure(before, budget.contents(model, s), ledger)
    assert s.ice.min() > 1e4
    assert s.gas[CO2, 0] < 0.95 * dark.atmosphere.mass_kg["CO2"]
    assert float(s.T[0].max()) <= CRITICAL_POINT
    assert books.closes


def diffusivity(model: Model, state: State) -> float:
    """D (W m-2 K-1) that a step from a state takes."""
    n_lat = model.grid.n_lat
    room = scratch(n_lat, 1, state.T.shape[0], 0, 1)
    zonals, series = np.zeros((len(ZONALS), 1, n_lat, 1)), np.zeros((len(SERIES_FIELDS), 1, 1))
    out = Outputs(np.zeros((1, model.n_maps, n_lat, 1)), 1, zonals, series)
    forcing = model.deployment.forcing(model.clock, 0, 1)
    advance(model.static, model.options, model.members, state, empty_ledger(1), forcing, out, room, 0, 1, 1)
    return float(room.rows[D, 0])


def model_of(body: Body) -> Model:
    return build((body,), (Scenario(),), Grid.parse("4x1"), Clock(body.orbit.sidereal_year_s, 24))


def test_diffusivity_follows_pressure_and_molar_mass_of_the_air() -> None:
    """D = D_ref (p / p_ref)(mu_ref / mu)^2, at most 1e3, mu_ref that of the body's own air; B6."""
    own, model = TITAN.climate.diffusivity_w_m2_k, model_of(TITAN)
    assert diffusivity(model, first_guess(model)) == pytest.approx(own, rel=1e-4)
    double = first_guess(model)
    double.gas[:] *= 2
    assert diffusivity(model, double) == pytest.approx(2 * own, rel=1e-4)
    light = first_guess(model)
    light.gas[H2, 0] = light.gas[:, 0].sum()
    light.gas[:H2] = light.gas[H2 + 1 :] = 0.0
    lightness = TITAN.mean_molar_mass_kg_mol / MOLAR_MASS["H2"]
    assert diffusivity(model, light) == pytest.approx(own * lightness**2, rel=1e-4)
    thick = model_of(with_climate(VENUS, diffusivity_w_m2_k=900.0, diffusivity_reference_pa=1e6))
    assert diffusivity(thick, first_guess(thick)) == 1e3


def test_a_moon_in_shadow_takes_up_less_light() -> None:
    lit = EUROPA.model_copy(update={"orbit": EUROPA.orbit.model_copy(update={"eclipse_fraction": 0.0})})
    absorbed = [world(b, "8x1", 24, 4).mean("global_absorbed_shortwave_flux") for b in (EUROPA, lit)]
    assert absorbed[0] / absorbed[1] == pytest.approx(1 - EUROPA.orbit.eclipse_fraction, rel=1e-12)


def test_the_albedo_of_a_planet_seen_from_space_is_what_it_takes_up() -> None:
    w = world(TITAN, "8x1", 24, 4)
    orbit = TITAN.orbit
    received = orbit.solar_constant_w_m2 / (4 * np.sqrt(1 - orbit.eccentricity**2))
    assert w.mean("global_absorbed_shortwave_flux") == pytest.approx(received * (1 - 0.308), rel=1e-9)
    cloudy = with_climate(TITAN, cloud_albedo=0.05)
    ratio = world(cloudy, "8x1", 24, 4).mean("global_absorbed_shortwave_flux") / received
    assert ratio == pytest.approx(1 - 0.358, rel=1e-9)


@given(st.floats(200, 300), st.floats(0, 0.5), st.floats(0.5, 1))
@settings(deadline=None)
def test_ice_grows_with_cold(kelvin: float, ground: float, ice: float) -> None:
    """f = 1 below 263.15 K, 1 - exp((T - 273.15)/10) up to 273.15 K, 0 above; B2."""
    albedo = np.array([ground])
    shortwave.ice_ramp(np.array([kelvin]), ice, albedo)
    share = 1.0 if kelvin < 263.15 else max(1 - np.exp((kelvin - 273.15) / 10), 0.0)
    assert float(albedo[0]) == pytest.approx(ground + share * (ice - ground), abs=1e-12)


def test_a_body_has_one_law_for_its_ice() -> None:
    laws = {"step_ice": StepIce(threshold_k=263.15, albedo=0.6), "ice_ramp": IceRamp(albedo=0.6)}
    wrong = EARTH.model_dump() | {"climate": EARTH.climate.model_dump() | laws}
    with pytest.raises(ValueError, match="two laws for the same ice"):
        Body.model_validate(wrong)


def test_a_copy_of_a_body_has_its_own_digest() -> None:
    assert EARTH.digest != with_climate(EARTH, cloud_albedo=0.01).digest
    assert EARTH.digest == EARTH.model_copy().digest


def test_slow_heat_settles_where_patience_would_bring_it() -> None:
    """Newton's method of the spin-up finds the climate that an Earth of little heat has after hundreds of orbits."""
    clock, grid = Clock(EARTH.orbit.sidereal_year_s, 24), Grid.parse("8x1")
    still = EARTH.model_copy(update={"interior": None})  # which stands still while a climate settles
    start = with_climate(still, start=Start(mean_k=280.0, p2_k=-28.0))
    quick = equilibrate(start, grid, clock, 30)
    model, s = build((start,), (Scenario(),), grid, clock), first_guess(build((start,), (Scenario(),), grid, clock))
    n = 300 * 24
    _, series = call(model, s, empty_ledger(1), 0, n, np.zeros((1, model.n_maps, 8, 1)), n)
    assert quick.series[0].mean() == pytest.approx(float(series[0, -24:].mean()), abs=1e-3)
    np.testing.assert_allclose(quick.state.T, s.T, atol=2e-3)


def test_venus_settles_from_far_away() -> None:
    cold = with_climate(VENUS, start=Start(mean_k=600.0))
    assert world(cold, "8x1", 24).mean("global_surface_temperature") == pytest.approx(
        world(VENUS, "8x1", 24).mean("global_surface_temperature"), abs=1e-3
    )


def test_too_much_sunlight_ends_honestly_in_a_runaway_greenhouse() -> None:
    near = EARTH.model_copy(update={"orbit": EARTH.orbit.model_copy(update={"solar_constant_w_m2": 1.3 * 1361.0})})
    with pytest.raises(
        SimulationError, match=r"Earth ends near year .* in a runaway greenhouse: at 3\d\d K .* 282 W m-2"
    ):
        world(near, "8x1", 24)


def test_what_a_saturated_column_lets_out_ends_in_a_runaway_greenhouse_too() -> None:
    """Between the 275 W m-2 that Earth's column has at 350 K, and beyond, and the 282 of thick vapour."""
    near = EARTH.model_copy(update={"orbit": EARTH.orbit.model_copy(update={"solar_constant_w_m2": 1.16 * 1361.0})})
    with pytest.raises(
        SimulationError, match=r"runaway greenhouse: at [34]\d\d K its vapour lets 27\d\S* W m-2 out, and it absorbs 27"
    ):
        world(near, "8x1", 24)


def test_earth_has_two_climates_and_the_body_says_which() -> None:
    cold = with_climate(EARTH, start=Start(mean_k=220.0))
    snowball = world(cold, "12x1", 24).mean("global_surface_temperature")
    assert snowball < 255
    assert world(EARTH, "12x1", 24).mean("global_surface_temperature") > 285
