"""Scenarios (a schedule of interventions) and the patterns that they are made from."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from twinpipe.body import Body, explain
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.intervention import Aerosol, AerosolFactory, Intervention, SuperGreenhouseGasFactory
from twinpipe.part import Finite, NotNegative, Part, Positive

EventName = Literal[
    "triple_point_pressure",
    "armstrong_limit",
    "co2_caps_depleted",
    "warming_10K",
    "oxygen_threshold_reached",
    "shell_breach",
    "bedrock_melts",
]
PatternName = Literal["mars_terraform", "venus_industrial", "titan_fuel", "europa_ocean", "custom"]


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
    learned_pattern: str | None = Field(None, description="learned pattern that it was adapted from")
    parameters: dict[str, float] = Field({})
    interventions: tuple[Intervention, ...] = ()
    goals: tuple[Goal, ...] = ()
    events: tuple[EventName, ...] = ()
    economy: Economy | None = None
    aerosol_optical_depth: dict[Aerosol, NotNegative] = Field(
        {}, description="prescribed visible optical depths, held for the whole run; B3.3 (d)"
    )

    @model_validator(mode="after")
    def _one_lifetime_for_a_gas(self) -> Scenario:
        factories = [i for i in self.interventions if isinstance(i, SuperGreenhouseGasFactory)]
        for gas in {f.gas for f in factories}:
            if len({(f.lifetime_years, f.pessimistic_photolysis) for f in factories if f.gas == gas}) > 1:
                raise ValueError(f"factories of {gas} must agree on its lifetime_years and pessimistic_photolysis")
        makers = [i for i in self.interventions if isinstance(i, AerosolFactory)]
        for particle in {m.particle for m in makers}:
            if len({(m.lifetime_years, m.extinction_m2_kg) for m in makers if m.particle == particle}) > 1:
                raise ValueError(f"factories of {particle} must agree on its lifetime_years and extinction_m2_kg")
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
        if self.requires.co2_ice and (body.co2_ice is None or body.co2_ice.condensation != "frost"):
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
