"""Laws of sweep files: what cannot be is refused in one sentence, and what can be has the members that it says."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinpipe.body import builtin_body
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.members import expand
from twinpipe.running import read_scenario
from twinpipe.scenario import OF_ANY_PLAN, load_pattern
from twinpipe.shared import shared_folder
from twinpipe.sweep_spec import SweepSpec, read_sweep

MARS = builtin_body("mars")
STORMS = {"interventions": [{"id": "dust_storm", "per_century": 20}]}
UNIFORM = {"kind": "uniform", "name": "mirror_area", "low": 0, "high": 1e12}
PLAN = """
[[interventions]]
id = "dust_storm"
per_century = 20
[[interventions]]
id = "orbital_mirror"
area = "4.9e4 km**2"
[[interventions]]
kind = "gas_export"
gas = "CO2"
rate_kg_s = 1e6
cap_kg = "0.01 * $body.CO2_kg"
"""
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


def number(**spec: Any) -> int:
    return len(expand(SweepSpec.model_validate(spec), MARS, "4x6"))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("bomb.yaml", BOMB, "aliases are not allowed"),
        ("deep.yaml", "[" * 5000, "nested more than 20 levels deep"),
        ("deep.json", "[" * 100_000, "must be readable"),
        ("code.yaml", "!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("tag.yaml", "name: !!bool maybe", "a value is not of the kind that its tag says"),
        ("tag.yaml", "name: !!timestamp x", "a value is not of the kind that its tag says"),
        ("tag.yaml", "name: !!int ''", "a value is not of the kind that its tag says"),
        ("tag.yaml", f"name: {':'.join(['1'] * 400)}.0", "a value is not of the kind that its tag says"),
        ("key.yaml", "? [a]\n: 1", "must be readable"),
        ("large.toml", "#" * 1_000_001, "1,000,001 bytes, and at most 1,000,000"),
        ("sweep.ini", "", "ends in .toml, .yaml or .json"),
        ("sweep.toml", "name = ", "must be readable"),
        ("sweep.json", "3", "sweep.json: 3 is not allowed; it must be a table"),
        ("sweep.toml", "[[axes]]\nname = 'x'", "sweep.toml.axes.0.kind: None is not allowed; it must be given"),
        ("sweep.toml", "[[axes]]\nkind = 'lines'", "axes.0.kind: 'lines' is not allowed; it is one of list, grid"),
        ("sweep.toml", "[[axes]]\nkind = 'list'\nname = 'x'", "axes.0.list.values: None is not allowed; it must be"),
        ("sweep.toml", "members = 3", "sweep.toml.members: 3 is not allowed; extra inputs are not permitted"),
        ("sweep.toml", "base = { years = 0 }", "sweep.toml.base.years: 0 is not allowed"),
        ("sweep.yaml", f"base: {{years: 0x{'f' * 5000}}}", "years: a number of more than 100 digits is not allowed"),
        ("sweep.toml", f"base = {{ seed = {2**53 + 1} }}", "base.seed: 9007199254740993 is not allowed"),
        ("sweep.toml", f"design = {{ seed = {2**53 + 1} }}", "design.seed: 9007199254740993 is not allowed"),
        ("sweep.json", f'{{"base": {{"seed": 1{"0" * 400}}}}}', "base.seed"),
        ("sweep.toml", "design = { points = 1_000_000_001 }", "design.points: 1000000001 is not allowed"),
        ("sweep.toml", "design = { replicates = 1_000_000_001 }", "design.replicates: 1000000001 is not allowed"),
        ("sweep.toml", f"base = {{ seed = {2**53} }}\ndesign = {{ replicates = 2 }}", "end at 9007199254740992"),
        (
            "sweep.toml",
            "[[axes]]\nkind = 'grid'\nname = 'mirror_area'\nlow = 0\nhigh = 1\nnumber = 1_000_000_001",
            "number: 1000000001 is not allowed",
        ),
        ("sweep.toml", "base = { grid = '3x3' }", "grid: '3x3' is not allowed"),
        ("sweep.toml", "[[stop]]\nseries = 'warmth'\nbelow = 1", "is one of"),
        ("sweep.toml", "[[stop]]\nseries = 'global_surface_temperature'", "one limit, below or above"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(InvalidInput) as refused:
        read_sweep(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no sweep file named '.*none\.toml'"):
        read_sweep(tmp_path / "none.toml")


def test_the_last_seed_is_exact() -> None:
    base = {"scenario": STORMS, "seed": 2**53 - 1}
    members = expand(SweepSpec.model_validate({"base": base, "design": {"replicates": 2}}), MARS, "4x6")
    assert [m.spec.seed for m in members] == [2**53 - 1, 2**53]


def test_a_file_says_the_same_in_three_languages(tmp_path: Path) -> None:
    texts = {
        "a.toml": "[[axes]]\nkind = 'list'\nname = 'mirror_area'\nvalues = [1e10, '4.9e4 km**2']",
        "a.yaml": "axes:\n- {kind: list, name: mirror_area, values: [1.0e+10, 4.9e4 km**2]}",
        "a.json": '{"axes": [{"kind": "list", "name": "mirror_area", "values": [1e10, "4.9e4 km**2"]}]}',
    }
    read = []
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        read.append(read_sweep(tmp_path / name))
    assert read[0] == read[1] == read[2]
    assert [m.values["mirror_area"] for m in expand(read[0], MARS, "4x6")] == pytest.approx([1e10, 4.9e10])


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"axes": [{**UNIFORM, "name": "mirror"}], "design": {"kind": "sobol", "points": 4}}, "no axis named 'mirror'"),
        ({"axes": [{**UNIFORM, "name": "mirror"}], "design": {"kind": "sobol", "points": 4}}, "factory_rate, "),
        ({"axes": [{"kind": "list", "name": "bulk.weight", "values": [1]}]}, "no number of Mars named 'bulk.weight'"),
        ({"axes": [{"kind": "list", "name": "surface.albedo", "values": [1]}]}, "no number of Mars named"),
        ({"axes": [{"kind": "list", "name": "bulk.mean_radius_m", "values": [3.3e6, 3.4e6]}]}, "have it in common"),
        ({"axes": [{"kind": "list", "name": "orbit.sidereal_year_s", "values": [5e7, 6e7]}]}, "have it in common"),
        (
            {"axes": [{"kind": "list", "name": "mirror_area", "values": [1e10, 2e10, -1]}]},
            "mirror_area of member 2 (mirror_area -1): -1.0 is not allowed; it is 0 to",
        ),
        (
            {
                "axes": [{"kind": "list", "name": "factory_rate", "values": [1e4, "2e4 kg/s"]}],
                "variants": [{"name": "plan"}, {"name": "less", "parameters": {"mirror_area": -1}}],
            },
            "mirror_area of member 2 (variant less, factory_rate 10000): -1",
        ),
        (
            {"axes": [{"kind": "grid", "name": "co2_ice.emissivity_north", "low": 0.5, "high": 1.5, "number": 3}]},
            "of member 2 (co2_ice.emissivity_north 1.5): 1.5 is not allowed",
        ),
        (
            {"axes": [{"kind": "list", "name": "bulk.mean_radius_m", "values": [3.3e6, 3.4e6]}]},
            "bulk.mean_radius_m of member 1 (bulk.mean_radius_m 3.4e+06): 3400000.0",
        ),
        ({"axes": [{"kind": "list", "name": "mirror_area", "values": ["1 kg"]}]}, "unit that converts to m"),
        (
            {"axes": [{"kind": "prior", "name": "bulk.mass_kg"}], "design": {"kind": "sobol", "points": 4}},
            "no uncertain",
        ),
        ({"axes": [UNIFORM], "design": {"kind": "sobol", "points": 0}}, "members: 0 is not allowed"),
        ({"axes": [UNIFORM], "design": {"kind": "latin_hypercube", "points": 10_000_000}}, "members: 10000000 is not"),
        ({"design": {"replicates": 10_000_000}}, "a sweep has 1 to 100,000"),
        ({"base": {"parameters": {"mirror": 1}}}, "no parameter of pattern mars_terraform named 'mirror'"),
        ({"base": {"pattern": "nonsense"}}, "no pattern named 'nonsense'"),
        ({"variants": [{"name": "a", "parameters": {"b": 1}}]}, "no parameter"),
        ({"base": {"variant": "cold_dry"}}, "no variant of pattern mars_terraform named 'cold_dry'; known: "),
        ({"base": {"pattern": "titan_fuel"}}, "pattern titan_fuel needs"),
        ({"base": {"scenario": {"interventions": [{"id": "dust_strom"}]}}}, "no intervention named 'dust_strom'"),
        ({"base": {"scenario": {"interventions": 3}}}, "interventions: 3 is not allowed; it is a list of tables"),
        ({"base": {"scenario": {"aims": []}}}, "base.scenario.aims"),
        ({"design": {"replicates": 2}}, "design.replicates: 2 is not allowed; nothing in the base follows from the"),
        (
            {"base": {"scenario": {"interventions": [{"id": "ice_age", "year": 5}]}}, "design": {"replicates": 2}},
            "so that they would be copies",
        ),
    ],
)
def test_members_that_cannot_be_are_refused(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises((InvalidInput, NotFound)) as refused:
        number(**spec)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"axes": [UNIFORM]}, "needs a design"),
        ({"axes": [UNIFORM], "design": {"kind": "sobol", "points": 12}}, "power of two, not 12"),
        ({"axes": [UNIFORM], "design": {"kind": "sobol"}}, "needs points"),
        ({"design": {"kind": "sobol", "points": 4}}, "needs an axis that is a distribution"),
        ({"design": {"points": 4}}, "leave out points"),
        ({"axes": [UNIFORM, UNIFORM], "design": {"kind": "sobol", "points": 4}}, "there 2 times"),
        ({"base": {"pattern": "custom", "scenario": {}}}, "not both"),
        ({"base": {"force": True, "scenario": {}}}, "not both"),
        ({"base": {"variant": "warm_wet", "scenario": {}}}, "not both"),
        ({"base": {"scenario": {"phases": float("nan")}}}, "not JSON compliant"),
        ({"base": {"scenario": {"phases": b"x"}}}, "not a valid JSON value"),
        ({"axes": [{"kind": "grid", "name": "mirror_area", "low": 2, "high": 1, "number": 3}]}, "low must lie below"),
    ],
)
def test_designs_that_do_not_fit_are_refused(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SweepSpec.model_validate(spec)


def test_a_design_has_the_product_of_its_parts_as_members() -> None:
    grid = {"kind": "grid", "name": "largest_fleet", "low": 10, "high": 1000, "number": 3, "spacing": "logarithmic"}
    two = {"kind": "loguniform", "name": "factory_rate", "low": 1e4, "high": 1e5}
    prior = {"kind": "prior", "name": "orbit.solar_constant_w_m2"}
    assert number() == 1
    sun = {"kind": "list", "name": "orbit.solar_constant_w_m2", "values": [580, 586, 590]}
    assert number(base={"scenario": STORMS}, axes=[sun], design={"replicates": 4}) == 12
    assert number(axes=[grid, UNIFORM, two], design={"kind": "sobol", "points": 4}) == 12
    assert number(axes=[UNIFORM, two, prior], design={"kind": "saltelli", "points": 4}) == 20
    assert number(variants=[{"name": "a"}, {"name": "b", "parameters": {"mirror_area": 0}}], axes=[grid]) == 6
    members = expand(SweepSpec.model_validate({"axes": [grid]}), MARS, "4x6")
    assert [m.values["largest_fleet"] for m in members] == pytest.approx([10, 100, 1000])
    spec = {"base": {"scenario": STORMS}, "axes": [sun], "design": {"replicates": 2}}
    seeds = expand(SweepSpec.model_validate(spec), MARS, "4x6")
    assert [m.spec.seed for m in seeds] == [0, 1] * 3  # the same for all points
    storms = [m.spec.scenario.disasters for m in seeds]
    assert storms == storms[:2] * 3
    assert storms[0] != storms[1]


def test_a_scenario_of_a_sweep_is_that_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    base = {"scenario": tomllib.loads(PLAN), "years": 40, "seed": 7}
    air = {"kind": "list", "name": "atmosphere.mass_kg.CO2", "values": [2e16, 3e16]}
    members = expand(SweepSpec.model_validate({"base": base, "axes": [air]}), MARS, "4x6")
    assert [m.spec.seed for m in members] == [7, 7]
    for member in members:
        assert member.spec.scenario == read_scenario(path, member.spec.body, years=40, seed=7)
        assert len(member.spec.scenario.disasters) > 0
    caps = [i.cap_kg for m in members for i in m.spec.scenario.interventions if i.kind == "gas_export"]
    assert caps == pytest.approx([2e14, 3e14])  # of the air of each


def test_a_base_may_be_a_variant_of_a_pattern_or_be_forced() -> None:
    rates = {"kind": "list", "name": "factory_rate", "values": [1e5, 3e5]}
    spec = SweepSpec.model_validate({"base": {"variant": "warm_wet"}, "axes": [rates]})
    for member, rate in zip(expand(spec, MARS, "4x6"), (1e5, 3e5), strict=True):
        wanted = load_pattern("mars_terraform").scenario(MARS, {"factory_rate": rate}, variant="warm_wet")
        assert member.spec.scenario == wanted
        assert "liquid_water_on_half_of_the_planet" in [g.id for g in member.spec.scenario.goals]
    forced = SweepSpec.model_validate({"base": {"pattern": "titan_fuel", "force": True}})
    assert expand(forced, MARS, "4x6")[0].spec.scenario.forced


def test_a_scenario_in_a_sweep_tells_the_usual_events_unless_it_lists_some(tmp_path: Path) -> None:
    path, told = tmp_path / "sweep.toml", []
    for events in ("", "events = []"):
        path.write_text(f"[base.scenario]\n{events}\ninterventions = []", encoding="utf-8")
        (member,) = expand(read_sweep(path), MARS, "4x6")
        told.append(member.spec.scenario.events)
    assert told == [(*load_pattern("custom").events, *OF_ANY_PLAN), ()]


def test_the_example_that_ships_has_512_members() -> None:
    spec = read_sweep(shared_folder("schemas") / "examples" / "sweep.toml")
    members = expand(spec, MARS, "36x72")
    assert len(members) == len({m.spec.digest for m in members}) == 512
    assert len({m.spec.body.digest for m in members}) == 512


def _planned(**parts: Any) -> dict[str, Any]:
    return {"base": {"scenario": parts}}


CONTROL = st.characters(max_codepoint=0x1F) | st.just("\x7f")
AROUND = st.text(st.characters(exclude_characters="$"), max_size=5)  # which begins a place to be filled in
TEXTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "name": lambda text: {"name": text},
    "phases": lambda text: _planned(phases=[{"id": "a", "title": text, "start_year": 0, "end_year": 1}]),
    "fleets": lambda text: _planned(fleets=[{"id": "a", "origin": text, "composition": {"CO2": 1}}]),
    "undertakings": lambda text: _planned(undertakings=[{"id": "a", "title": text, "end_year": 1}]),
    "variants": lambda text: {"variants": [{"name": text}, {"name": "other"}]},
}


@pytest.mark.parametrize("where", TEXTS)
@given(before=AROUND, control=CONTROL, after=AROUND)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_control_character_is_part_of_a_name(
    tmp_path: Path, where: str, before: str, control: str, after: str
) -> None:
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(TEXTS[where](before + control + after)), encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        expand(read_sweep(path), MARS, "4x6")
    assert where in str(refused.value)
    assert not any(ord(c) < 0x20 or ord(c) == 0x7F for c in str(refused.value))
