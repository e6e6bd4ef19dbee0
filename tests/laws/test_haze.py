"""A haze that absorbs sunlight aloft cools the ground below the greenhouse; X24."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.physics.longwave import haze_emissivity

EFFECTIVE = 82.0  # K, of Titan


def ground(optical_depth: float, haze: float) -> float:
    """Temperature (K) at which the ground gives back what the planet absorbs."""
    absorbed = STEFAN_BOLTZMANN * EFFECTIVE**4
    return float((absorbed / (haze_emissivity(1 / (1 + 0.75 * optical_depth), haze) * STEFAN_BOLTZMANN)) ** 0.25)


@pytest.mark.parametrize(("depth", "haze", "printed"), [(1.99, 0.38, 94.0), (1.99, 0.0, 103.1), (0.0, 0.0, 82.0)])
def test_titan_has_its_published_budget(depth: float, haze: float, printed: float) -> None:
    assert ground(depth, haze) == pytest.approx(printed, abs=0.2)


@given(st.floats(0, 100))
def test_all_absorbed_aloft_reaches_the_ground_by_half(depth: float) -> None:
    assert haze_emissivity(1 / (1 + 0.75 * depth), 1.0) == pytest.approx(2.0)


@given(st.floats(0.0, 10), st.floats(0, 1), st.floats(0, 1))
def test_more_haze_is_colder_under_any_greenhouse(depth: float, a: float, b: float) -> None:
    assert ground(depth, max(a, b)) <= ground(depth, min(a, b)) * (1 + 1e-12)
