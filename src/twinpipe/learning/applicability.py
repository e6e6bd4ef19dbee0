"""How well a learned pattern fits a body: 0..1 with a reason for each condition; domain 3.10."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from twinpipe.body import Body
from twinpipe.constants import SOLAR_CONSTANT_EARTH
from twinpipe.learning.extract import AIR_PA, has, has_surface_ice, main_gas
from twinpipe.lesson import RequiredConditions

APPLIES = 0.75  # applicability from which on a pattern may be applied; domain 3.10
FALL = 2.0  # factor beyond the edge of a range at which nothing of a match is left
ANOTHER_KIND = 0.5


@dataclass(frozen=True)
class Match:
    """How far a body meets one condition, 0..1, and why."""

    condition: str
    share: float
    reason: str


@dataclass(frozen=True)
class Applicability:
    """The product of the matches: one condition that is not met at all makes a pattern useless."""

    score: float
    matches: tuple[Match, ...]

    @property
    def applies(self) -> bool:
        return self.score >= APPLIES

    @property
    def against(self) -> list[str]:
        """What speaks against it, worst first."""
        return [m.reason for m in sorted(self.matches, key=lambda m: m.share) if m.share < 1]

    def as_dict(self) -> dict[str, Any]:
        return {"score": self.score, "applies": self.applies, "matches": [asdict(m) for m in self.matches]}


def applicability(wanted: RequiredConditions, body: Body) -> Applicability:
    """How well a pattern with these conditions fits a body."""
    matches = tuple(_matches(wanted, body))
    return Applicability(math.prod(m.share for m in matches), matches)


def _matches(wanted: RequiredConditions, body: Body) -> Iterator[Match]:
    if wanted.celestial_body_type is not None:
        kind = wanted.celestial_body_type
        alike = body.kind == kind or "custom" in (body.kind, kind)
        yield Match("celestial_body_type", 1.0 if alike else ANOTHER_KIND, f"it is a {body.kind}, learned on a {kind}")
    pressure = body.surface_pressure_pa
    facts = (
        ("atmosphere_present", wanted.atmosphere_present, pressure > AIR_PA, "air"),
        ("surface_water_ice", wanted.surface_water_ice, has_surface_ice(body), "water ice on the ground"),
    )
    for condition, asked, found, what in facts:
        if asked:  # what the source lacked, another body may have
            yield Match(condition, float(found), f"it has {'' if found else 'no '}{what}")
    ranges = (
        (
            "solar_flux_range",
            wanted.solar_flux_range,
            body.orbit.solar_constant_w_m2 / SOLAR_CONSTANT_EARTH,
            "sunlight over Earth's",
        ),
        ("surface_pressure_range_pa", wanted.surface_pressure_range_pa, pressure, "pressure in Pa"),
        ("gravity_range_m_s2", wanted.gravity_range_m_s2, body.bulk.gravity_m_s2, "gravity in m/s2"),
    )
    for condition, limits, value, what in ranges:
        if limits is not None:
            low, high = limits
            yield Match(
                condition, within(value, low, high), f"{what} is {value:.3g}, asked for {low:.3g} to {high:.3g}"
            )
    if wanted.main_gas is not None:
        gas = main_gas(body)
        yield Match("main_gas", float(gas == wanted.main_gas), f"the air is mostly {gas}, asked for {wanted.main_gas}")
    for taken in wanted.gases:
        there = body.atmosphere.mass_kg.get(taken, 0.0) > 0
        yield Match(f"gases.{taken}", float(there), f"it has {'' if there else 'no '}{taken} in the air")
    for need in wanted.needs:
        there = has(body, need)
        yield Match(f"needs.{need}", float(there), f"it has {'' if there else 'no '}{need.replace('_', ' ')}")


def within(value: float, low: float, high: float) -> float:
    """1 in a range, falling with the logarithm to 0 at a factor of two beyond its edges."""
    if low <= value <= high:
        return 1.0
    if value <= 0 or high <= 0:
        return 0.0
    beyond = value / high if value > high else low / value
    return max(0.0, 1 - math.log(beyond) / math.log(FALL))
