"""Schedules: when an intervention acts, and controllers that decide how much; B16."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from twinpipe.part import Finite, NotNegative, Part, Positive, check_target


class Feedback(Part):
    """A controller of an intervention: rate = full rate x clip(gain (target - value) + its integral, 0, 1).

    value is the mean over the orbit before, oxygen_fraction in moles of all air; a negative gain works against a rise.
    """

    measure: Literal["surface_temperature_k", "surface_pressure_pa", "oxygen_fraction"] = "surface_temperature_k"
    target: Finite
    gain: Finite = Field(0.2, description="share of the full rate per K or Pa of error, or 1 of a share's")
    integral_years: Positive = Field(20.0, description="time in which a lasting error adds as much again")

    @model_validator(mode="after")
    def _within_the_air(self) -> Feedback:
        check_target(self.measure, self.target)
        if self.measure == "oxygen_fraction" and "gain" not in self.model_fields_set:
            raise ValueError(
                "gain must be given with oxygen_fraction, whose errors are small: 50 works at full by 0.02"
            )
        return self


class Schedule(Part):
    """When an intervention acts, in years since the run's start."""

    start_year: NotNegative = 0.0
    end_year: Positive = 1000.0
    shape: Literal["hold", "ramp", "pulse", "feedback"] = Field(
        "hold",
        description="hold: full rate from start to end; ramp: rises linearly over ramp_years, then holds; "
        "pulse: full rate for pulse_years in every period_years; feedback: as its controller says",
    )
    ramp_years: NotNegative = 0.0
    pulse_years: Positive | None = None
    period_years: Positive | None = None
    feedback: Feedback | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if self.end_year <= self.start_year:
            raise ValueError(f"end_year {self.end_year:g} must come after start_year {self.start_year:g}")
        pulse = self.pulse_years is not None and self.period_years is not None
        if (self.shape == "pulse") != pulse or (self.pulse_years or 0) > (self.period_years or 0):
            raise ValueError("a pulse, and nothing else, has pulse_years and a period_years that is not shorter")
        if (self.shape == "feedback") != (self.feedback is not None):
            raise ValueError("a schedule of shape feedback, and no other, has a table feedback")
        return self

    def full_years(self, year: float) -> float:
        """Years at full rate until a year, the exact integral of the shape; not of a feedback, which nobody knows."""
        t = min(max(year, self.start_year), self.end_year) - self.start_year
        if self.pulse_years is not None and self.period_years is not None:
            periods = math.floor(t / self.period_years)
            return periods * self.pulse_years + min(t - periods * self.period_years, self.pulse_years)
        rise = self.ramp_years if self.shape == "ramp" else 0.0
        return t * t / (2 * rise) if t < rise else t - rise / 2

    def year_of(self, full_years: float) -> float:
        """Year in which there have been so many at full rate if nothing ends it before; raises for a feedback."""
        if self.shape == "feedback":
            raise ValueError("a cap goes with a schedule whose sum is known, and not with shape feedback")
        if self.pulse_years is not None and self.period_years is not None:
            pulses = math.ceil(full_years / self.pulse_years) - 1
            return self.start_year + pulses * self.period_years + full_years - pulses * self.pulse_years
        rise = self.ramp_years if self.shape == "ramp" else 0.0
        return self.start_year + (math.sqrt(2 * rise * full_years) if full_years < rise / 2 else full_years + rise / 2)
