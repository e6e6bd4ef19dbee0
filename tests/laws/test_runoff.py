"""Basin filling conserves water, fills the lowest ground first, and to one level; B10."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.grid import Array, Grid
from twinpipe.physics.runoff import DENSITY, find_mobile, hypsometry, lowest_first, run_off

GRID = Grid(6, 8)


def random_case(seed: int, members: int = 1) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(seed)
    shape = (GRID.n_lat, GRID.n_lon * members)
    altitude = np.round(random.normal(0.0, 3000.0, shape), -2)  # of 100 m: some cells lie equally high
    liquid = random.exponential(10.0 ** random.uniform(0, 6), shape) * (random.random(shape) < 0.4)
    return altitude, liquid, np.full(members, 50.0)


def settle(liquid: Array, altitude: Array, hold: Array, bands: tuple[int, ...] = (GRID.n_lat,)) -> None:
    """Run off on all rows, or on bands that end at some rows."""
    mobile, order = np.zeros(hold.size), hypsometry(altitude, GRID.row_weight, hold.size)
    cuts = [slice(a, b) for a, b in pairwise((0, *bands))]
    for own in cuts:
        find_mobile(liquid[own], lowest_first(altitude[own], hold.size), GRID.row_weight[own], hold, mobile)
    for own in cuts:
        run_off(liquid[own], altitude[own], order, hold, mobile)


def mass(liquid: Array) -> float:
    return float((GRID.row_weight[:, None] * liquid).sum())


@given(st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_runoff_conserves_and_fills_the_lowest_first_to_one_level(seed: int) -> None:
    altitude, liquid, hold = random_case(seed)
    before, held = mass(liquid), np.minimum(liquid, hold[0])
    settle(liquid, altitude, hold)
    assert mass(liquid) == pytest.approx(before, rel=1e-14)
    depth = (liquid - held) / DENSITY
    assert depth.min() >= 0.0
    filled = depth > 0.0
    if filled.any():
        level = altitude[filled] + depth[filled]
        assert np.ptp(level) < 1e-9 * max(1.0, float(np.abs(altitude).max()))
        assert altitude[filled].max() <= level.mean()
        dry = altitude[~filled]
        assert dry.size == 0 or dry.min() >= level.mean() - 1e-6


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_sea_that_has_its_level_keeps_it(seed: int) -> None:
    altitude, liquid, hold = random_case(seed)
    settle(liquid, altitude, hold)
    sea = liquid > hold[0]
    first = liquid.copy()
    settle(liquid, altitude, hold)
    assert liquid[sea] == pytest.approx(first[sea], rel=1e-9, abs=2 * hold[0])
    assert mass(liquid) == pytest.approx(mass(first), rel=1e-14)


def test_what_the_ground_holds_stays() -> None:
    altitude, liquid, hold = random_case(1)
    liquid[:] = np.minimum(liquid, 49.0)
    before = liquid.copy()
    settle(liquid, altitude, hold)
    assert np.array_equal(liquid, before)


def test_members_run_off_alone() -> None:
    altitude, liquid, hold = random_case(3, members=3)
    alone = []
    for b in range(3):
        own = np.ascontiguousarray(liquid[:, b::3])
        own_altitude = np.ascontiguousarray(altitude[:, b::3])
        settle(own, own_altitude, hold[:1])
        alone.append(own)
    settle(liquid, altitude, hold)
    for b in range(3):
        assert np.array_equal(liquid[:, b::3], alone[b])


def test_water_finds_the_lowest_ground_of_the_planet_from_every_band() -> None:
    altitude, liquid, hold = random_case(5, members=2)
    whole = liquid.copy()
    settle(whole, altitude, hold)
    settle(liquid, altitude, hold, (1, 4, 6))
    assert liquid == pytest.approx(whole, rel=1e-13)
