"""A planet in bands of latitude is the planet in one block, and the same bits whoever computes its bands; X21."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS
from tests.laws.toy_runs import STEPS
from twinpipe.body import Body, builtin_body
from twinpipe.errors import SimulationError
from twinpipe.gang import side_by_side
from twinpipe.grid import Array, Grid
from twinpipe.intervention import DarkDust, OrbitalMirror
from twinpipe.neighbours import Circle, Neighbours, together
from twinpipe.physics import transport
from twinpipe.plan import Block, Plan, make_plan, rows_per_band
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import SegmentOutput, run_segment, start
from twinpipe.spec import RunSpec
from twinpipe.tree import run_in_memory

GRID, YEARS = "12x24", 6
AGREEMENT = 1e-10  # of the largest value of a field


def scenario() -> Scenario:
    """Mars warmed until a third of its carbon dioxide ice is gone, water runs, and dust lies on both caps."""
    made = load_pattern("mars_terraform").scenario(MARS, {"factory_rate": 4e5, "mirror_area": 1e12})
    return made.model_copy(update={"interventions": (*made.interventions, DarkDust(rate_kg_s=1e4))})


def plan_of(rows: int, body: Body = MARS, members: int = 1, made: Scenario | None = None) -> Plan:
    spec = RunSpec(
        body=body, scenario=made or scenario(), years=YEARS, grid=GRID, steps_per_orbit=STEPS, spin_up_orbits=2
    )
    return make_plan((spec,) * members, members, 1, rows)


@cache
def one_block() -> dict[str, Array]:
    return run_in_memory(plan_of(12))


def apart(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max() / max(float(np.abs(a).max()), 1e-300)) if a.size else 0.0


@pytest.mark.parametrize("rows", [6, 5, 4, 3, 2, 1])
def test_bands_are_the_planet_in_one_block(rows: int) -> None:
    found, whole = run_in_memory(plan_of(rows)), one_block()
    assert found.keys() == whole.keys()
    assert {name: e for name in whole if (e := apart(whole[name], found[name])) > AGREEMENT} == {}
    assert whole["liquid_water_amount"].max() > 0
    assert whole["dark_dust_amount"].max() > 0


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "rows"), [("720x1440", 0), ("90x180", 30), ("90x180", 7)])
def test_fine_grids_in_bands_are_as_near_to_one_block_as_the_last_digit_of_their_sunlight_lets_them(
    grid: str, rows: int
) -> None:
    """Beside the poles many cells share so much heat that rounding moves 3e-7 of the ice there, in one block too."""
    sun = MARS.orbit.solar_constant_w_m2
    brighter, darker = (float(np.nextafter(sun, towards)) for towards in (np.inf, 0.0))

    def run(sunlight: float, rows: int) -> dict[str, Array]:
        body = MARS.model_copy(update={"orbit": MARS.orbit.model_copy(update={"solar_constant_w_m2": sunlight})})
        spec = RunSpec(body=body, scenario=scenario(), years=1, grid=grid, spin_up_orbits=1)
        return run_in_memory(make_plan((spec,), 1, 1, rows))

    whole, found = run(sun, 720), run(sun, rows)
    others = [run(s, 720) for s in (brighter, darker, float(np.nextafter(brighter, np.inf)))]
    allowed = {name: max(AGREEMENT, *(3 * apart(whole[name], o[name]) for o in others)) for name in whole}
    assert {name: e for name in whole if (e := apart(whole[name], found[name])) > allowed[name]} == {}
    for name in ("global_surface_temperature", "global_surface_pressure", "water_vapour_mass"):
        assert apart(whole[name], found[name]) <= AGREEMENT, name


def test_members_in_bands_are_the_members_in_one_block() -> None:
    found = run_in_memory(plan_of(4, members=3))
    assert {name: e for name, a in one_block().items() if (e := apart(a[0], found[name][2])) > AGREEMENT} == {}


@pytest.mark.parametrize("name", ["venus", "luna"])
def test_other_bodies_in_bands_too(name: str) -> None:
    body, calm = builtin_body(name), Scenario()
    whole = run_in_memory(plan_of(12, body, made=calm))
    found = run_in_memory(plan_of(5, body, made=calm))
    assert {n: e for n in whole if (e := apart(whole[n], found[n])) > AGREEMENT} == {}


def last(plan: Plan, threads: int) -> list[SegmentOutput]:
    """What each band did in the last segment, when so many may run at a time."""

    def work(block: Block, neighbours: Neighbours) -> SegmentOutput:
        state, _ = start(plan, block, neighbours)
        for segment in plan.segments:
            done = run_segment(plan, block, segment, state, neighbours)
            state = done.state
        return done

    slab = plan.slabs[0]
    return side_by_side(slab, work, Circle(tuple(b.band for b in slab), threads))


def test_bits_do_not_depend_on_the_threads_and_the_books_close() -> None:
    plan = plan_of(3)
    alone = last(plan, 1)
    for threads in (2, 3, 0):
        for one, other in zip(alone, last(plan, threads), strict=True):
            for name, a in one.state.arrays().items():
                assert np.array_equal(a, other.state.arrays()[name]), name
    for done in alone:
        assert done.record == alone[0].record
        assert np.array_equal(done.state.gas, alone[0].state.gas)
        assert done.record["mass_error"][0] <= 1e-12
        assert max(done.record["energy_error"][0], done.record["transport_error"][0]) <= 1e-9


def test_a_band_that_fails_ends_the_others_with_its_own_error() -> None:
    plan = plan_of(3, made=Scenario(interventions=(OrbitalMirror(area_m2=1e15),)))
    with pytest.raises(SimulationError, match="the simulation of Mars"):
        last(plan, 2)


def test_the_layout_is_one_of_the_grid() -> None:
    assert rows_per_band(Grid(36, 72)) == 36
    assert rows_per_band(Grid(180, 360)) == 180
    assert rows_per_band(Grid(720, 1440)) == 90
    assert plan_of(0).bands == ((0, 12),)
    assert [b.rows for b in plan_of(5).slabs[0]] == [(0, 5), (5, 10), (10, 12)]


def test_a_planet_that_needs_all_its_rows_is_one_band() -> None:
    assert len(plan_of(3, builtin_body("titan"), made=Scenario()).bands) == 1


@given(st.integers(0, 10_000), st.lists(st.integers(1, 11), unique=True).map(sorted))
@settings(max_examples=60, deadline=None)
def test_substructured_solve_is_the_solve(seed: int, cuts: list[int]) -> None:
    random, cells = np.random.default_rng(seed), 7
    faces = transport.geometry(Grid(12, cells))
    A = 10.0 ** random.uniform(-6, 3, (12, cells))
    D = 10.0 ** random.uniform(-4, 6, cells)
    rhs = A * random.uniform(50.0, 400.0, A.shape)
    whole, room, leak = rhs.copy(), np.empty_like(A), np.empty(cells)
    transport.solve_lat(A, whole, D, faces.north, faces.south, np.zeros((4, cells)), room, leak)
    ends = [0, *cuts, 12]
    bands = [slice(a, b) for a, b in pairwise(ends)]
    edges = np.empty((len(bands), 2, 4, cells))
    for own, edge in zip(bands, edges, strict=True):
        transport.eliminate(A[own], rhs[own], D, faces.north[own], faces.south[own], edge)
    found, beyond = rhs.copy(), [np.zeros((4, cells)) for _ in bands]
    for k, own in enumerate(bands):
        transport.meet(edges.reshape(len(bands), -1), 0, k, beyond[k])
        transport.solve_lat(A[own], found[own], D, faces.north[own], faces.south[own], beyond[k], room[own], leak)
    assert found == pytest.approx(whole, rel=1e-11)
    for south, north in pairwise(beyond):
        assert np.array_equal(south[transport.NORTH], north[transport.FIRST])
        assert np.array_equal(south[transport.LAST], north[transport.SOUTH])


def test_sums_are_added_in_the_order_of_the_bands() -> None:
    slab = plan_of(3).slabs[0]
    sums = side_by_side(slab, lambda b, n: together(n, np.array([0.1 * 10.0**b.band])))
    assert [float(s[0]) for s in sums] == [((0.1 + 1.0) + 10.0) + 100.0] * 4
