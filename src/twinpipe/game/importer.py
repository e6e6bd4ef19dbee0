"""Bodies from the game's files: SI units, and every assumption and contradiction by name."""

from __future__ import annotations

import math
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from twinpipe.body import Body, builtin_body, builtin_names
from twinpipe.constants import DAY
from twinpipe.errors import InvalidInput, NotFound, StoreError
from twinpipe.game.draft import Draft
from twinpipe.game.entry import Entry, apart, parse_entry
from twinpipe.game.file import Dialect, GameFile, read_file
from twinpipe.game.inconsistency import ICE_DENSITY, contradictions
from twinpipe.game.inventory import ICE_SHELL, SEAS, fill_air, fill_ground, fill_water
from twinpipe.game.orbit import fill_orbit, planet_of, sunlight
from twinpipe.game.words import original
from twinpipe.refusal import explain
from twinpipe.spheres import IceShell, MethaneCycle

KINDS = ("terrestrial_planet", "moon", "dwarf_planet")


@dataclass(frozen=True)
class ImportedBody:
    """A body, what was assumed to make it whole, and where the file contradicts itself."""

    body: Body
    assumptions: tuple[str, ...]
    inconsistencies: tuple[str, ...]


@dataclass(frozen=True)
class Skipped:
    """A body that cannot become a twin, and why."""

    identifier: str
    why: str


@dataclass(frozen=True)
class ImportReport:
    """What a file gave, and which of its bodies cannot become twins."""

    dialect: Dialect
    bodies: tuple[ImportedBody, ...]
    skipped: tuple[Skipped, ...] = ()


def import_bodies(path: Path, only: str | None = None) -> ImportReport:
    """The bodies of a game file, or the one with the identifier or name `only`.

    Without `only`, bodies that lack a surface or a star are skipped; with it they are refused.  Raises
    InvalidInput and NotFound.
    """
    file = read_file(path)
    chosen = file.entries
    if only is not None:
        entry = file.find(only)
        if entry is None:
            raise NotFound("body", only, [e["identifier"] for e in file.entries])
        chosen = (entry,)
    entries = [parse_entry(entry) for entry in chosen]
    known = known_bodies()
    bodies, skipped = [], []
    for e in entries:
        lacking = _lacks(e, file, known)
        if lacking is None:
            bodies.append(_import(e, file, known.get(original(e.identifier))))
        elif only is None:
            skipped.append(Skipped(e.identifier, lacking.allowed))
        else:
            raise lacking
    return ImportReport(file.dialect, tuple(bodies), tuple(skipped))


def known_bodies() -> dict[str, Body]:
    """Built-in bodies by identifier: they complete what a file lacks."""
    return {body.identifier: body for body in map(builtin_body, builtin_names())}


def save_import(imported: ImportedBody, folder: Path) -> Path:
    """Write <identifier>.json into folder, whole or not at all; raises StoreError."""
    target = folder / f"{imported.body.identifier}.json"
    aside = folder / f".{imported.body.identifier}.{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("w", encoding="utf-8") as file:
                file.write(imported.body.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}.") from None
    return target


def _lacks(e: Entry, file: GameFile, known: dict[str, Body]) -> InvalidInput | None:
    """Why a body cannot become a twin; None when it can."""
    if e.is_giant:
        allowed = f"a body of type {e.type} has no solid surface, and twins are of bodies that have one"
        return InvalidInput(f"{e.identifier}.type", e.type, allowed)
    planet = planet_of(file, e)
    path = planet or e
    light = sunlight(path, file.stars, own_orbit=planet is not None)
    if original(e.identifier) not in known and path.insolation is None and light is None:
        allowed = "it must have a distance to a star or an insolation, so that there is sunlight to compute with"
        return InvalidInput(f"{path.identifier}.star_distances", None, allowed)
    return None


def _import(e: Entry, file: GameFile, builtin: Body | None) -> ImportedBody:
    """The body of an entry, completed from a built-in one where there is one, else by rules."""
    data = builtin.model_dump(exclude={"sources", "assumptions"}) if builtin is not None else {}
    draft = Draft(data | {"identifier": e.identifier, "name": e.name, "solar_system": file.solar_system})
    draft.data["kind"] = e.type if e.type in KINDS else "custom"
    if builtin is not None:
        draft.sources = {
            key: f"completed from built-in {builtin.name}: {source}" for key, source in builtin.sources.items()
        }
    elif draft.data["kind"] != e.type:
        draft.assume(f"type {e.type!r} counts as a body of kind 'custom'")
    _bulk(draft, e)
    if builtin is not None:
        _keep_orbit(draft, e, builtin)
    else:
        fill_orbit(draft, e, file)
    fill_air(draft, e, builtin)
    fill_water(draft, e, builtin)
    fill_ground(draft, e, builtin)
    if builtin is not None:
        _keep_climate(draft, e, builtin)
        if original(e.identifier) != e.identifier:
            _resume(draft, e, builtin)
    else:
        from twinpipe.game.climate import fill_climate

        fill_climate(draft, e)
    _tell_rest(draft, e, file.unknown)
    planet = planet_of(file, e)
    light = sunlight(planet or e, file.stars, own_orbit=planet is not None)
    try:
        body = Body.model_validate(draft.data | {"sources": draft.sources, "assumptions": tuple(draft.assumptions)})
    except ValidationError as error:
        raise explain(error, e.identifier) from None
    lines = (*contradictions(e, light.flux_w_m2 if light is not None else None), *draft.differences)
    return ImportedBody(body, body.assumptions, lines)


def _bulk(draft: Draft, e: Entry) -> None:
    """Mass and radius as stated; gravity too where it fits them, else G M / R^2."""
    draft.take("bulk.mass_kg", e.mass, "mass", " (kg)")
    draft.take("bulk.mean_radius_m", e.radius, "radius", " (m)")
    if e.gravity_m_s2 == e.surface_gravity:
        how = " times 9.80665 m/s2" if e.gravity_unit == "g" else ""
        draft.take("bulk.gravity_m_s2", e.surface_gravity, "gravity", f" ({e.gravity_unit}){how}")
        return
    draft.take("bulk.gravity_m_s2", e.gravity_of_mass, "mass", " and `radius`: G M / R^2")
    draft.assume(f"gravity {e.gravity_of_mass:.4g} m/s2 follows from mass and radius")


def _keep_orbit(draft: Draft, e: Entry, builtin: Body) -> None:
    """Keep the built-in orbit; the differences that two or three digits do not explain."""
    orbit, name = builtin.orbit, builtin.name
    is_moon = e.type == "moon" or e.parent_body is not None  # whose period is round its planet
    rows: list[tuple[str, float | None, float, str]] = [
        ("insolation", e.insolation, orbit.solar_constant_w_m2, "W/m2"),
        ("orbital_period", None if is_moon else e.orbital_period, orbit.sidereal_year_s / DAY, "d"),
    ]
    rows += [("star distance", s.distance * 1e3, orbit.semi_major_axis_m, "m") for s in e.star_distances[:1]]
    said = [(key, game, ours, unit) for key, game, ours, unit in rows if game is not None]
    others = [row for row in said if f"{row[1]:g}" != f"{row[2]:g}"]
    detail = "; ".join(f"{key} {ours:g} {unit}, not the file's {game:g}" for key, game, ours, unit in others)
    draft.assume(f"orbit and rotation completed from the built-in {name}{': ' if detail else ''}{detail}")
    for key, game, ours, unit in said:
        if apart(game, ours, 0.02):
            draft.differ(f"{key} {game:g} {unit}, but the orbit of the built-in {name} has {ours:g} {unit}")


def _keep_climate(draft: Draft, e: Entry, builtin: Body) -> None:
    draft.assume(f"maps, climate calibration, CO2 ice, soil and escape completed from the built-in {builtin.name}")
    if e.albedo is not None:
        draft.assume(f"albedo {e.albedo:g} replaced by the map of the built-in {builtin.name}")
    if e.surface_temperature is not None and original(e.identifier) == e.identifier:
        draft.assume(f"surface_temperature {e.surface_temperature:g} K is not used: the climate is computed")


def _resume(draft: Draft, e: Entry, builtin: Body) -> None:
    """Begin where a twin ended: from its temperature, with what its ground has kept."""
    if e.surface_temperature is not None:
        contrast = builtin.climate.start.p2_k if builtin.climate.start is not None else 0.0
        start = {"mean_k": e.surface_temperature, "p2_k": contrast}
        draft.take("climate.start", start, "surface_temperature", " (K)")
        draft.assume(f"the climate spins up from {e.surface_temperature:g} K, at which a twin ended")
    stored, where = e.geosphere_attributes.stored_volatiles or {}, "geosphere_attributes.stored_volatiles"
    if builtin.ice_shell is not None:
        _resume_shell(draft, e, builtin.name, builtin.ice_shell, stored.get("H2O", {}).get(ICE_SHELL))
    if builtin.methane_cycle is not None:
        now = {"methane_kg": stored.get("CH4", {}).get(SEAS), "ethane_kg": stored.get("C2H6", {}).get(SEAS)}
        _resume_seas(draft, builtin.name, builtin.methane_cycle, now)
    for place, there, target in (
        ("regolith", builtin.regolith, "regolith.inventory_kg"),
        ("buried_polar_ice", builtin.buried_co2, "buried_co2.mass_kg"),
    ):
        if there is not None and place in (kept := stored.get("CO2", {})):
            draft.take(target, kept[place], f"{where}.CO2.{place}", " (kg)")


def _resume_seas(draft: Draft, name: str, cycle: MethaneCycle, now: dict[str, float | None]) -> None:
    """The seas as a twin left them, in the proportions of the built-in ones."""
    before = {key: math.fsum(getattr(sea, key) for sea in cycle.seas) for key in now}
    scale = {key: kg / before[key] for key, kg in now.items() if kg is not None and before[key] > 0}
    if scale:
        seas = [sea.model_dump() | {k: getattr(sea, k) * factor for k, factor in scale.items()} for sea in cycle.seas]
        key = f"geosphere_attributes.stored_volatiles.*.{SEAS}"
        draft.take("methane_cycle.seas", seas, key, f" (kg) in the seas of built-in {name}")


def _resume_shell(draft: Draft, e: Entry, name: str, shell: IceShell, ice_kg: float | None) -> None:
    """The ocean as a twin left it, and the ice over it."""
    water = e.hydrosphere_attributes
    ocean = (water.total_hydrosphere_mass or 0.0) * water.state_distribution.get("liquid", 0.0) / 100
    if ocean > 0:
        key, how = "hydrosphere_attributes.state_distribution.liquid", " (%) of total_hydrosphere_mass (kg)"
        draft.take("ice_shell.ocean_mass_kg", ocean, key, how)
    if ice_kg:
        key = f"geosphere_attributes.stored_volatiles.H2O.{ICE_SHELL}"
        draft.take("ice_shell.thickness_m", ice_kg / (ICE_DENSITY * e.area_m2), key, " (kg) over the density of ice")
    else:
        draft.assume(f"the ice over the ocean is {shell.thickness_m:g} m thick, as that of {name}")


def _tell_rest(draft: Draft, e: Entry, unknown: tuple[str, ...]) -> None:
    unused, strange = e.extras()
    if unused:
        draft.assume(f"not used: {', '.join(unused)}")
    for key in (*unknown, *strange):
        draft.assume(f"unknown key {key!r} is ignored")
