"""Built-in bodies: every number has a source, and a file that is wrong is refused by field."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from twinpipe.body import Body, builtin_body, builtin_names, load_body, read_body
from twinpipe.errors import InvalidInput, NotFound


def text_of(name: str) -> str:
    return (files("twinpipe.bodies") / f"{name}.toml").read_text(encoding="utf-8")


def numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of every number and map below a value; those of lists stop at the list."""
    if isinstance(value, dict) and set(value) != {"file", "name"}:
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        if any(not isinstance(inner, str) for inner in value):
            yield path
    elif not isinstance(value, str | bool):
        yield path


@pytest.mark.parametrize("name", builtin_names())
def test_every_number_has_a_source(name: str) -> None:
    data = tomllib.loads(text_of(name))
    sources = data.pop("sources")
    assert all(prior["source"].strip() for prior in data.pop("uncertainty", {}).values())
    missing = [".".join(p) for p in numbers(data) if ".".join(p) not in sources]
    assert missing == []


@pytest.mark.parametrize("name", builtin_names())
def test_every_source_belongs_to_a_number(name: str) -> None:
    data = tomllib.loads(text_of(name))
    sources = data.pop("sources")
    data.pop("uncertainty", None)
    known = {".".join(p) for p in numbers(data)}
    assert sorted(set(sources) - known) == []
    assert all(text.strip() for text in sources.values())


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_body_survives_json(name: str) -> None:
    body = builtin_body(name)
    assert Body.model_validate_json(body.model_dump_json()) == body


def test_mars_carries_the_air_of_its_sources() -> None:
    mars = builtin_body("mars")
    assert mars.surface_pressure_pa == pytest.approx(701.0, abs=30.0)  # A4: 7.01 mbar of gas and ice, +-0.3
    assert mars.mean_molar_mass_kg_mol == pytest.approx(0.0434, abs=3e-4)
    assert mars.bulk.area_m2 == pytest.approx(1.4437e14, rel=1e-4)


def test_names_find_bodies_in_any_case() -> None:
    assert load_body("Mars") == load_body("mars") == builtin_body("MARS")


def test_an_unknown_body_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFound, match="mars"):
        load_body("vulcan")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("eccentricity = 0.0935", "eccentricity = 1.0", "eccentricity"),
        ("eccentricity = 0.0935", "eccentricity = -0.1", "eccentricity"),
        ("mean_radius_m = 3389.5e3", "mean_radius_m = nan", "mean_radius_m"),
        ("obliquity_degree = 25.19", "obliquity_degree = 181", "obliquity_degree"),
        ("sidereal_year_s", "sideral_year_s", "sider"),
        ("[atmosphere.escape_kg_s]", "[atmosphere.escape_kg_s]\nCO2 = -1", "CO2"),
        ("[atmosphere.mass_kg]", "[atmosphere.mass_kg]\nXe = 1.0", "Xe"),
        ("gravity_m_s2 = 3.728", "gravity_m_s2 = 37.28", "gravity_m_s2"),
        ('kind = "semi_grey"', 'kind = "grey"', "longwave"),
    ],
)
def test_a_wrong_number_is_refused_by_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    text = text_of("mars")
    assert old in text
    path = tmp_path / "body.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput, match=field):
        read_body(path)


@pytest.mark.parametrize("text", ["", "= 1", "\x00", "[orbit"])
def test_a_file_that_is_no_body_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "body.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        read_body(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="readable"):
        load_body(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        (
            {"climate": {"second_order": True}},
            "climate.second_order needs a climate.column of kind slab, no co2_ice and no water_cycle",
        ),
        ({"surface": {"land": {"share": 0.3, "albedo": 0.3, "heat_capacity_j_m2_k": 1e7}}}, "of kind slab"),
    ],
)
def test_what_only_a_slab_can_do_is_refused_elsewhere(change: dict[str, Any], needed: str, tmp_path: Path) -> None:
    data = builtin_body("mars").model_dump(mode="json")
    for table, values in change.items():
        data[table] |= values
    path = tmp_path / "body.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InvalidInput, match=needed):
        read_body(path)
