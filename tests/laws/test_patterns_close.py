"""Plans close their books: the game's physical interventions all at once, and every pattern on its own body."""

from __future__ import annotations

import pytest

from twinpipe.assembly import body_values
from twinpipe.block_state import BlockState
from twinpipe.body import builtin_body
from twinpipe.clock import usual_steps
from twinpipe.game.interventions import expanded, game_interventions
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario, load_pattern, scenario_of
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec


def closes(name: str, scenario: Scenario, years: int, grid: str = "4x6") -> BlockState:
    body = builtin_body(name)
    steps = usual_steps(body.orbit.sidereal_year_s)
    spec = RunSpec(body=body, scenario=scenario, years=years, grid=grid, steps_per_orbit=steps, spin_up_orbits=4)
    plan = make_plan((spec,))
    state, _ = start(plan, plan.blocks[0])
    for segment in plan.segments:
        done = run_segment(plan, plan.blocks[0], segment, state)
        state = done.state
        assert done.record["mass_error"][0] <= 1e-12
        assert max(done.record["energy_error"][0], done.record["transport_error"][0]) <= 1e-9
    return state


def test_all_that_the_game_does_to_a_planet_closes() -> None:
    items = [
        {"id": name, **({"year": 2} if entry.disaster else {"start_year": 1, "end_year": 6})}
        for name, entry in game_interventions().items()
    ]
    table = expanded({"interventions": items}, years=10, seed=0)
    made = scenario_of(table, body_values(builtin_body("mars")), "all")
    assert {i.kind for i in made.interventions} > {"inoculation", "aerosol", "reaction", "gas_export", "aerogel_cover"}
    closes("mars", made, 10)


@pytest.mark.parametrize(
    ("pattern", "body"),
    [("mars_terraform", "mars"), ("venus_industrial", "venus"), ("titan_fuel", "titan"), ("europa_ocean", "europa")],
)
def test_a_century_of_every_pattern_closes_and_comes_again(pattern: str, body: str) -> None:
    made = load_pattern(pattern).scenario(builtin_body(body))
    first, again = closes(body, made, 100).arrays(), closes(body, made, 100).arrays()
    assert all((first[name] == again[name]).all() for name in first)


def test_titan_keeps_its_cap_at_the_largest_harvest() -> None:
    titan = builtin_body("titan")
    state = closes("titan", load_pattern("titan_fuel").scenario(titan, {"harvest_rate": 1e15}), 100)
    taken = -float(state.imported[0].sum())
    assert taken <= 0.05 * titan.atmosphere.mass_kg["CH4"] * (1 + 1e-9)
    assert taken == pytest.approx(0.05 * titan.atmosphere.mass_kg["CH4"], rel=1e-9)
