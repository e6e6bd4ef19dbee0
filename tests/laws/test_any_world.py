"""Any valid world under any valid plan stays finite, keeps its masses and closes its books; what is invalid is told.

Fuzz: random bodies and schedules, half a century each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.laws.any_worlds import INTERVENTIONS, bodies, lives, worlds
from twinpipe.body import Body, builtin_body
from twinpipe.refusal import explain
from twinpipe.scenario import Scenario
from twinpipe.spec import RunSpec

JUNK: tuple[Any, ...] = (
    -1.0,
    -1e300,
    1e300,
    float("nan"),
    float("inf"),
    "much",
    "",
    "nan",
    None,
    True,
    [],
    {},
    [1.0],
    {"nothing": 1},
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spec=worlds())
def test_any_world_lives_or_ends_honestly(spec: RunSpec) -> None:
    lives(spec)


@pytest.mark.slow
def test_of_five_hundred_worlds_most_live_and_the_rest_end_honestly() -> None:
    lived: list[bool] = []

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(spec=worlds())
    def each(spec: RunSpec) -> None:
        lived.append(lives(spec))

    each()
    assert sum(lived) > 0.7 * len(lived)


def leaves(table: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a table are, those in its lists too."""
    inside = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    if path:
        yield path
    for key, value in inside:
        yield from leaves(value, (*path, key))


def numbers(table: Any) -> Iterator[float]:
    if isinstance(table, float):
        yield table
    for value in table.values() if isinstance(table, dict) else table if isinstance(table, list) else ():
        yield from numbers(value)


def taken_or_told(model: type[Body | Scenario], table: dict[str, Any]) -> str:
    """The one sentence in which a table is refused, else nothing: and then no number in it is without a value."""
    try:
        taken = model.model_validate(table)
    except ValidationError as caught:
        sentence = str(explain(caught))
        assert sentence
        assert "\n" not in sentence
        return sentence
    assert all(math.isfinite(x) for x in numbers(taken.model_dump()))
    return ""


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), junk=st.sampled_from(JUNK))
def test_junk_anywhere_in_a_body_or_a_plan_is_taken_or_told_in_one_sentence(data: st.DataObject, junk: Any) -> None:
    body, plan = data.draw(bodies()), data.draw(st.lists(INTERVENTIONS, min_size=1, max_size=3))
    of_body = data.draw(st.booleans())
    table = body.model_dump(mode="json") if of_body else json.loads(json.dumps({"interventions": plan}))
    *path, last = data.draw(st.sampled_from(list(leaves(table))))
    at = table
    for key in path:
        at = at[key]
    at[last] = junk
    taken_or_told(Body if of_body else Scenario, table)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=bodies(),
    where=st.sampled_from(
        ["orbit.eccentricity", "orbit.solar_constant_w_m2", "bulk.mean_radius_m", "atmosphere.heat_capacity_j_kg_k"]
    ),
    value=st.sampled_from([-1.0, float("nan"), float("inf"), "much", None, []]),
)
def test_an_invalid_world_is_refused_in_one_sentence(world: Body, where: str, value: Any) -> None:
    table = world.model_dump(mode="json")
    part, field = where.split(".")
    table[part][field] = value
    assert where in taken_or_told(Body, table)


HOLD = {"start_year": 0.0, "end_year": 9.0}


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"kind": "magic"}, "kind"),
        ({"kind": "sunshade"}, "fraction"),
        ({"kind": "sunshade", "fraction": 1.5}, "fraction"),
        ({"kind": "sunshade", "fraction": 0.5, "colour": "red"}, "colour"),
        ({"kind": "sunshade", "fraction": 0.5, "schedule": HOLD | {"start_year": 9.0}}, "end_year"),
        ({"kind": "sunshade", "fraction": 0.5, "schedule": HOLD | {"shape": "pulse"}}, "pulse_years"),
        ({"kind": "sunshade", "fraction": 0.5, "schedule": HOLD | {"shape": "feedback"}}, "feedback"),
        ({"kind": "gas_export", "gas": "Xe", "rate_kg_s": 1.0}, "gas"),
        ({"kind": "volatile_import", "rate_kg_s": 1.0, "composition": {"N2": 0.5}}, "composition"),
        ({"kind": "dark_dust", "rate_kg_s": 1.0, "target": {"south_degree": 50, "north_degree": 40}}, "north_degree"),
        ({"kind": "reaction", "reaction": "sabatier", "reactant": "CaO", "rate_kg_s": 1.0}, "CaO"),
    ],
)
def test_an_invalid_plan_is_refused_in_one_sentence(item: dict[str, Any], named: str) -> None:
    assert named in taken_or_told(Scenario, {"interventions": [item]})


def test_a_body_whose_parts_contradict_is_refused_in_one_sentence() -> None:
    europa = builtin_body("europa").model_dump(mode="json")
    assert "regolith" in taken_or_told(Body, europa | {"regolith": {"inventory_kg": 1.0}})
    assert "gravity" in taken_or_told(Body, europa | {"bulk": europa["bulk"] | {"mass_kg": 1.0}})
