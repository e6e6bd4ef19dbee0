"""Bodies read from the game's file: values in SI, contradictions by name, and refusals in one sentence."""

from __future__ import annotations

import copy
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from twinpipe.body import Body, builtin_body, load_body
from twinpipe.errors import InvalidInput, NotFound, StoreError
from twinpipe.game.importer import ImportedBody, import_bodies, save_import

GAME = Path(__file__).parents[2].parent / "shared" / "data" / "game"
needs_game = pytest.mark.skipif(
    not (GAME / "sol-complete.json").is_file(), reason="the game's sol-complete.json is not beside this checkout"
)
shared_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SMALL: dict[str, Any] = {
    "identifier": "TOY-01",
    "celestial_bodies": [
        {
            "identifier": "MARS-01",
            "name": "Mars",
            "type": "terrestrial_planet",
            "mass": "6.4e23",
            "radius": 3.4e6,
            "gravity": 3.7,
            "albedo": 0.2,
            "orbital_period": 687,
            "insolation": 590,
            "star_distances": [{"star_name": "Sol", "distance": 2.28e8}],
            "atmosphere_attributes": {
                "composition": {"CO2": {"percentage": 60}, "N2": {"percentage": 20}},
                "total_atmospheric_mass": 1e16,
            },
            "geosphere_attributes": {"stored_volatiles": {"H2O": {"polar_caps": 3e15, "regolith": 1e15}}},
            "hydrosphere_attributes": {"total_hydrosphere_mass": 4e18, "composition": {"H2O": 100}},
        },
        {"identifier": "FAR-02", "name": "Far", "mass": "1e22", "radius": 1e6},
    ],
}


def write(folder: Path, data: object) -> Path:
    path = folder / "game.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def small(**changes: Any) -> dict[str, Any]:
    """The small file with keys of its Mars replaced; None drops one."""
    data = copy.deepcopy(SMALL)
    mars = data["celestial_bodies"][0]
    mars.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del mars[key]
    return data


def mars_of(folder: Path, data: dict[str, Any]) -> ImportedBody:
    return import_bodies(write(folder, data), "MARS-01").bodies[0]


@needs_game
def test_mars_of_the_game() -> None:
    mars = import_bodies(GAME / "sol-complete.json", "Mars").bodies[0]
    body = mars.body
    assert (body.identifier, body.name, body.kind) == ("MARS-01", "Mars", "terrestrial_planet")
    assert body.atmosphere.total_mass_kg == pytest.approx(2.5e16, rel=1e-14)
    assert body.surface_pressure_pa == pytest.approx(645, abs=1)
    assert body.atmosphere.mass_kg["N2"] / 2.5e16 == pytest.approx(0.0175, abs=1e-4)
    assert body.bulk.mean_radius_m == 3.389e6
    assert body.orbit == builtin_body("mars").orbit
    assert math.fsum(d.mass_kg for d in body.hydrosphere.surface_ice) == pytest.approx(8e15)
    assert body.geosphere.stored_volatiles_kg["CO2"]["clathrates"] == 3e17
    assert body.assumptions == mars.assumptions
    assert any("589" in line and "586.2" in line for line in mars.assumptions)


@needs_game
def test_mars_of_the_game_has_a_stable_digest() -> None:
    every, alone = (import_bodies(GAME / "sol-complete.json", only).bodies for only in (None, "mars"))
    first = next(b for b in every if b.body.identifier == "MARS-01")
    assert first.body.digest == alone[0].body.digest
    assert first.body.digest != builtin_body("mars").digest


@needs_game
@shared_folder
@given(cut=st.floats(0, 1, exclude_max=True))
def test_the_game_file_cut_anywhere_is_refused(tmp_path: Path, cut: float) -> None:
    content = (GAME / "sol-complete.json").read_bytes().rstrip()
    path = tmp_path / "cut.json"
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InvalidInput, match="complete JSON"):
        import_bodies(path)


def test_values_are_kept_or_completed(tmp_path: Path) -> None:
    imported = mars_of(tmp_path, small())
    body, builtin = imported.body, builtin_body("mars")
    assert body.solar_system == "TOY-01"
    assert body.bulk.model_dump() == {"mean_radius_m": 3.4e6, "gravity_m_s2": 3.7, "mass_kg": 6.4e23}
    # 60 and 20 percent of the volume are three to one; by mass 3 x 44.009 to 28.014.
    assert body.atmosphere.mass_kg["CO2"] == pytest.approx(1e16 * 132.027 / 160.041)
    assert body.atmosphere.mass_kg["N2"] == pytest.approx(1e16 * 28.014 / 160.041)
    assert body.hydrosphere.total_water_kg == 4e18
    north, south = body.hydrosphere.surface_ice
    assert north.mass_kg + south.mass_kg == pytest.approx(3e15)
    assert north.mass_kg / south.mass_kg == pytest.approx(7.65 / 15.9)
    assert body.geosphere.stored_volatiles_kg == {"H2O": {"regolith": 1e15}}
    for part in ("orbit", "surface", "climate", "co2_ice"):
        assert getattr(body, part) == getattr(builtin, part)
    assert body.sources["bulk.mass_kg"] == "game file, field `mass` (kg)"
    assert body.sources["orbit.eccentricity"].startswith("completed from built-in Mars")
    assert not any(key.startswith("geosphere.stored_volatiles_kg.CO2") for key in body.sources)
    assert any("80 and were normalised" in line for line in imported.assumptions)
    assert any("adds up to 80 %" in line for line in imported.inconsistencies)


def test_a_bare_body_is_completed(tmp_path: Path) -> None:
    bare = {"identifier": "MARS-01", "name": "Mars", "mass": 6.4e23, "radius": 3.4e6}
    imported = mars_of(tmp_path, {"celestial_bodies": [bare]})
    builtin = builtin_body("mars")
    assert imported.body.atmosphere == builtin.atmosphere
    assert imported.body.hydrosphere == builtin.hydrosphere
    assert imported.body.geosphere == builtin.geosphere
    assert imported.body.bulk.gravity_m_s2 == pytest.approx(3.695, abs=1e-3)
    assert imported.body.solar_system == "SOL-01"
    assert imported.inconsistencies == ()


def test_unknown_keys_are_only_mentioned(tmp_path: Path) -> None:
    data = small(colour="red", materials=[], hydrosphere_attributes={"taste": 1})
    data["extra"] = {}
    imported = mars_of(tmp_path, data)
    for key in ("extra", "colour", "hydrosphere_attributes.taste"):
        assert f"unknown key '{key}' is ignored" in imported.assumptions
    assert "not used: materials" in imported.assumptions


def test_a_gas_that_is_not_followed_is_left_out(tmp_path: Path) -> None:
    air = {"composition": {"CO2": {"percentage": 99}, "Xe": {"percentage": 1}}, "total_atmospheric_mass": 1e16}
    imported = mars_of(tmp_path, small(atmosphere_attributes=air))
    assert imported.body.atmosphere.mass_kg == {"CO2": 1e16}
    assert any("Xe 1 %" in line for line in imported.assumptions)


def test_another_orbit_is_a_contradiction(tmp_path: Path) -> None:
    imported = mars_of(tmp_path, small(star_distances=[{"star_name": "Sol", "distance": 1.5e8}]))
    lines = "\n".join(imported.inconsistencies)
    assert "star distance 1.5e+11 m, but the orbit of the built-in Mars" in lines
    assert "insolation 590 W/m2, but the distance from the star gives 1354 W/m2" in lines


def test_only_checks_the_body_it_names(tmp_path: Path) -> None:
    data = small()
    del data["celestial_bodies"][1]["mass"]
    path = write(tmp_path, data)
    assert len(import_bodies(path, "mars").bodies) == 1
    for only in (None, "far"):
        with pytest.raises(InvalidInput, match=r"FAR-02\.mass: None .* kg"):
            import_bodies(path, only)


def test_only_must_exist_and_be_one(tmp_path: Path) -> None:
    data = small()
    data["celestial_bodies"][1]["name"] = "MARS"
    path = write(tmp_path, data)
    with pytest.raises(NotFound, match="known: MARS-01, FAR-02"):
        import_bodies(path, "Venus")
    with pytest.raises(InvalidInput, match="names several: MARS-01, FAR-02"):
        import_bodies(path, "mars")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"mass": None}, r"^MARS-01\.mass: None .* positive number of kg\.$"),
        ({"radius": None}, r"^MARS-01\.radius: None .* positive number of metres\.$"),
        ({"mass": 0}, r"^MARS-01\.mass: 0 .* greater than"),
        ({"mass": "heavy"}, r"^MARS-01\.mass: 'heavy' .* valid number"),
        ({"mass": True}, r"^MARS-01\.mass: True .* number"),
        ({"mass": "nan"}, r"^MARS-01\.mass: 'nan' "),
        ({"mass": "1e999"}, r"^MARS-01\.mass: '1e999' "),
        ({"radius": -3.4e6}, r"^MARS-01\.radius: -3400000\.0 .* greater than"),
        ({"radius": math.nan}, r"^celestial_bodies\.MARS-01\.radius: nan .* finite number"),
        ({"radius": math.inf}, r"^celestial_bodies\.MARS-01\.radius: inf .* finite number"),
        ({"remark": {"deep": [math.nan]}}, r"MARS-01\.remark\.deep\.0: nan "),
        ({"identifier": "mars 1"}, r"celestial_bodies|MARS|mars 1"),
        ({"atmosphere_attributes": {"composition": {"CO2": {"percentage": -1}}}}, r"CO2\.percentage: -1 "),
        ({"atmosphere_attributes": {"total_atmospheric_mass": 1e16}}, r"composition: None .* at least one gas"),
        ({"hydrosphere_attributes": {"composition": [{"compound": [], "percentage": 1}]}}, r"composition: "),
        ({"identifier": "FAR-02"}, r"^identifier: 'FAR-02' .* unique"),
    ],
)
def test_wrong_values_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidInput, match=match) as caught:
        import_bodies(write(tmp_path, small(**changes)))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "cut off"),
        ('{"celestial_bodies": [', "cut off"),
        ('{"celestial_bodies": "mar', "cut off"),
        ("Mars", "complete JSON"),
        ("[]", "object with celestial_bodies"),
        ("{}", "object with celestial_bodies"),
        ('{"celestial_bodies": []}', "at least one body"),
        ('{"celestial_bodies": [3]}', r"celestial_bodies\.0: 3 .* object"),
        ('{"celestial_bodies": [{"name": "Mars"}]}', r"0\.identifier: None"),
        ('{"celestial_bodies": [{"identifier": "A-1", "orbits": []}]}', r"A-1\.name: None"),
        ('{"celestial_bodies": {"moons": []}}', "at least one body"),
        ('{"celestial_bodies": {"moons": 3}}', r"celestial_bodies\.moons: 3 .* list of bodies"),
        ('{"celestial_bodies": [{"identifier": "A-1", "moons": {}}]}', r"A-1\.moons: .* list of bodies"),
        ('{"celestial_bodies": [{"identifier": "A-1"}], "stars": 1}', r"stars: 1 .* list of stars"),
        ('{"celestial_bodies": [{"identifier": "A-1"}], "stars": [{"mass": -1}]}', r"stars\.0\.mass: -1 "),
        ("[" * 100_000, "ordinary size and depth"),
        ("9" * 5000, "ordinary size and depth"),
    ],
)
def test_files_that_are_no_game_file_are_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        import_bodies(write(tmp_path, text))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe{")
    for name, match in [("none.json", "No such file"), (".", "directory"), ("latin.json", "UTF-8"), ("a\0b", "UTF")]:
        with pytest.raises(InvalidInput, match=match):
            import_bodies(tmp_path / name)


def paths(value: object, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([prefix] if prefix else []), *(p for key, item in children for p in paths(item, (*prefix, key)))]


ODD = st.one_of(
    st.sampled_from([None, True, math.nan, -math.inf, 0, -1, 1e308, 1e-308, 5e-324, 10**400, "", "x", "-3", "1e999"]),
    st.sampled_from(
        ["\ud800", "a\nb", [], {}, [[]], {"\ud800": 1}, {"a\nb": -1}, {"a": {"b": 1}}, [{"compound": "H2O"}]]
    ),
    st.floats(),
    st.integers(),
    st.text(max_size=5),
)


@settings(shared_folder, max_examples=400)
@given(where=st.sampled_from(paths(SMALL)), value=ODD, drop=st.booleans())
@example(where=("celestial_bodies", 0, "radius"), value=1e-308, drop=False)
def test_any_broken_place_is_imported_or_refused(
    tmp_path: Path, where: tuple[Any, ...], value: object, drop: bool
) -> None:
    data = copy.deepcopy(SMALL)
    part = data
    for key in where[:-1]:
        part = part[key]
    if drop:
        del part[where[-1]]
    else:
        part[where[-1]] = value
    try:
        bodies = import_bodies(write(tmp_path, data)).bodies
        sentence = ""
    except InvalidInput as error:
        bodies, sentence = (), str(error)
    assert "\n" not in sentence
    assert sentence.encode().decode() == sentence
    for imported in bodies:
        assert len(imported.body.digest) == 64
        assert Body.model_validate_json(imported.body.model_dump_json()) == imported.body


@shared_folder
@given(cut=st.integers(0, len(json.dumps(SMALL)) - 1))
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(InvalidInput, match="complete JSON"):
        import_bodies(write(tmp_path, json.dumps(SMALL)[:cut]))


def test_a_saved_import_is_loaded_again(tmp_path: Path) -> None:
    imported = mars_of(tmp_path, small())
    folder = tmp_path / "bodies" / "new"
    path = save_import(imported, folder)
    assert path == folder / "MARS-01.json"
    assert save_import(imported, folder) == path
    assert [p.name for p in folder.iterdir()] == ["MARS-01.json"]
    loaded = load_body("MARS-01", imported=folder)
    assert loaded == imported.body
    assert loaded.digest == imported.body.digest


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    imported = mars_of(tmp_path, small())
    with pytest.raises(StoreError, match=r"cannot write .*MARS-01\.json") as caught:
        save_import(imported, tmp_path / "game.json" / "below")
    assert caught.value.exit_code == 1


def test_a_failed_save_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_import(mars_of(tmp_path, small()), tmp_path / "bodies")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        save_import(mars_of(tmp_path, small(albedo=0.3)), path.parent)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["MARS-01.json"]
