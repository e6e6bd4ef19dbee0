"""Where the numbers of a body in a game file contradict each other, with both numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from twinpipe.constants import ASTRONOMICAL_UNIT, SOLAR_CONSTANT_EARTH, STEFAN_BOLTZMANN
from twinpipe.game.entry import Entry, parse_entry

BAR = 1e5  # Pa
CLOSE = 0.05  # relative difference that two or three given digits explain
GIANTS = ("gas_giant", "ice_giant")  # no surface, so neither surface pressure nor temperature


def inconsistencies(entry: dict[str, Any]) -> list[str]:
    """One line for each contradiction of an entry of celestial_bodies; raises InvalidInput."""
    return list(contradictions(parse_entry(entry)))


def contradictions(e: Entry) -> Iterator[str]:
    """The lines of `inconsistencies` for an entry that has been validated."""
    yield from _bulk(e)
    yield from _atmosphere(e)
    yield from _hydrosphere(e)
    yield from _geosphere(e)
    yield from _sunlight(e)


def sunlight_w_m2(e: Entry) -> float | None:
    """Flux at the stated distance from the Sun; None for other stars or without a distance."""
    for star in e.star_distances:
        if star.star_name == "Sol":
            return SOLAR_CONSTANT_EARTH * (ASTRONOMICAL_UNIT / (star.distance * 1e3)) ** 2
    return None


def apart(a: float, b: float, tolerance: float = CLOSE) -> bool:
    """Whether two numbers differ by more than a fraction of the larger one."""
    return abs(a - b) > tolerance * max(abs(a), abs(b))


def _bulk(e: Entry) -> Iterator[str]:
    density = e.mass / (4 / 3 * math.pi * e.radius * e.radius * e.radius) / 1e3
    if e.density is not None and apart(density, e.density):
        yield f"density {e.density:g} g/cm3, but mass and radius give {density:.4g} g/cm3"
    if e.gravity is not None and apart(e.gravity_of_mass, e.gravity):
        yield f"gravity {e.gravity:g} m/s2, but mass and radius give {e.gravity_of_mass:.4g} m/s2"


def _atmosphere(e: Entry) -> Iterator[str]:
    air = e.atmosphere_attributes
    if air.total_atmospheric_mass is not None:
        mass = air.total_atmospheric_mass
        pressure = mass * (e.gravity or e.gravity_of_mass) / e.area_m2 / BAR
        # Pressures below a nanobar are vacuum, whatever the file says.
        if (
            air.pressure is not None
            and e.type not in GIANTS
            and max(pressure, air.pressure) > 1e-9
            and apart(pressure, air.pressure)
        ):
            yield (f"pressure {air.pressure:g} bar, but total_atmospheric_mass {mass:g} kg gives {pressure:.3g} bar")
        if mass >= 0.95 * e.mass:
            yield f"total_atmospheric_mass {_of_body(mass, e)}"
        if mass > 0 and not air.composition:
            yield f"total_atmospheric_mass {mass:g} kg, but composition names no gas"
    if air.composition:
        yield from _percents("atmosphere_attributes.composition", [g.percentage for g in air.composition.values()])


def _hydrosphere(e: Entry) -> Iterator[str]:
    water = e.hydrosphere_attributes
    mass = water.total_hydrosphere_mass
    if mass is not None and mass >= 0.9 * e.mass:
        yield f"total_hydrosphere_mass {_of_body(mass, e)}"
    for key in ("composition", "state_distribution"):
        shares = list(getattr(water, key).values())
        if shares:
            yield from _percents(f"hydrosphere_attributes.{key}", shares)


def _geosphere(e: Entry) -> Iterator[str]:
    ground = e.geosphere_attributes
    layers = [ground.total_crust_mass, ground.total_mantle_mass, ground.total_core_mass]
    total = math.fsum(layer or 0.0 for layer in layers)
    ratio = total / e.mass
    # Layers that are not given can only add, so too little counts only when all are there.
    if ratio > 1 + CLOSE or (None not in layers and ratio < 1 - CLOSE):
        yield f"crust, mantle and core weigh {total:g} kg, {ratio:.2g} times the body's mass {e.mass:g} kg"
    own, theirs = e.geological_activity, ground.geological_activity
    if None not in (own, theirs) and own != theirs:
        yield f"geological_activity {own!r} of the body, but {theirs!r} of its geosphere"


def _sunlight(e: Entry) -> Iterator[str]:
    computed = sunlight_w_m2(e)
    if e.insolation is not None and computed is not None and apart(e.insolation, computed, 0.02):
        yield f"insolation {e.insolation:g} W/m2, but the distance from Sol gives {computed:.4g} W/m2"
    flux = e.insolation or computed
    if flux is None or e.albedo is None or e.surface_temperature is None or e.type in GIANTS:
        return
    balance = (flux * (1 - e.albedo) / 4 / STEFAN_BOLTZMANN) ** 0.25
    # A surface colder than its sunlight is odd anywhere, a warmer one only without air to keep it so.
    warmer = (e.atmosphere_attributes.pressure or 0.0) < 1e-3 and e.surface_temperature > 1.1 * balance
    if warmer or e.surface_temperature < 0.9 * balance:
        yield (
            f"surface_temperature {e.surface_temperature:g} K, but sunlight and albedo {e.albedo:g} "
            f"balance at {balance:.0f} K"
        )


def _of_body(mass: float, e: Entry) -> str:
    return f"{mass:g} kg is {mass / e.mass:.2f} times the body's mass {e.mass:g} kg"


def _percents(field: str, shares: list[float]) -> Iterator[str]:
    total = math.fsum(shares)
    if abs(total - 100) > 0.05:
        yield f"{field} adds up to {total:.6g} %, not 100 %"
