"""Dark dust on ice: darkens it, lies on what no frost covers, and is buried by what does; B16."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.laws.toy_bodies import clock_of, drive
from tests.laws.wet_bodies import SMALL, STEPS, wet_mars
from twinpipe.grid import Array
from twinpipe.intervention import DarkDust, Region, Schedule
from twinpipe.physics import budget, dust
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.physics.records import State
from twinpipe.physics.substances import BURIED_DUST, DARK_DUST
from twinpipe.scenario import Scenario

CAPS = Region(south_degree=60, north_degree=90)


def dusted(rate: float = 0.0, end_year: float = 1000.0) -> Model:
    body = wet_mars()
    item = DarkDust(rate_kg_s=rate, target=CAPS, schedule=Schedule(end_year=end_year))
    return build((body,), (Scenario(interventions=(item,)),), SMALL, clock_of(body, STEPS))


def lying(state: State) -> float:
    return float((SMALL.row_weight[:, None] * state.local[DARK_DUST]).sum())


@given(st.floats(0.0, 10.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_dust_darkens_what_it_lies_on_and_never_brightens(load: float, cover: float, albedo: float) -> None:
    out = np.empty(1)
    dust.darken(np.array([load]), np.array([cover]), np.array([albedo]), out)
    hidden = 1 - math.exp(-load / 0.1)
    expected = albedo - cover * (albedo - 0.1) * hidden if albedo > 0.1 else albedo
    assert out[0] == pytest.approx(expected, abs=1e-14)
    assert out[0] <= albedo


@given(st.floats(0.0, 10.0), st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=8))
def test_burial_does_not_depend_on_how_frost_is_cut_into_steps(load: float, frosts: list[float]) -> None:
    fine: Array = np.array([load])
    buried, total = np.empty(1), 0.0
    for frost in frosts:
        dust.bury(fine, np.array([frost]), np.zeros(1), buried)
        total += buried[0]
    fresh = sum(max(f, 0.0) for f in frosts)
    assert fine[0] == pytest.approx(load * math.exp(-fresh / dust.BURIAL), rel=1e-12)
    assert fine[0] + total == pytest.approx(load, rel=1e-12)


def test_a_single_dusting_fades_as_frost_buries_it() -> None:
    model = dusted(1e4, end_year=1.0)
    state, ledger = first_guess(model), empty_ledger(1)
    drive(model, state, 0, STEPS, ledger)
    after = [lying(state)]
    for orbit in range(1, 6):
        drive(model, state, orbit * STEPS, STEPS, ledger)
        after.append(lying(state))
    assert after[0] > 0.0
    assert all(late < early for early, late in pairwise(after))
    assert after[-1] < 0.1 * after[0]
    assert state.store[BURIED_DUST, 0] > 0.9 * ledger.spread[DARK_DUST, 0]


def test_dust_that_is_spread_lies_or_is_buried_and_the_books_close() -> None:
    model = dusted(1e5)
    state, ledger = first_guess(model), empty_ledger(1)
    start = budget.contents(model, state)
    drive(model, state, 0, 4 * STEPS, ledger)
    seconds = 4 * STEPS * model.clock.step_seconds
    assert ledger.spread[DARK_DUST, 0] == pytest.approx(1e5 * seconds, rel=1e-12)
    there = lying(state) * model.options.area + state.store[BURIED_DUST, 0]
    assert there == pytest.approx(ledger.spread[DARK_DUST, 0], rel=1e-12)
    books = budget.closure(start, budget.contents(model, state), ledger)
    assert books.closes


def test_dusted_ice_takes_more_light_and_the_rest_of_the_body_what_it_took() -> None:
    clean, dirty = dusted(), dusted()
    states = [first_guess(m) for m in (clean, dirty)]
    for state in states:
        drive(clean, state, 0, STEPS // 2)
    states[1].local[DARK_DUST, -1] = 1.0
    light = [drive(m, s, STEPS // 2, 1).sums[3] for m, s in zip((clean, dirty), states, strict=True)]
    assert (light[1][-1] > light[0][-1]).all()
    assert np.array_equal(light[1][0], light[0][0])


def test_dust_without_a_book_entry_is_caught() -> None:
    model = dusted(1e5)
    state, ledger = first_guess(model), empty_ledger(1)
    start = budget.contents(model, state)
    drive(model, state, 0, STEPS, ledger)
    state.local[DARK_DUST] *= 1 + 1e-9
    assert budget.closure(start, budget.contents(model, state), ledger).mass.max() > 1e-12
