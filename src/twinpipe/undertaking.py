"""Undertakings: what a plan does that the planet's physics does not feel: colonies, works, power, stations.

They are bookkeeping: counters with capital, upkeep, power, and what they draw and make.  What they draw is far below
what a planet's inventories resolve, and is not taken from them; it is in the accounts.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from twinpipe.part import NotNegative, Part, Positive, Title
from twinpipe.products import Works


class Undertaking(Part):
    """A number of equal installations from a year on, with what each of them counts for, costs, draws and makes."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    title: Title = ""
    count: NotNegative = 1.0
    start_year: NotNegative = 0.0
    end_year: Positive = 1000.0
    colonies: NotNegative = Field(0.0, description="of each, as the next four")
    population: NotNegative = 0.0
    infrastructure: NotNegative = Field(0.0, description="points of the game's counter")
    capital_gcc: NotNegative = 0.0
    upkeep_gcc_a: NotNegative = 0.0
    power_w: NotNegative = 0.0
    feed: str | None = Field(None, description="what it draws, such as ocean_water or regolith")
    rate_kg_s: NotNegative = Field(0.0, description="mass that it draws")
    works: Works | None = Field(None, description="what it makes of that; none: it is used up")
    stores: str | None = Field(None, description="product of the plan that it keeps")
    storage_kg: NotNegative = Field(0.0, description="of that product, when it is full")
    source: Title = Field("", description="what the account debits: hydrosphere, regolith, outside")

    @model_validator(mode="after")
    def _consistent(self) -> Undertaking:
        if self.end_year <= self.start_year:
            raise ValueError(f"end_year {self.end_year:g} must come after start_year {self.start_year:g}")
        if self.rate_kg_s > 0 and self.feed is None:
            raise ValueError("a rate_kg_s needs a feed that says of what it is")
        if self.works is not None and self.feed is not None:
            self.works.check_feed(self.feed)
        return self

    def years(self, until: float) -> float:
        """Years for which it has stood until a year."""
        return min(max(until - self.start_year, 0.0), self.end_year - self.start_year)

    def products(self) -> dict[str, float]:
        """kg/s of each product of all of them at work; what people draw for themselves is none."""
        if self.feed is None or self.works is None:
            return {}
        made = self.works.products(self.feed)
        return {name: share * self.rate_kg_s * self.count for name, share in made.items()}
