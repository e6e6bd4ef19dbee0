"""A shell of ice conducts, freezes, melts and sublimates as the formulas say, with its energy exact; X12, X13, B13."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from twinpipe.constants import YEAR
from twinpipe.grid import Array
from twinpipe.physics.ice_column import N_COLUMN_FIELDS, NEW, conduct
from twinpipe.physics.ice_shell import (
    WATER_ICE,
    Ice,
    kirchhoff,
    liquid_enthalpy,
    melt_energy,
    molten,
    solid_enthalpy,
    steady_flux,
    steady_temperature,
    sublimation,
    temperature_of,
    thickening,
)

# Constant properties, for which Neumann's solution is known.
PLAIN = Ice(917.0, 2000.0, 0.0, 2.2, 0.0, 273.15, 3.34e5, 4200.0, 0.57)


def step(
    enthalpy: Array, thickness: Array, dt: float, top: float, base: float = 0.0, flux: float = 0.0,
    heat: Array | None = None, ice: Ice = WATER_ICE, steps: int = 1,
) -> tuple[float, float]:  # fmt: skip
    """Advance one column in place; what its gradients carried in at the top and at the base (J m-2)."""
    layers = len(thickness)
    column, there = enthalpy[:, None, None].copy(), np.append(thickness, 0.0)[:, None].copy()
    work, ends = np.zeros((N_COLUMN_FIELDS, layers + 1, 1)), np.zeros((5, 1))
    entered = np.zeros(2)
    source = (np.zeros(layers) if heat is None else heat)[:, None].copy()
    ground, surface = kirchhoff(base, ice) if base > 0 else 0.0, kirchhoff(top, ice) if top > 0 else 0.0
    for _ in range(steps):
        conduct(
            column, 0, there, dt, np.array([top]), np.array([base]), np.array([flux]), source,
            np.array([ice.kappa_0]), np.array([ice.melting]), ice, work, ends,
        )  # fmt: skip
        column[:, 0] = work[NEW, :layers]
        first, last = (kirchhoff(temperature_of(float(column[k, 0, 0]), ice), ice) for k in (0, -1))
        entered[0] += 2 * (surface - first) / thickness[0] * dt if top > 0 else 0.0
        entered[1] += (2 * (ground - last) / thickness[-1] if base > 0 else 0.0) * dt + flux * dt
    enthalpy[:] = column[:, 0, 0]
    return float(entered[0]), float(entered[1])


@pytest.mark.parametrize(("thickness", "flux"), [(5e3, 0.117), (10e3, 0.059), (20e3, 0.029), (30e3, 0.0195)])
def test_steady_fluxes_are_the_printed_ones(thickness: float, flux: float) -> None:
    assert steady_flux(thickness, 96.0, 270.0) == pytest.approx(flux, rel=0.02)
    assert 0.039 <= steady_flux(15e3, 96.0, 270.0) <= steady_flux(15e3, 96.0, 270.0, 651.0) <= 0.045


@pytest.mark.parametrize("layers", [4, 10, 40])
def test_column_comes_to_the_steady_shell(layers: int) -> None:
    h, surface, base = 15e3, 96.0, 270.0
    thickness = np.full(layers, h / layers)
    enthalpy = np.full(layers, solid_enthalpy(180.0, WATER_ICE))
    step(enthalpy, thickness, 1e7 * YEAR, surface, base, steps=20)
    seen = [temperature_of(e, WATER_ICE) for e in enthalpy]
    centres = (np.arange(layers) + 0.5) * h / layers
    assert seen == pytest.approx(steady_temperature(centres, h, surface, base), rel=1e-6)
    before = enthalpy.copy()
    lost, gained = step(before, thickness, 1.0, surface, base)
    assert -lost == pytest.approx(steady_flux(h, surface, base), rel=1e-6)
    assert gained == pytest.approx(-lost, rel=1e-6)


def neumann(ice: Ice, surface: float) -> float:
    """lambda of lambda exp(lambda^2) erf(lambda) = c dT / (L sqrt(pi))."""
    stefan = ice.c_0 * (ice.melting - surface) / (ice.latent * math.sqrt(math.pi))
    return float(brentq(lambda x: x * math.exp(x * x) * math.erf(x) - stefan, 1e-6, 3.0, xtol=1e-14))


def frozen_depth_error(layers: int, surface: float = 233.15, days: float = 200.0) -> float:
    """Relative error of the ice on a pond that was at its melting point."""
    kappa = PLAIN.k / (PLAIN.density * PLAIN.c_0)
    exact = 2 * neumann(PLAIN, surface) * math.sqrt(kappa * days * 86400)
    thickness = np.full(layers, 2 * exact / layers)
    enthalpy = np.full(layers, liquid_enthalpy(PLAIN.melting, PLAIN))
    step(enthalpy, thickness, days * 86400 / (8 * layers), surface, ice=PLAIN, steps=8 * layers)
    seen = float(sum((1 - molten(e, PLAIN)) * z for e, z in zip(enthalpy, thickness, strict=True)))
    return abs(seen / exact - 1)


def test_pond_freezes_as_neumann_says() -> None:
    assert frozen_depth_error(64) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("surface", [173.15, 253.15, 268.15])
def test_pond_freezes_as_neumann_says_under_any_frost(surface: float) -> None:
    assert frozen_depth_error(256, surface) <= 2.5e-3


def test_thick_shell_thickens_as_stefan_says() -> None:
    """Over a century the heat in the ice hardly changes, and what it conducts is what freezes."""
    assert thickening(0.04, 0.01) == pytest.approx(0.03 / (917 * 3.34e5))
    layers, h = 200, 2.0
    thickness = np.full(layers, h / layers)
    ice = WATER_ICE._replace(c_0=1e-3, c_1=0.0)  # without heat of its own
    enthalpy = np.where(np.arange(layers) < 100, solid_enthalpy(250.0, ice), liquid_enthalpy(ice.melting, ice))
    dt = 600.0
    step(enthalpy, thickness, dt, 250.0, ice=ice, steps=2000)
    grown = float(sum((1 - molten(e, ice)) * z for e, z in zip(enthalpy, thickness, strict=True)))
    a = 2 * ice.kappa_0 * math.log(ice.melting / 250.0) / (ice.density * ice.latent)
    assert grown == pytest.approx(math.sqrt(1.0 + a * 2000 * dt), rel=5e-3)


layers_of = st.lists(st.floats(0.01, 1e3), min_size=1, max_size=12)


@given(
    layers_of, st.floats(40, 330), st.floats(40, 330), st.floats(0, 330), st.floats(0, 10), st.floats(0, 100),
    st.floats(0, 11),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_energy_grows_by_what_the_gradients_at_the_ends_carry(
    thicknesses: list[float], start: float, top: float, base: float, flux: float, power: float, log_dt: float
) -> None:
    thickness, dt = np.array(thicknesses), 10**log_dt
    base = base if base > 40 else 0.0
    first = solid_enthalpy(start, WATER_ICE) if start < WATER_ICE.melting else liquid_enthalpy(start, WATER_ICE)
    enthalpy = np.full(len(thickness), first)
    heat = np.zeros(len(thickness))
    heat[-1] = power
    mass = WATER_ICE.density * thickness
    before = math.fsum(mass * enthalpy)
    a, b = step(enthalpy, thickness, dt, top, base, flux, heat)
    given_in = a + b + power * dt
    gross = before + abs(a) + abs(b) + power * dt
    assert math.fsum(mass * enthalpy) - before == pytest.approx(given_in, abs=1e-8 * gross)


@given(layers_of, st.floats(60, 260), st.floats(60, 260), st.floats(60, 260), st.floats(0, 12))
@settings(max_examples=200, deadline=None)
def test_conduction_makes_no_new_extremes(
    thicknesses: list[float], start: float, top: float, base: float, log_dt: float
) -> None:
    enthalpy = np.full(len(thicknesses), solid_enthalpy(start, WATER_ICE))
    step(enthalpy, np.array(thicknesses), 10**log_dt, top, base)
    seen = [temperature_of(e, WATER_ICE) for e in enthalpy]
    low, high = min(start, top, base), max(start, top, base)
    assert all(low * (1 - 1e-9) <= T <= high * (1 + 1e-9) for T in seen)


def test_heater_melts_as_much_as_its_energy_pays() -> None:
    assert melt_energy(100.0) == pytest.approx(5.91e5, rel=1e-3)
    assert melt_energy(100.0) * WATER_ICE.density == pytest.approx(5.42e8, rel=1e-3)
    insulator = WATER_ICE._replace(kappa_0=1e-9, liquid_k=1e-12)
    enthalpy, thickness = np.full(3, solid_enthalpy(100.0, insulator)), np.ones(3)
    half = 0.5 * (melt_energy(100.0) + melt_energy(273.15)) * WATER_ICE.density
    step(enthalpy, thickness, 1e5, 100.0, heat=np.array([0.0, half / 1e5, 0.0]), ice=insulator)
    share = (half / WATER_ICE.density - (melt_energy(100.0) - WATER_ICE.latent)) / WATER_ICE.latent
    assert molten(float(enthalpy[1]), insulator) == pytest.approx(share, rel=1e-6)
    assert temperature_of(float(enthalpy[1]), insulator) == insulator.melting


@given(st.floats(30, 600))
@settings(max_examples=200, deadline=None)
def test_temperature_and_enthalpy_are_inverse(temperature: float) -> None:
    frozen = temperature < WATER_ICE.melting
    enthalpy = (solid_enthalpy if frozen else liquid_enthalpy)(temperature, WATER_ICE)
    assert temperature_of(enthalpy, WATER_ICE) == pytest.approx(temperature, rel=1e-12)


def test_ice_sublimates_as_hertz_and_knudsen_say() -> None:
    pressure = math.exp(28.9074 - 6143.7 / 200.0)
    assert sublimation(200.0) == pytest.approx(pressure * math.sqrt(0.018015 / (2 * math.pi * 8.314462 * 200.0)))
    assert sublimation(100.0) < 1e-15 < sublimation(150.0) < sublimation(200.0)
