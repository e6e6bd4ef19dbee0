"""Grids cover the sphere once; clocks tile a run once; durations are whole years."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpipe.clock import Clock, check_years
from twinpipe.constants import YEAR
from twinpipe.errors import InvalidInput
from twinpipe.grid import Grid

grids = st.builds(Grid, st.integers(4, 200), st.integers(1, 200))
clocks = st.builds(Clock, st.floats(1e5, 1e10), st.integers(12, 10_000))


@given(grids)
def test_areas_sum_to_the_sphere(grid: Grid) -> None:
    assert math.fsum(grid.area_weight.ravel()) == pytest.approx(1.0, rel=1e-13)
    assert (grid.row_weight > 0).all()
    assert grid.row_weight == pytest.approx(grid.row_weight[::-1], rel=1e-10)


@given(grids, st.floats(-1e3, 1e3))
def test_mean_of_a_constant_is_the_constant(grid: Grid, value: float) -> None:
    field = np.full((2, grid.n_lat, grid.n_lon), value)
    assert grid.mean(field) == pytest.approx([value] * 2, rel=1e-12)


@given(grids)
def test_centres_lie_inside_their_cells_and_off_the_poles(grid: Grid) -> None:
    assert (np.abs(grid.latitude) < math.pi / 2).all()
    assert (grid.latitude > grid.latitude_edges[:-1]).all()
    assert (grid.latitude < grid.latitude_edges[1:]).all()
    assert (np.abs(grid.longitude) < math.pi).all()


@given(grids)
def test_a_grid_is_read_back_from_its_text(grid: Grid) -> None:
    assert Grid.parse(str(grid)) == grid


@pytest.mark.parametrize("text", ["", "36", "36x", "x72", "3x4", "36x0", "721x72", "36x1441", "-36x72", "36x72x2"])
def test_a_grid_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="LATxLON"):
        Grid.parse(text)


@given(clocks, st.integers(0, 100_000), st.integers(1, 100_000), st.integers(1, 50))
def test_segments_tile_the_steps(clock: Clock, first: int, length: int, orbits: int) -> None:
    segments = clock.segments(first, first + length, orbits)
    assert segments[0][0] == first
    assert segments[-1][1] == first + length
    assert all(a < b for a, b in segments)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(segments))
    size = orbits * clock.steps_per_orbit
    assert all(b % size == 0 for _, b in segments[:-1])
    assert all(b - a <= size for a, b in segments)


@given(clocks, st.integers(0, 100_000))
def test_steps_and_years_are_one_time(clock: Clock, step: int) -> None:
    year = clock.year_of_step(step)
    assert clock.step_at_year(year) == step
    assert year * YEAR == pytest.approx(step * clock.step_seconds, rel=1e-14)


@pytest.mark.parametrize("steps", [11, 10_001, 0, -96])
def test_a_clock_has_a_sensible_number_of_steps(steps: int) -> None:
    with pytest.raises(InvalidInput, match="steps_per_orbit"):
        Clock(6e7, steps)


@pytest.mark.parametrize("value", [1, 1000, "1", "1000", " 42 "])
def test_whole_years_are_taken(value: object) -> None:
    assert check_years(value) == int(str(value))


@pytest.mark.parametrize(
    "value", [0, 1001, -1, 2.5, "2.5", "x", "", None, True, False, "1e2", math.nan, math.inf, [5], 10**30, "0x10"]
)
def test_other_durations_are_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidInput, match="whole number of years from 1 to 1000") as refused:
        check_years(value, "years")
    assert refused.value.field == "years"
