"""CO2 frost: the temperature stays at the frost point, ice grows by the deficit, energy closes; X14, B8."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, SERIES, clock_of, drive
from twinpipe.body import Body, LinearLongwave
from twinpipe.constants import LATENT_HEAT_CO2 as LATENT
from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.fields import MAPS
from twinpipe.grid import Array, Grid
from twinpipe.physics.budget import closure, contents
from twinpipe.physics.co2_ice import LARGEST_SHARE, frost_point_of, surface_balance
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.scenario import Scenario

DT = 6.0e5


class Column(NamedTuple):
    """One cell of ground under a thick column of CO2."""

    T: Array
    ice: Array
    frost: float
    stiff: float  # C/dt + G, W m-2 K-1
    k: float  # emissivity x sigma

    def step(self, received: float, column: float = 1e9, linear: bool = False) -> tuple[float, float, float]:
        """Step with absorbed light and heat from below (W m-2); gives OLR, dm and the sum of all fluxes."""
        one = np.ones(1)
        olr, change = np.zeros(1), np.zeros(1)
        base = self.stiff * self.T + received
        surface_balance(
            self.T, self.ice, self.frost * one, self.k * one, 210.0, 2.0, linear, self.stiff * one, 0.0, one,
            base, 0.0 * one, column * one, LATENT, DT, np.zeros(1), olr, change,
        )  # fmt: skip
        return float(olr[0]), float(change[0]), float(base[0])


columns = st.builds(
    lambda frost, stiff, eps, ice: Column(np.array([frost]), np.array([ice]), frost, stiff, eps * STEFAN_BOLTZMANN),
    st.floats(120, 190),
    st.floats(0.1, 20),
    st.floats(0.3, 1.0),
    st.floats(1e-3, 1e4),
)


def test_latent_heat_of_mars_is_that_of_the_constants() -> None:
    assert MARS.co2_ice is not None
    assert MARS.co2_ice.latent_j_kg == LATENT


def test_frost_point_of_mars_today() -> None:
    # Two published forms, which differ by less than 0.3 K at 6 mbar; B8.
    assert frost_point_of(600.0) == pytest.approx(3148 / (23.102 - np.log(6.0)), abs=0.3)


@given(columns, st.floats(0.01, 0.99), st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_constant_deficit_grows_ice_at_the_frost_point(column: Column, share: float, steps: int) -> None:
    outgoing = column.k * column.frost**4
    received = share * outgoing
    start = float(column.ice[0])
    for _ in range(steps):
        column.step(received)
        assert column.T[0] == column.frost
    grown = (outgoing - received) * DT / LATENT * steps
    gross = (outgoing + column.stiff * column.frost) * DT / LATENT * steps + start
    assert column.ice[0] - start == pytest.approx(grown, abs=1e-13 * gross)


@given(columns, st.floats(1.01, 8), st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_surplus_first_takes_the_ice_and_then_warms(column: Column, factor: float, steps: int) -> None:
    received = factor * column.k * column.frost**4
    for _ in range(steps):
        ice = float(column.ice[0])
        olr, change, base = column.step(received)
        left = column.stiff * column.T[0] + olr - base - change * LATENT / DT
        gross = base + olr + abs(change) * LATENT / DT
        assert abs(left) <= 1e-13 * gross
        assert column.ice[0] >= 0.0
        assert column.ice[0] == ice + change
        if column.ice[0] > 0:
            assert column.T[0] == column.frost
        else:
            assert column.T[0] >= column.frost


@given(columns, st.lists(st.floats(0, 800), min_size=1, max_size=40), st.floats(0, 1e3), st.booleans())
@settings(max_examples=200, deadline=None)
def test_energy_closes_and_ice_is_never_negative(column: Column, light: list[float], gas: float, linear: bool) -> None:
    column.T[0] += 30.0
    column.ice[0] = 0.0
    for received in light:
        t0 = column.T[0]
        olr, change, base = column.step(received, gas, linear)
        left = column.stiff * column.T[0] + olr - base - change * LATENT / DT
        guess = (base + 3 * column.k * t0**4) / (column.stiff + 4 * column.k * t0**3)  # of the first iteration
        gross = base + 7 * column.k * guess**4 + abs(olr) + abs(change) * LATENT / DT + 4 * 273.15
        assert abs(left) <= 1e-13 * gross
        assert column.ice[0] >= 0.0
        assert change <= LARGEST_SHARE * gas
        assert column.ice[0] == 0.0 or column.T[0] <= column.frost


def frosty(**climate: object) -> Body:
    return MARS.model_copy(update={"climate": MARS.climate.model_copy(update=climate)})


def run(body: Body, orbits: int = 3) -> tuple[Model, Array, float, float]:
    grid, steps = Grid(8, 6), 48
    model = build((body,), (Scenario(),), grid, clock_of(body, steps))
    state, ledger = first_guess(model), empty_ledger(1)
    start = contents(model, state)
    sums = drive(model, state, 0, orbits * steps, ledger).sums
    books = closure(start, contents(model, state), ledger)
    assert np.isfinite(state.T).all()
    assert (state.ice >= 0).all()
    assert state.T.min() > 140
    assert state.T.max() < 320
    if body.climate.diffusivity_w_m2_k <= 0.02:  # more would keep the poles too warm
        assert sums[[f.name for f in MAPS].index("co2_ice_amount")].max() > 0
    return model, state.T, float(books.mass[0]), float(books.energy[0])


@pytest.mark.parametrize("diffusivity", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("coupling", [0.0, 2.0, 20.0, 1e4])
def test_frost_closes_its_books_for_any_transport(coupling: float, diffusivity: float) -> None:
    # Without an air coupling the ground itself diffuses, and what transport takes for ice is at its frost point.
    _, _, mass, energy = run(frosty(air_coupling_w_m2_k=coupling, diffusivity_w_m2_k=diffusivity))
    assert mass <= 1e-12
    assert energy <= 1e-9


def test_frost_forms_under_linear_longwave_too() -> None:
    cold = frosty(longwave=LinearLongwave(kind="linear", a_w_m2=200.0, b_w_m2_k=1.5))
    _, first, mass, energy = run(cold, 1)
    assert mass <= 1e-12
    assert energy <= 1e-9
    assert np.array_equal(first, run(cold, 1)[1])


def test_strong_air_coupling_is_the_limit_of_diffusing_ground() -> None:
    _, ground, _, _ = run(frosty(air_coupling_w_m2_k=0.0))
    _, air, _, _ = run(frosty(air_coupling_w_m2_k=1e9))
    assert air == pytest.approx(ground, abs=1e-3)


@given(st.floats(20, 400), st.floats(20, 190), st.floats(1e-3, 20), st.floats(0, 1e5), st.floats(0, 1e4), st.booleans())
@settings(max_examples=300, deadline=None)
def test_ground_far_from_its_frost_point_radiates_as_it_is(
    start: float, frost: float, stiff: float, received: float, ice: float, gone: bool
) -> None:
    """No CO2 is left to condense: OLR is near that of the new temperature, and never below 0."""
    column = Column(np.array([start]), np.array([ice]), frost, stiff, STEFAN_BOLTZMANN)
    olr, change, base = column.step(received, 0.0 if gone else 1e-20)
    left = column.stiff * column.T[0] + olr - base - change * LATENT / DT
    assert abs(left) <= 1e-12 * (base + olr + abs(change) * LATENT / DT)
    assert olr >= 0.0
    radiated = STEFAN_BOLTZMANN * float(column.T[0]) ** 4
    if column.T[0] < frost:
        assert 0.48 * radiated <= olr <= radiated * (1 + 1e-12)
    assert olr <= radiated * (1 + 1e-12)


def test_mars_without_a_sun_freezes_out_in_peace() -> None:
    """All CO2 freezes; the ground goes on cooling, and no step warms it or radiates less than nothing."""
    dark = MARS.orbit.model_copy(update={"solar_constant_w_m2": 1e-3})
    far = MARS.model_copy(update={"orbit": dark, "regolith": None, "buried_co2": None})
    model = build((far,), (Scenario(),), Grid(4, 6), clock_of(far, 24))
    state, ledger = first_guess(model), empty_ledger(1)
    state.gas[0] *= 1e-3
    start = contents(model, state)
    series = drive(model, state, 0, 24 * 12, ledger).series
    temperature, olr = (
        series[SERIES.index(name), :, 0] for name in ("global_surface_temperature", "global_outgoing_longwave_flux")
    )
    assert (olr > 0).all()
    assert (np.diff(temperature) < 0.5).all()
    assert temperature[-1] < 45
    assert state.gas[0, 0] < 1e-6 * state.ice.mean() * far.bulk.area_m2
    books = closure(start, contents(model, state), ledger)
    assert float(books.mass[0]) <= 1e-12
    assert float(books.energy[0]) <= 1e-9
