"""Where the numbers of a body in a game file contradict each other, with both numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twinpipe.constants import STANDARD_GRAVITY, STEFAN_BOLTZMANN
from twinpipe.game.entry import CLOSE, Entry, apart

BAR = 1e5  # Pa
HEAVIEST_AIR = 0.01  # of the mass of a solid body; Venus has 1e-4
EARTH_RADIUS = 6.371e6  # m; the unit of the game's `size`
WATER_DENSITY, ICE_DENSITY = 1000.0, 917.0  # kg m-3


def contradictions(e: Entry, flux_w_m2: float | None) -> Iterator[str]:
    """One line for each contradiction of a body that gets this flux (W m-2), None where that is not known."""
    yield from _bulk(e)
    yield from _atmosphere(e)
    yield from _hydrosphere(e)
    yield from _geosphere(e)
    yield from _sunlight(e, flux_w_m2)


def _bulk(e: Entry) -> Iterator[str]:
    density = e.mass / e.volume_m3 / (1.0 if e.density_unit == "kg/m3" else 1e3)
    if e.density is not None and apart(density, e.density):
        yield f"density {e.density:g} {e.density_unit}, but mass and radius give {density:.4g} {e.density_unit}"
    if e.gravity_m_s2 is not None and apart(e.gravity_of_mass, e.gravity_m_s2):
        unit = e.gravity_unit
        ours = e.gravity_of_mass / (STANDARD_GRAVITY if unit == "g" else 1.0)
        yield f"gravity {e.gravity:g} {unit}, but mass and radius give {ours:.4g} {unit}; mass and radius are used"
    escape = math.sqrt(2 * e.gravity_of_mass * e.radius)
    rows: list[tuple[str, object, float, str, tuple[float, str]]] = [
        ("size", e.size, e.radius / EARTH_RADIUS, "Earth radii", (1.0, "")),
        ("surface_area", e.surface_area, e.area_m2, "m2", (1e6, "km2")),
        ("volume", e.volume, e.volume_m3, "m3", (1e9, "km3")),
        ("escape_velocity", e.escape_velocity, escape, "m/s", (1e3, "km/s")),
    ]
    for key, stated, computed, unit, (scale, large) in rows:
        if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 < stated < 1e60:
            if large and stated < computed / math.sqrt(scale):  # the number counts the larger unit
                computed, unit = computed / scale, large
            if apart(stated, computed):
                source = "mass and radius give" if key == "escape_velocity" else "the radius gives"
                yield f"{key} {stated:g} {unit}, but {source} {computed:.4g} {unit}"


def _atmosphere(e: Entry) -> Iterator[str]:
    air = e.atmosphere_attributes
    if air.total_atmospheric_mass is not None:
        mass = air.total_atmospheric_mass
        pressure = mass * e.surface_gravity / e.area_m2 / BAR
        if mass > (0.95 if e.is_giant else HEAVIEST_AIR) * e.mass:
            yield f"total_atmospheric_mass {_of_body(mass, e)}"
        # Pressures below a nanobar are vacuum, whatever the file says.
        elif (
            air.pressure is not None
            and not e.is_giant
            and max(pressure, air.pressure) > 1e-9
            and apart(pressure, air.pressure)
        ):
            yield (
                f"pressure {air.pressure:g} bar, but total_atmospheric_mass {mass:g} kg gives {pressure:.3g} bar; "
                "the mass is used"
            )
        if mass > 0 and not air.composition:
            yield f"total_atmospheric_mass {mass:g} kg, but composition names no gas"
    own, known = air.pressure, e.known_pressure
    if own is not None and known is not None and not e.is_giant and max(own, known) > 1e-9 and apart(own, known):
        yield f"known_pressure {known:g} bar, but the atmosphere has {own:g} bar"
    if air.composition:
        yield from _percents("atmosphere_attributes.composition", [g.percentage for g in air.composition.values()])


def _hydrosphere(e: Entry) -> Iterator[str]:
    water = e.hydrosphere_attributes
    mass = water.total_hydrosphere_mass
    if mass is not None and mass >= 0.9 * e.mass:
        yield f"total_hydrosphere_mass {_of_body(mass, e)}"
    volumes = water.volumes_km3
    if mass and volumes:
        weight = math.fsum(v * 1e9 * (ICE_DENSITY if "ice" in k else WATER_DENSITY) for k, v in volumes.items())
        if apart(weight, mass):
            yield (
                f"the volumes of liquid_bodies weigh {weight:.3g} kg as water and ice, but total_hydrosphere_mass is "
                f"{mass:g} kg; the mass is used"
            )
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


def _sunlight(e: Entry, computed: float | None) -> Iterator[str]:
    if e.insolation is not None and computed is not None and apart(e.insolation, computed, 0.02):
        yield f"insolation {e.insolation:g} W/m2, but the distance from the star gives {computed:.4g} W/m2"
    flux = e.insolation or computed
    if flux is None or e.albedo is None or e.surface_temperature is None or e.is_giant:
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
