"""A celestial body: orbit, bulk numbers, maps and initial inventories, validated, in SI units."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from twinpipe import spheres
from twinpipe.constants import GRAVITATIONAL_CONSTANT, MOLAR_MASS
from twinpipe.digest import digest
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.part import Finite, Fraction, GasName, NotNegative, Part, Positive
from twinpipe.prior import Prior
from twinpipe.refusal import explain

MapName = Literal["elevation", "albedo", "thermal_inertia"]


class Orbit(Part):
    """Orbit around the star and rotation; B1."""

    semi_major_axis_m: Positive
    solar_constant_w_m2: Positive = Field(description="at the semi-major axis")
    eccentricity: Annotated[float, Field(ge=0, lt=1)]
    obliquity_degree: Annotated[float, Field(ge=0, le=180)]
    perihelion_ls_degree: Annotated[float, Field(ge=0, lt=360)]
    sidereal_year_s: Positive
    solar_day_s: Positive
    eclipse_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the sunlight that a moon loses in the shadow of its planet; B1"
    )


class Bulk(Part):
    """Size and gravity."""

    mean_radius_m: Positive
    gravity_m_s2: Positive
    mass_kg: Positive

    @property
    def area_m2(self) -> float:
        return 4 * math.pi * self.mean_radius_m**2


class Atmosphere(Part):
    """Well-mixed gases; CO2 includes what is frozen in the seasonal caps."""

    mass_kg: dict[GasName, NotNegative] = Field({})
    heat_capacity_j_kg_k: Positive = 770.0
    escape_kg_s: dict[GasName, NotNegative] = Field({})

    @property
    def total_mass_kg(self) -> float:
        return math.fsum(self.mass_kg.values())


class HarmonicMap(Part):
    """A map of the body from a file of real spherical harmonics that ships with twinpipe."""

    file: str
    name: MapName


class Land(Part):
    """Land that fills the same share of every row, eastwards from 180 W; the rest of the body is as it says itself.

    On a grid without longitudes each row is one mixture of the two, as in zonal energy-balance models.
    """

    share: Fraction
    albedo: Fraction
    heat_capacity_j_m2_k: Positive


class Surface(Part):
    """Static maps: a number for the whole body or a harmonic map."""

    albedo: Fraction | HarmonicMap
    thermal_inertia_j_m2_k_s12: Positive | HarmonicMap = 200.0
    elevation_m: Finite | HarmonicMap = 0.0
    volumetric_heat_capacity_j_m3_k: Positive = 1.0e6
    geothermal_flux_w_m2: NotNegative = 0.0
    land: Land | None = None


class CollisionDepth(Part):
    """Longwave optical depths of nitrogen, methane and hydrogen in Titan's air of today; B3.3 (f).

    tau = nitrogen (p_N2 / 1.4e5)^2 + methane (p_CH4 / 8e3)(p / 1.467e5) + hydrogen (x_H2 / 1e-3)(p / 1.467e5)^2.
    """

    nitrogen: NotNegative
    methane: NotNegative
    hydrogen: NotNegative


class SemiGrey(Part):
    """OLR = eps sigma T^4 (1 + v), eps from the column's composition; B3.3."""

    kind: Literal["semi_grey"] = "semi_grey"
    emissivity_factor: Positive = 1.0
    diurnal_factor: NotNegative = Field(0.8, description="k_d of B4; 0 leaves the diurnal term out")
    large_diurnal: bool = Field(
        False, description="daily swings comparable with the temperature, as without air: the harmonic of T^4 in full"
    )
    nitrogen_column: bool = Field(
        False,
        description="the column of 1 bar N2, CO2 and saturated water of Kadoya and Tajika takes over as p_N2 nears"
        " 0.5 bar; B3.2, B3.3",
    )
    collision_depth: CollisionDepth | None = Field(
        None, description="of cold nitrogen air; none: CH4 counts as a trace gas; B3.3 (e, f)"
    )
    haze_absorption: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share a_h of the absorbed sunlight that haze takes far above the ground; B3.3 (f)"
    )


class LinearLongwave(Part):
    """OLR = A + B (T - 273.15 K); B3.1, for tests and comparison with energy-balance models."""

    kind: Literal["linear"]
    a_w_m2: Finite
    b_w_m2_k: Positive


class OrbitInsolation(Part):
    """Daily-mean insolation from the orbit; B1."""

    kind: Literal["orbit"] = "orbit"


class LegendreInsolation(Part):
    """Annual-mean insolation S/4 (1 + s2 P2(sin latitude)), the same at all times."""

    kind: Literal["legendre"]
    s2: Finite


class AnnualInsolation(Part):
    """Annual mean of the orbit's insolation, the same at all times; B1."""

    kind: Literal["annual"]


class StepIce(Part):
    """Albedo of ice that lies wherever the surface is colder than a threshold."""

    threshold_k: Positive
    albedo: Fraction
    width_k: NotNegative = Field(
        0.0, description="of a ramp about the threshold, over which a cell freezes; 0: ice lines jump from row to row"
    )


class IceRamp(Part):
    """Albedo of ice whose share grows with cold: 1 - exp((T - 273.15) / 10), and 1 below 263.15 K; B2 [S20]."""

    albedo: Fraction


class SoilColumn(Part):
    """Soil layers, thicknesses in annual skin depths; B5."""

    kind: Literal["soil"] = "soil"
    thickness: tuple[Positive, ...] = (0.04, 0.08, 0.16, 0.32, 0.6, 1.2)


class Slab(Part):
    """One layer of fixed heat capacity, such as a mixed layer."""

    kind: Literal["slab"]
    heat_capacity_j_m2_k: Positive


class Start(Part):
    """Temperatures that the climate spins up from, T = mean + p2 P2(sin latitude): which of several climates it is."""

    mean_k: Positive
    p2_k: Finite = 0.0


class Climate(Part):
    """Which laws hold on the body, with their parameters."""

    longwave: SemiGrey | LinearLongwave = Field(SemiGrey(), discriminator="kind")
    insolation: OrbitInsolation | AnnualInsolation | LegendreInsolation = Field(OrbitInsolation(), discriminator="kind")
    column: SoilColumn | Slab = Field(SoilColumn(), discriminator="kind")
    albedo_p2: Finite = Field(0.0, description="added to the albedo times P2(sin latitude)")
    albedo_of: Literal["ground", "planet"] = Field(
        "ground",
        description="ground: what the air reflects is added, B2; planet: seen from space, with its air and clouds",
    )
    step_ice: StepIce | None = None
    ice_ramp: IceRamp | None = None
    cloud_albedo: Finite = Field(0.0, description="dA_cloud, added to the planet's albedo; B2")
    cloud_olr_w_m2: Finite = Field(0.0, description="dOLR_cloud, added to the outgoing longwave radiation; B2")
    diffusivity_w_m2_k: NotNegative = 0.0
    diffusivity_reference_pa: Positive | None = Field(
        None, description="pressure at which the diffusivity holds; it scales with pressure when given"
    )
    air_coupling_w_m2_k: NotNegative = Field(
        0.0,
        description="exchange between ground and the air that carries heat, growing with the root of pressure"
        " as the diffusivity does; 0: the ground itself diffuses",
    )
    zonal_mixing: NotNegative = Field(1.0, description="diffusivity along a row over that from row to row")
    relative_humidity: Fraction = Field(0.5, description="over surface water ice; B3.3 (b)")
    start: Start | None = Field(None, description="none: each row in balance with its annual sunlight")
    second_order: bool = Field(
        False,
        description="implicit midpoint instead of backward Euler in time, for a slab without CO2 ice;"
        " transport along both latitude and longitude keeps a smaller error of first order",
    )


class Body(Part):
    """A celestial body, the thing that a twin clones."""

    identifier: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_.-]{1,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Literal["terrestrial_planet", "moon", "dwarf_planet", "custom"] = "custom"
    solar_system: str = "SOL-01"
    orbit: Orbit
    bulk: Bulk
    atmosphere: Atmosphere = Atmosphere()
    surface: Surface
    climate: Climate = Climate()
    co2_ice: spheres.Co2Ice | None = None
    regolith: spheres.Regolith | None = Field(None, description="only below a column of soil")
    buried_co2: spheres.BuriedCo2 | None = Field(None, description="only below a column of soil")
    hydrosphere: spheres.Hydrosphere = spheres.Hydrosphere()
    water_cycle: spheres.WaterCycle | None = None
    methane_cycle: spheres.MethaneCycle | None = None
    ice_shell: spheres.IceShell | None = None
    geosphere: spheres.Geosphere = spheres.Geosphere()
    biosphere: spheres.Biosphere | None = None
    interior: spheres.Interior | None = None
    uncertainty: dict[str, Prior] = Field({}, description="dotted field -> distribution that ensembles draw it from")
    sources: dict[str, str] = Field({}, description="dotted field -> where its number comes from")
    assumptions: tuple[str, ...] = Field((), description="what was assumed when the body was read")

    @field_validator("sources")
    @classmethod
    def _plain_sources(cls, value: dict[str, str]) -> dict[str, str]:
        return dict(sorted(value.items()))

    @model_validator(mode="after")
    def _uncertain_fields_are_numbers(self) -> Body:
        for field in self.uncertainty:
            at: object = self
            for key in field.split("."):
                at = at.get(key, "") if isinstance(at, dict) else getattr(at, key, "")
                if at is None:  # a sphere that this body lacks
                    break
            if isinstance(at, bool) or not isinstance(at, int | float | None):
                raise ValueError(f"uncertainty names {field}, which is no number of a body")  # noqa: TRY004
        return self

    @model_validator(mode="after")
    def _gravity_matches_mass(self) -> Body:
        radius = self.bulk.mean_radius_m
        expected = GRAVITATIONAL_CONSTANT * self.bulk.mass_kg / radius / radius  # whose square may be beyond floats
        if not 0.8 * expected < self.bulk.gravity_m_s2 < 1.25 * expected:
            raise ValueError(
                f"gravity_m_s2 {self.bulk.gravity_m_s2:g} does not fit mass and radius, which give {expected:.3g}"
            )
        return self

    @model_validator(mode="after")
    def _one_kind_of_ice(self) -> Body:
        if self.climate.step_ice is not None and self.climate.ice_ramp is not None:
            raise ValueError("climate.step_ice and climate.ice_ramp are two laws for the same ice: give one")
        return self

    @model_validator(mode="after")
    def _slab_where_one_is_meant(self) -> Body:
        slab = isinstance(self.climate.column, Slab)
        if self.surface.land is not None and not slab:
            raise ValueError("surface.land needs a climate.column of kind slab, whose heat capacity it replaces")
        if self.climate.second_order and (self.co2_ice or self.water_cycle or not slab):
            raise ValueError("climate.second_order needs a climate.column of kind slab, no co2_ice and no water_cycle")
        return self

    @model_validator(mode="after")
    def _moons_have_ground(self) -> Body:
        grey = isinstance(self.climate.longwave, SemiGrey)
        if self.methane_cycle and (not grey or self.climate.second_order):
            raise ValueError("methane_cycle needs a climate.longwave of kind semi_grey, and no climate.second_order")
        if self.ice_shell and (not grey or self.regolith or not isinstance(self.climate.column, SoilColumn)):
            raise ValueError("ice_shell needs a column of kind soil, longwave of kind semi_grey and no regolith")
        return self

    def drawn(self, quantiles: Mapping[str, float]) -> Body:
        """The body with each named uncertain field at a quantile (0..1) of its distribution.

        Raises NotFound for a field without one, InvalidInput where the body is not valid with the value.
        """
        table = self.model_dump(mode="json")
        for field, quantile in quantiles.items():
            if field not in self.uncertainty:
                raise NotFound(f"uncertain field of {self.name}", field, sorted(self.uncertainty))
            *path, last = field.split(".")
            at = table
            for key in path:
                at = at[key]
            at[last] = self.uncertainty[field].at(quantile)
        try:
            return Body.model_validate(table)
        except ValidationError as error:
            raise explain(error, self.name) from None

    @cached_property
    def digest(self) -> str:
        """Content name of the body."""
        return digest(self.model_dump(mode="json"))

    @property
    def surface_pressure_pa(self) -> float:
        """Mean surface pressure if nothing is frozen: M g / A."""
        return self.atmosphere.total_mass_kg * self.bulk.gravity_m_s2 / self.bulk.area_m2

    @property
    def mean_molar_mass_kg_mol(self) -> float:
        """Mean molar mass of the gases; that of CO2 if there are none."""
        moles = math.fsum(m / MOLAR_MASS[g] for g, m in self.atmosphere.mass_kg.items())
        return self.atmosphere.total_mass_kg / moles if moles else MOLAR_MASS["CO2"]


@cache
def builtin_names() -> tuple[str, ...]:
    """Names of the bodies that ship with twinpipe."""
    return tuple(sorted(p.name[:-5] for p in files("twinpipe.bodies").iterdir() if p.name.endswith(".toml")))


@cache
def builtin_body(name: str) -> Body:
    """The body that ships as bodies/<name>.toml; raises NotFound."""
    if name.lower() not in builtin_names():
        raise NotFound("body", name, list(builtin_names()))
    text = (files("twinpipe.bodies") / f"{name.lower()}.toml").read_text(encoding="utf-8")
    return Body.model_validate(tomllib.loads(text))


def read_table(path: Path, what: str) -> Any:
    """What a TOML or JSON file holds; raises InvalidInput naming what was to be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(what, str(path), f"it must be readable TOML or JSON ({error})") from None


def read_body(path: Path) -> Body:
    """Body from a TOML or JSON file of this model; raises InvalidInput."""
    try:
        return Body.model_validate(read_table(path, "body file"))
    except ValidationError as error:
        raise explain(error, path.name) from None


def load_body(name_or_path: str | Path, imported: Path | None = None) -> Body:
    """A built-in body by name, an imported one by identifier, or one from a file.

    imported is the folder of imported bodies.  Raises NotFound or InvalidInput.
    """
    text = str(name_or_path)
    if text.endswith((".toml", ".json")):
        return read_body(Path(text))
    own = sorted(imported.glob("*.json")) if imported is not None else []
    for path in own:
        if path.stem == text:
            return read_body(path)
    if text.lower() in builtin_names():
        return builtin_body(text.lower())
    raise NotFound("body", text, [*builtin_names(), *(path.stem for path in own)])


def imported_bodies(folder: Path) -> list[Body]:
    """Bodies that were imported into folder, in order of identifier; raises InvalidInput for a damaged file."""
    return [read_body(path) for path in sorted(folder.glob("*.json"))]
