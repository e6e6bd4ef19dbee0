"""Diffusion on the sphere: eigenmodes decay at their rates, heat is conserved, no new extremes; X1, X2."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import lpmv

from twinpipe.grid import Array, Grid
from twinpipe.physics.transport import diffuse, geometry

PROTOTYPE = (5.6e-3, 1.4e-3, 3.5e-4, 8.7e-5)  # physics.md X1: (2, 0) on 18, 36, 72, 144 rows
ROWS = (18, 36, 72, 144)


def harmonic(ell: int, m: int, grid: Grid) -> Array:
    """Real Y_lm of unit largest value at cell centres."""
    field = lpmv(m, ell, np.sin(grid.latitude))[:, None] * np.cos(m * grid.longitude)[None, :]
    fine = np.abs(lpmv(m, ell, np.linspace(-1, 1, 20_001))).max()
    return np.asarray(field / fine)


def step(
    T: Array, capacity: Array, D: Array, dt: float, theta: float, steps: int, grid: Grid, members: int = 1
) -> None:
    g = geometry(grid)
    diffuse(T, capacity, D, dt, theta, steps, g.north, g.south, g.east, members)


def errors(ell: int, m: int, grid: Grid, theta: float, steps: int, time: float) -> tuple[float, float]:
    """Root mean square and largest error of a mode of unit size after a time D t / C."""
    start = harmonic(ell, m, grid)
    T = start.copy()
    step(T, np.ones_like(T), np.ones(grid.n_lon), time / steps, theta, steps, grid)
    error = T - start * math.exp(-ell * (ell + 1) * time)
    return math.sqrt(float(grid.mean(error**2))), float(np.abs(error).max())


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in itertools.pairwise(errors)]


@pytest.mark.parametrize(("ell", "m", "time", "steps"), [(2, 0, 0.1, 512), (2, 1, 0.02, 2000), (3, 2, 0.1, 1000)])
def test_eigenmodes_decay_with_second_order_in_space(ell: int, m: int, time: float, steps: int) -> None:
    # The split of the directions is first felt at the poles, where meridians meet: m > 0 needs small steps.
    seen = [errors(ell, m, Grid(n, n // 2 if m else 1), 0.5, steps, time)[0] for n in ROWS]
    assert orders(seen) == pytest.approx([2.0] * 3, abs=0.05)


def test_errors_of_the_zonal_mode_are_those_of_the_prototype() -> None:
    seen = [errors(2, 0, Grid(n, 1), 0.5, 512, 0.1)[1] for n in ROWS]
    assert seen == pytest.approx(PROTOTYPE, rel=0.02)


@pytest.mark.parametrize("mode", [(2, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize(("theta", "order"), [(1.0, 1.0), (0.5, 2.0)])
def test_order_in_time_is_that_of_the_scheme(theta: float, order: float, mode: tuple[int, int]) -> None:
    grid = Grid(18, 36 if mode[1] else 1)

    def final(steps: int) -> Array:
        T = harmonic(*mode, grid)
        step(T, np.ones_like(T), np.ones(grid.n_lon), 0.1 / steps, theta, steps, grid)
        return T

    fields = [final(n) for n in (256, 512, 1024, 2048)]
    changes = [float(np.abs(b - a).max()) for a, b in itertools.pairwise(fields)]
    assert orders(changes) == pytest.approx([order] * 2, abs=0.05)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Grid, int, Array, Array, Array, float]:
    """A grid, members, temperatures and capacities by cell, D by member, and a step of any length."""
    grid = Grid(draw(st.integers(4, 12)), draw(st.integers(1, 12)))
    members = draw(st.integers(1, 3))
    shape = (grid.n_lat, grid.n_lon * members)
    T = draw(arrays(float, shape, elements=st.floats(50, 500)))
    capacity = draw(arrays(float, shape, elements=st.floats(1e4, 1e9)))
    D = draw(arrays(float, members, elements=st.floats(0, 1e3)))
    return grid, members, T, capacity, np.tile(D, grid.n_lon), 10 ** draw(st.floats(0, 12))


def heat(T: Array, capacity: Array, grid: Grid, members: int) -> Array:
    """(member) sum a C T, summed without rounding."""
    parts = (grid.row_weight[:, None] * capacity * T).reshape(-1, members)
    return np.array([math.fsum(parts[:, b]) for b in range(members)])


@given(problems())
@settings(max_examples=60, deadline=None)
def test_heat_is_conserved_for_any_step(problem: tuple[Grid, int, Array, Array, Array, float]) -> None:
    grid, members, T, capacity, D, dt = problem
    before = heat(T, capacity, grid, members)
    step(T, capacity, D, dt, 1.0, 1000, grid, members)
    assert heat(T, capacity, grid, members) == pytest.approx(before, rel=1e-12)


def test_crank_nicolson_conserves_heat_where_it_is_used() -> None:
    # Its explicit half multiplies rounding by D dt / C, so that it is for tests of order and short steps.
    grid, rng = Grid(12, 10), np.random.default_rng(3)
    T, capacity = rng.uniform(100, 300, (12, 10)), rng.uniform(1e5, 1e7, (12, 10))
    before = heat(T, capacity, grid, 1)
    step(T, capacity, np.full(10, 0.5), 1e4, 0.5, 1000, grid)
    assert heat(T, capacity, grid, 1) == pytest.approx(before, rel=1e-12)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_transport_makes_no_new_extremes(problem: tuple[Grid, int, Array, Array, Array, float]) -> None:
    grid, members, T, capacity, D, dt = problem
    cells = T.reshape(-1, members)
    low, high = cells.min(axis=0), cells.max(axis=0)
    step(T, capacity, D, dt, 1.0, 20, grid, members)
    after = T.reshape(-1, members)
    slack = 1e-12 * high
    assert (after.min(axis=0) >= low - slack).all()
    assert (after.max(axis=0) <= high + slack).all()


def test_members_do_not_feel_each_other() -> None:
    grid, dt = Grid(8, 6), 1e5
    rng = np.random.default_rng(5)
    T = rng.uniform(100, 300, (8, 18))
    capacity = rng.uniform(1e5, 1e7, (8, 18))
    D = np.array([0.1, 1.0, 50.0])
    alone = T[:, 1::3].copy()
    step(alone, capacity[:, 1::3].copy(), np.tile(D[1:2], 6), dt, 1.0, 50, grid)
    step(T, capacity, np.tile(D, 6), dt, 1.0, 50, grid, 3)
    assert np.array_equal(T[:, 1::3], alone)


def test_transport_agrees_with_a_dense_solution_of_the_same_fluxes() -> None:
    grid, dt, D = Grid(6, 5), 3e5, 2.0
    rng = np.random.default_rng(9)
    T, capacity = rng.uniform(100, 300, (6, 5)), rng.uniform(1e5, 1e6, (6, 5))
    north_south, east_west = np.zeros((30, 30)), np.zeros((30, 30))
    index = np.arange(30).reshape(6, 5)
    dphi, dlam = math.pi / 6, 2 * math.pi / 5
    edge = np.linspace(-math.pi / 2, math.pi / 2, 7)
    area = np.diff(np.sin(edge)) * dlam
    for i in range(6):
        for j in range(5):
            here = index[i, j]
            if i < 5:
                flux = D * math.cos(edge[i + 1]) * dlam / dphi
                _join(north_south, here, index[i + 1, j], flux, area[i], area[i + 1])
            flux = D * dphi / (math.cos((edge[i] + edge[i + 1]) / 2) * dlam)
            _join(east_west, here, index[i, (j + 1) % 5], flux, area[i], area[i])
    held = np.diag(capacity.ravel() / dt)
    one = np.linalg.solve(held - north_south, held @ T.ravel())
    two = np.linalg.solve(held - east_west, held @ one)
    step(T, capacity, np.full(5, D), dt, 1.0, 1, grid)
    assert T.ravel() == pytest.approx(two, rel=1e-12)


def _join(matrix: Array, a: int, b: int, flux: float, area_a: float, area_b: float) -> None:
    matrix[a, a] -= flux / area_a
    matrix[a, b] += flux / area_a
    matrix[b, b] -= flux / area_b
    matrix[b, a] += flux / area_b
