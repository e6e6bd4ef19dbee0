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
    open_share: Fraction = Field(
        1.0, description="of its surface, that no lag of dust or CO2 ice seals from the air; B10"
    )


class Hydrosphere(Part):
    """Water inventories."""

    total_water_kg: NotNegative = 0.0
    surface_ice: tuple[Deposit, ...] = ()


class WaterCycle(Part):
    """How water moves between ice, liquid and vapour, and between cells; B10."""

    exchange_velocity_m_s: NotNegative = Field(0.005, description="C_E U between a wet surface and the air (E)")
    vapour_height_m: Positive = Field(
        2500.0,
        description="scale height R_w T^2 / (L dT/dz) of water vapour: 2.3 km on Earth, 3 km on Mars at 2.5 K/km",
    )
    vapour_diffusivity_m2_s: NotNegative = Field(
        2.4e6, description="of vapour in the air; that of heat, D g a^2 / (c_p p), is 2.4e6 on Mars and on Earth [calc]"
    )
    snow_albedo: Fraction = Field(0.60, description="of snow and water ice; B2 [S20, S24]")
    half_cover_kg_m2: Positive = Field(5.0, description="snow that covers half of the ground; B2")
    hold_kg_m2: NotNegative = Field(50.0, description="liquid that the ground holds; what is above runs off (E)")


class Geosphere(Part):
    """Volatiles stored in the ground: compound -> mechanism -> kg."""

    stored_volatiles_kg: dict[str, dict[str, NotNegative]] = Field({})
