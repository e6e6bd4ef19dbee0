"""One body of a game file, in plain words, read and validated in the units of the file."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from twinpipe.constants import GRAVITATIONAL_CONSTANT, SOLAR_LUMINOSITY, SOLAR_MASS, STANDARD_GRAVITY
from twinpipe.errors import InvalidInput
from twinpipe.game.words import STATES
from twinpipe.refusal import explain


def _no_boolean(value: object) -> object:
    """JSON's true would otherwise count as 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("number", "input should be a number")
    return value


def _flat(value: object) -> object:
    """Shares as {name: %}, also when they are a list of {compound or state, percentage} or {name: {percentage}}."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        names = [item.get("compound", item.get("state")) for item in value]
        if all(isinstance(name, str) for name in names):
            value = {name: item.get("percentage") for name, item in zip(names, value, strict=True)}
    if isinstance(value, dict):
        shares = {k: v["percentage"] if isinstance(v, dict) and "percentage" in v else v for k, v in value.items()}
        return {STATES[k] if k in STATES and STATES[k] not in shares else k: v for k, v in shares.items()}
    return value


Number = BeforeValidator(_no_boolean)
Positive = Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Number, Field(ge=0, allow_inf_nan=False)]
# Wide bounds of what is not a star: beyond them even the checks would overflow.
Mass = Annotated[float, Number, Field(ge=0, le=1e32, allow_inf_nan=False)]
BodyMass = Annotated[float, Number, Field(ge=1, le=1e32, allow_inf_nan=False)]
Radius = Annotated[float, Number, Field(ge=1, le=1e9, allow_inf_nan=False)]
Distance = Annotated[float, Number, Field(ge=1, le=1e18, allow_inf_nan=False)]
AstronomicalUnits = Annotated[float, Number, Field(ge=1e-6, le=1e9, allow_inf_nan=False)]
Days = Annotated[float, Number, Field(ge=1e-4, le=1e10, allow_inf_nan=False)]
Pressure = Annotated[float, Number, Field(ge=0, le=1e12, allow_inf_nan=False)]
Flux = Annotated[float, Number, Field(ge=1e-9, le=1e9, allow_inf_nan=False)]
Temperature = Annotated[float, Number, Field(ge=0.1, le=1e5, allow_inf_nan=False)]
Fraction = Annotated[float, Number, Field(ge=0, le=1)]
Eccentricity = Annotated[float, Number, Field(ge=0, lt=1)]
Percent = Annotated[float, Number, Field(ge=0, le=100)]
Percents = Annotated[dict[str, Percent], BeforeValidator(_flat)]


CLOSE = 0.05  # relative difference that two or three given digits explain


def apart(a: float, b: float, tolerance: float = CLOSE) -> bool:
    """Whether two numbers differ by more than a fraction of the larger one."""
    return abs(a - b) > tolerance * max(abs(a), abs(b))


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


class StarEntry(Record):
    """A star: mass in kg and luminosity in W, or both in those of the Sun in generated systems."""

    name: str | None = None
    identifier: str | None = None
    mass: Annotated[float, Number, Field(gt=0, le=1e36, allow_inf_nan=False)] | None = None
    luminosity: Annotated[float, Number, Field(gt=0, le=1e36, allow_inf_nan=False)] | None = None

    @property
    def mass_kg(self) -> float:
        """Below 1e6 the file means solar masses; the Sun's where it has none."""
        mass = self.mass if self.mass is not None else 1.0
        return mass * SOLAR_MASS if mass < 1e6 else mass

    @property
    def luminosity_of_sun(self) -> float:
        """Luminosity over the Sun's; above 1e3 the file means watts; the Sun's where it has none."""
        light = self.luminosity if self.luminosity is not None else 1.0
        return light / SOLAR_LUMINOSITY if light > 1e3 else light


class StarDistance(Record):
    """Distance to one star, in km."""

    star_name: str | None = None
    distance: Distance


class OrbitEntry(Record):
    """An orbit of a generated system: au and days, round a star or, for a moon, round its planet."""

    around: str | None = None
    semi_major_axis_au: AstronomicalUnits | None = None
    distance: AstronomicalUnits | None = None
    eccentricity: Eccentricity | None = None
    orbital_period_days: Days | None = None

    @property
    def distance_au(self) -> float | None:
        return self.semi_major_axis_au if self.semi_major_axis_au is not None else self.distance


class OrbitalElements(Record):
    """Elements of an orbit; of them only the eccentricity is used, since the axis comes in several units."""

    not_used = "semi_major_axis inclination mean_anomaly"
    eccentricity: Eccentricity | None = None


class GasShare(Record):
    """Share of a gas, in percent of the volume."""

    percentage: Percent

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return {"percentage": value} if isinstance(value, int | float | str) else value


class AtmosphereEntry(Record):
    """Pressure in bar, mass in kg."""

    not_used = "dust pollution temperature"
    composition: dict[str, GasShare] = {}
    pressure: Pressure | None = None
    total_atmospheric_mass: Mass | None = None

    @model_validator(mode="before")
    @classmethod
    def _gases_beside_the_pressure(cls, value: object) -> object:
        """Generated moons have {gas: {percentage}, pressure} without a composition."""
        if not isinstance(value, dict) or "composition" in value:
            return value
        gases = {k: v for k, v in value.items() if isinstance(v, dict) and "percentage" in v}
        return {k: v for k, v in value.items() if k not in gases} | ({"composition": gases} if gases else {})


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
    """Mass in kg, shares in percent, volumes of liquid_bodies in km3."""

    total_hydrosphere_mass: Mass | None = None
    composition: Percents = {}
    state_distribution: Percents = {}
    liquid_bodies: dict[str, Any] = {}

    @property
    def volumes_km3(self) -> dict[str, float]:
        """Volumes of the bodies of liquid and ice that have one."""
        said = {k: v.get("volume") if isinstance(v, dict) else v for k, v in self.liquid_bodies.items()}
        return {
            k: float(v)
            for k, v in said.items()
            if isinstance(v, int | float) and not isinstance(v, bool) and 0 < v < 1e30
        }

    @property
    def ice_cap_cover(self) -> float | None:
        """Fraction of the surface below ice caps."""
        caps = self.liquid_bodies.get("ice_caps")
        cover = caps.get("coverage") if isinstance(caps, dict) else None
        if isinstance(cover, int | float) and not isinstance(cover, bool) and 0 < cover <= 100:
            return cover / 100
        return None


class Entry(Record):
    """A body as the file has it: kg, m, m/s2 or g, g/cm3 or kg/m3, days, W/m2, K; distances to stars in km."""

    not_used = (
        "magnetosphere magnetosphere_strength magnetosphere_radius_km magnetic_field_strength magnetic_moment "
        "materials properties geological_features biosphere_attributes status aliases engineered_atmosphere "
        "terraforming_difficulty volatile_reservoir material_yield_bias tei_score from_template diameter_km"
    )
    identifier: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_.-]{1,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    type: str = "custom"
    parent_body: str | None = None
    mass: BodyMass
    radius: Radius
    gravity: Positive | None = None
    density: Positive | None = None
    size: Any = None
    surface_area: Positive | None = None
    volume: Positive | None = None
    escape_velocity: Positive | None = None
    orbital_period: Days | None = None
    orbital_distance_km: Distance | None = None
    rotation_period: Annotated[float, Number, Field(ge=-1e9, le=1e9)] | None = None
    rotational_period: Annotated[float, Number, Field(ge=-1e9, le=1e9)] | None = None
    axial_tilt: Annotated[float, Number, Field(ge=0, le=180)] | None = None
    surface_temperature: Temperature | None = None
    albedo: Fraction | None = None
    insolation: Flux | None = None
    known_pressure: Pressure | None = None
    geological_activity: Any = None
    star_distances: tuple[StarDistance, ...] = ()
    orbits: tuple[OrbitEntry, ...] = ()
    orbital_elements: OrbitalElements = OrbitalElements()
    atmosphere_attributes: AtmosphereEntry = AtmosphereEntry()
    geosphere_attributes: GeosphereEntry = GeosphereEntry()
    hydrosphere_attributes: HydrosphereEntry = HydrosphereEntry()

    @property
    def area_m2(self) -> float:
        return 4 * math.pi * self.radius * self.radius

    @property
    def volume_m3(self) -> float:
        return self.area_m2 * self.radius / 3

    @property
    def gravity_of_mass(self) -> float:
        """G M / R^2, m/s2."""
        return GRAVITATIONAL_CONSTANT * self.mass / self.radius / self.radius

    @property
    def gravity_unit(self) -> str:
        """What the file's gravity counts: g where G M / R^2 is about 9.81 times the number, else m/s2."""
        in_g = self.gravity is not None and 0.8 < self.gravity * STANDARD_GRAVITY / self.gravity_of_mass < 1.25
        return "g" if in_g else "m/s2"

    @property
    def gravity_m_s2(self) -> float | None:
        if self.gravity is None:
            return None
        return self.gravity * STANDARD_GRAVITY if self.gravity_unit == "g" else self.gravity

    @property
    def surface_gravity(self) -> float:
        """m/s2: the stated gravity where it fits mass and radius, else that of mass and radius."""
        stated = self.gravity_m_s2
        return stated if stated is not None and not apart(stated, self.gravity_of_mass) else self.gravity_of_mass

    @property
    def density_unit(self) -> str:
        """No body is denser than 30 g/cm3, so that larger numbers are kg/m3."""
        return "kg/m3" if self.density is not None and self.density > 30 else "g/cm3"

    @property
    def is_giant(self) -> bool:
        """Whether the body has no solid surface: by its type, or because half of it or more is hydrogen and helium."""
        if "giant" in self.type or self.type in ("brown_dwarf", "hot_jupiter", "star"):
            return True
        air = self.atmosphere_attributes
        light = math.fsum(share.percentage for gas, share in air.composition.items() if gas in ("H2", "He"))
        return (air.total_atmospheric_mass or 0.0) > 0.5 * self.mass and light > 50


def parse_entry(entry: dict[str, Any]) -> Entry:
    """The entry, in plain words, with every number checked; raises InvalidInput."""
    try:
        return Entry.model_validate(entry)
    except ValidationError as error:
        prefix = str(entry.get("identifier", "celestial_bodies"))
        first = error.errors()[0]
        if first["type"] != "missing":
            raise explain(error, prefix) from None
        where = ".".join([prefix, *map(str, first["loc"])])
        unit = {"mass": " as a positive number of kg", "radius": " as a positive number of metres"}
        raise InvalidInput(where, None, f"it must be given{unit.get(where.split('.')[-1], '')}") from None
