"""What a body has beside air and bare ground: ices, water, what is stored below; each with its own numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinpipe.part import Fraction, NotNegative, Part, Positive


class Co2Ice(Part):
    """CO2 that condenses on the ground, its optical properties and heat; B8."""

    albedo_north: Fraction
    albedo_south: Fraction
    emissivity_north: Fraction
    emissivity_south: Fraction
    half_cover_kg_m2: Positive = Field(20.0, description="mass at which half of the ground is covered; B2")
    latent_j_kg: Positive = Field(5.90e5, description="heat that condensing a kilogram frees; B0")
    condensation: Literal["frost", "frost_or_liquid"] = Field(
        "frost",
        description="frost: the frost point of the Mars book, 120-200 K; frost_or_liquid: ice up to the triple"
        " point of CO2, liquid from there to its critical point; B8",
    )


class Deposit(Part):
    """Water ice on the surface, spread evenly over a band of latitudes."""

    name: str
    mass_kg: NotNegative
    south_degree: Annotated[float, Field(ge=-90, le=90)]
    north_degree: Annotated[float, Field(ge=-90, le=90)]


class Hydrosphere(Part):
    """Water inventories."""

    total_water_kg: NotNegative = 0.0
    surface_ice: tuple[Deposit, ...] = ()


class Geosphere(Part):
    """Volatiles stored in the ground: compound -> mechanism -> kg."""

    stored_volatiles_kg: dict[str, dict[str, NotNegative]] = Field({})
