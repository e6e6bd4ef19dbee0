"""The game's dialects: told apart by structure, the same body in each of them, and every body of every file."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories.game_files import FILES, GENERATED, GIANTS, bare, every_body, imported_bare, needs, raw_bodies

from twinpipe.body import Body
from twinpipe.errors import InvalidInput
from twinpipe.game import importer
from twinpipe.game.file import read_file
from twinpipe.game.importer import import_bodies
from twinpipe.game.words import BODY, SPHERES, STATES, TYPES, plain_words

SYSTEM: dict[str, Any] = json.loads(GENERATED.read_text(encoding="utf-8"))


@pytest.fixture
def nothing_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "known_bodies", dict)


def write(folder: Path, data: object) -> Path:
    path = folder / "any-name.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("dialect", "bodies", "giants"),
    [
        pytest.param("flat list", 45, 4, marks=needs("flat list")),
        pytest.param("groups", 12, 4, marks=needs("groups")),
        pytest.param("old fixture", 7, 2, marks=needs("old fixture")),
        pytest.param("generated", 10, 2, marks=needs("generated")),
    ],
)
def test_a_dialect_is_told_by_its_structure(dialect: str, bodies: int, giants: int) -> None:
    assert read_file(FILES[dialect]).dialect == dialect
    report = imported_bare(dialect)
    assert (report.dialect, len(report.bodies), len(report.skipped)) == (dialect, bodies, giants)
    assert import_bodies(FILES[dialect]).dialect == dialect


@pytest.mark.parametrize(
    ("celestial_bodies", "dialect"),
    [
        ([{"identifier": "A-1", "atmosphere_attributes": {}}], "flat list"),
        ({"moons": [{"identifier": "A-1", "atmosphere_attributes": {}}]}, "groups"),
        ({"moons": [{"identifier": "A-1", "hydrosphere": {}}]}, "old fixture"),
        ([{"identifier": "A-1", "atmosphere": {}}], "old fixture"),
        ({"moons": [{"identifier": "A-1", "hydrosphere": {}, "orbits": []}]}, "generated"),
        ([{"identifier": "A-1", "moons": []}], "generated"),
    ],
)
def test_the_name_of_a_file_does_not_matter(tmp_path: Path, celestial_bodies: object, dialect: str) -> None:
    assert read_file(write(tmp_path, {"celestial_bodies": celestial_bodies})).dialect == dialect


@pytest.mark.parametrize(("dialect", "identifier"), every_body(giants=False))
def test_every_body_with_a_surface_becomes_a_body(dialect: str, identifier: str) -> None:
    imported, raw = bare(dialect, identifier), raw_bodies(dialect)[identifier]
    body = imported.body
    assert Body.model_validate_json(body.model_dump_json()) == body
    assert (body.identifier, body.name) == (raw["identifier"], raw["name"])
    assert body.bulk.mass_kg == float(raw["mass"])
    assert body.bulk.mean_radius_m == float(raw["radius"])
    assert body.kind == {"terrestrial": "terrestrial_planet"}.get(
        raw["type"], raw["type"] if raw["type"] in ("terrestrial_planet", "moon", "dwarf_planet") else "custom"
    )
    assert body.assumptions == imported.assumptions
    assert body.atmosphere.total_mass_kg < 0.01 * body.bulk.mass_kg
    assert body.hydrosphere.total_water_kg <= body.bulk.mass_kg
    for line in (*imported.assumptions, *imported.inconsistencies):
        assert line.isprintable()
        assert "nan" not in line.split()
    with_builtin = next(b for b in import_bodies(FILES[dialect]).bodies if b.body.identifier == identifier)
    assert with_builtin.body.bulk == body.bulk


@pytest.mark.parametrize(("dialect", "identifier"), every_body(giants=False))
def test_every_number_of_a_body_has_a_source(dialect: str, identifier: str) -> None:
    body = bare(dialect, identifier).body
    numbers = [f"{part}.{key}" for part in ("orbit", "bulk") for key in getattr(body, part).model_dump()]
    numbers += [f"atmosphere.mass_kg.{gas}" for gas in body.atmosphere.mass_kg]
    numbers += ["surface.albedo", "surface.thermal_inertia_j_m2_k_s12", "surface.geothermal_flux_w_m2"]
    numbers += ["climate.diffusivity_w_m2_k", "climate.longwave.emissivity_factor", "hydrosphere.total_water_kg"]
    assert [number for number in numbers if number not in body.sources] == []
    for source in body.sources.values():
        assert source.startswith(("game file, field `", "assumed: ", "B4"))


@pytest.mark.parametrize(("dialect", "identifier"), every_body(giants=True))
def test_a_giant_is_refused_in_one_sentence(dialect: str, identifier: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^{identifier}\.type: .* no solid surface, .*\.$") as caught:
        import_bodies(FILES[dialect], identifier)
    assert "\n" not in str(caught.value)
    whole = import_bodies(FILES[dialect])
    assert [s.why for s in whole.skipped if s.identifier == identifier] == [caught.value.allowed]


# SI fields and all that the files say about them, of the body itself and, for its orbit, of its planet.
FIELDS: dict[str, tuple[str, ...]] = {
    "bulk.mass_kg": ("mass",),
    "bulk.mean_radius_m": ("radius",),
    "bulk.gravity_m_s2": ("gravity", "mass", "radius"),
    "orbit.semi_major_axis_m": ("star_distances",),
    "orbit.solar_constant_w_m2": ("star_distances", "insolation"),
    "orbit.sidereal_year_s": ("star_distances", "orbital_period"),
    "orbit.solar_day_s": ("star_distances", "orbital_period"),
    "orbit.obliquity_degree": ("axial_tilt",),
    "atmosphere.mass_kg": ("atmosphere", "gravity", "mass", "radius"),
    "surface.albedo": ("albedo", "atmosphere", "gravity", "mass", "radius"),
    "hydrosphere.total_water_kg": ("hydrosphere", "mass", "radius"),
    "geosphere.stored_volatiles_kg": ("geosphere_attributes",),
}


def said(dialect: str, identifier: str, key: str) -> object:
    raw = plain_words(raw_bodies(dialect)[identifier])
    part = raw.get(f"{key}_attributes", raw.get(key))
    if key == "atmosphere" and isinstance(part, dict):
        return {k: part[k] for k in ("composition", "pressure", "total_atmospheric_mass")}
    if key == "geosphere_attributes" and isinstance(part, dict):
        return part.get("stored_volatiles")
    return part


def family(dialect: str, identifier: str) -> list[str]:
    """A body and what it goes round, by identifier."""
    raw = raw_bodies(dialect)
    parent = raw[identifier].get("parent_body")
    named = [i for i, entry in raw.items() if parent is not None and parent in (i, entry["name"])]
    return [identifier, *(i for name in named for i in family(dialect, name))]


def shared(dialect: str) -> list[Any]:
    here, flat = raw_bodies(dialect), raw_bodies("flat list")
    both = sorted(i for i in set(here) & set(flat) if here[i]["type"] not in GIANTS)
    return [pytest.param(dialect, i, id=f"{dialect}-{i}".replace(" ", "-")) for i in both]


@pytest.mark.parametrize(("dialect", "identifier"), [*shared("old fixture"), *shared("groups")])
def test_two_dialects_give_equal_fields_where_they_agree(dialect: str, identifier: str) -> None:
    compared = []
    one, other = (bare(d, identifier).body.model_dump() for d in ("flat list", dialect))
    assert family(dialect, identifier) == family("flat list", identifier)
    for field, keys in FIELDS.items():
        part, name = field.split(".")
        whose = family(dialect, identifier) if part == "orbit" else [identifier]
        if all(said("flat list", i, k) == said(dialect, i, k) for i in whose for k in keys):
            assert one[part][name] == other[part][name], field
            compared.append(field)
    assert len(compared) >= 4


def in_other_words(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of the flat list with an alias for every word that has one."""
    made = copy.deepcopy(entry)
    for sphere, aliases in SPHERES.items():
        part = made.get(sphere)
        for alias, word in aliases.items():
            if isinstance(part, dict) and word in part:
                part[alias] = part.pop(word)
    shares = made.get("hydrosphere_attributes", {}).get("state_distribution")
    for alias, word in STATES.items():
        if shares and word in shares:
            shares[alias] = shares.pop(word)
    for alias, word in BODY.items():
        if word in made:
            made[alias] = made.pop(word)
    for alias, word in TYPES.items():
        if made["type"] == word:
            made["type"] = alias
    return made


@needs("flat list")
def test_aliases_are_other_words_for_the_same(tmp_path: Path, nothing_built_in: None) -> None:
    data = json.loads(FILES["flat list"].read_text(encoding="utf-8"))
    data["celestial_bodies"] = [in_other_words(e) for e in data["celestial_bodies"]]
    report = import_bodies(write(tmp_path, data))
    assert report.dialect == "old fixture"
    assert [b.body for b in report.bodies] == [b.body for b in imported_bare("flat list").bodies]


@pytest.mark.parametrize("alias", [*BODY, *(a for words in SPHERES.values() for a in words)])
def test_a_word_beside_its_alias_is_not_lost(alias: str) -> None:
    word = BODY.get(alias) or SPHERES["hydrosphere_attributes"][alias]
    part = {word: 1, alias: 2}
    plain = plain_words(part if alias in BODY else {"hydrosphere_attributes": part})
    assert (plain if alias in BODY else plain["hydrosphere_attributes"]) == part


def test_units_of_a_generated_system_are_normalised() -> None:
    planet, moon = bare("generated", "PLANET-2").body, bare("generated", "PLANET-2-MOON-1").body
    assert planet.solar_system == "TST-100001"
    assert planet.bulk.gravity_m_s2 == pytest.approx(6.6743e-11 * 5.6e24 / 6.2e6**2, rel=1e-5)
    assert planet.sources["bulk.gravity_m_s2"] == "game file, field `gravity` (g) times 9.80665 m/s2"
    assert planet.orbit.semi_major_axis_m == pytest.approx(0.62 * 1.495978707e11)
    assert planet.orbit.eccentricity == 0.034
    assert planet.orbit.sidereal_year_s == 201.901 * 86400
    assert moon.orbit.model_dump(exclude={"solar_day_s"}) == {
        **planet.orbit.model_dump(exclude={"solar_day_s", "solar_constant_w_m2"}),
        "solar_constant_w_m2": planet.orbit.solar_constant_w_m2,
    }
    rotation = SYSTEM["celestial_bodies"]["terrestrial_planets"][1]["moons"][0]["orbits"][0]["orbital_period_days"]
    assert 1 / moon.orbit.solar_day_s == pytest.approx(1 / (rotation * 86400) - 1 / moon.orbit.sidereal_year_s)
    light = bare("generated", "PLANET-1").body.orbit.solar_constant_w_m2
    assert light == pytest.approx(1361 * 0.32 / 0.38**2)


def test_a_generated_moon_has_gases_beside_its_pressure() -> None:
    moon = bare("generated", "PLANET-2-MOON-2").body
    assert set(moon.atmosphere.mass_kg) == {"N2", "CO2", "Ar"}
    assert moon.surface_pressure_pa == pytest.approx(10.0, rel=1e-5)


def test_hints_of_the_generator_are_no_inventory() -> None:
    planet = bare("generated", "PLANET-1")
    assert planet.body.geosphere.stored_volatiles_kg == {}
    assert any(line.startswith("not used: ") and "volatile_reservoir" in line for line in planet.assumptions)


def places(value: object, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([prefix] if prefix else []), *(p for key, item in children for p in places(item, (*prefix, key)))]


ODD = st.one_of(
    st.sampled_from([None, True, 0, -1, 1e308, 1e-308, 5e-324, 10**400, "", "x", "-3", "1e5", [], {}, [[]], [3]]),
    st.sampled_from([{"a": 1}, {"percentage": 5}, [{"state": "gas", "percentage": 3}], "PLANET-1", "PLANET-1-MOON-1"]),
    st.floats(),
    st.floats(min_value=1e-30, max_value=1e30),
    st.integers(),
    st.text(max_size=5),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(places(SYSTEM)), ODD, st.booleans()), min_size=1, max_size=3))
def test_a_changed_system_is_imported_or_refused_in_one_sentence(
    tmp_path: Path, changes: list[tuple[tuple[Any, ...], object, bool]]
) -> None:
    data = copy.deepcopy(SYSTEM)
    for where, value, drop in changes:
        part: Any = data
        try:
            for key in where[:-1]:
                part = part[key]
            if drop:
                del part[where[-1]]
            else:
                part[where[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        bodies, sentence = import_bodies(write(tmp_path, data)).bodies, ""
    except InvalidInput as error:
        bodies, sentence = (), str(error)
    assert "\n" not in sentence
    assert sentence.encode().decode() == sentence
    for imported in bodies:
        assert Body.model_validate_json(imported.body.model_dump_json()) == imported.body
        assert math.isfinite(imported.body.surface_pressure_pa)
        assert len(imported.body.digest) == 64
