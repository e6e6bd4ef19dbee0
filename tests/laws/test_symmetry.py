"""What the laws do not know: which hemisphere is north, where longitude starts, how many meridians there are; X20."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, clock_of, drive
from twinpipe.body import Body, Surface
from twinpipe.grid import Array, Grid
from twinpipe.intervention import OrbitalMirror, Region
from twinpipe.physics.model import Model, build, first_guess
from twinpipe.physics.records import State
from twinpipe.physics.runoff import lowest_first
from twinpipe.scenario import Scenario
from twinpipe.spheres import Co2Ice

GRID, STEPS, ORBITS = Grid(10, 12), 48, 2
MAPS = ("altitude", "ground_albedo", "inertia", "bottom_heat", "humidity", "deposit", "open_share")
TIGHT = 1e-11


def with_maps(model: Model, maps: dict[str, Array]) -> Model:
    contiguous: dict[str, Any] = {name: np.ascontiguousarray(a) for name, a in maps.items()}
    contiguous["lowest_first"] = lowest_first(contiguous["altitude"], model.n_members)
    return replace(model, static=model.static._replace(**contiguous))


def maps_of(model: Model) -> dict[str, Array]:
    return {name: getattr(model.static, name) for name in MAPS}


def settle(model: Model, first: int = 0) -> tuple[State, Array]:
    state = first_guess(model)
    result = drive(model, state, first, ORBITS * STEPS)
    assert state.ice.max() > 1.0  # the comparison includes frost
    return state, result.sums / (ORBITS * STEPS)


def same(a: Array, b: Array) -> None:
    assert a == pytest.approx(b, rel=TIGHT, abs=TIGHT * float(np.abs(b).max()))


def towards(perihelion: float, south: bool) -> Body:
    """Mars whose perihelion is at an equinox, so that half a year is half a turn of the Sun.

    Without the ground below the soil, which is stepped at Ls = 0 and has no other hemisphere's Ls = 180.
    """
    ice = MARS.co2_ice
    assert ice is not None
    if south:
        ice = Co2Ice(
            albedo_north=ice.albedo_south,
            albedo_south=ice.albedo_north,
            emissivity_north=ice.emissivity_south,
            emissivity_south=ice.emissivity_north,
            half_cover_kg_m2=ice.half_cover_kg_m2,
        )
    orbit = MARS.orbit.model_copy(update={"perihelion_ls_degree": perihelion})
    return MARS.model_copy(update={"orbit": orbit, "co2_ice": ice, "regolith": None, "buried_co2": None})


def test_swapped_hemispheres_have_the_mirrored_climate() -> None:
    up, down = towards(0.0, False), towards(180.0, True)
    target, opposite = Region(south_degree=-90, north_degree=-60), Region(south_degree=60, north_degree=90)
    mirrors = [Scenario(interventions=(OrbitalMirror(area_m2=1e11, target=t),)) for t in (target, opposite)]
    model = build((up,), (mirrors[0],), GRID, clock_of(up, STEPS))
    flipped = build((down,), (mirrors[1],), GRID, clock_of(down, STEPS))
    flipped = with_maps(flipped, {name: a[::-1] for name, a in maps_of(model).items()})
    state, means = settle(model)
    other, other_means = settle(flipped, STEPS // 2)
    same(other.T[:, ::-1], state.T)
    same(other.ice[::-1], state.ice)
    same(other.p[::-1], state.p)
    same(other.local[:, ::-1], state.local)
    same(other_means[:, ::-1], means)


@given(st.integers(1, GRID.n_lon - 1))
@settings(max_examples=6, deadline=None)
def test_turned_maps_have_the_turned_climate(columns: int) -> None:
    width = 360 / GRID.n_lon
    spot = Region(south_degree=-90, north_degree=-60, west_degree=-180, east_degree=-180 + 2 * width)
    turned_spot = spot.model_copy(
        update={"west_degree": (columns * width) % 360 - 180, "east_degree": ((columns + 2) * width) % 360 - 180}
    )
    models = [
        build((MARS,), (Scenario(interventions=(OrbitalMirror(area_m2=1e11, target=t),)),), GRID, clock_of(MARS, STEPS))
        for t in (spot, turned_spot)
    ]
    turned = with_maps(models[1], {name: np.roll(a, columns, axis=1) for name, a in maps_of(models[0]).items()})
    state, means = settle(models[0])
    other, other_means = settle(turned)
    same(other.T, np.roll(state.T, columns, axis=2))
    same(other.ice, np.roll(state.ice, columns, axis=1))
    same(other.local, np.roll(state.local, columns, axis=2))
    same(other_means, np.roll(means, columns, axis=2))


def test_zonal_body_does_not_know_how_many_meridians_there_are() -> None:
    plain = MARS.model_copy(update={"surface": Surface(albedo=0.25, geothermal_flux_w_m2=0.025)})
    states = []
    for n_lon in (1, 2, 3, 12):
        grid = Grid(GRID.n_lat, n_lon)
        model = build((plain,), (Scenario(),), grid, clock_of(plain, STEPS))
        states.append(settle(model)[0])
    for state in states[1:]:
        same(state.T, np.repeat(states[0].T, state.T.shape[2], axis=2))
        same(state.ice, np.repeat(states[0].ice, state.ice.shape[1], axis=1))
        same(state.p, np.repeat(states[0].p, state.p.shape[1], axis=1))
