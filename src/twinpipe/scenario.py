"""Scenarios (a schedule of interventions) and the patterns that they are made from."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from twinpipe.body import Body, explain
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.part import Finite, Fraction, GasName, NotNegative, Part, Positive

EventName = Literal[
    "triple_point_pressure", "armstrong_limit", "co2_caps_depleted", "warming_10K", "oxygen_threshold_reached"
]
PatternName = Literal["mars_terraform", "venus_industrial", "titan_fuel", "europa_ocean", "custom"]
SuperGas = Literal["C3F8", "CF4", "C2F6", "SF6"]

# Years on Earth [S37]; a tenth of that on a planet without an ozone layer is a pessimistic member (B11).
SUPER_GAS_LIFETIME_YEARS: dict[str, float] = {"C3F8": 2600.0, "CF4": 50_000.0, "C2F6": 10_000.0, "SF6": 3200.0}


class Schedule(Part):
    """When an intervention acts, in years since the run's start."""

    start_year: NotNegative = 0.0
    end_year: Positive = 1000.0
    shape: Literal["hold", "ramp"] = Field(
        "hold", description="hold: full rate from start to end; ramp: rises linearly over ramp_years, then holds"
    )
    ramp_years: NotNegative = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Schedule:
        if self.end_year <= self.start_year:
            raise ValueError(f"end_year {self.end_year:g} must come after start_year {self.start_year:g}")
        return self


class Region(Part):
    """Where an intervention acts: a box of latitudes and longitudes in degrees (east)."""

    south_degree: Annotated[float, Field(ge=-90, le=90)] = -90.0
    north_degree: Annotated[float, Field(ge=-90, le=90)] = 90.0
    west_degree: Annotated[float, Field(ge=-180, le=180)] = -180.0
    east_degree: Annotated[float, Field(ge=-180, le=180)] = 180.0

    @model_validator(mode="after")
    def _ordered(self) -> Region:
        if self.north_degree <= self.south_degree:
            raise ValueError("north_degree must lie north of south_degree")
        return self


class SuperGreenhouseGasFactory(Part):
    """Makes a perfluorinated gas from regolith: dM/dt = E - M / lifetime; B16, B3.3 (c)."""

    kind: Literal["super_greenhouse_gas"] = "super_greenhouse_gas"
    gas: SuperGas = "C3F8"
    rate_kg_s: NotNegative = Field(description="emission at full rate")
    lifetime_years: Positive | None = Field(None, description="e-folding time; that of the gas when not given")
    energy_j_kg: NotNegative = Field(3.0e7, description="energy to make a kilogram; 6e6..3e7, [S12b, S37]")
    schedule: Schedule = Schedule()


class OrbitalMirror(Part):
    """A mirror in orbit that adds sunlight to a region: P = r S A duty; B16."""

    kind: Literal["orbital_mirror"] = "orbital_mirror"
    area_m2: NotNegative
    reflectivity: Fraction = 0.9
    duty: Fraction = Field(1.0, description="fraction of the time in which the target is lit")
    areal_density_kg_m2: Positive = Field(0.004, description="4 g m-2 of foil and structure")
    energy_j_kg: NotNegative = Field(5.0e7, description="energy to smelt a kilogram of aluminium; D3")
    target: Region = Region()
    schedule: Schedule = Schedule()


class VolatileImport(Part):
    """Brings volatiles from elsewhere; a part is lost as ejecta, the impact's energy heats the body; B16."""

    kind: Literal["volatile_import"] = "volatile_import"
    rate_kg_s: NotNegative = Field(description="mass sent at full rate, before losses")
    composition: dict[GasName, Fraction] = Field(description="mass fractions; they sum to 1")
    loss_fraction: Fraction = Field(0.02, description="lost on the way and as ejecta")
    arrival_speed_m_s: NotNegative = 5000.0
    heat_fraction: Fraction = Field(0.5, description="part of the arrival energy that heats air and ground")
    energy_j_kg: NotNegative = Field(1.0e6, description="energy to send a kilogram on its way")
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _sums_to_one(self) -> VolatileImport:
        total = sum(self.composition.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"composition sums to {total:g}, and must sum to 1")
        return self


class DarkDust(Part):
    """Spreads dark dust on a region, where it darkens ice until fresh frost buries it; B16."""

    kind: Literal["dark_dust"] = "dark_dust"
    rate_kg_s: NotNegative = Field(description="dust spread at full rate")
    energy_j_kg: NotNegative = Field(1.0e5, description="energy to grind and spread a kilogram (E)")
    target: Region = Region()
    schedule: Schedule = Schedule()


Intervention = Annotated[
    SuperGreenhouseGasFactory | OrbitalMirror | VolatileImport | DarkDust, Field(discriminator="kind")
]


class Goal(Part):
    """A target for a measure of the run's orbit means and the year planned for it."""

    id: str
    measure: Literal["surface_temperature_rise_k", "surface_temperature_k", "surface_pressure_pa"]
    target: Finite
    planned_year: Positive


class Economy(Part):
    """Prices and the budget that the cost metric compares with; GCC is the game's currency."""

    budget_gcc: Positive
    energy_gcc_per_j: NotNegative
    manufacture_gcc_per_kg: NotNegative


class Scenario(Part):
    """A pattern made concrete: the interventions with years, amounts and targets."""

    pattern: PatternName = "custom"
    parameters: dict[str, float] = Field({})
    interventions: tuple[Intervention, ...] = ()
    goals: tuple[Goal, ...] = ()
    events: tuple[EventName, ...] = ()
    economy: Economy | None = None
    aerosol_optical_depth: dict[Literal["aluminium_nanorods", "nanorings", "graphene", "natural_dust"], NotNegative] = (
        Field({}, description="prescribed visible optical depths, held for the whole run; B3.3 (d)")
    )

    @model_validator(mode="after")
    def _one_lifetime_for_a_gas(self) -> Scenario:
        factories = [i for i in self.interventions if isinstance(i, SuperGreenhouseGasFactory)]
        for gas in {f.gas for f in factories}:
            if len({f.lifetime_years for f in factories if f.gas == gas}) > 1:
                raise ValueError(f"factories of {gas} must agree on its lifetime_years")
        return self


class Parameter(Part):
    """A knob of a pattern."""

    unit: str
    default: Finite
    minimum: Finite
    maximum: Finite
    description: str


class Requirement(Part):
    """What a pattern needs of a body; a mismatch is refused."""

    minimum_co2_kg: NotNegative = 0.0
    co2_ice: bool = False


class Pattern(Part):
    """A named, parameterised deployment plan; "$name" in its interventions stands for a parameter."""

    name: PatternName
    title: str
    description: str
    requires: Requirement = Requirement()
    parameters: dict[str, Parameter] = Field({})
    interventions: tuple[dict[str, Any], ...] = ()
    goals: tuple[dict[str, Any], ...] = ()
    events: tuple[str, ...] = ()
    economy: Economy | None = None

    def values(self, given: dict[str, float | str]) -> dict[str, float]:
        """Every parameter's value in its own unit, with bounds checked; raises InvalidInput, NotFound."""
        for name in given:
            if name not in self.parameters:
                raise NotFound(f"parameter of pattern {self.name}", name, sorted(self.parameters))
        result = {}
        for name, parameter in self.parameters.items():
            value = quantity(given.get(name, parameter.default), parameter.unit, name)
            if not parameter.minimum <= value <= parameter.maximum:
                bounds = f"it is {parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}"
                raise InvalidInput(name, given.get(name), bounds)
            result[name] = value
        return result

    def scenario(self, body: Body, given: dict[str, float | str] | None = None) -> Scenario:
        """The scenario for a body; raises InvalidInput, NotFound, and refuses a body that does not fit."""
        if body.atmosphere.mass_kg.get("CO2", 0.0) < self.requires.minimum_co2_kg:
            need = f"pattern {self.name} needs at least {self.requires.minimum_co2_kg:g} kg of CO2"
            raise InvalidInput("body", body.name, need)
        if self.requires.co2_ice and body.co2_ice is None:
            raise InvalidInput("body", body.name, f"pattern {self.name} needs a body with seasonal CO2 ice")
        values = self.values(given or {})
        try:
            return Scenario(
                pattern=self.name,
                parameters=values,
                interventions=_filled(self.interventions, values),
                goals=_filled(self.goals, values),
                events=self.events,
                economy=self.economy,
            )
        except ValidationError as error:
            raise explain(error, self.name) from None


def _filled(template: Any, values: dict[str, float]) -> Any:
    """The template with every "$name" replaced by its value."""
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, tuple | list):
        return tuple(_filled(value, values) for value in template)
    if isinstance(template, str) and template.startswith("$"):
        return values[template[1:]]
    return template


def quantity(value: float | str, unit: str, field: str) -> float:
    """A number in unit from a number or from text with a unit, such as "125 km"; raises InvalidInput."""
    if isinstance(value, str):
        text = value
        try:
            value = float(text)
        except ValueError:
            return _converted(text, unit, field)
    if value != value or value in (float("inf"), float("-inf")):
        raise InvalidInput(field, value, f"it is a finite number in {unit}")
    return float(value)


@cache
def _units() -> Any:
    import pint  # slow to import, and only needed where a person typed a unit

    return pint.UnitRegistry()


def _converted(text: str, unit: str, field: str) -> float:
    try:
        # a number, then a unit: pint would evaluate any expression
        match = re.fullmatch(r"\s*([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([^0-9\s].*)", text)
        if match is None:
            raise ValueError("it is no number with a unit")
        return quantity(float(_units().Quantity(float(match[1]), match[2]).to(unit).magnitude), unit, field)
    except Exception:  # pint raises errors of its own, of the tokenizer and of Python's arithmetic
        raise InvalidInput(field, text, f"it is a number, with a unit that converts to {unit}") from None


@cache
def pattern_names() -> tuple[str, ...]:
    """Names of the patterns that ship with twinpipe."""
    folder = files("twinpipe.patterns")
    return tuple(sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".toml")))


@cache
def load_pattern(name: str) -> Pattern:
    """The pattern of that name, hyphens and case forgiven; raises NotFound."""
    canonical = name.strip().lower().replace("-", "_")
    if canonical not in pattern_names():
        raise NotFound("pattern", name, list(pattern_names()))
    text = (files("twinpipe.patterns") / f"{canonical}.toml").read_text(encoding="utf-8")
    return Pattern.model_validate(tomllib.loads(text))
