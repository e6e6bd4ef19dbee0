"""Fleets of cyclers: what they carry, year by year, in closed form; domain 3.3."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator

from twinpipe.constants import DAY, YEAR
from twinpipe.intervention import Schedule, VolatileImport
from twinpipe.part import Fraction, GasName, NotNegative, Part, Positive, Title


class Fleet(Part):
    """Craft that each bring a cargo in every window: n(t) = min(first + growth (t - built_from), largest).

    What they bring is spread over the window, which is what heats and fills the planet, M(t) =
    (1 - loss) capacity / window x integral of n.  Domain 3.3, 7.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    origin: Title = Field(description="where the cargo is from")
    composition: dict[GasName, Fraction] = Field(description="mass fractions of the cargo; they sum to 1")
    capacity_kg: Positive = Field(1.0e13, description="cargo of a craft in a window; the game's cyclers")
    first: NotNegative = Field(1.0, description="craft when building begins")
    growth_per_year: NotNegative = Field(20.0, description="craft that join each year")
    largest: Positive = Field(1000.0, description="craft that there are at most")
    window_days: Positive = Field(584.0, description="between two cargoes of a craft; Venus 584, Titan 3650, H2 378")
    loss_fraction: Fraction = Field(0.02, description="of the cargo, lost on the way")
    built_from_year: NotNegative = 0.0
    start_year: NotNegative = Field(0.0, description="when the first cargo arrives")
    end_year: Positive | None = Field(None, description="when the last one does; none: never, or with wanted_kg")
    wanted_kg: NotNegative | None = Field(None, description="what is to be delivered in all, after losses")
    arrival_speed_m_s: NotNegative = 5000.0
    energy_j_kg: NotNegative = Field(1.0e6, description="energy to send a kilogram on its way")
    life_years: Positive = Field(50.0, description="of a craft, after which it is replaced")
    craft_gcc: NotNegative = Field(2.0e6, description="price of a craft (assumed)")
    replacement_gcc: NotNegative | None = Field(None, description="price of a craft that replaces one; none: the same")
    flight_gcc: NotNegative = Field(2.0e4, description="price of a flight, crew and upkeep (assumed)")

    @model_validator(mode="after")
    def _possible(self) -> Fleet:
        if self.start_year < self.built_from_year:
            raise ValueError(f"start_year {self.start_year:g} comes before built_from_year {self.built_from_year:g}")
        if self.end_year is not None and self.end_year < self.start_year:
            raise ValueError(f"end_year {self.end_year:g} comes before start_year {self.start_year:g}")
        if not self.largest >= self.first or (self.first == 0 and self.growth_per_year == 0):
            raise ValueError("a fleet has craft, first or later, and largest is not below first")
        return self

    @property
    def rate_kg_s(self) -> float:
        """Mass (kg/s) that one craft sends, before losses."""
        return self.capacity_kg / (self.window_days * DAY)

    @property
    def full_year(self) -> float:
        """Year in which the fleet has its largest size; infinite when it never has."""
        missing = self.largest - self.first
        if missing <= 0:
            return self.built_from_year
        return self.built_from_year + missing / self.growth_per_year if self.growth_per_year > 0 else math.inf

    def craft(self, year: float) -> float:
        """Craft in a year."""
        grown = self.first + self.growth_per_year * max(year - self.built_from_year, 0.0)
        return min(grown, self.largest)

    def craft_years(self, year: float) -> float:
        """Integral of the number of craft from start_year to a year, exact."""
        full = min(max(self.full_year, self.start_year), max(year, self.start_year))
        growing = (self.craft(self.start_year) + self.craft(full)) / 2 * (full - self.start_year)
        return growing + self.largest * max(year - full, 0.0)

    @property
    def last_year(self) -> float:
        """Year of the last cargo: end_year, or when wanted_kg is delivered; infinite when neither ends it."""
        ends = [self.end_year if self.end_year is not None else math.inf]
        if self.wanted_kg is not None:
            ends.append(self.year_of(self.wanted_kg))
        return min(ends)

    def year_of(self, delivered_kg: float) -> float:
        """Year in which so much is delivered: craft_years solved for the year."""
        per_year = (1 - self.loss_fraction) * self.rate_kg_s * YEAR
        owed = delivered_kg / per_year if per_year > 0 else math.inf
        while_growing = self.craft_years(self.full_year) if math.isfinite(self.full_year) else math.inf
        if owed > while_growing:
            return max(self.full_year, self.start_year) + (owed - while_growing) / self.largest
        a, b = self.growth_per_year / 2, self.craft(self.start_year)
        if a == 0 or self.craft(self.start_year) >= self.largest:
            return self.start_year + owed / b
        return self.start_year + 2 * owed / (b + math.sqrt(b * b + 4 * a * owed))

    def delivered_kg(self, year: float) -> float:
        """Mass delivered until a year, after losses."""
        return (1 - self.loss_fraction) * self.rate_kg_s * YEAR * self.craft_years(min(year, self.last_year))

    def flights(self, year: float) -> float:
        """Cargoes sent until a year."""
        return self.craft_years(min(year, self.last_year)) * YEAR / (self.window_days * DAY)

    def built(self, year: float) -> tuple[float, float]:
        """Craft built until a year to make the fleet, and to replace worn ones; none after the last cargo."""
        until = min(year, self.last_year)
        if until <= self.built_from_year:
            return 0.0, 0.0
        waiting = self.model_copy(update={"start_year": self.built_from_year})
        worn = waiting.craft_years(max(until - self.life_years, self.built_from_year)) / self.life_years
        return self.craft(until), worn

    def cost_gcc(self, year: float) -> float:
        """What craft and flights have cost until a year."""
        new, worn = self.built(year)
        replacement = self.craft_gcc if self.replacement_gcc is None else self.replacement_gcc
        return new * self.craft_gcc + worn * replacement + self.flights(year) * self.flight_gcc

    def imports(self) -> tuple[VolatileImport, ...]:
        """The same deliveries as interventions: what the fleet is at its start, held, and what joins it, as a ramp."""
        begin, end = self.start_year, self.last_year
        if end <= begin:
            return ()
        there = self.craft(begin)
        joins = self.craft(min(max(self.full_year, begin), end)) - there
        made = []
        for craft, ramp in ((there, 0.0), (joins, min(max(self.full_year, begin), end) - begin)):
            if craft > 0:
                when = Schedule(
                    start_year=begin, end_year=min(end, 1e6), shape="ramp" if ramp > 0 else "hold", ramp_years=ramp
                )
                made.append(
                    VolatileImport(
                        rate_kg_s=craft * self.rate_kg_s,
                        composition=self.composition,
                        loss_fraction=self.loss_fraction,
                        arrival_speed_m_s=self.arrival_speed_m_s,
                        energy_j_kg=self.energy_j_kg,
                        fleet=self.id,
                        schedule=when,
                    )
                )
        return tuple(made)
