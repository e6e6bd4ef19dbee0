"""What a learned pattern is: the body that it needs, its phases, and what made it better; domain 3.10."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinpipe.consumption import Name, Text
from twinpipe.part import Finite, GasName, NotNegative, Part, Positive
from twinpipe.scenario import Scenario

Range = Annotated[list[NotNegative], Field(min_length=2, max_length=2)]
Need = Literal["seasonal_co2_ice", "buried_co2", "ground_ice", "ocean", "biosphere"]


class SourceBody(Part):
    """The body that a pattern was learned on, as far as its amounts are scaled by it."""

    identifier: Text
    name: Text
    area_m2: Positive
    gravity_m_s2: Positive
    solar_constant_w_m2: Positive
    air_kg: dict[GasName, NotNegative] = Field({}, description="of which an export may have a cap")


class RequiredConditions(Part):
    """What a body must be like for a learned pattern to apply; what is not given does not matter."""

    celestial_body_type: Name | None = None
    atmosphere_present: bool | None = None
    surface_water_ice: bool | None = None
    solar_flux_range: Range | None = Field(None, description="lowest and highest insolation, as fractions of Earth's")
    surface_pressure_range_pa: Range | None = Field(None, description="if nothing froze")
    gravity_range_m_s2: Range | None = None
    main_gas: GasName | None = Field(None, description="of which there are most moles in the air")
    gases: list[GasName] = Field([], description="that the plan takes from the air")
    needs: list[Need] = Field([], description="what else the plan works on")
    source: SourceBody | None = None

    @model_validator(mode="after")
    def _ordered(self) -> RequiredConditions:
        for name in ("solar_flux_range", "surface_pressure_range_pa", "gravity_range_m_s2"):
            given = getattr(self, name)
            if given is not None and given[0] > given[1]:
                raise ValueError(f"{name} must begin with the lower value")
        return self


class DeploymentPhase(Part):
    """A phase of a learned deployment."""

    phase: Name
    duration_days: NotNegative
    equipment: list[Text] = Field([])
    start_year: NotNegative = 0.0
    scenario: Scenario | None = Field(None, description="its part of the plan, on the body that it was learned on")


class Optimization(Part):
    """Something learned that made a deployment better."""

    id: Name
    description: Text
    gain: Finite | None = Field(None, description="change of the success score")
