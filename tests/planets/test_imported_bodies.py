"""Every body of every game file, as the importer makes it, runs a year: finite, its books closed, near its balance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import twinpipe
from tests.factories.game_files import bare, every_body, needs, raw_bodies
from twinpipe.body import Body
from twinpipe.clock import usual_steps
from twinpipe.constants import STEFAN_BOLTZMANN
from twinpipe.errors import InvalidInput
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.plan import make_plan
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

# One of each kind: hot and airless, its moon, thick air, air of our kind, haze of methane, vacuum of 1e-7 Pa, frost.
QUICK = {
    ("flat list", "MERCURY-01"),
    ("flat list", "LUNA-01"),
    ("flat list", "VENUS-01"),
    ("flat list", "TITAN-01"),
    ("groups", "PSYCHE-01"),
    ("flat list", "CALLISTO-01"),
    ("flat list", "PLUTO-01"),
    ("old fixture", "EARTH-01"),
    ("generated", "PLANET-3"),
    ("generated", "GAS_GIANT-4-MOON-1"),
}
GRID = "4x4"


def all_with_the_rest_slow() -> list[Any]:
    params = every_body(giants=False)
    return [p if tuple(p.values) in QUICK else pytest.param(*p.values, id=p.id, marks=pytest.mark.slow) for p in params]


def books(body: Body) -> dict[str, float]:
    """Largest relative errors of mass, energy and transport over a year."""
    steps = usual_steps(body.orbit.sidereal_year_s)
    plan = make_plan((RunSpec(body=body, years=1, grid=GRID, steps_per_orbit=steps),))
    [block] = plan.blocks
    state, _ = start(plan, block)
    for segment in plan.segments:
        output = run_segment(plan, block, segment, state)
        state = output.state
    return {key: max(values) for key, values in output.record.items()}


@pytest.mark.parametrize(("dialect", "identifier"), all_with_the_rest_slow())
def test_an_imported_body_runs_for_a_year(dialect: str, identifier: str) -> None:
    body = bare(dialect, identifier).body
    tree = twinpipe.simulate(body, years=1, grid=GRID)
    for node in tree.subtree:
        for name, variable in node.ds.data_vars.items():
            assert np.isfinite(variable.values).all(), name
    temperature = np.asarray(tree["atmosphere"]["surface_temperature"])
    assert temperature.min() > 2.7
    error = books(body)
    assert error["mass_error"] <= MASS_TOLERANCE
    assert max(error["energy_error"], error["transport_error"]) <= ENERGY_TOLERANCE
    if body.surface_pressure_pa < 1 and isinstance(body.surface.albedo, float):
        heat = body.orbit.solar_constant_w_m2 / 4 * (1 - body.surface.albedo) + body.surface.geothermal_flux_w_m2
        balance = (heat / STEFAN_BOLTZMANN) ** 0.25
        mean = float(np.mean(np.asarray(tree["simulation_state"]["global_surface_temperature"])))
        assert 0.85 * balance < mean <= 1.02 * balance / (1 - body.orbit.eccentricity) ** 0.5


@pytest.mark.parametrize(
    ("dialect", "identifier"),
    [
        pytest.param("flat list", "EARTH-01", marks=needs("flat list")),
        pytest.param("flat list", "TITAN-01", marks=needs("flat list")),
        pytest.param("flat list", "MARS-01", marks=needs("flat list")),
        ("generated", "PLANET-3"),
    ],
)
def test_air_holds_the_temperature_of_the_file(dialect: str, identifier: str) -> None:
    body, stated = bare(dialect, identifier).body, raw_bodies(dialect)[identifier]["surface_temperature"]
    tree = twinpipe.simulate(body, years=2, grid="12x1")
    mean = float(np.mean(np.asarray(tree["simulation_state"]["global_surface_temperature"])))
    assert mean == pytest.approx(stated, rel=0.03)


@needs("flat list")
def test_a_run_shorter_than_a_step_is_refused() -> None:
    sedna = bare("flat list", "SEDNA-01").body
    with pytest.raises(InvalidInput, match=r"years: 1 .* Sedna is simulated in steps of 118 years"):
        make_plan((RunSpec(body=sedna, years=1, grid=GRID),))
