"""Longwave radiation beyond thin CO2: nitrogen, clouds, vapour's limit, large daily swings; B3.3, B4."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.grid import Array
from twinpipe.physics import kadoya_tajika, longwave
from twinpipe.physics.emissivity import LOG_PRESSURE_0, LOG_PRESSURE_NODES, LOG_PRESSURE_STEP

ONE = np.ones(1)


def row(value: float) -> Array:
    return np.array([value])


def test_titans_gases_have_their_depth_today() -> None:
    of_today = np.array([0.4975, 0.8955, 0.597])
    assert longwave.collision_depth(of_today, 1.4e5, 8e3, 1e-3 * 1.467e5, 1.467e5) == pytest.approx(1.99, rel=1e-12)
    # and half of everything leaves a quarter of what collides in pairs
    assert longwave.collision_depth(of_today, 0.7e5, 4e3, 0.5e-3 * 1.467e5, 0.5 * 1.467e5) == pytest.approx(
        0.25 * 1.99, rel=1e-12
    )


def test_trace_gases_follow_their_power_laws() -> None:
    assert longwave.trace_depth(0.0, 0.0) == 0.0
    assert longwave.trace_depth(1e5, 0.0) == pytest.approx(0.5)
    assert longwave.trace_depth(0.0, 1e5) == pytest.approx(9.6)
    assert longwave.trace_depth(1.0, 1e-3) == pytest.approx(0.5 * 1e-5**0.278 + 9.6 * 1e-8**0.32)


temperatures = st.floats(180, 340)
carbon_dioxide = st.floats(1.0, 9e5)


@given(temperatures, carbon_dioxide, st.floats(0, 3), st.floats(0.2, 1))
@settings(deadline=None)
def test_nitrogen_takes_over_by_its_weight(kelvin: float, pascal: float, depth: float, before: float) -> None:
    """Nothing of it at weight 0; at 1 its polynomial, with the other gases' depth added; half way between at 0.5."""
    found = {}
    for weight in (0.0, 0.5, 1.0):
        eps = row(before)
        longwave.blend_nitrogen(
            row(kelvin), row(math.log(1e5)), row(math.log(pascal / 1e5)), row(depth), row(weight), eps
        )
        found[weight] = float(eps[0])
    alone = float(kadoya_tajika.outgoing_longwave(kelvin, pascal)) / (STEFAN_BOLTZMANN * kelvin**4)
    assert found[0.0] == before
    assert 1 / found[1.0] == pytest.approx(1 / alone + 0.75 * depth, rel=1e-9)
    assert found[0.5] == pytest.approx(0.5 * (before + found[1.0]), rel=1e-12)


def test_traces_of_nitrogen_weigh_nothing() -> None:
    assert longwave.nitrogen_weight(0.0) == longwave.nitrogen_weight(500.0) == 0.0
    assert longwave.nitrogen_weight(5e4) == longwave.nitrogen_weight(8e4) == 1.0
    assert 0 < longwave.nitrogen_weight(501.0) < 1e-4


@given(st.floats(200, 399), st.floats(0, 1), st.floats(100, 1e7))
@settings(deadline=None)
def test_vapour_limits_radiation_where_it_is_a_tenth_of_the_air(kelvin: float, humidity: float, pascal: float) -> None:
    k = row(0.9 * STEFAN_BOLTZMANN)
    flux = float(k[0]) * kelvin**4
    longwave.limit_by_vapour(row(kelvin), row(math.log(pascal)), row(humidity), row(0.0), k)
    vapour = humidity * math.exp(longwave.saturation_log_pressure(kelvin))
    if vapour > 0.1 * max(pascal, 1e5) * (1 + 1e-9):
        assert float(k[0]) * kelvin**4 == pytest.approx(min(flux, 282.0), rel=1e-12)
    elif vapour < 0.1 * max(pascal, 1e5) * (1 - 1e-9):
        assert float(k[0]) == pytest.approx(0.9 * STEFAN_BOLTZMANN, rel=1e-12)


@given(st.floats(60, 400), st.floats(-60, 60))
@settings(deadline=None)
def test_clouds_add_to_the_flux_but_hold_back_no_more_than_there_is(kelvin: float, clouds: float) -> None:
    k = row(0.7 * STEFAN_BOLTZMANN)
    flux = float(k[0]) * kelvin**4
    longwave.add_clouds(row(kelvin), row(clouds), k)
    assert float(k[0]) * kelvin**4 == pytest.approx(max(flux + clouds, 0.0), rel=1e-9, abs=1e-9)


@given(st.floats(40, 400), st.floats(0, 600), st.floats(1e-3, 50))
@settings(deadline=None)
def test_large_swings_balance_the_first_harmonic_of_emission(kelvin: float, drive: float, skin: float) -> None:
    """A |I sqrt(w) e^(i pi/4) + sigma (4 T^3 + 3 T A^2)| is the drive; small swings are as the small law has them."""
    amplitude2 = np.empty(1)
    longwave.diurnal_amplitude(row(kelvin), ONE, ONE, drive, ONE, row(skin), amplitude2)
    small = math.sqrt(float(amplitude2[0]))
    longwave.large_diurnal_amplitude(row(kelvin), ONE, row(skin), amplitude2)
    a = math.sqrt(float(amplitude2[0]))
    stiff = STEFAN_BOLTZMANN * (4 * kelvin**3 + 3 * kelvin * a * a)
    assert a * abs(skin * complex(math.sqrt(0.5), math.sqrt(0.5)) + stiff) == pytest.approx(drive, rel=1e-6, abs=1e-6)
    assert a <= small
    if small < 0.01 * kelvin:
        assert a == pytest.approx(small, rel=1e-3, abs=1e-9)


@given(st.floats(40, 400), st.floats(0, 1))
@settings(deadline=None)
def test_mean_emission_of_a_large_swing_is_that_of_its_cosine(kelvin: float, a: float) -> None:
    k = np.empty(1)
    longwave.outgoing(row(kelvin), ONE, ONE, row((a * kelvin) ** 2), 0.375, ONE, row(0.0), k)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    mean = float(np.mean((kelvin * (1 + a * np.cos(angle))) ** 4))
    assert float(k[0]) * kelvin**4 == pytest.approx(STEFAN_BOLTZMANN * mean, rel=1e-12)


def test_venus_is_inside_the_table() -> None:
    last = math.exp(LOG_PRESSURE_0 + LOG_PRESSURE_STEP * (LOG_PRESSURE_NODES - 1))
    assert last > 1.5 * 9.2e6
