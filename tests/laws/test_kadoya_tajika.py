"""The polynomial of Kadoya and Tajika has its printed values, its own slope and no jumps; B3.2."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.physics.kadoya_tajika import (
    COLDEST,
    RUNAWAY_LIMIT,
    WARMEST,
    blend_weight,
    outgoing,
    outgoing_longwave,
    runaway_limited,
)

BAR = 1e5
temperatures, log_pressures = st.floats(COLDEST, WARMEST), st.floats(0.0, math.log(1e6))


@pytest.mark.parametrize(
    ("temperature", "bar", "printed"),
    [(288, 2.8e-4, 235.0), (250, 0.1, 130.0), (250, 2, 72.2), (275, 0.01, 194.3), (200, 2.8e-4, 78.3)],
)
def test_printed_values(temperature: float, bar: float, printed: float) -> None:
    assert float(outgoing_longwave(temperature, bar * BAR)) == pytest.approx(printed, abs=0.05)
    assert outgoing(temperature, math.log(bar * BAR))[0] == pytest.approx(printed, abs=0.05)


def test_doubled_co2_forces_as_printed() -> None:
    once, twice = outgoing_longwave(288.0, np.array([2.8e-4, 5.6e-4]) * BAR)
    assert once - twice == pytest.approx(3.83, abs=0.005)


@given(st.floats(30, 600), st.floats(-10, 20))
@settings(max_examples=300, deadline=None)
def test_kernel_and_numpy_say_the_same(temperature: float, log_p: float) -> None:
    seen = outgoing(temperature, log_p)[0]
    assert seen == pytest.approx(float(outgoing_longwave(temperature, math.exp(log_p))), rel=1e-9)


@given(st.floats(60, 345), log_pressures)
@settings(max_examples=300, deadline=None)
def test_slope_is_the_derivative(temperature: float, log_p: float) -> None:
    h = 1e-3
    if abs(temperature - COLDEST) > 2 * h:
        low, high = (outgoing(temperature + d, log_p)[0] for d in (-h, h))
        assert outgoing(temperature, log_p)[1] == pytest.approx((high - low) / (2 * h), rel=1e-5, abs=1e-6)


@given(temperatures)
@settings(max_examples=200, deadline=None)
def test_the_two_halves_meet_at_one_bar(temperature: float) -> None:
    below, above = (outgoing(temperature, math.log(BAR) + d)[0] for d in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-6)


@pytest.mark.parametrize("edge", [COLDEST, WARMEST])
@given(log_p=log_pressures)
@settings(max_examples=100, deadline=None)
def test_nothing_jumps_at_the_edges_of_temperature(edge: float, log_p: float) -> None:
    below, above = (outgoing(edge + d, log_p)[0] for d in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-6)


@given(st.floats(20, WARMEST), log_pressures)
@settings(max_examples=300, deadline=None)
def test_nothing_radiates_more_than_a_black_body(temperature: float, log_p: float) -> None:
    assert 0.0 < outgoing(temperature, log_p)[0] < STEFAN_BOLTZMANN * temperature**4


@given(st.floats(200, 300), log_pressures, log_pressures)
@settings(max_examples=300, deadline=None)
def test_more_co2_radiates_less_where_earths_live(temperature: float, a: float, b: float) -> None:
    less, more = min(a, b), max(a, b)
    # Above 2 bar and below 250 K the fit itself rises again, by 0.3 W m-2.
    assert outgoing(temperature, more)[0] <= outgoing(temperature, less)[0] + 0.35


def test_weight_grows_with_nitrogen_up_to_half_a_bar() -> None:
    assert [blend_weight(p) for p in (0.0, 1.25e4, 5e4, 8e4)] == pytest.approx([0.0, 0.25, 1.0, 1.0])


def test_a_steamy_column_radiates_no_more_than_the_limit() -> None:
    assert runaway_limited(300.0, 1.01e4, 1e5) == RUNAWAY_LIMIT
    assert runaway_limited(300.0, 0.99e4, 1e5) == 300.0
    assert runaway_limited(250.0, 5e4, 1e5) == 250.0
