"""Where a body of a game file gets its sunlight and its year: a moon has them from its planet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from twinpipe.constants import ASTRONOMICAL_UNIT, DAY, GRAVITATIONAL_CONSTANT, SOLAR_CONSTANT_EARTH
from twinpipe.errors import InvalidInput
from twinpipe.game.draft import Draft
from twinpipe.game.entry import Entry, StarEntry, apart, parse_entry
from twinpipe.game.file import GameFile

SUN = StarEntry(name="Sol")
TRUSTED = 3.0  # factor between two sunlights that albedo, clouds or an eccentric orbit may explain


@dataclass(frozen=True)
class Sunlight:
    """Distance (m) to the star that gives most of it, that star, and the flux (W m-2) of all stars."""

    distance_m: float
    star: StarEntry
    flux_w_m2: float
    key: str
    unit: str


def planet_of(file: GameFile, e: Entry) -> Entry | None:
    """The body of the file that goes round the star and carries e: e itself unless it has a parent.

    None when a parent is not in the file.  Raises InvalidInput for parents in a circle.
    """
    seen = {e.identifier}
    stars = {name for s in (SUN, *file.stars) for name in (s.name, s.identifier)}
    while e.parent_body is not None and e.parent_body not in stars:
        found = file.find(e.parent_body)
        if found is None:
            return None
        e = parse_entry(found)
        if e.identifier in seen:
            raise InvalidInput(f"{e.identifier}.parent_body", e.parent_body, "parents must not form a circle")
        seen.add(e.identifier)
    return None if e.type == "moon" else e


def sunlight(e: Entry, stars: Sequence[StarEntry], *, own_orbit: bool = True) -> Sunlight | None:
    """S = 1361 W/m2 sum (L / L_sun) (au / d)^2 at the distances of the file; None without any.

    own_orbit: whether `orbits` are round the star, as a planet's are.
    """
    given: list[tuple[str | None, float, str, str]] = []
    if own_orbit and e.orbits and (au := e.orbits[0].distance_au) is not None:
        given = [(e.orbits[0].around, au * ASTRONOMICAL_UNIT, "orbits.semi_major_axis_au", "au")]
    elif e.star_distances:
        given = [(d.star_name, d.distance * 1e3, "star_distances.distance", "km") for d in e.star_distances]
    made = []
    for name, distance, key, unit in given:
        star = star_called(name, stars)
        flux = SOLAR_CONSTANT_EARTH * star.luminosity_of_sun * (ASTRONOMICAL_UNIT / distance) ** 2
        made.append(Sunlight(distance, star, flux, key, unit))
    if not made:
        return None
    main = max(made, key=lambda s: s.flux_w_m2)
    total = math.fsum(s.flux_w_m2 for s in made)
    return Sunlight(main.distance_m, main.star, total, main.key, main.unit)


def star_called(name: str | None, stars: Sequence[StarEntry]) -> StarEntry:
    """The star of that name or identifier; else the first of the file, else the Sun."""
    named = [s for s in stars if name is not None and name in (s.name, s.identifier)]
    return named[0] if named else stars[0] if stars else SUN


def kepler_seconds(distance_m: float, mass_kg: float) -> float:
    """P = 2 pi sqrt(a^3 / (G M))."""
    return 2 * math.pi * math.sqrt(distance_m * distance_m * distance_m / (GRAVITATIONAL_CONSTANT * mass_kg))


def fill_orbit(draft: Draft, e: Entry, file: GameFile) -> None:
    """Set the orbit of the draft, or raise InvalidInput when nothing tells how far from a star the body is."""
    planet = planet_of(file, e)
    path = planet or e
    light = sunlight(path, file.stars, own_orbit=planet is not None)
    of = "" if path is e else f" of {path.name}, round which it goes"
    if path is not e:
        name = f"{path.name} ({path.identifier})"
        draft.assume(f"it goes round {name}: distance to the star, year and sunlight are that planet's")
    elif planet is None:
        draft.assume("its planet is not in the file: the year follows from its own distance to the star")
    if light is None:
        light = _light_of_insolation(path, file.stars)
        draft.assume(f"distance to the star {light.distance_m:.4g} m follows from insolation and the star's luminosity")
    _axis(draft, e, path, light, of)
    year = _year(draft, path, light, of, known=planet is not None)
    elements = path.orbits[0] if planet is not None and path.orbits else path.orbital_elements
    eccentricity = elements.eccentricity
    if eccentricity is not None:
        draft.take("orbit.eccentricity", eccentricity, "eccentricity", of)
    else:
        draft.suppose("orbit.eccentricity", 0.0, f"the file has none{of}")
    draft.suppose("orbit.eclipse_fraction", 0.0, "nothing is known of eclipses by its planet")
    draft.suppose("orbit.perihelion_ls_degree", 0.0, "the file does not tell when the body is nearest to its star")
    if e.axial_tilt is not None:
        draft.take("orbit.obliquity_degree", e.axial_tilt, "axial_tilt", " (degrees)")
    else:
        draft.suppose("orbit.obliquity_degree", 0.0, "the file has no axial tilt")
    _day(draft, e, year, is_moon=path is not e or e.type == "moon")


def _light_of_insolation(path: Entry, stars: Sequence[StarEntry]) -> Sunlight:
    if path.insolation is None:
        raise InvalidInput(
            f"{path.identifier}.star_distances",
            None,
            "a body needs its distance to a star, or its insolation, so that there is sunlight to compute with",
        )
    star = star_called(None, stars)
    distance = ASTRONOMICAL_UNIT * math.sqrt(SOLAR_CONSTANT_EARTH * star.luminosity_of_sun / path.insolation)
    return Sunlight(distance, star, path.insolation, "insolation", "W/m2")


def _axis(draft: Draft, e: Entry, path: Entry, light: Sunlight, of: str) -> None:
    """Distance and sunlight: the distance wins, unless the stated insolation is more than a factor 3 off."""
    draft.take("orbit.semi_major_axis_m", light.distance_m, light.key, f" ({light.unit}){of}")
    own = sunlight(e, (), own_orbit=False) if path is not e else None
    if own is not None and apart(own.distance_m, light.distance_m, 0.01):
        draft.differ(
            f"star distance {own.distance_m / 1e3:g} km, but {path.name} is at {light.distance_m / 1e3:g} km; "
            "the planet's is used"
        )
    stated = e.insolation if e.insolation is not None else path.insolation
    if stated is not None and not 1 / TRUSTED < stated / light.flux_w_m2 < TRUSTED:
        draft.take("orbit.solar_constant_w_m2", stated, "insolation", " (W/m2)")
        draft.differ(
            f"insolation {stated:g} W/m2 and the {light.flux_w_m2:.4g} W/m2 of distance and luminosity are more than "
            f"a factor {TRUSTED:g} apart; the insolation is used"
        )
        return
    how = f" ({light.unit}){of}: 1361 W/m2 x luminosity over the Sun's / (distance / au)^2"
    draft.take("orbit.solar_constant_w_m2", light.flux_w_m2, light.key, how)


def _year(draft: Draft, path: Entry, light: Sunlight, of: str, *, known: bool) -> float:
    """Length of the year, s: the stated one of what goes round the star, else Kepler's."""
    expected = kepler_seconds(light.distance_m, light.star.mass_kg)
    in_orbit = path.orbits[0].orbital_period_days if known and path.orbits else None
    days = (in_orbit if in_orbit is not None else path.orbital_period) if known else None
    if in_orbit is not None and path.orbital_period is not None and apart(in_orbit, path.orbital_period, 0.02):
        draft.differ(
            f"orbital_period {path.orbital_period:g} d, but the orbit says {in_orbit:g} d; the orbit's is used"
        )
    if days is None:
        draft.suppose("orbit.sidereal_year_s", expected, "Kepler's law at the distance to the star")
        return expected
    key = "orbits.orbital_period_days" if in_orbit is not None else "orbital_period"
    draft.take("orbit.sidereal_year_s", days * DAY, key, f" (days){of}")
    if apart(days * DAY, expected):
        draft.differ(
            f"a year of {days:g} d{of}, but distance and mass of the star give {expected / DAY:.4g} d; "
            "the stated year and the stated distance are both used"
        )
    return days * DAY


def _day(draft: Draft, e: Entry, year: float, *, is_moon: bool) -> None:
    """Solar day from the rotation, 1/day = 1/rotation - 1/year; at most a year, which is what a locked planet has."""
    rotation, target = None, "orbit.solar_day_s"
    period = (e.orbits[0].orbital_period_days if e.orbits else None) or e.orbital_period
    if e.rotational_period:
        rotation, key, unit = e.rotational_period * DAY, "rotational_period", "days"
    elif e.rotation_period:
        rotation, key, unit = e.rotation_period * 3600.0, "rotation_period", "hours"
    elif is_moon and period is not None:
        rotation, key, unit = period * DAY, "orbital_period", "days round the planet, to which the moon is locked"
        draft.assume("it turns once in an orbit round its planet (tidally locked)")
    if rotation is None:
        draft.suppose(
            target, DAY, "the file has no rotation; only the daily cycle and the transport of heat depend on it"
        )
        return
    rate = abs(1 / rotation - 1 / year)
    day = min(1 / rate, year) if rate > 0 else year
    draft.take(target, day, key, f" ({unit}): 1 / (1 / rotation - 1 / year)")
