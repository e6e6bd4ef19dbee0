"""Which number wins where a game file contradicts itself, what is assumed where it is silent, what is said of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.game_files import FILES, bare, needs

from twinpipe.clock import usual_steps
from twinpipe.constants import ASTRONOMICAL_UNIT, DAY, YEAR
from twinpipe.errors import InvalidInput
from twinpipe.game import importer
from twinpipe.game.importer import ImportedBody, import_bodies

PLANET: dict[str, Any] = {
    "identifier": "ROCK-01",
    "name": "Rock",
    "type": "terrestrial_planet",
    "mass": 6e24,
    "radius": 6.4e6,
    "orbital_period": 365.25,
    "albedo": 0.3,
    "surface_temperature": 288,
    "star_distances": [{"star_name": "Sol", "distance": 1.495978707e8}],
}
AIR = {"composition": {"N2": {"percentage": 80}, "O2": {"percentage": 20}}, "total_atmospheric_mass": 5e18}
MOON: dict[str, Any] = {"identifier": "PEBBLE-01", "name": "Pebble", "type": "moon", "mass": 7e22, "radius": 1.7e6}


@pytest.fixture(autouse=True)
def nothing_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "known_bodies", dict)


def made(folder: Path, *bodies: dict[str, Any], stars: list[dict[str, Any]] | None = None) -> ImportedBody:
    """The first of some bodies, imported from a file."""
    path = folder / "game.json"
    system = {"celestial_bodies": list(bodies)} | ({"stars": stars} if stars is not None else {})
    path.write_text(json.dumps(system), encoding="utf-8")
    return import_bodies(path, bodies[0]["identifier"]).bodies[0]


def lines(imported: ImportedBody) -> str:
    return "\n".join(imported.inconsistencies)


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("MARS-01", ["7.5 times", "99.6 %", "30 of the body, but 20", "0.006 bar", "0.00645 bar; the mass is used"]),
        ("TITAN-01", ["pressure 1.5 bar", "2.43 bar; the mass is used"]),
        ("EUROPA-01", ["pressure 1e-07 bar", "4.29e-07 bar", "total_hydrosphere_mass 4.8e+22 kg is 1.00 times"]),
        ("EARTH-01", ["100.34 %", "0.81 times"]),
        ("PLUTO-01", ["total_atmospheric_mass 1.3e+22 kg is 1.00 times", "surface_temperature 44 K"]),
        ("SEDNA-01", ["gravity 0.3 m/s2, but mass and radius give 0.2691 m/s2", "a year of 4.152e+06 d"]),
        ("STYX-01", ["density 1.5 g/cm3, but mass and radius give 14.32 g/cm3"]),
    ],
)
@needs("flat list")
def test_contradictions_of_the_game(identifier: str, parts: list[str]) -> None:
    said = bare("flat list", identifier).inconsistencies
    assert [part for part in parts if part not in "\n".join(said)] == []
    assert len(set(said)) == len(said)


@needs("old fixture")
def test_volumes_against_the_mass_of_water() -> None:
    mars = bare("old fixture", "MARS-01")
    assert "liquid_bodies weigh 3.98e+18 kg as water and ice, but total_hydrosphere_mass is 1.386e+21 kg" in lines(mars)
    assert mars.body.hydrosphere.total_water_kg == pytest.approx(0.98 * 1.386e21)
    assert "volumes" not in lines(bare("old fixture", "EARTH-01"))


def test_generated_contradictions() -> None:
    second, third, last = (bare("generated", i) for i in ("PLANET-2", "PLANET-3", "ASTEROID-8"))
    assert "insolation 4200 W/m2 and the 1133 W/m2 of distance and luminosity are more than a factor 3" in lines(second)
    assert second.body.orbit.solar_constant_w_m2 == 4200
    assert "known_pressure 0.02 bar, but the atmosphere has 0.015 bar" in lines(third)
    assert "99.5 %" in lines(third)
    assert "surface_temperature 150 K, but sunlight and albedo 0.2 balance at 125 K" in lines(last)
    assert lines(bare("generated", "PLANET-1")) == ""


def test_shares_of_volume_become_masses(tmp_path: Path) -> None:
    body = made(tmp_path, PLANET | {"atmosphere_attributes": AIR}).body
    n2, o2 = 0.8 * 28.014, 0.2 * 31.998
    assert body.atmosphere.mass_kg["O2"] == pytest.approx(5e18 * o2 / (n2 + o2), rel=1e-4)
    assert body.atmosphere.total_mass_kg == pytest.approx(5e18)


@given(bar=st.floats(1e-3, 100))
def test_a_pressure_without_a_mass_becomes_a_mass(tmp_path_factory: pytest.TempPathFactory, bar: float) -> None:
    air = {"composition": AIR["composition"], "pressure": bar}
    body = made(tmp_path_factory.mktemp("air"), PLANET | {"atmosphere_attributes": air}).body
    assert body.surface_pressure_pa == pytest.approx(bar * 1e5)


def test_air_as_heavy_as_the_body_is_not_believed(tmp_path: Path) -> None:
    air = AIR | {"total_atmospheric_mass": 6e24, "pressure": 0.5}
    imported = made(tmp_path, PLANET | {"atmosphere_attributes": air})
    assert imported.body.surface_pressure_pa == pytest.approx(5e4)
    assert "total_atmospheric_mass 6e+24 kg is 1.00 times the body's mass" in lines(imported)
    assert any("the pressure 0.5 bar is used" in line for line in imported.assumptions)
    del air["pressure"]
    with pytest.raises(InvalidInput, match=r"total_atmospheric_mass: 6e\+24 .* or a pressure must be given"):
        made(tmp_path, PLANET | {"atmosphere_attributes": air})


def test_half_of_hydrogen_is_a_giant_whatever_its_type(tmp_path: Path) -> None:
    air = {"composition": {"H2": {"percentage": 90}, "He": {"percentage": 10}}, "total_atmospheric_mass": 5e24}
    with pytest.raises(InvalidInput, match="no solid surface"):
        made(tmp_path, PLANET | {"atmosphere_attributes": air})


def test_air_without_gases_is_left_out_only_where_it_is_thin(tmp_path: Path) -> None:
    thin = made(tmp_path, PLANET | {"atmosphere_attributes": {"total_atmospheric_mass": 1e12}})
    assert thin.body.atmosphere.mass_kg == {}
    assert any("is left out: the file names none of its gases" in line for line in thin.assumptions)
    with pytest.raises(InvalidInput, match="at least one gas"):
        made(tmp_path, PLANET | {"atmosphere_attributes": {"total_atmospheric_mass": 1e16}})


@needs("flat list")
@pytest.mark.parametrize(("identifier", "low", "high"), [("EUROPA-01", 2.4e21, 3.3e21), ("CERES-01", 1.5e20, 3e20)])
def test_water_as_heavy_as_the_body_follows_from_its_density(identifier: str, low: float, high: float) -> None:
    """Published: 2.6e21 kg in Europa's ocean and 3e20 in its shell (A4); about a quarter of Ceres."""
    assert low < bare("flat list", identifier).body.hydrosphere.total_water_kg < high


@given(share=st.floats(0, 1))
def test_the_water_of_a_mixture_is_recovered(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    specific = share / 1000 + (1 - share) / 3500
    radius = (6e24 * specific * 3 / (4 * math.pi)) ** (1 / 3)
    entry = PLANET | {"radius": radius, "hydrosphere_attributes": {"total_hydrosphere_mass": 6e24}}
    body = made(tmp_path_factory.mktemp("water"), entry).body
    assert body.hydrosphere.total_water_kg == pytest.approx(share * 6e24, abs=1e-9 * 6e24)


def test_only_the_water_of_a_hydrosphere_counts(tmp_path: Path) -> None:
    sea = {"total_hydrosphere_mass": 1e18, "composition": {"CH4": 75, "H2O": 25}}
    imported = made(tmp_path, PLANET | {"hydrosphere_attributes": sea})
    assert imported.body.hydrosphere.total_water_kg == 2.5e17
    assert any("not CH4 75 %" in line for line in imported.assumptions)


def test_ice_caps_cover_what_they_say(tmp_path: Path) -> None:
    caps = {"composition": {"H2O": 100}, "liquid_bodies": {"ice_caps": {"volume": 2e6, "coverage": 10}}}
    south, north = made(tmp_path, PLANET | {"hydrosphere_attributes": caps}).body.hydrosphere.surface_ice
    assert south.mass_kg + north.mass_kg == pytest.approx(2e15 * 917)
    covered = 0.5 * (1 - math.sin(math.radians(north.south_degree)))
    assert 2 * covered == pytest.approx(0.1)
    assert (south.south_degree, south.north_degree) == (-90, -north.south_degree)


@given(factor=st.floats(0.2, 5))
def test_gravity_is_that_of_mass_and_radius_within_5_percent(
    tmp_path_factory: pytest.TempPathFactory, factor: float
) -> None:
    expected = 6.6743e-11 * 6e24 / 6.4e6**2
    imported = made(tmp_path_factory.mktemp("gravity"), PLANET | {"gravity": factor * expected})
    assert imported.body.bulk.gravity_m_s2 == pytest.approx(expected, rel=0.053)
    assert ("gravity" in lines(imported)) == (imported.body.bulk.gravity_m_s2 != factor * expected)


def test_units_are_sniffed(tmp_path: Path) -> None:
    density = 6e24 / (4 / 3 * math.pi * 6.4e6**3)
    for unit in (1.0, 1e-3):
        imported = made(tmp_path, PLANET | {"density": density * unit, "surface_area": 5.147e14 * unit**2})
        assert not any(key in lines(imported) for key in ("density", "surface_area"))
    assert "density 5 g/cm3" not in lines(made(tmp_path, PLANET | {"density": 5.4}))
    wrong = made(tmp_path, PLANET | {"density": 4000, "escape_velocity": 14.0, "volume": 2e12, "size": 2})
    for part in ("density 4000 kg/m3", "escape_velocity 14 km/s", "volume 2e+12 km3", "size 2 Earth radii"):
        assert part in lines(wrong)


def test_a_moon_has_the_year_and_the_light_of_its_planet(tmp_path: Path) -> None:
    moon = MOON | {"parent_body": "rock", "orbital_period": 27.3, "star_distances": [{"distance": 3e8}]}
    imported = made(tmp_path, moon, PLANET | {"orbital_elements": {"eccentricity": 0.1}})
    orbit = imported.body.orbit
    assert orbit.semi_major_axis_m == pytest.approx(ASTRONOMICAL_UNIT)
    assert (orbit.sidereal_year_s, orbit.eccentricity) == (365.25 * DAY, 0.1)
    assert orbit.solar_day_s == pytest.approx(DAY / (1 / 27.3 - 1 / 365.25))
    assert "star distance 3e+08 km, but Rock is at 1.49598e+08 km; the planet's is used" in lines(imported)


def test_a_moon_without_its_planet_has_the_year_of_its_distance(tmp_path: Path) -> None:
    moon = MOON | {"parent_body": "Lost", "orbital_period": 27.3, "star_distances": PLANET["star_distances"]}
    imported = made(tmp_path, moon)
    assert imported.body.orbit.sidereal_year_s == pytest.approx(365.25 * DAY, rel=1e-3)
    assert any("its planet is not in the file" in line for line in imported.assumptions)


def test_parents_in_a_circle_are_refused(tmp_path: Path) -> None:
    moons = [MOON | {"parent_body": "B-2"}, MOON | {"identifier": "B-2", "name": "B", "parent_body": "PEBBLE-01"}]
    with pytest.raises(InvalidInput, match=r"parent_body: .* must not form a circle"):
        made(tmp_path, *moons)


def test_a_body_without_sunlight_is_skipped_in_a_file_and_refused_alone(tmp_path: Path) -> None:
    dark = {k: v for k, v in PLANET.items() if k != "star_distances"}
    with pytest.raises(InvalidInput, match=r"ROCK-01\.star_distances: None .* distance to a star or an insolation"):
        made(tmp_path, dark)
    report = import_bodies(tmp_path / "game.json")
    assert ([s.identifier for s in report.skipped], report.bodies) == (["ROCK-01"], ())


@given(light=st.floats(1e-4, 1e4), au=st.floats(0.01, 100))
def test_sunlight_is_luminosity_over_distance_squared(
    tmp_path_factory: pytest.TempPathFactory, light: float, au: float
) -> None:
    km = au * 1.495978707e8
    entry = PLANET | {"star_distances": [{"star_name": "A", "distance": km}]}
    star = {"name": "A", "luminosity": light * 3.828e26, "mass": 2e30}
    flux = 1361 * light / au**2
    body = made(tmp_path_factory.mktemp("star"), entry, stars=[star]).body
    assert body.orbit.solar_constant_w_m2 == pytest.approx(flux)
    if flux / 2 >= 1e-9 and flux * 4 < 1e9:
        for stated, used in ((flux * 2, flux), (flux * 4, flux * 4), (flux / 4, flux / 4)):
            given_too = made(tmp_path_factory.mktemp("star"), entry | {"insolation": stated}, stars=[star])
            assert given_too.body.orbit.solar_constant_w_m2 == pytest.approx(used)
            assert "insolation" in lines(given_too)


def test_distance_follows_from_insolation_where_it_is_not_given(tmp_path: Path) -> None:
    dark = {k: v for k, v in PLANET.items() if k != "star_distances"} | {"insolation": 1361 / 4}
    assert made(tmp_path, dark).body.orbit.semi_major_axis_m == pytest.approx(2 * ASTRONOMICAL_UNIT)


def test_the_light_of_two_stars_adds(tmp_path: Path) -> None:
    both = [{"star_name": n, "distance": 1.495978707e8} for n in ("A", "B")]
    stars = [{"name": "A", "luminosity": 0.5}, {"name": "B", "luminosity": 0.25}]
    body = made(tmp_path, PLANET | {"star_distances": both}, stars=stars).body
    assert body.orbit.solar_constant_w_m2 == pytest.approx(0.75 * 1361)


@pytest.mark.parametrize(
    ("rotation", "solar_day"),
    [
        ({"rotation_period": 24}, DAY / (1 - 1 / 365.25)),
        ({"rotational_period": -243}, DAY / (1 / 243 + 1 / 365.25)),
        ({"rotational_period": 365.25}, 365.25 * DAY),
        ({}, DAY),
    ],
)
def test_the_solar_day_follows_from_the_rotation(tmp_path: Path, rotation: dict[str, float], solar_day: float) -> None:
    assert made(tmp_path, PLANET | rotation).body.orbit.solar_day_s == pytest.approx(solar_day)


def test_what_a_file_lacks_is_assumed_by_name(tmp_path: Path) -> None:
    bare_bones = {k: v for k, v in PLANET.items() if k not in ("albedo", "surface_temperature", "orbital_period")}
    imported = made(tmp_path, bare_bones)
    for field in (
        "orbit.sidereal_year_s",
        "orbit.eccentricity",
        "orbit.obliquity_degree",
        "orbit.solar_day_s",
        "atmosphere.mass_kg",
        "hydrosphere.total_water_kg",
        "surface.albedo",
        "surface.thermal_inertia_j_m2_k_s12",
        "surface.geothermal_flux_w_m2",
        "climate.diffusivity_w_m2_k",
    ):
        assert [line for line in imported.assumptions if line.startswith(f"{field} ")], field
        assert imported.body.sources[field].startswith("assumed: ")
    assert imported.body.surface.albedo == 0.12


def test_frost_of_co2_only_where_it_can_lie(tmp_path: Path) -> None:
    cold = {"composition": {"CO2": {"percentage": 95}, "N2": {"percentage": 5}}, "pressure": 0.01}
    far = PLANET | {"star_distances": [{"distance": 3e8}], "orbital_period": 1000, "atmosphere_attributes": cold}
    assert made(tmp_path, far | {"surface_temperature": 200}).body.co2_ice is not None
    assert made(tmp_path, far | {"surface_temperature": 300}).body.co2_ice is None
    assert made(tmp_path, PLANET | {"atmosphere_attributes": AIR}).body.co2_ice is None


def test_steps_are_at_most_half_a_year_and_never_too_many() -> None:
    assert usual_steps(1.88 * YEAR) == usual_steps(29.5 * YEAR) == 96
    for years in (84, 165, 248, 558, 4000):
        steps = usual_steps(years * YEAR)
        assert steps % 96 == 0
        assert years / steps <= 0.5 < years / (steps - 96)
    assert usual_steps(1e6 * YEAR) == 9984


@needs("flat list")
def test_the_name_is_enough(tmp_path: Path) -> None:
    assert import_bodies(FILES["flat list"], "titan").bodies[0].body == bare("flat list", "TITAN-01").body
