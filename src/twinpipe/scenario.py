"""Scenarios (a schedule of interventions) and the patterns that they are made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from twinpipe.assembly import assembled, body_values
from twinpipe.body import Body
from twinpipe.disaster import Disaster
from twinpipe.economy import Economy as Economy  # one place to import what a scenario is made of
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.fleet import Fleet
from twinpipe.intervention import Aerosol, AerosolFactory, Intervention, SuperGreenhouseGasFactory
from twinpipe.part import Finite, Named, NotNegative, Part, Positive, Title, check_target
from twinpipe.quantity import quantity as quantity
from twinpipe.refusal import explain
from twinpipe.requirement import Requirement
from twinpipe.shaft import Gate, Shaft
from twinpipe.undertaking import Undertaking

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
EventName = Literal[
    "triple_point_pressure",
    "armstrong_limit",
    "co2_caps_depleted",
    "warming_10K",
    "oxygen_threshold_reached",
    "shell_breach",
    "bedrock_melts",
    "ice_sublimation_begins",
    "first_microbes_viable",
    "limited_surface_habitability",
    "liquid_water_stable",
    "safe_o2_exceeded",
    "greenhouse_amplifying",
    "runaway_warming",
    "cooling_10K",
    "collapse",
    "phase_started",
    "phase_complete",
    "intervention_started",
    "intervention_ended",
    "magnetosphere_shield_activated",
    "biosphere_seeded",
    "depletion_warning",
    "preservation_cap_reached",
    "contamination_gate_opened",
    "contamination_gate_closed",
    "depot_full",
    "disaster",
    "target_reached",
    "budget_exceeded",
]
OF_ANY_PLAN: tuple[EventName, ...] = (
    *("disaster", "intervention_started", "intervention_ended"),
    *("target_reached", "budget_exceeded"),
)
# The ledger has the same list: a pattern that ships comes with a migration, as docs/add-a-pattern.md says.
PatternName = Literal["mars_terraform", "venus_industrial", "titan_fuel", "europa_ocean", "custom"]
ClimateMeasure = Literal[
    "surface_temperature_rise_k",
    "surface_temperature_k",
    "surface_pressure_pa",
    "oxygen_pressure_pa",
    "carbon_dioxide_pressure_pa",
    "oxygen_fraction",
    "nitrogen_fraction",
    "carbon_dioxide_fraction",
    "methane_fraction",
    "liquid_water_fraction",
]


class Goal(Part):
    """A target for a measure and the year planned for it.

    Measures of the climate are means over an orbit; fractions of gases are in moles of all air, liquid_water_fraction
    is the share of the area on which the mean is above freezing and below boiling; production_kg_a is what the plan
    makes of a product in a year.
    """

    id: Named
    measure: ClimateMeasure | Literal["production_kg_a"]
    product: Title | None = None
    target: Finite
    planned_year: Positive

    @model_validator(mode="after")
    def _names_its_product(self) -> Goal:
        if (self.measure == "production_kg_a") != (self.product is not None):
            raise ValueError("a goal of measure production_kg_a, and no other, names its product")
        return self

    @model_validator(mode="after")
    def _is_a_share(self) -> Goal:
        check_target(self.measure, self.target)
        return self


class Phase(Part):
    """A part of a plan's time."""

    id: Identifier
    title: Title = ""
    start_year: NotNegative
    end_year: Positive

    @model_validator(mode="after")
    def _forward(self) -> Phase:
        if self.end_year <= self.start_year:
            raise ValueError(
                f"phase {self.id} ends in year {self.end_year:g}, and must end after it starts in {self.start_year:g}"
            )
        return self


class Scenario(Part):
    """A pattern made concrete: the interventions with years, amounts and targets."""

    pattern: PatternName = "custom"
    variant: str | None = Field(None, description="named set of parameters of the pattern")
    forced: tuple[str, ...] = Field((), description="what the body lacks of what the pattern needs")
    learned_pattern: str | None = Field(None, description="learned pattern that it was adapted from")
    parameters: dict[str, float] = Field({})
    phases: tuple[Phase, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    fleets: tuple[Fleet, ...] = Field((), description="whose deliveries are among the interventions")
    undertakings: tuple[Undertaking, ...] = Field((), description="bookkeeping that the physics does not feel")
    disasters: tuple[Disaster, ...] = Field((), description="whose forcing is among the interventions, if it has any")
    shaft: Shaft | None = None
    gate: Gate | None = None
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

    @model_validator(mode="after")
    def _phases_follow_each_other(self) -> Scenario:
        for a, b in pairwise(sorted(self.phases, key=lambda p: (p.start_year, p.end_year))):
            if b.start_year < a.end_year * (1 - 1e-12):
                raise ValueError(
                    f"phases {a.id} (to year {a.end_year:g}) and {b.id} (from year {b.start_year:g}) overlap"
                )
        for what, entries in (("phase", self.phases), ("fleet", self.fleets), ("goal", self.goals)):
            _all_different(what, (e.id for e in entries))
        return self


def _all_different(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"there are two entries {what} {name}")
        seen.add(name)


def scenario_of(table: Mapping[str, Any], values: Mapping[str, float], prefix: str) -> Scenario:
    """The scenario of a plan's table with its open places filled; raises InvalidInput, NotFound."""
    try:
        return Scenario.model_validate(assembled(table, values))
    except ValidationError as error:
        raise explain(error, prefix) from None


class Parameter(Part):
    """A knob of a pattern."""

    unit: str
    default: Finite
    minimum: Finite
    maximum: Finite
    description: str

    @model_validator(mode="after")
    def _default_within_bounds(self) -> Parameter:
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError(f"default {self.default:g} must lie within {self.minimum:g} to {self.maximum:g}")
        return self


FURTHER = ("fleets", "interventions", "goals")  # what a variant may add to its pattern


class Variant(Part):
    """A named set of values of a pattern's parameters, with further fleets, interventions and goals."""

    title: str
    description: str
    parameters: dict[str, Finite] = Field({})
    fleets: tuple[dict[str, Any], ...] = ()
    interventions: tuple[dict[str, Any], ...] = ()
    goals: tuple[dict[str, Any], ...] = ()


class Pattern(Part):
    """A named, parameterised deployment plan; "$name" stands for a parameter, "2 * $a + $b" for what it comes to."""

    name: PatternName
    title: str
    description: str
    requires: Requirement = Requirement()
    parameters: dict[str, Parameter] = Field({})
    variants: dict[Identifier, Variant] = Field({})
    phases: tuple[dict[str, Any], ...] = ()
    fleets: tuple[dict[str, Any], ...] = ()
    shaft: dict[str, Any] | None = None
    gate: dict[str, Any] | None = None
    interventions: tuple[dict[str, Any], ...] = ()
    undertakings: tuple[dict[str, Any], ...] = ()
    goals: tuple[dict[str, Any], ...] = ()
    events: tuple[str, ...] = ()
    economy: dict[str, Any] | None = None

    def values(self, given: Mapping[str, float | str], variant: str | None = None) -> dict[str, float]:
        """Every parameter's value in its own unit, with bounds checked; raises InvalidInput, NotFound."""
        usual = self.variant(variant).parameters if variant is not None else {}
        for name in (*given, *usual):
            if name not in self.parameters:
                raise NotFound(f"parameter of pattern {self.name}", name, sorted(self.parameters))
        result = {}
        for name, parameter in self.parameters.items():
            asked = given.get(name, usual.get(name, parameter.default))
            value = quantity(asked, parameter.unit, name)
            if not parameter.minimum <= value <= parameter.maximum:
                bounds = f"it is {parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}"
                raise InvalidInput(name, asked, bounds)
            result[name] = value
        return result

    def variant(self, name: str) -> Variant:
        """The variant of that name; raises NotFound."""
        if name not in self.variants:
            raise NotFound(f"variant of pattern {self.name}", name, sorted(self.variants))
        return self.variants[name]

    def scenario(
        self,
        body: Body,
        given: Mapping[str, float | str] | None = None,
        *,
        variant: str | None = None,
        force: bool = False,
    ) -> Scenario:
        """The scenario for a body; force takes one that does not fit, and the scenario keeps what it lacks.

        Raises InvalidInput, NotFound.
        """
        lacks = self.requires.missing(body)
        if lacks and not force:
            force_it = "--force runs it all the same, and force = true in the base of a sweep"
            need = f"pattern {self.name} needs {', and '.join(lacks)}; {force_it}"
            raise InvalidInput("body", body.name, need)
        values = self.values(given or {}, variant)
        keys = ("phases", "fleets", "shaft", "gate", "interventions", "undertakings", "goals", "events", "economy")
        table = {key: getattr(self, key) for key in keys}
        if variant is not None:
            table |= {key: (*table[key], *getattr(self.variant(variant), key)) for key in FURTHER}
        table |= {"pattern": self.name, "variant": variant, "forced": tuple(lacks), "parameters": values}
        return scenario_of(table, values | body_values(body), self.name)


@cache
def pattern_names() -> tuple[str, ...]:
    """Names of the patterns that ship with twinpipe."""
    folder = files("twinpipe.patterns")
    return tuple(sorted(p.name[:-5] for p in folder.iterdir() if p.name.endswith(".toml")))


@cache
def load_pattern(name: str) -> Pattern:
    """The pattern of that name, hyphens, case and the game's other names forgiven; raises NotFound."""
    canonical = name.strip().lower().replace("-", "_")
    canonical = ALIASES.get(canonical, canonical)
    if canonical not in pattern_names():
        raise NotFound("pattern", name, list(pattern_names()))
    text = (files("twinpipe.patterns") / f"{canonical}.toml").read_text(encoding="utf-8")
    return Pattern.model_validate(tomllib.loads(text))


def with_usual_events(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a scenario, which without events gets those of the pattern custom and of any plan."""
    return {"events": [*load_pattern("custom").events, *OF_ANY_PLAN], **table}


# The names that the game's planner, library and papers use; domain 3.2.
ALIASES = {
    "mars_terraforming": "mars_terraform",
    "mars_pattern": "mars_terraform",
    "venus_pattern": "venus_industrial",
    "titan_pattern": "titan_fuel",
    "europa_water": "europa_ocean",
    "europa_pattern": "europa_ocean",
    "europa_subsurface_exploration_pattern": "europa_ocean",
}
