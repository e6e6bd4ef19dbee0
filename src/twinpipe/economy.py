"""Prices, budget and industrial limits of a plan; price tables are files in prices/; domain 3.7, physics D3."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from twinpipe.errors import NotFound
from twinpipe.part import Fraction, NotNegative, Part, Positive


class Economy(Part):
    """Prices and the limits that a plan is measured against; GCC is the game's currency."""

    budget_gcc: Positive
    energy_gcc_per_j: NotNegative
    manufacture_gcc_per_kg: NotNegative
    contingency: Fraction = Field(0.0, description="added to all costs; 0.15 in the game")
    uncertainty_dex: NotNegative = Field(0.0, description="powers of ten by which all prices may be off, either way")
    power_w: Positive = Field(1.9e13, description="largest power that there is for the plan; the world's of today, D3")
    product_gcc_per_kg: dict[str, NotNegative] = Field({}, description="price at which a product is sold")


@cache
def price_tables() -> tuple[str, ...]:
    """Names of the price tables that ship with twinpipe."""
    return tuple(sorted(p.name[:-5] for p in files("twinpipe.prices").iterdir() if p.name.endswith(".toml")))


def load_prices(name: str) -> dict[str, Any]:
    """A price table as a dictionary of the fields of Economy, without the budget; raises NotFound."""
    if name not in price_tables():
        raise NotFound("price table", name, list(price_tables()))
    return tomllib.loads((files("twinpipe.prices") / f"{name}.toml").read_text(encoding="utf-8"))
