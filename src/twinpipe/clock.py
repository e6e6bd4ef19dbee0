"""Time of a run: steps that divide the orbit, Julian years of schedules, segments.

Time is float64 seconds since the run's start, which is a northern spring equinox (Ls = 0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from twinpipe.constants import YEAR
from twinpipe.errors import InvalidInput


@dataclass(frozen=True)
class Clock:
    """Steps of equal length, a whole number of them to an orbit."""

    orbit_seconds: float
    steps_per_orbit: int

    def __post_init__(self) -> None:
        if not 12 <= self.steps_per_orbit <= 10_000:
            raise InvalidInput("steps_per_orbit", self.steps_per_orbit, "it is a whole number 12..10000")

    @property
    def step_seconds(self) -> float:
        return self.orbit_seconds / self.steps_per_orbit

    def step_at_year(self, year: float) -> int:
        """Index of the step boundary nearest to a time in Julian years."""
        return round(year * YEAR / self.step_seconds)

    def year_of_step(self, step: float) -> float:
        """Time in Julian years of a step boundary."""
        return step * self.step_seconds / YEAR

    def segments(self, first_step: int, last_step: int, orbits_per_segment: int) -> list[tuple[int, int]]:
        """Step ranges that start and end on orbit boundaries, the run's own ends apart."""
        length = orbits_per_segment * self.steps_per_orbit
        cuts = [first_step]
        cuts += range((first_step // length + 1) * length, last_step, length)
        return list(zip(cuts, [*cuts[1:], last_step], strict=True))


def usual_steps(orbit_seconds: float) -> int:
    """Steps per orbit of a body unless asked otherwise: 96, and more where a step would exceed half a year."""
    longest = 0.5 * YEAR
    return 96 * min(max(1, -int(-orbit_seconds // (96 * longest))), 10_000 // 96)


def check_years(value: object, field: str = "years") -> int:
    """A duration in whole Julian years, 1..1000; raises InvalidInput."""
    years = int(str(value)) if re.fullmatch(r"\s*[0-9]{1,4}\s*", str(value)) else 0
    if not 1 <= years <= 1000:
        raise InvalidInput(field, value, "it is a whole number of years from 1 to 1000")
    return years
