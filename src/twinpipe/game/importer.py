"""Bodies from the game's `sol-complete.json`: SI units, and every assumption and contradiction by name."""

from __future__ import annotations

import math
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from twinpipe.body import Body, builtin_body, builtin_names, explain
from twinpipe.constants import DAY, MOLAR_MASS
from twinpipe.errors import InvalidInput, NotFound, StoreError
from twinpipe.game.entry import Entry, parse_entry, read_file
from twinpipe.game.inconsistency import apart, contradictions
from twinpipe.part import GasName

KINDS = ("terrestrial_planet", "moon", "dwarf_planet")
GASES: tuple[str, ...] = get_args(GasName)
AIR, WATER, GROUND = "atmosphere_attributes", "hydrosphere_attributes", "geosphere_attributes"


@dataclass(frozen=True)
class ImportedBody:
    """A body, what was assumed to make it whole, and where the file contradicts itself."""

    body: Body
    assumptions: tuple[str, ...]
    inconsistencies: tuple[str, ...]


@dataclass(frozen=True)
class ImportReport:
    """What a file gave; skipped are identifiers of valid bodies that twinpipe cannot complete yet."""

    bodies: tuple[ImportedBody, ...]
    skipped: tuple[str, ...] = ()


def import_bodies(path: Path, only: str | None = None) -> ImportReport:
    """The bodies of a game file, or the one with the identifier or name `only`.

    The file lacks orbits and maps, so a body needs a built-in one of the same identifier.  Raises
    InvalidInput, also for `only` without one, and NotFound.
    """
    file = read_file(path)
    chosen = file.entries
    if only is not None:
        entry = file.find(only)
        if entry is None:
            raise NotFound("body", only, [e["identifier"] for e in file.entries])
        chosen = (entry,)
    entries = [parse_entry(entry) for entry in chosen]
    builtin = {body.identifier: body for body in map(builtin_body, builtin_names())}
    skipped = tuple(e.identifier for e in entries if e.identifier not in builtin)
    if only is not None and skipped:
        raise InvalidInput(
            "body",
            skipped[0],
            f"the file lacks its orbit and maps, and twinpipe can complete only {', '.join(sorted(builtin))} so far",
        )
    bodies = (
        _complete(e, builtin[e.identifier], file.solar_system, file.unknown) for e in entries if e.identifier in builtin
    )
    return ImportReport(tuple(bodies), skipped)


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


@dataclass
class _Draft:
    """A body on its way from the built-in one to the game's."""

    builtin: Body
    data: dict[str, Any] = field(init=False)
    sources: dict[str, str] = field(init=False)
    assumptions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = self.builtin.model_dump(exclude={"sources", "assumptions"})
        said = self.builtin.sources.items()
        self.sources = {key: f"completed from built-in {self.builtin.name}: {source}" for key, source in said}

    def take(self, target: str, value: object, key: str, how: str = "") -> None:
        """Put a value of the game's field `key` in the place of the built-in one."""
        part = self.data
        *parents, last = target.split(".")
        for name in parents:
            part = part[name]
        part[last] = value
        self.sources = {k: v for k, v in self.sources.items() if k != target and not k.startswith(target + ".")}
        for leaf in value if isinstance(value, dict) else [""]:
            self.sources[f"{target}.{leaf}".rstrip(".")] = f"game file, field `{key}`{how}"

    def assume(self, line: str) -> None:
        self.assumptions.append(line)


def _complete(e: Entry, builtin: Body, system: str, unknown: tuple[str, ...]) -> ImportedBody:
    draft = _Draft(builtin)
    draft.data |= {"name": e.name, "kind": e.type if e.type in KINDS else "custom", "solar_system": system}
    draft.take("bulk.mass_kg", e.mass, "mass")
    draft.take("bulk.mean_radius_m", e.radius, "radius")
    if e.gravity is not None:
        draft.take("bulk.gravity_m_s2", e.gravity, "gravity")
    else:
        draft.take("bulk.gravity_m_s2", e.gravity_of_mass, "mass", " and `radius`: G M / R^2")
        draft.assume(f"gravity {e.gravity_of_mass:.4g} m/s2 follows from mass and radius")
    far = _orbit(draft, e)
    _atmosphere(draft, e)
    _water(draft, e)
    _ground(draft, e)
    draft.assume(f"maps, climate calibration, CO2 ice, soil and escape completed from the built-in {builtin.name}")
    if e.albedo is not None:
        draft.assume(f"albedo {e.albedo:g} replaced by the map of the built-in {builtin.name}")
    if e.surface_temperature is not None:
        draft.assume(f"surface_temperature {e.surface_temperature:g} K is not used: the climate is computed")
    unused, strange = e.extras()
    if unused:
        draft.assume(f"not used: {', '.join(unused)}")
    for key in (*unknown, *strange):
        draft.assume(f"unknown key {key!r} is ignored")
    try:
        body = Body.model_validate(draft.data | {"sources": draft.sources, "assumptions": tuple(draft.assumptions)})
    except ValidationError as error:
        raise explain(error, e.identifier) from None
    return ImportedBody(body, body.assumptions, (*contradictions(e), *far))


def _orbit(draft: _Draft, e: Entry) -> list[str]:
    """Keep the built-in orbit; the differences that two or three digits do not explain."""
    orbit, name = draft.builtin.orbit, draft.builtin.name
    rows: list[tuple[str, float | None, float, str]] = [
        ("insolation", e.insolation, orbit.solar_constant_w_m2, "W/m2"),
        ("orbital_period", e.orbital_period, orbit.sidereal_year_s / DAY, "d"),
    ]
    rows += [("star distance", s.distance * 1e3, orbit.semi_major_axis_m, "m") for s in e.star_distances[:1]]
    said = [(key, game, ours, unit) for key, game, ours, unit in rows if game is not None]
    detail = "; ".join(f"{key} {ours:g} {unit}, not the file's {game:g}" for key, game, ours, unit in said)
    draft.assume(f"orbit and rotation completed from the built-in {name}{': ' if detail else ''}{detail}")
    return [
        f"{key} {game:g} {unit}, but the orbit of the built-in {name} has {ours:g} {unit}"
        for key, game, ours, unit in said
        if apart(game, ours, 0.02)
    ]


def _atmosphere(draft: _Draft, e: Entry) -> None:
    total = e.atmosphere_attributes.total_atmospheric_mass
    if total is None:
        draft.assume(f"gases completed from the built-in {draft.builtin.name}")
        return
    percent = {gas: share.percentage for gas, share in e.atmosphere_attributes.composition.items()}
    weight = {gas: p * MOLAR_MASS[gas] for gas, p in percent.items() if gas in GASES and p > 0}
    whole = math.fsum(weight.values())
    if total > 0 and whole == 0:
        raise InvalidInput(
            f"{e.identifier}.{AIR}.composition",
            ", ".join(percent) or None,
            f"an atmosphere of {total:g} kg must have at least one gas of {', '.join(GASES)}",
        )
    if left_out := [f"{gas} {p:g} %" for gas, p in percent.items() if gas not in GASES]:
        draft.assume(f"gases left out because twinpipe does not follow them: {', '.join(left_out)}")
    masses = {gas: total * w / whole for gas, w in weight.items()} if total > 0 else {}
    how = f" shared by `{AIR}.composition`"
    draft.take("atmosphere.mass_kg", masses, f"{AIR}.total_atmospheric_mass", how)
    shares = ", ".join(f"{gas} {100 * w / whole:.4g} %" for gas, w in weight.items())
    draft.assume(f"composition is percent of the volume; percent of the mass: {shares or 'none'}")
    stated = math.fsum(percent.values())
    if weight and abs(stated - 100) > 1e-9:
        draft.assume(f"percentages add up to {stated:.6g} and were normalised to 100")
    if draft.builtin.co2_ice is not None:
        draft.assume(f"total_atmospheric_mass {total:g} kg includes the CO2 frozen in the seasonal caps")


def _water(draft: _Draft, e: Entry) -> None:
    name, water = draft.builtin.name, draft.builtin.hydrosphere
    total = e.hydrosphere_attributes.total_hydrosphere_mass
    if total is None:
        draft.assume(f"total water completed from the built-in {name}: {water.total_water_kg:g} kg")
    else:
        draft.take("hydrosphere.total_water_kg", total, f"{WATER}.total_hydrosphere_mass")
        draft.assume(f"total_hydrosphere_mass {total:g} kg counts as water, whatever its composition")
    caps = (e.geosphere_attributes.stored_volatiles or {}).get("H2O", {}).get("polar_caps")
    ours = math.fsum(d.mass_kg for d in water.surface_ice)
    if caps is None or ours == 0:
        draft.assume(f"surface ice completed from the built-in {name}: {ours:g} kg")
        return
    ice = [d.model_dump() | {"mass_kg": caps * (d.mass_kg / ours)} for d in water.surface_ice]
    key = f"{GROUND}.stored_volatiles.H2O.polar_caps"
    draft.take("hydrosphere.surface_ice", ice, key, f" on the deposits of built-in {name}")
    draft.assume(
        f"H2O of polar_caps, {caps:g} kg, is surface ice and spread over the deposits of the built-in {name} "
        f"({ours:g} kg there) in their proportions; it is not counted again in the ground"
    )


def _ground(draft: _Draft, e: Entry) -> None:
    stored = e.geosphere_attributes.stored_volatiles
    if stored is None:
        draft.assume(f"stored volatiles completed from the built-in {draft.builtin.name}")
        return
    moved = bool(draft.builtin.hydrosphere.surface_ice)
    kept = {
        compound: {k: kg for k, kg in places.items() if not (moved and (compound, k) == ("H2O", "polar_caps"))}
        for compound, places in stored.items()
    }
    draft.take("geosphere.stored_volatiles_kg", kept, f"{GROUND}.stored_volatiles")
