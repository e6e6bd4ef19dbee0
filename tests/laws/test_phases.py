"""Water in one cell: phases in balance, nothing oversaturated, and no energy or mass from cycles; B10."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.constants import TRIPLE_POINT_WATER_PRESSURE
from twinpipe.physics import longwave, phase
from twinpipe.physics.substances import FUSION, LATENT_OF_LOCALS, LOCALS, SUBLIMATION, VAPORISATION

TEMPERATURES = st.floats(100.0, 400.0)
MASSES = st.one_of(st.just(0.0), st.floats(1e-9, 1e6))
COLUMNS = st.one_of(st.just(0.0), st.floats(1e-12, 100.0))
CAPACITIES = st.floats(1e4, 1e8)  # J m-2 K-1: a thin layer for a step .. a bar of air
HEIGHTS = st.floats(300.0, 1e4)
PRESSURES = st.one_of(st.just(0.0), st.floats(1e-3, 1e7))
MELTING = 273.16


def enthalpy(T: float, ice: float, liquid: float, C: float) -> float:
    return C * T - SUBLIMATION * ice - VAPORISATION * liquid


def grain(T: float, ice: float, liquid: float, vapour: float, C: float) -> float:
    """What rounding of masses and temperatures may do to the enthalpy, J m-2."""
    return 1e-13 * (C * T + SUBLIMATION * (ice + liquid + vapour))


def in_balance(T: float, ice: float, liquid: float, vapour: float, height: float, rounding: float) -> None:
    assert ice >= 0.0
    assert liquid >= 0.0
    assert vapour >= -rounding
    assert vapour <= phase.saturated_column(T, height) * (1 + 1e-9) + rounding
    assert ice == 0.0 or T <= MELTING
    assert liquid == 0.0 or T >= MELTING


@given(TEMPERATURES, MASSES, MASSES, COLUMNS, CAPACITIES, HEIGHTS)
@settings(max_examples=400, deadline=None)
def test_settled_water_is_in_balance_and_keeps_its_enthalpy(
    T: float, ice: float, liquid: float, vapour: float, C: float, height: float
) -> None:
    now, frozen, molten, rain = phase.settled(T, ice, liquid, vapour, C, height)
    assert enthalpy(now, frozen, molten, C) == pytest.approx(
        enthalpy(T, ice, liquid, C), rel=0, abs=10 * grain(max(T, now), ice, liquid, vapour, C)
    )
    assert frozen + molten == pytest.approx(ice + liquid + rain, rel=1e-14)
    assert rain >= 0.0
    in_balance(now, frozen, molten, vapour - rain, height, 1e-15 * vapour)


@given(TEMPERATURES, MASSES, MASSES, COLUMNS, CAPACITIES, HEIGHTS)
@settings(max_examples=100, deadline=None)
def test_settling_twice_changes_nothing(
    T: float, ice: float, liquid: float, vapour: float, C: float, height: float
) -> None:
    now, frozen, molten, rain = phase.settled(T, ice, liquid, vapour, C, height)
    again, still, wet, more = phase.settled(now, frozen, molten, vapour - rain, C, height)
    tolerance = 1e-9 * (1.0 + frozen + molten) + 1e-9 * C / FUSION
    assert again == pytest.approx(now, abs=1e-7)
    assert still == pytest.approx(frozen, abs=tolerance)
    assert wet == pytest.approx(molten, abs=tolerance)
    assert more == pytest.approx(0.0, abs=1e-9 * (1.0 + vapour))


@given(TEMPERATURES, MASSES, MASSES, COLUMNS, CAPACITIES, HEIGHTS, PRESSURES, st.floats(0.0, 1.0), st.floats(0.0, 40.0))
@settings(max_examples=400, deadline=None)
def test_a_step_of_a_cell_keeps_mass_and_enthalpy_and_ends_in_balance(
    T: float,
    ice: float,
    liquid: float,
    vapour: float,
    C: float,
    height: float,
    pressure: float,
    open_share: float,
    amplitude: float,
) -> None:
    day = phase.daily_factor(T, amplitude)
    now, frozen, molten = phase.changed(
        T, ice, liquid, vapour, 0.5 * ice, open_share, C, 6e5, day, height, pressure, 0.6, 3.7, 0.005
    )
    left = vapour - ((frozen - ice) + (molten - liquid))
    rounding = 1e-14 * (1.0 + ice + liquid + vapour)
    assert enthalpy(now, frozen, molten, C) == pytest.approx(
        enthalpy(T, ice, liquid, C), rel=0, abs=30 * grain(max(T, now), ice, liquid, vapour, C)
    )
    in_balance(now, frozen, molten, left, day * height, rounding)
    if molten > 0.0 and pressure < TRIPLE_POINT_WATER_PRESSURE * 0.999:  # only under the pressure of its own vapour
        assert left >= day * phase.saturated_column(MELTING, height) * (1 - 1e-6) - rounding


@given(st.lists(st.floats(-3e8, 3e8), min_size=2, max_size=12), st.floats(1.0, 1e4), CAPACITIES, st.floats(100.0, 1e5))
@settings(max_examples=100, deadline=None)
def test_freezing_and_evaporating_in_a_circle_makes_no_energy(
    heats: list[float], water: float, C: float, pressure: float
) -> None:
    """Heat given and taken in any order: what is there at the end is what was there plus the heat."""
    T, ice, liquid, vapour, height = 280.0, 0.0, water, 0.0, 2500.0
    start = enthalpy(T, ice, liquid, C)
    given_heat, gross = 0.0, abs(start)
    for heat in heats:
        if T + heat / C < 120.0 or T + heat / C > 450.0:  # leaves the range of the formulas
            continue
        T += heat / C
        given_heat += heat
        gross += abs(heat)
        now, m, l_new = phase.changed(T, ice, liquid, vapour, 0.0, 1.0, C, 6e5, 1.0, height, pressure, 0.6, 3.7, 0.005)
        vapour -= (m - ice) + (l_new - liquid)
        T, ice, liquid = now, m, l_new
    assert ice + liquid + vapour == pytest.approx(water, rel=1e-13)
    assert enthalpy(T, ice, liquid, C) - start == pytest.approx(given_heat, rel=0, abs=1e-12 * gross)


def test_latent_heats_close_their_circle() -> None:
    assert SUBLIMATION == VAPORISATION + FUSION
    of = dict(zip(LOCALS, LATENT_OF_LOCALS, strict=True))
    assert of["water_ice"] - of["liquid_water"] == FUSION
    assert of["water_vapour"] == 0.0


@given(st.floats(150.0, 600.0))
def test_water_boils_where_its_saturation_pressure_is_that_of_the_air(T: float) -> None:
    pressure = math.exp(longwave.saturation_log_pressure(T))
    assert phase.boiling_point(pressure) == pytest.approx(T, rel=2e-6)
    density = phase.saturated_density(T, T >= MELTING)
    assert density * phase.VAPOUR_CONSTANT * T == pytest.approx(pressure, rel=1e-12)


def test_saturation_is_continuous_at_the_triple_point() -> None:
    ice, liquid = (phase.saturated_density(MELTING, over) * phase.VAPOUR_CONSTANT * MELTING for over in (False, True))
    assert ice == pytest.approx(TRIPLE_POINT_WATER_PRESSURE, rel=1e-4)
    assert liquid == pytest.approx(ice, rel=1e-4)


@given(st.floats(150.0, 330.0), st.floats(0.0, 30.0))
def test_the_factor_of_the_day_is_the_mean_over_its_hours(T: float, amplitude: float) -> None:
    slope = phase.log_slope(T, T >= MELTING)
    hours = np.exp(slope * amplitude * np.cos(np.linspace(0, 2 * np.pi, 240, endpoint=False)))
    if slope * amplitude < 5.0:
        assert phase.daily_factor(T, amplitude) == pytest.approx(float(hours.mean()), rel=0.01)


def test_ice_at_the_melting_point_on_mars_loses_a_millimetre_an_hour() -> None:
    """Ingersoll 1970: dry air of 6 mbar takes 0.7 to 1.2 kg m-2 an hour from ice at 273 K by free convection."""
    lightness = 1 - 18.015 / 43.5
    velocity = phase.exchange_velocity(273.15, 610.0, lightness, 3.73, 0.0)
    assert 0.6 < velocity * phase.saturated_density(273.15, False) * 3600 < 1.2


@given(TEMPERATURES, COLUMNS, CAPACITIES, HEIGHTS, st.floats(1.0, 1e5), st.booleans())
@settings(max_examples=200, deadline=None)
def test_evaporation_solves_its_equation_and_stops_at_saturation(
    T: float, vapour: float, C: float, height: float, reach: float, over_liquid: bool
) -> None:
    x = phase.evaporated(T, vapour, over_liquid, C, reach, height)
    latent = VAPORISATION if over_liquid else SUBLIMATION
    now = T - latent * x / C
    assert x >= 0.0
    if x > 0.0:
        assert vapour + x <= height * phase.saturated_density(max(now, 100.0), over_liquid) * (1 + 1e-6) + 1e-12
    if x > 0.0 and (over_liquid or now < MELTING):
        wanted = reach * (phase.saturated_density(now, over_liquid) - (vapour + x) / height)
        assert x == pytest.approx(wanted, rel=1e-5, abs=1e-12)
