"""RunSpec: everything that decides the bits of a run; its digest is the run's content name."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field, field_validator

from twinpipe.body import Body
from twinpipe.clock import Clock
from twinpipe.digest import digest
from twinpipe.grid import Grid
from twinpipe.part import Part
from twinpipe.scenario import Scenario

LONGEST = 1000  # years of a run


class OutputPolicy(Part):
    """What a run keeps; series of global means at every step are always kept."""

    maps_every_orbits: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="orbits between maps, each the mean over one orbit"
    )
    zonal_every_steps: Annotated[int, Field(ge=1, le=1000)] = Field(4, description="steps between zonal means")


class RunChoices(Part):
    """A run's spec without the body, which its twin's snapshot keeps; what a run's row holds."""

    scenario: Scenario = Scenario()
    years: Annotated[int, Field(ge=1, le=LONGEST)]
    grid: str = "36x72"
    steps_per_orbit: Annotated[int, Field(ge=12, le=10_000)] = 96
    spin_up_orbits: Annotated[int, Field(ge=0, le=200)] = Field(
        30, description="orbits of the untouched body before year 0"
    )
    output: OutputPolicy = OutputPolicy()
    seed: Annotated[int, Field(ge=0)] = 0
    code_fingerprint: str = Field("", description="digest of the physics sources that run it")

    @field_validator("grid")
    @classmethod
    def _grid_is_valid(cls, value: str) -> str:
        return str(Grid.parse(value))


class RunSpec(RunChoices):
    """One scenario on one body for a number of years."""

    body: Body

    @cached_property
    def digest(self) -> str:
        """Content name: the same spec is the same run."""
        return digest(self.model_dump(mode="json"))

    @property
    def grid_shape(self) -> Grid:
        return Grid.parse(self.grid)

    @property
    def clock(self) -> Clock:
        return Clock(self.body.orbit.sidereal_year_s, self.steps_per_orbit)
