"""One body of the game's `sol-complete.json`, read and validated in the units of the file."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from twinpipe.body import explain
from twinpipe.constants import GRAVITATIONAL_CONSTANT
from twinpipe.errors import InvalidInput

FILE_KEYS = {"galaxy", "id", "name", "identifier", "stars", "celestial_bodies", "base_units", "metadata"}


def _no_boolean(value: object) -> object:
    """JSON's true would otherwise count as 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("number", "input should be a number")
    return value


def _flat(value: object) -> object:
    """A composition as {compound: %}, also when it is a list of {compound, percentage}."""
    if isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(item.get("compound"), str) for item in value
    ):
        return {item["compound"]: item.get("percentage") for item in value}
    return value


def _short(value: object) -> object:
    """A value as an error shows it: lists and objects can be long."""
    return "(a list)" if isinstance(value, list) else "(an object)" if isinstance(value, dict) else value


Number = BeforeValidator(_no_boolean)
Positive = Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Number, Field(ge=0, allow_inf_nan=False)]
# Wide bounds of what is not a star: beyond them even the checks would overflow.
Mass = Annotated[float, Number, Field(ge=0, le=1e32, allow_inf_nan=False)]
BodyMass = Annotated[float, Number, Field(ge=1, le=1e32, allow_inf_nan=False)]
Radius = Annotated[float, Number, Field(ge=1, le=1e9, allow_inf_nan=False)]
Distance = Annotated[float, Number, Field(ge=1, le=1e18, allow_inf_nan=False)]
Fraction = Annotated[float, Number, Field(ge=0, le=1)]
Percent = Annotated[float, Number, Field(ge=0, le=100)]
Percents = Annotated[dict[str, Percent], BeforeValidator(_flat)]


class Record(BaseModel):
    """Base of the game's objects: keys that twinpipe does not read are kept aside, never an error."""

    model_config = ConfigDict(frozen=True, extra="allow")
    not_used: ClassVar[str] = ""

    def extras(self, prefix: str = "") -> tuple[list[str], list[str]]:
        """Dotted keys of the game that twinpipe does not use, and keys that it does not know."""
        given = set(self.model_extra or ())
        known = given & set(self.not_used.split())
        unused, unknown = [prefix + key for key in known], [prefix + key for key in given - known]
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Record):
                more = value.extras(f"{prefix}{name}.")
                unused, unknown = unused + more[0], unknown + more[1]
        return sorted(unused), sorted(unknown)


class StarDistance(Record):
    """Distance to one star, in km."""

    star_name: str | None = None
    distance: Distance


class GasShare(Record):
    """Share of a gas, in percent of the volume."""

    percentage: Percent


class AtmosphereEntry(Record):
    """Pressure in bar, mass in kg."""

    not_used = "dust pollution temperature"
    composition: dict[str, GasShare] = {}
    pressure: NotNegative | None = None
    total_atmospheric_mass: Mass | None = None


class GeosphereEntry(Record):
    """Masses in kg."""

    not_used = (
        "tectonic_activity volcanic_activity crust_composition mantle_composition core_composition "
        "temperature pressure regolith_depth regolith_particle_size weathering_rate plates terrain_map"
    )
    geological_activity: Any = None
    total_crust_mass: Mass | None = None
    total_mantle_mass: Mass | None = None
    total_core_mass: Mass | None = None
    stored_volatiles: dict[str, dict[str, Mass]] | None = None


class HydrosphereEntry(Record):
    """Mass in kg, shares in percent."""

    not_used = "liquid_bodies water_bodies"
    total_hydrosphere_mass: Mass | None = None
    composition: Percents = {}
    state_distribution: Percents = {}


class Entry(Record):
    """A body as the file has it: kg, m, m/s2, g/cm3, days, W/m2, K; distances to stars in km."""

    not_used = (
        "size known_pressure rotation_period rotational_period axial_tilt surface_area volume "
        "escape_velocity orbital_elements orbital_distance_km magnetosphere magnetosphere_strength "
        "magnetosphere_radius_km magnetic_field_strength materials properties geological_features "
        "biosphere_attributes parent_body status aliases"
    )
    identifier: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_.-]{1,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    type: str = "custom"
    mass: BodyMass
    radius: Radius
    gravity: Positive | None = None
    density: Positive | None = None
    orbital_period: Positive | None = None
    surface_temperature: Positive | None = None
    albedo: Fraction | None = None
    insolation: Positive | None = None
    geological_activity: Any = None
    star_distances: tuple[StarDistance, ...] = ()
    atmosphere_attributes: AtmosphereEntry = AtmosphereEntry()
    geosphere_attributes: GeosphereEntry = GeosphereEntry()
    hydrosphere_attributes: HydrosphereEntry = HydrosphereEntry()

    @property
    def area_m2(self) -> float:
        return 4 * math.pi * self.radius * self.radius

    @property
    def gravity_of_mass(self) -> float:
        """G M / R^2, m/s2."""
        return GRAVITATIONAL_CONSTANT * self.mass / self.radius / self.radius


def parse_entry(entry: dict[str, Any]) -> Entry:
    """The entry with every number checked; raises InvalidInput."""
    try:
        return Entry.model_validate({key: value for key, value in entry.items() if value is not None})
    except ValidationError as error:
        prefix = str(entry.get("identifier", "celestial_bodies"))
        first = error.errors()[0]
        if first["type"] != "missing":
            raise explain(error, prefix) from None
        where = ".".join([prefix, *map(str, first["loc"])])
        unit = {"mass": " as a positive number of kg", "radius": " as a positive number of metres"}
        raise InvalidInput(where, None, f"it must be given{unit.get(where.split('.')[-1], '')}") from None


@dataclass(frozen=True)
class GameFile:
    """The bodies of a file, not yet validated, and the system they belong to."""

    solar_system: str
    entries: tuple[dict[str, Any], ...]
    unknown: tuple[str, ...]

    def find(self, name: str) -> dict[str, Any] | None:
        """The only entry with this identifier, or with this name in any case; None if there is none."""
        found = [e for e in self.entries if e["identifier"] == name]
        found = found or [e for e in self.entries if str(e.get("name")).casefold() == name.casefold()]
        if len(found) > 1:
            raise InvalidInput("body", name, f"it names several: {', '.join(e['identifier'] for e in found)}")
        return found[0] if found else None


def read_file(path: Path) -> GameFile:
    """A game file of dialect A; raises InvalidInput for anything else."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidInput("game file", str(path), f"it must be a readable file ({why})") from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        why = "it ends too early, as if cut off" if cut else error.msg
        where = f"{why}, line {error.lineno} column {error.colno}"
        raise InvalidInput("game file", str(path), f"it must be complete JSON ({where})") from None
    except (ValueError, RecursionError):  # integers of thousands of digits, thousands of brackets
        raise InvalidInput("game file", str(path), "it must be JSON of ordinary size and depth") from None
    if not isinstance(data, dict) or "celestial_bodies" not in data:
        raise InvalidInput("game file", str(path), "it must be a JSON object with celestial_bodies")
    _refuse_strange_values(data)
    _refuse_other_dialects(data["celestial_bodies"])
    entries = data["celestial_bodies"]
    counts = Counter(_identifier(entry, i) for i, entry in enumerate(entries))
    for identifier, count in counts.items():
        if count > 1:
            raise InvalidInput("identifier", identifier, f"it must be unique, but {count} bodies have it")
    system = data.get("identifier")
    return GameFile(
        solar_system=system if isinstance(system, str) and system else "SOL-01",
        entries=tuple(entries),
        unknown=tuple(sorted(set(data) - FILE_KEYS)),
    )


def _identifier(entry: object, index: int) -> str:
    where = f"celestial_bodies.{index}"
    if not isinstance(entry, dict):
        raise InvalidInput(where, _short(entry), "it must be an object")
    identifier = entry.get("identifier")
    if not isinstance(identifier, str) or not identifier.isprintable():
        raise InvalidInput(f"{where}.identifier", _short(identifier), "it must be text such as 'MARS-01'")
    return identifier


def _refuse_strange_values(data: dict[str, Any]) -> None:
    """Python's reader takes NaN, Infinity, 1e999 and halves of characters, which nothing later can store."""
    stack: list[tuple[str, object]] = [("", data)]
    while stack:
        where, value = stack.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput(where[1:], value, "it must be a finite number")
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidInput(where[1:], value, "it must be text of whole characters")
        if isinstance(value, dict):
            for key, item in value.items():
                if not key.isprintable():
                    raise InvalidInput(where[1:] or "game file", key, "a key must be printable text")
                stack.append((f"{where}.{key}", item))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                label = item.get("identifier") if isinstance(item, dict) else None
                named = isinstance(label, str) and label.isprintable()
                stack.append((f"{where}.{label if named else i}", item))


def _refuse_other_dialects(bodies: object) -> None:
    """Only a flat list of bodies with `*_attributes` is read; the rest is told apart by its tells."""
    groups = bodies.values() if isinstance(bodies, dict) else [bodies]
    entries = [e for group in groups if isinstance(group, list) for e in group if isinstance(e, dict)]
    if any({"orbits", "moons", "volatile_reservoir"} & set(entry) for entry in entries):
        dialect = "a generated system"
    elif any("atmosphere" in entry and "atmosphere_attributes" not in entry for entry in entries):
        dialect = "an old fixture"
    elif isinstance(bodies, dict):
        dialect = "bodies in groups"
    elif isinstance(bodies, list) and bodies:
        return
    else:
        raise InvalidInput("celestial_bodies", bodies, "it must be a list of at least one body")
    raise InvalidInput(
        "celestial_bodies", dialect, "only a flat list of bodies as in sol-complete.json can be read so far"
    )
