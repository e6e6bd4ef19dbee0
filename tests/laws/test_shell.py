"""Shell, ocean and surface of an icy moon in the step itself: steady today, melted by heaters; B13, X13, D2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import clock_of, drive
from tests.laws.toy_moons import EUROPA, GRID, STEPS, Moon, settled
from twinpipe.body import Body
from twinpipe.constants import YEAR
from twinpipe.events import EVENTS, crossings
from twinpipe.intervention import Heater, Region
from twinpipe.physics.ice_shell import WATER_ICE, melt_energy, solid_enthalpy, steady_flux, steady_temperature
from twinpipe.physics.ice_shell import sublimation as to_vacuum
from twinpipe.physics.model import build, empty_ledger, first_guess
from twinpipe.physics.records import FROM_BELOW
from twinpipe.physics.shell import layer_masses, steady
from twinpipe.physics.shell_base import DENSITY, THINNEST, ice_of, into_soil
from twinpipe.physics.substances import H2O, OCEAN_HEAT, OCEAN_WATER, SHELL_ICE, SUBLIMATION
from twinpipe.physics.today import hold
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec
from twinpipe.spheres import IceShell

ORBIT = EUROPA.orbit.sidereal_year_s
LAYERS = np.array(IceShell().layers_m)


def heated(power: float, into: Any = "ocean", **shell: float) -> tuple[Body, Scenario]:
    body = EUROPA.model_copy(update={"ice_shell": IceShell(**cast("Any", shell))})
    return body, Scenario(interventions=(Heater(power_w=power, into=into, target=Region()),))


@given(st.floats(40, 200), st.floats(5e3, 30e3), st.floats(0, 400), st.floats(500, 700))
@settings(max_examples=50, deadline=None)
def test_steady_shell_is_that_of_the_formula(surface: float, thickness: float, resistance: float, kappa: float) -> None:
    """T(z) = T_top (T_b / T_top)^(z/h), F = kappa_0 ln(T_b / T_top) / h, and the step finds that flux; X13."""
    enthalpy, flux = steady(np.array(surface), thickness, LAYERS, kappa, 270.0, np.array(resistance))
    top = surface + float(flux) * resistance
    assert float(flux) == pytest.approx(steady_flux(thickness, top, 270.0, kappa), rel=1e-9)
    there = layer_masses(np.full((1, 1), DENSITY * thickness), LAYERS)[:, 0, 0] / DENSITY
    centres = np.cumsum(there) - 0.5 * there
    exact = [solid_enthalpy(float(t), WATER_ICE) for t in steady_temperature(centres, thickness, top, 270.0)]
    assert enthalpy[there > 0] == pytest.approx(np.array(exact)[there > 0], rel=1e-9)
    half = 90.0  # K m2/W, of the lowest soil
    seen = into_soil(float(enthalpy[0]), there[0], top - float(flux) * half, half, 1e6, 1e6, ice_of(kappa, 270.0))
    assert seen == pytest.approx(float(flux), rel=1e-6)


def test_untouched_europa_stays_as_it_is() -> None:
    """1000 years: the climate holds, and what comes from below goes to space; C2.8 is the body file's."""
    moon = settled(EUROPA)
    below = moon.state.today[FROM_BELOW].copy()
    series, books, ledger = moon.run(round(1000 * YEAR / ORBIT))
    temperature = series["global_surface_temperature"]
    assert abs(temperature[-STEPS:].mean() - temperature[:STEPS].mean()) < 1e-3
    assert abs(series["minimum_shell_thickness"] - 15e3).max() < 0.1
    assert books.closes
    seconds = len(temperature) * ORBIT / STEPS
    mean = float((GRID.row_weight[:, None] * below).sum())
    assert 0.03 < mean < 0.045
    assert float(ledger.energy[2, 0]) == pytest.approx(mean * seconds, rel=1e-12)
    assert float(ledger.energy[1, 0] - ledger.energy[0, 0]) == pytest.approx(mean * seconds, rel=1e-3)


def test_a_metre_of_ice_over_a_square_kilometre() -> None:
    assert melt_energy(100.0) * DENSITY * 1e6 == pytest.approx(5.4e14, rel=0.01)


def test_heater_melts_what_its_energy_pays_for() -> None:
    """P t / (L + h(T_b) - h) of the lowest ice, all of it once the ocean has passed it on."""
    power, orbits = 1e15, 2
    moon = settled(*heated(power, ocean_exchange_w_m2_k=1e6), orbits=8)
    lowest = float((GRID.row_weight[:, None] * moon.state.shell[-1]).sum())
    ocean = float(moon.state.store[OCEAN_WATER, 0])
    series, books, _ = moon.run(orbits)
    melted = float(moon.state.store[OCEAN_WATER, 0]) - ocean
    cost = WATER_ICE.latent + solid_enthalpy(270.0, WATER_ICE) - lowest
    assert melted == pytest.approx(power * orbits * ORBIT / cost, rel=1e-3)
    assert float(moon.state.store[OCEAN_HEAT, 0]) < 1e-3 * power * orbits * ORBIT
    assert series["shell_ice_mass"][0] - series["shell_ice_mass"][-1] == pytest.approx(
        melted * (1 - 1 / (orbits * STEPS)), rel=1e-2
    )
    assert books.closes


def test_ocean_warms_before_it_melts() -> None:
    """dT/dt = P / (c M) - k A T / (c M): after a time the heat is P tau (1 - exp(-t / tau))."""
    moon = settled(*heated(1e15), orbits=4)
    _, books, _ = moon.run(5)
    tau = 4200.0 * 2.6e21 / (40.0 * EUROPA.bulk.area_m2)
    exact = 1e15 * tau * -np.expm1(-5 * ORBIT / tau)
    assert float(moon.state.store[OCEAN_HEAT, 0]) == pytest.approx(exact, rel=2e-3)
    assert books.closes


def breached() -> tuple[Moon, dict[str, Any], Any]:
    moon = settled(*heated(2e17, ocean_exchange_w_m2_k=1e6, thickness_m=8e3), orbits=4)
    series, books, _ = moon.run(8)
    return moon, series, books


def test_shell_breaks_and_the_ocean_keeps_the_heat() -> None:
    moon, series, books = breached()
    assert books.closes
    thinnest = series["minimum_shell_thickness"]
    assert thinnest[0] > 7e3
    assert thinnest.min() == pytest.approx(THINNEST / DENSITY)
    outcome = cast("Any", SimpleNamespace(series=series))
    assert len(crossings(EVENTS["shell_breach"].index(outcome), 0.95)) == 1
    assert moon.state.store[OCEAN_HEAT, 0] > 1e23
    assert (moon.state.T > 40).all()
    assert (moon.state.T < 275).all()


def test_open_ocean_freezes_over_again() -> None:
    moon, _, _ = breached()
    moon.state.store[OCEAN_HEAT, 0] = 0.0
    idle = Moon(build((EUROPA,), (Scenario(),), GRID, clock_of(EUROPA, STEPS)), moon.state, moon.temperature)
    series, books, _ = idle.run(20)
    assert books.closes
    thickness = series["minimum_shell_thickness"]
    assert (np.diff(thickness) > 0).all()
    # The soil over it, far less conductive than new ice, sets the pace: rho L dh/dt = (T_b - T_s) / R - F.
    lid = moon.model.options.soil_resistance / float(moon.model.static.inertia[0, 0])
    pace = (270.0 - moon.state.T[0].mean()) / lid - moon.state.today[FROM_BELOW].mean()
    grown = pace * 20 * ORBIT / (DENSITY * WATER_ICE.latent)
    assert thickness[-1] - thickness[0] == pytest.approx(grown, rel=0.1)


def test_hot_ice_goes_to_vacuum() -> None:
    """3300 W m-2 into the ground: the surface sits where sublimation and OLR take it, and what goes is booked."""
    moon = settled(*heated(1e17, "ground"), orbits=4)
    before, cells = moon.state.local[SHELL_ICE].copy(), GRID.row_weight[:, None]
    ocean = float(moon.state.store[OCEAN_WATER, 0])
    series, books, ledger = moon.run(2)
    assert books.closes
    lost = float((cells * (before - moon.state.local[SHELL_ICE])).sum()) * EUROPA.bulk.area_m2
    frozen = ocean - float(moon.state.store[OCEAN_WATER, 0])
    assert float(ledger.escaped[H2O, 0]) == pytest.approx(lost + frozen, rel=1e-9)
    warm = moon.state.T[0, 2, 0]
    taken = to_vacuum(float(warm)) * SUBLIMATION + float(series["global_outgoing_longwave_flux"][-1])
    assert 200 < warm < 230
    assert taken == pytest.approx(1e17 / EUROPA.bulk.area_m2, rel=0.05)
    assert (series["global_outgoing_longwave_flux"] > 0).all()


def test_members_and_segments_keep_the_bits() -> None:
    thin = EUROPA.model_copy(update={"ice_shell": IceShell(thickness_m=6.3e3, conductivity_w_m=651.0)})
    scenario = heated(3e16)[1]
    together = build((EUROPA, thin), (scenario, scenario), GRID, clock_of(EUROPA, STEPS))
    both = first_guess(together)
    hold(together, both, both.T[0])
    drive(together, both, 0, 3 * STEPS, empty_ledger(2))
    for b, body in enumerate((EUROPA, thin)):
        alone = build((body,), (scenario,), GRID, clock_of(body, STEPS))
        state, ledger = first_guess(alone), empty_ledger(1)
        hold(alone, state, state.T[0])
        for first, last in ((0, 7), (7, 30), (30, 3 * STEPS)):
            drive(alone, state, first, last - first, ledger)
        for name in ("T", "shell", "local", "today"):
            assert np.array_equal(getattr(both, name)[..., b::2], getattr(state, name)), name
        assert np.array_equal(both.store[:, b : b + 1], state.store)


def test_a_run_restarts_from_what_it_keeps() -> None:
    body, scenario = heated(3e16)
    spec = RunSpec(body=body, scenario=scenario, years=48, grid="4x6", steps_per_orbit=STEPS, spin_up_orbits=3)
    ends = []
    for orbits in (1, 5):
        plan = make_plan((spec,), 1, orbits)
        assert {"ice_shell", "stores"} <= plan.processes
        state, _ = start(plan, plan.blocks[0])
        for segment in plan.segments:
            done = run_segment(plan, plan.blocks[0], segment, state)
            state = type(state).from_arrays(done.state.arrays())
            assert {"shell_ice_amount", "minimum_shell_thickness", "ocean_heat"} <= set(done.arrays)
        assert done.record["mass_error"][0] <= 1e-12
        assert done.record["energy_error"][0] <= 1e-9
        ends.append(state)
    for name, array in ends[0].arrays().items():
        assert np.array_equal(array, ends[1].arrays()[name]), name
