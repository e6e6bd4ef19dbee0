"""A temperature made up beforehand, with the sunlight that it takes, comes out of the whole nonlinear step; X23.

T(phi, lambda, t) = T0 + a P2(sin phi) cos wt + b cos phi cos lambda sin wt obeys C dT/dt = S - sigma T^4 + D lap T
for S = C dT/dt + sigma T^4 + 6 D a P2 cos wt + 2 D b cos phi cos lambda sin wt, which mirrors bring cell by cell.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.laws.toy_bodies import SERIES, clock_of, slab_body
from twinpipe.body import Body, Climate, SemiGrey, Slab, Start
from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.fields import MAPS
from twinpipe.grid import Array, Grid
from twinpipe.physics.kernel import advance
from twinpipe.physics.model import build, empty_ledger, first_guess
from twinpipe.physics.records import LIGHT, Outputs, no_forcing, scratch
from twinpipe.scenario import Scenario

MEAN, ZONAL, WAVE, D, CAPACITY = 250.0, 30.0, 15.0, 0.6, 2.0e7
OMEGA = 2 * math.pi / slab_body().orbit.sidereal_year_s


def black_body(second_order: bool) -> Body:
    climate = Climate(
        longwave=SemiGrey(diurnal_factor=0.0),
        column=Slab(kind="slab", heat_capacity_j_m2_k=CAPACITY),
        diffusivity_w_m2_k=D,
        start=Start(mean_k=MEAN, p2_k=ZONAL),
        second_order=second_order,
    )
    return slab_body(climate, albedo=0.0)


def fields(grid: Grid, t: float, wave: float) -> tuple[Array, Array]:
    """T (K) and S (W m-2) at cell centres."""
    p2 = (1.5 * np.sin(grid.latitude) ** 2 - 0.5)[:, None] + 0 * grid.longitude
    y = np.cos(grid.latitude)[:, None] * np.cos(grid.longitude)
    c, s = math.cos(OMEGA * t), math.sin(OMEGA * t)
    T = MEAN + ZONAL * p2 * c + wave * y * s
    change = OMEGA * (-ZONAL * p2 * s + wave * y * c)
    spread = 6 * D * ZONAL * p2 * c + 2 * D * wave * y * s
    return T, CAPACITY * change + STEFAN_BOLTZMANN * T**4 + spread


def after_a_quarter(grid: Grid, steps: int, second_order: bool, wave: float) -> Array:
    """What the step makes of it in a quarter of a year, (lat, lon) K."""
    body = black_body(second_order)
    model = build((body,), (Scenario(),), grid, clock_of(body, 4 * steps))
    model.static.insolation[:] = 0.0
    state, dt = first_guess(model), model.clock.step_seconds
    state.T[0] = fields(grid, 0.0, wave)[0]
    room, books = scratch(grid.n_lat, grid.n_lon, 1, 0, 1), empty_ledger(1)
    out = Outputs(np.zeros((1, len(MAPS), grid.n_lat, grid.n_lon)), 10_000, np.zeros((3, 0, grid.n_lat, 1)),
                  np.zeros((len(SERIES), 1, 1)))  # fmt: skip
    for k in range(steps):
        light = fields(grid, (k + 0.5 if second_order else k + 1.0) * dt, wave)[1]
        forcing = no_forcing(1, grid.n_lon, grid.n_lat, 1)._replace(
            patch_kind=np.array([LIGHT]), patch_rate=np.ones((1, 1, 1)), patch_map=np.ascontiguousarray(light[None])
        )
        advance(model.static, model.options, model.members, state, books, forcing, out, room, 0, 1, 1)
    return np.array(state.T[0])


def rms(grid: Grid, field: Array) -> float:
    return math.sqrt(float(grid.mean(field**2)))


def error(grid: Grid, steps: int, second_order: bool, wave: float) -> float:
    """Root mean square (K) of what comes out less what was made up."""
    made_up = fields(grid, 0.25 * black_body(False).orbit.sidereal_year_s, wave)[0]
    return rms(grid, after_a_quarter(grid, steps, second_order, wave) - made_up)


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in itertools.pairwise(errors)]


def test_zonal_field_converges_with_second_order_in_space() -> None:
    seen = [error(Grid(n, 1), 400, True, 0.0) for n in (9, 18, 36)]
    assert orders(seen) == pytest.approx([2.0, 2.0], abs=0.1)


@pytest.mark.parametrize(("second_order", "order"), [(False, 1.0), (True, 2.0)])
def test_zonal_field_converges_in_time_with_the_order_of_the_scheme(second_order: bool, order: float) -> None:
    seen = [error(Grid(360, 1), n, second_order, 0.0) for n in (4, 8, 16)]
    assert orders(seen) == pytest.approx([order] * 2, abs=0.15)


@pytest.mark.slow
def test_wave_converges_with_second_order_in_space() -> None:
    seen = [error(Grid(n, 2 * n), 2500, True, WAVE) for n in (6, 12, 24)]
    assert orders(seen) == pytest.approx([2.0, 2.0], abs=0.2)


def test_wave_converges_with_first_order_in_time() -> None:
    """Directions are solved one after the other: even a midpoint step is of first order, with a tenth of the error."""
    grid, changes = Grid(12, 24), {}
    for second_order in (False, True):
        seen = [after_a_quarter(grid, n, second_order, WAVE) for n in (40, 80, 160)]
        changes[second_order] = [rms(grid, b - a) for a, b in itertools.pairwise(seen)]
        assert orders(changes[second_order]) == pytest.approx([1.0], abs=0.05)
    assert changes[True][1] <= 0.15 * changes[False][1]
