"""A disturbed balance of sigma T^4 relaxes at its rate, to the order of the scheme; X10."""

from __future__ import annotations

import itertools
import math

import pytest

from tests.laws.toy_bodies import clock_of, drive, slab_body
from twinpipe.body import Climate, LegendreInsolation, SemiGrey, Slab, Start
from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.grid import Grid
from twinpipe.physics.model import build, first_guess
from twinpipe.scenario import Scenario

CAPACITY, DISTURBANCE = 3.0e7, 1e-4  # J m-2 K-1, K
BALANCE = (1360.0 * 0.7 / 4 / STEFAN_BOLTZMANN) ** 0.25  # K
RATE = 4 * STEFAN_BOLTZMANN * BALANCE**3 / CAPACITY  # 1/s


def left_after_half_a_year(steps: int, second_order: bool) -> float:
    """What is left of a small disturbance, as a share of it."""
    body = slab_body(
        Climate(
            longwave=SemiGrey(diurnal_factor=0.0),
            insolation=LegendreInsolation(kind="legendre", s2=0.0),
            column=Slab(kind="slab", heat_capacity_j_m2_k=CAPACITY),
            start=Start(mean_k=BALANCE + DISTURBANCE),
            second_order=second_order,
        )
    )
    model = build((body,), (Scenario(),), Grid(4, 1), clock_of(body, 2 * steps))
    state = first_guess(model)
    drive(model, state, 0, steps)
    return float((state.T[0, 0, 0] - BALANCE) / DISTURBANCE)


@pytest.mark.parametrize(("second_order", "order"), [(False, 1.0), (True, 2.0)])
def test_disturbance_relaxes_at_its_rate_with_the_order_of_the_scheme(second_order: bool, order: float) -> None:
    exact = math.exp(-RATE * slab_body().orbit.sidereal_year_s / 2)
    errors = [abs(left_after_half_a_year(n, second_order) - exact) for n in (8, 16, 32, 64)]
    assert 0.05 < exact < 0.95
    assert errors[-1] <= 0.05 * exact
    assert [math.log2(a / b) for a, b in itertools.pairwise(errors)][1:] == pytest.approx([order] * 2, abs=0.1)
