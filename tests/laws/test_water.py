"""The water cycle of the whole model: closed, never oversaturated, and still without ice to feed it; B10, X22."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, clock_of, drive
from tests.laws.wet_bodies import SMALL, STEPS, wet_mars
from twinpipe.body import Body
from twinpipe.constants import TRIPLE_POINT_WATER_PRESSURE
from twinpipe.grid import Array
from twinpipe.intervention import VolatileImport
from twinpipe.physics import budget, phase
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.physics.records import State
from twinpipe.physics.substances import ELEMENTS, LIQUID_WATER, WATER_ICE, WATER_VAPOUR
from twinpipe.scenario import Scenario
from twinpipe.spheres import WaterCycle

HYDROGEN = ELEMENTS.index("H")
# light, air: cold and thin as today; thick and warm, with seas; thin and hot, where ice boils away.
CLIMATES = {"today": (1.0, 1.0), "thick": (1.9, 60.0), "thin": (1.8, 1.0)}


def model_of(body: Body, scenario: Scenario | None = None) -> Model:
    return build((body,), (scenario or Scenario(),), SMALL, clock_of(body, STEPS))


def local(state: State) -> Array:
    """(3, row, cell) of ice, liquid and vapour."""
    return state.local[[WATER_ICE, LIQUID_WATER, WATER_VAPOUR]]


class Century(NamedTuple):
    books: budget.Closure
    seen: frozenset[str]


def century(body: Body, orbits: int = 100, scenario: Scenario | None = None) -> Century:
    """The books after so many orbits, and what water did on the way, looked at after every orbit's quarter."""
    model = model_of(body, scenario)
    state, ledger = first_guess(model), empty_ledger(1)
    start, seen = budget.contents(model, state), set()
    for quarter in range(4 * orbits):
        before = local(state).copy()
        drive(model, state, quarter * STEPS // 4, STEPS // 4, ledger)
        ice, liquid, vapour = local(state)
        T = state.T[0]
        boiling = np.vectorize(phase.boiling_point)(state.p)
        seen |= {"melt"} if (liquid > 0).any() else set()
        seen |= {"sea"} if (liquid > 10 * model.members.liquid_hold[0]).any() else set()
        seen |= {"snow"} if ((before[0] == 0) & (ice > 0) & (state.ice == 0)).any() else set()
        seen |= {"mixture"} if ((ice > 0) & (liquid > 0) & (T == phase.MELTING)).any() else set()
        wet = (ice + liquid > 0) & (state.ice == 0)
        seen |= {"boil"} if (wet & (np.abs(T - boiling) < 1e-6)).any() else set()
        seen |= {"refreeze"} if ((before[1] > 0) & (liquid == 0) & (ice > before[0])).any() else set()
        seen |= {"dry"} if vapour.max() == 0 else set()
    return Century(budget.closure(start, budget.contents(model, state), ledger), frozenset(seen))


@pytest.mark.parametrize("climate", CLIMATES)
def test_a_century_of_water_closes(climate: str) -> None:
    light, air = CLIMATES[climate]
    comet = VolatileImport(rate_kg_s=1e5, composition={"H2O": 0.5, "N2": 0.5})
    open_share = 0.0 if climate == "thin" else 1.0  # under a lag ice heats up until it boils
    body = wet_mars(light, air, open_share=open_share)
    done = century(body, scenario=Scenario(interventions=(comet,)))
    assert done.books.mass.max() <= 1e-12
    assert done.books.energy.max() <= 1e-9
    assert done.books.transport.max() <= 1e-9
    expected = {"today": {"snow"}, "thick": {"melt", "sea", "mixture", "snow", "refreeze"}, "thin": {"boil"}}
    assert done.seen >= expected[climate]


@given(
    light=st.floats(0.6, 2.4),
    air=st.floats(0.3, 200.0),
    wind=st.floats(0.0, 0.05),
    height=st.floats(500.0, 8000.0),
    mixing=st.floats(0.0, 1e7),
    open_share=st.floats(0.0, 1.0),
    ice_kg=st.floats(1e12, 1e18),
)
@settings(max_examples=12, deadline=None)
def test_nothing_is_oversaturated_or_negative_and_phases_keep_to_their_temperatures(
    light: float, air: float, wind: float, height: float, mixing: float, open_share: float, ice_kg: float
) -> None:
    water = WaterCycle(exchange_velocity_m_s=wind, vapour_height_m=height, vapour_diffusivity_m2_s=mixing)
    body = wet_mars(light, air, water, open_share, ice_kg)
    # without a daily cycle the daily mean is all there is
    plain = body.climate.longwave.model_copy(update={"diurnal_factor": 0.0})
    body = body.model_copy(update={"climate": body.climate.model_copy(update={"longwave": plain})})
    model = model_of(body)
    state, ledger = first_guess(model), empty_ledger(1)
    start = budget.contents(model, state)
    for step in range(3 * STEPS):
        drive(model, state, step, 1, ledger)
        ice, liquid, vapour = local(state)
        T = state.T[0]
        assert min(ice.min(), liquid.min(), vapour.min(), state.ice.min()) >= 0.0
        most = np.vectorize(lambda t: phase.saturated_column(t, height))(T)
        open_air = state.ice == 0
        assert (vapour <= most * (1 + 1e-9) + 1e-14 * (1 + ice)).all()
        assert (T[(ice > 0) & open_air] <= phase.MELTING).all()
        assert (T[liquid > 0] >= phase.MELTING).all()
        low = (liquid > 0) & (state.p < 0.999 * TRIPLE_POINT_WATER_PRESSURE)
        assert (vapour[low] >= 0.999 * height * phase.saturated_density(phase.MELTING, True)).all()
    books = budget.closure(start, budget.contents(model, state), ledger)
    assert books.mass.max() <= 1e-12
    assert books.energy.max() <= 1e-9


def test_vapour_diffusion_conserves_and_ends_well_mixed() -> None:
    water = WaterCycle(exchange_velocity_m_s=0.0, vapour_diffusivity_m2_s=1e9)
    body = wet_mars(2.2, 60.0, water, open_share=0.0, ice_kg=0.0)
    model = model_of(body)
    state = first_guess(model)
    drive(model, state, 0, STEPS)
    state.local[WATER_VAPOUR, 2, 3] = 1e-6  # unsaturated wherever it goes
    before = float((SMALL.row_weight[:, None] * state.local[WATER_VAPOUR]).sum())
    drive(model, state, STEPS, 20)
    vapour = state.local[WATER_VAPOUR]
    assert vapour.min() > 0.0
    assert float((SMALL.row_weight[:, None] * vapour).sum()) == pytest.approx(before, rel=1e-14)
    ratio = vapour / state.p
    assert ratio == pytest.approx(ratio.mean(), rel=1e-3)


def test_without_water_the_cycle_changes_nothing() -> None:
    """A dry body with the cycle has the climate of the same body without it, to the bit."""
    dry = wet_mars(ice_kg=0.0).model_copy(update={"water_cycle": None})
    states = []
    for body in (dry, wet_mars(ice_kg=0.0)):
        model = model_of(body)
        state = first_guess(model)
        drive(model, state, 0, 2 * STEPS)
        states.append(state)
    assert np.array_equal(states[0].T, states[1].T)
    assert np.array_equal(states[0].ice, states[1].ice)


def test_no_water_no_feedback_and_more_vapour_warms() -> None:
    """The longwave follows the vapour that is there; B3.3 (b)."""
    warm = []
    for vapour in (0.0, 0.01, 1.0):
        water = WaterCycle(exchange_velocity_m_s=0.0)
        model = model_of(wet_mars(1.9, 60.0, water, ice_kg=0.0))
        state = first_guess(model)
        state.local[WATER_VAPOUR] = vapour
        series = drive(model, state, 0, 1).series
        warm.append(float(series[5, 0, 0]))  # outgoing longwave
    assert warm[0] > warm[1] > warm[2]


def test_snow_brightens_and_lost_ice_uncovers_bare_ground() -> None:
    """Only what differs from today's deposit counts; B10."""
    absorbed = {}
    for name, factor in (("as today", 1.0), ("more", 2.0), ("none", 0.0)):
        model = model_of(wet_mars())
        state = first_guess(model)
        state.local[WATER_ICE] *= factor
        absorbed[name] = drive(model, state, 0, 1).sums[3]
    cap = model_of(wet_mars()).static.deposit > 0
    assert absorbed["more"] == pytest.approx(absorbed["as today"], rel=1e-2)
    bright = cap & (model_of(wet_mars()).static.ground_albedo > model_of(wet_mars()).members.bare_albedo[0])
    lit = bright & (absorbed["as today"] > 0)
    assert lit.any()
    assert (absorbed["none"][lit] > absorbed["as today"][lit]).all()
    model = model_of(wet_mars())
    state = first_guess(model)
    state.local[WATER_ICE] += np.where(cap, 0.0, 50.0)
    snowed = drive(model, state, 0, 1).sums[3]
    open_ground = ~cap & (absorbed["as today"] > 0)
    assert (snowed[open_ground] < absorbed["as today"][open_ground]).all()


def test_a_sealed_deposit_gives_no_vapour_and_an_open_one_does() -> None:
    masses = []
    for share in (0.0, 0.5, 1.0):
        model = model_of(wet_mars(open_share=share))
        state = first_guess(model)
        drive(model, state, 0, STEPS)
        masses.append(float((SMALL.row_weight[:, None] * state.local[WATER_VAPOUR]).sum()))
    assert masses[0] == 0.0
    assert 0.0 < masses[1] < masses[2]


def broken(state: State, how: str) -> None:
    ice, liquid, vapour = state.local[WATER_ICE], state.local[LIQUID_WATER], state.local[WATER_VAPOUR]
    if how == "melts without heat":
        melted = 1e-3 * ice
        ice -= melted
        liquid += melted
    elif how == "sublimates without heat":
        vapour += 1e-6 * ice
        ice *= 1 - 1e-6
    elif how == "snow from nowhere":
        ice *= 1 + 1e-9
    else:
        vapour *= 1 - 1e-3


@pytest.mark.parametrize(
    ("how", "book"),
    [
        ("melts without heat", "energy"),
        ("sublimates without heat", "energy"),
        ("snow from nowhere", "mass"),
        ("vapour is lost", "mass"),
    ],
)
def test_a_broken_water_process_is_caught(how: str, book: str) -> None:
    errors = []
    for cheats in (False, True):
        model = model_of(wet_mars(1.5, 60.0))
        state, ledger = first_guess(model), empty_ledger(1)
        start = budget.contents(model, state)
        drive(model, state, 0, STEPS, ledger)
        if cheats:
            broken(state, how)
        drive(model, state, STEPS, STEPS, ledger)
        errors.append(budget.closure(start, budget.contents(model, state), ledger))
    limit = {"mass": 1e-12, "energy": 1e-9}[book]
    assert getattr(errors[0], book).max() <= limit < getattr(errors[1], book).max()
    assert errors[0].closes


def test_imported_water_becomes_vapour_and_snow() -> None:
    comet = Scenario(interventions=(VolatileImport(rate_kg_s=1e6, composition={"H2O": 1.0}),))
    model = model_of(wet_mars(ice_kg=0.0), comet)
    state, ledger = first_guess(model), empty_ledger(1)
    drive(model, state, 0, STEPS, ledger)
    came = float(ledger.imported.sum())
    there = float((SMALL.row_weight[:, None] * local(state).sum(axis=0)).sum()) * MARS.bulk.area_m2
    assert there + float(state.gas[10, 0]) == pytest.approx(came, rel=1e-12)
    assert came > 0
    assert local(state)[0].max() > 0.0
