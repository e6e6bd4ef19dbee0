"""Laws of sweep files: what cannot be is refused in one sentence, and what can be has the members that it says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from twinpipe.body import builtin_body
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.members import expand
from twinpipe.scenario import OF_ANY_PLAN, load_pattern
from twinpipe.shared import shared_folder
from twinpipe.sweep_spec import SweepSpec, read_sweep

MARS = builtin_body("mars")
UNIFORM = {"kind": "uniform", "name": "mirror_area", "low": 0, "high": 1e12}
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
        ("large.toml", "#" * 1_000_001, "1,000,001 bytes, and at most 1,000,000"),
        ("sweep.ini", "", "ends in .toml, .yaml or .json"),
        ("sweep.toml", "name = ", "must be readable"),
        ("sweep.json", "3", "sweep.json: 3 is not allowed"),
        ("sweep.toml", "members = 3", "sweep.toml.members: 3 is not allowed; extra inputs are not permitted"),
        ("sweep.toml", "base = { years = 0 }", "sweep.toml.base.years: 0 is not allowed"),
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
        ({"axes": [{"kind": "list", "name": "mirror_area", "values": [-1]}]}, "mirror_area: -1"),
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
    assert number(axes=[grid], design={"replicates": 4}) == 12
    assert number(axes=[grid, UNIFORM, two], design={"kind": "sobol", "points": 4}) == 12
    assert number(axes=[UNIFORM, two, prior], design={"kind": "saltelli", "points": 4}) == 20
    assert number(variants=[{"name": "a"}, {"name": "b", "parameters": {"mirror_area": 0}}], axes=[grid]) == 6
    members = expand(SweepSpec.model_validate({"axes": [grid]}), MARS, "4x6")
    assert [m.values["largest_fleet"] for m in members] == pytest.approx([10, 100, 1000])
    seeds = expand(SweepSpec.model_validate({"axes": [grid], "design": {"replicates": 2}}), MARS, "4x6")
    assert [m.spec.seed for m in seeds] == [0, 1] * 3  # the same for all points


def test_a_scenario_in_a_sweep_tells_the_usual_events_unless_it_lists_some(tmp_path: Path) -> None:
    path, told = tmp_path / "sweep.toml", []
    for events in ("", "events = []"):
        path.write_text(f"[base.scenario]\n{events}\ninterventions = []", encoding="utf-8")
        scenario = read_sweep(path).base.scenario
        assert scenario is not None
        told.append(scenario.events)
    assert told == [(*load_pattern("custom").events, *OF_ANY_PLAN), ()]


def test_the_example_that_ships_has_512_members() -> None:
    spec = read_sweep(shared_folder("schemas") / "examples" / "sweep.toml")
    members = expand(spec, MARS, "36x72")
    assert len(members) == len({m.spec.digest for m in members}) == 512
    assert len({m.spec.body.digest for m in members}) == 512
