"""Climates known in closed form, through the compiled step: North's model, an isothermal planet; X3, X4, X9."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from tests.laws.toy_bodies import MARS, SERIES, clock_of, drive, slab_body
from twinpipe.body import Atmosphere, Body, Climate, LegendreInsolation, SemiGrey, Slab, Surface
from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.grid import Array, Grid
from twinpipe.physics.emissivity import LOG_PRESSURE_0, LOG_PRESSURE_STEP, co2_emissivity
from twinpipe.physics.model import Model, build, first_guess
from twinpipe.physics.shortwave import rayleigh_reflectance
from twinpipe.scenario import Scenario

A, B, D, S0, S2, ALBEDO = 210.0, 2.0, 0.55, 1360.0, -0.48, 0.3


def p2(x: Array) -> Array:
    return 0.5 * (3 * x * x - 1)


def north_body(capacity: float = 1.0e5) -> Body:
    body = slab_body()
    climate = body.climate.model_copy(
        update={
            "insolation": LegendreInsolation(kind="legendre", s2=S2),
            "column": Slab(kind="slab", heat_capacity_j_m2_k=capacity),
        }
    )
    return body.model_copy(update={"climate": climate})


def north_error(n_lat: int, n_lon: int = 1) -> float:
    body, grid = north_body(), Grid(n_lat, n_lon)
    model = build((body,), (Scenario(),), grid, clock_of(body, 12))
    state = first_guess(model)
    drive(model, state, 0, 60)
    before = state.T.copy()
    drive(model, state, 60, 1)
    assert pytest.approx(before, abs=1e-9) == state.T  # it is steady
    x = np.sin(grid.latitude)
    sunlight = (1 - ALBEDO) * S0 / 4 * (1 + S2 * p2(x) / (1 + 6 * D / B))
    exact = (sunlight - A) / B + 273.15
    return float(np.abs(state.T[0] - exact[:, None]).max())


def test_north_model_has_its_exact_climate() -> None:
    assert north_error(180) <= 1e-3
    assert north_error(60, 4) == pytest.approx(north_error(60), rel=1e-6)


def test_north_model_converges_with_second_order() -> None:
    errors = [north_error(n) for n in (45, 90, 180)]
    assert [math.log2(a / b) for a, b in itertools.pairwise(errors)] == pytest.approx([2.0, 2.0], abs=0.05)


def seasonal_amplitude(steps: int, n_lat: int, capacity: float, second_order: bool) -> complex:
    """Amplitude of P2 in a climate that is driven by 100 W m-2 P2(x) cos(w t)."""
    body, grid = north_body(capacity), Grid(n_lat, 1)
    body = body.model_copy(update={"climate": body.climate.model_copy(update={"second_order": second_order})})
    model = build((body,), (Scenario(),), grid, clock_of(body, steps))
    edge = np.sin(grid.latitude_edges)
    pattern = np.diff(0.5 * (edge**3 - edge)) / np.diff(edge)
    end = 2 * np.pi * (np.arange(steps) + 1) / steps
    forced = end - np.pi / steps if second_order else end  # the balance is that of the middle or the end of a step
    light = (100.0 * np.cos(forced)[:, None] * pattern + 300.0) / (1 - ALBEDO) / S0
    model = _with_insolation(model, light)
    state = first_guess(model)
    drive(model, state, 0, 3 * steps)
    zonal = drive(model, state, 3 * steps, steps).zonals[0, :, :, 0]
    weight = np.diff(edge) / 2
    projected = (zonal * pattern * weight).sum(axis=1) / (pattern**2 * weight).sum()
    return complex(2 * (projected * np.exp(-1j * end)).mean())


def _with_insolation(model: Model, light: Array) -> Model:
    return replace(model, static=model.static._replace(insolation=np.ascontiguousarray(light)))


CAPACITY = 1.0e7
OMEGA = 2 * math.pi / slab_body().orbit.sidereal_year_s
SEASONAL_MODE = 100.0 / (B + 6 * D + 1j * OMEGA * CAPACITY)  # K, T_l = F_l / (B + l (l + 1) D + i w C)


def test_seasonal_mode_has_its_amplitude_and_phase() -> None:
    error = abs(seasonal_amplitude(360, 90, CAPACITY, second_order=True) - SEASONAL_MODE)
    assert error <= 1e-3 * abs(SEASONAL_MODE)


@pytest.mark.slow
def test_seasonal_mode_converges_with_second_order() -> None:
    seen = [seasonal_amplitude(n, 720, CAPACITY, second_order=True) for n in (15, 30, 60)]
    errors = [abs(a - SEASONAL_MODE) for a in seen]
    assert [math.log2(a / b) for a, b in itertools.pairwise(errors)] == pytest.approx([2.0, 2.0], abs=0.05)


def test_backward_euler_has_its_own_amplitude_and_phase() -> None:
    """At a step of P / 360 it is 0.3 % off; what it converges to is the exact mode."""
    seen = [seasonal_amplitude(n, 90, CAPACITY, second_order=False) for n in (180, 360, 720)]
    for n, amplitude in zip((180, 360, 720), seen, strict=True):
        turn = OMEGA * CAPACITY / (2 * math.pi / n)  # C / dt
        backward_euler = 100.0 / (B + 6 * D + turn * (1 - np.exp(-2j * math.pi / n)))
        assert abs(amplitude - backward_euler) <= 1e-3 * abs(backward_euler)
    assert abs(seen[1] - SEASONAL_MODE) <= 3e-3 * abs(SEASONAL_MODE)
    first, second = abs(seen[1] - seen[0]), abs(seen[2] - seen[1])
    assert math.log2(first / second) == pytest.approx(1.0, abs=0.05)
    extrapolated = 2 * seen[2] - seen[1]  # what is left is second order
    assert abs(extrapolated - SEASONAL_MODE) <= 1e-3 * abs(SEASONAL_MODE)


S_MARS, BOND_ALBEDO = 590.1, 0.25  # of the published 210.2 K


def isothermal_mars(pressure_pa: float, obliquity: float) -> Body:
    """Mars of Bond albedo 0.25 without relief, daily cycle and CO2 ice, on a circle, with transport without limits."""
    bulk = MARS.bulk
    gas = pressure_pa * bulk.area_m2 / bulk.gravity_m_s2

    def planetary(surface: float) -> float:
        r = rayleigh_reflectance(pressure_pa)
        return r + (1 - r) ** 2 * surface / (1 - r * surface)

    return MARS.model_copy(
        update={
            "orbit": MARS.orbit.model_copy(
                update={"eccentricity": 0.0, "obliquity_degree": obliquity, "solar_constant_w_m2": S_MARS}
            ),
            "atmosphere": Atmosphere(mass_kg={"CO2": gas} if gas else {}),
            "surface": Surface(albedo=brentq(lambda a: planetary(a) - BOND_ALBEDO, 0, 0.5, xtol=1e-15)),
            "climate": Climate(
                longwave=SemiGrey(diurnal_factor=0.0),
                column=Slab(kind="slab", heat_capacity_j_m2_k=1.0e6),
                diffusivity_w_m2_k=1.0e6,
            ),
            "co2_ice": None,
            "hydrosphere": MARS.hydrosphere.model_copy(update={"surface_ice": ()}),
        }
    )


def equilibrium(pressure_pa: float, obliquity: float) -> float:
    """Temperature (K) that the compiled step comes to, the same everywhere; mean over an orbit."""
    body, grid = isothermal_mars(pressure_pa, obliquity), Grid(12, 3)
    model = build((body,), (Scenario(),), grid, clock_of(body, 24))
    state = first_guess(model)
    drive(model, state, 0, 480)
    assert float(np.ptp(state.T)) <= 1e-3
    return float(drive(model, state, 480, 24).series[SERIES.index("global_surface_temperature")].mean())


def balance(pressure_pa: float) -> float:
    """Root of S (1 - A) / 4 = eps(p, T) sigma T^4."""

    def surplus(t: float) -> float:
        eps = float(co2_emissivity(np.array(pressure_pa), np.array(t))) if pressure_pa else 1.0
        return S_MARS * (1 - BOND_ALBEDO) / 4 - eps * STEFAN_BOLTZMANN * t**4

    return float(brentq(surplus, 150, 300, xtol=1e-10))


@given(st.floats(0, 180))
@settings(max_examples=15, deadline=None)
def test_airless_isothermal_planet_is_at_its_effective_temperature(obliquity: float) -> None:
    assert equilibrium(0.0, obliquity) == pytest.approx(balance(0.0), rel=1e-6)
    assert balance(0.0) == pytest.approx(210.2, abs=0.05)


@pytest.mark.parametrize("near", [200.0, 450.0, 800.0, 3e3, 3e4])
def test_isothermal_planet_is_in_balance_with_the_greenhouse_of_its_air(near: float) -> None:
    # At a node of the kernel's table, between which it interpolates 1/eps and not eps.
    node = round((math.log(near) - LOG_PRESSURE_0) / LOG_PRESSURE_STEP)
    pressure = math.exp(LOG_PRESSURE_0 + LOG_PRESSURE_STEP * node)
    assert equilibrium(pressure, 25.0) == pytest.approx(balance(pressure), rel=1e-6)


def test_isothermal_mars_of_today_has_the_published_temperature() -> None:
    # 610 Pa is a row of the source table, and a node of the kernel's.
    assert equilibrium(610.0, 25.0) == pytest.approx(215.4, abs=0.05)
    assert equilibrium(610.0, 25.0) == pytest.approx(balance(610.0), rel=1e-6)
