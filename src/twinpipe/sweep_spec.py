"""SweepSpec: a designed set of runs as a file says it, with axes, design, variants and rules to stop what is lost."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator

from twinpipe import prior
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.fields import SERIES_FIELDS
from twinpipe.grid import Grid
from twinpipe.part import Finite, Named, NotNegative, Part
from twinpipe.refusal import explain
from twinpipe.spec import LONGEST, OutputPolicy

LARGEST_FILE = 1_000_000  # bytes
DEEPEST = 20  # levels of a YAML file
MOST = 10**9  # of anything that is counted; what a sweep may have in all is far less
LAST_SEED = 2**53  # up to which every whole number is a float
VARIANT = "variant"
SEED = "seed"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
# a number, or text with a unit that converts to the parameter's own
Value = Annotated[Finite | Annotated[str, Field(max_length=100)], Field(union_mode="left_to_right")]


class ListAxis(Part):
    """Some values, one after the other; of a pattern's parameter also with a unit."""

    kind: Literal["list"]
    name: Name
    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=100_000)]

    @property
    def number(self) -> int:
        return len(self.values)


class GridAxis(Part):
    """Equal steps from low to high, both among them; or equal ratios."""

    kind: Literal["grid"]
    name: Name
    low: Finite
    high: Finite
    number: Annotated[int, Field(ge=2, le=MOST)]
    spacing: Literal["linear", "logarithmic"] = "linear"

    @model_validator(mode="after")
    def _ordered(self) -> GridAxis:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        if self.spacing == "logarithmic" and self.low <= 0:
            raise ValueError("low must be greater than 0 for equal ratios")
        return self

    def at(self, step: int) -> float:
        """The value after so many steps."""
        share = step / (self.number - 1)
        if self.spacing == "linear":
            return self.low + share * (self.high - self.low)
        return float(self.low * (self.high / self.low) ** share)


class UniformAxis(prior.Uniform):
    name: Name


class LogUniformAxis(prior.LogUniform):
    name: Name


class NormalAxis(prior.Normal):
    name: Name


class LogNormalAxis(prior.LogNormal):
    name: Name


class PriorAxis(Part):
    """An uncertain number of the body, by the distribution that the body itself gives."""

    kind: Literal["prior"]
    name: Name


Drawn = UniformAxis | LogUniformAxis | NormalAxis | LogNormalAxis | PriorAxis
Axis = Annotated[ListAxis | GridAxis | Drawn, Field(discriminator="kind")]


class Design(Part):
    """How values are drawn from the axes that are distributions; lists and grids are crossed with all of them."""

    kind: Literal["full_factorial", "sobol", "latin_hypercube", "saltelli"] = "full_factorial"
    points: Annotated[int, Field(le=MOST)] | None = Field(
        None, description="points drawn; of saltelli base points, with axes + 2 members each"
    )
    seed: Annotated[int, Field(ge=0, le=LAST_SEED)] = Field(
        0, description="of the scrambling; the same seed goes on where it was"
    )
    replicates: Annotated[int, Field(ge=1, le=MOST)] = Field(
        1, description="of each point, with other seeds of disasters from the base's on; the same for all points"
    )


class Variant(Part):
    """The base with other values of the pattern's parameters; compared member by member with the first variant."""

    name: Name
    parameters: dict[Name, Value] = Field({})


class StopRule(Part):
    """A member is lost where the mean of a series over an orbit is beyond a limit; it then ends early."""

    series: str
    below: Finite | None = None
    above: Finite | None = None
    after_year: NotNegative = 0.0

    @field_validator("series")
    @classmethod
    def _known(cls, value: str) -> str:
        names = sorted(f.name for f in SERIES_FIELDS)
        if value not in names:
            raise ValueError(f"it is one of {', '.join(names)}")
        return value

    @model_validator(mode="after")
    def _one_limit(self) -> StopRule:
        if (self.below is None) == (self.above is None):
            raise ValueError("a rule has one limit, below or above")
        return self


class Base(Part):
    """The run that the members vary."""

    body: str = Field("mars", description="built-in or imported body to clone; not used when a twin is given")
    pattern: str | None = Field(None, description="mars_terraform when neither pattern nor scenario is given")
    variant: str | None = Field(None, description="named set of the pattern's parameters, with goals of its own")
    parameters: dict[Name, Value] = Field({}, description="of the pattern")
    force: bool = Field(False, description="run a pattern that the body does not fit all the same")
    scenario: dict[str, JsonValue] | None = Field(
        None, description="instead of a pattern, as a scenario file has it; axes are then numbers of the body"
    )
    years: Annotated[int, Field(ge=1, le=LONGEST)] = 100
    grid: str | None = Field(None, description="that of the twin, or 36x72, when not given")
    output: OutputPolicy = OutputPolicy(maps_every_orbits=10, zonal_every_steps=12)
    seed: Annotated[int, Field(ge=0, le=LAST_SEED)] = Field(0, description="of the disasters of a scenario")

    @field_validator("grid")
    @classmethod
    def _grid_is_valid(cls, value: str | None) -> str | None:
        return value if value is None else str(Grid.parse(value))

    @field_validator("scenario")
    @classmethod
    def _scenario_is_json(cls, value: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        json.dumps(value, allow_nan=False)  # the ledger keeps what was asked
        return value

    @model_validator(mode="after")
    def _pattern_or_scenario(self) -> Base:
        of_pattern = self.pattern is not None or self.variant is not None or self.parameters or self.force
        if self.scenario is not None and of_pattern:
            raise ValueError("a base has a pattern (with variant, parameters, force) or a scenario, not both")
        return self


class SweepSpec(Part):
    """A designed set of runs on one twin."""

    name: Named = "sweep"
    base: Base = Base()
    axes: tuple[Axis, ...] = ()
    design: Design = Design()
    variants: tuple[Variant, ...] = ()
    stop: tuple[StopRule, ...] = Field((), description="by any of these a member is lost")

    @model_validator(mode="after")
    def _names_are_of_one(self) -> SweepSpec:
        for what, names in (("axes", [a.name for a in self.axes]), ("variants", [v.name for v in self.variants])):
            for name, times in Counter(names).items():
                if times > 1:
                    raise ValueError(f"{name} is there {times} times in {what}")
        return self

    @model_validator(mode="after")
    def _design_fits_axes(self) -> SweepSpec:
        kind, drawn = self.design.kind, [a.name for a in self.drawn]
        if kind == "full_factorial":
            if drawn:
                raise ValueError(
                    f"axis {drawn[0]} is a distribution, which needs a design of sobol, latin_hypercube or saltelli"
                )
            if self.design.points is not None:
                raise ValueError("a full_factorial design has as many points as its axes have values: leave out points")
        elif not drawn:
            raise ValueError(f"a design of {kind} needs an axis that is a distribution")
        elif self.design.points is None:
            raise ValueError(f"a design of {kind} needs points")
        elif kind != "latin_hypercube" and self.design.points > 0 and self.design.points.bit_count() != 1:
            raise ValueError(f"points of {kind} are a power of two, not {self.design.points}")
        return self

    @model_validator(mode="after")
    def _seeds_are_exact(self) -> SweepSpec:
        if self.base.seed + self.design.replicates - 1 > LAST_SEED:
            raise ValueError(f"the seeds of replicates, from that of the base on, end at {LAST_SEED}")
        return self

    @property
    def drawn(self) -> tuple[Drawn, ...]:
        """The axes that are distributions."""
        return tuple(a for a in self.axes if not isinstance(a, ListAxis | GridAxis))

    @property
    def crossed(self) -> tuple[ListAxis | GridAxis, ...]:
        """The axes whose values are all combined."""
        return tuple(a for a in self.axes if isinstance(a, ListAxis | GridAxis))


class _Loader(yaml.SafeLoader):
    """Plain values only; without aliases, by which a small file can hold more than a memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("aliases are not allowed")
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_sweep(path: Path) -> SweepSpec:
    """The sweep of a TOML, YAML or JSON file; raises InvalidInput, and NotFound where there is no such file."""
    if path.suffix not in (".toml", ".yaml", ".yml", ".json"):
        raise InvalidInput("sweep file", str(path), "it ends in .toml, .yaml or .json")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InvalidInput("sweep file", str(path), f"it has {size:,} bytes, and at most {LARGEST_FILE:,} are read")
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            table: Any = tomllib.loads(text)
        elif path.suffix == ".json":
            table = json.loads(text)
        else:
            table = yaml.load(text, _Loader)  # a safe loader with fewer powers
    except FileNotFoundError:
        raise NotFound("sweep file", str(path)) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise InvalidInput("sweep file", str(path), f"it must be readable TOML, YAML or JSON ({why})") from None
    except (LookupError, AttributeError, TypeError, ArithmeticError):  # how PyYAML ends at '!!bool maybe' and the like
        raise InvalidInput("sweep file", str(path), "a value is not of the kind that its tag says") from None
    try:
        return SweepSpec.model_validate(table)
    except ValidationError as error:
        raise explain(error, path.name) from None
