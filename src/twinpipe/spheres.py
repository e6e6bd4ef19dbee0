"""What a body has beside air and bare ground: ices, water, what is stored below; each with its own numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from twinpipe.part import Fraction, NotNegative, Part, Positive


class Co2Ice(Part):
    """Optical properties of seasonal CO2 ice; B8."""

    albedo_north: Fraction
    albedo_south: Fraction
    emissivity_north: Fraction
    emissivity_south: Fraction
    half_cover_kg_m2: Positive = Field(20.0, description="mass at which half of the ground is covered; B2")


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


class IceShell(Part):
    """A shell of ice over an ocean, below the soil of the surface; B13."""

    thickness_m: Positive = Field(15e3, description="of the whole shell today; 5-30 km [S26]")
    conductivity_w_m: Positive = Field(567.0, description="kappa_0 of K = kappa_0 / T; 567 to 651 [S26]")
    base_temperature_k: Positive = Field(270.0, description="T_b, at which ice and ocean meet")
    ocean_mass_kg: Positive = Field(2.6e21, description="A4")
    ocean_exchange_w_m2_k: NotNegative = Field(
        40.0, description="heat to the ice for each kelvin of ocean above T_b: rho c_w 1e-5 m/s below ice (E)"
    )
    layers_m: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=60)] = Field(
        (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0, 2560.0, 2560.0, 2560.0, 2560.0, 1280.0, 640.0, 290.0),
        description="from the top down; heat reaches 200 m in 1000 years; the last is as thick as the shell is",
    )


class Sea(Part):
    """Methane and ethane on the ground, spread evenly over a band of latitudes."""

    name: str
    methane_kg: NotNegative
    ethane_kg: NotNegative = 0.0
    south_degree: Annotated[float, Field(ge=-90, le=90)]
    north_degree: Annotated[float, Field(ge=-90, le=90)]
    share: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="of the band that is wet")


class MethaneCycle(Part):
    """Methane between air and seas, and what sunlight makes of it; B12."""

    seas: tuple[Sea, ...] = ()
    exchange_velocity_m_s: NotNegative = Field(1e-3, description="C_E U over a sea, under winds of 1 m/s (E)")
    photolysis_kg_s: NotNegative = Field(
        200.0, description="CH4 that sunlight turns into ethane and hydrogen: 6e9 kg a year of 2e9-2e10; B12 [S27]"
    )


class Geosphere(Part):
    """Volatiles stored in the ground: compound -> mechanism -> kg."""

    stored_volatiles_kg: dict[str, dict[str, NotNegative]] = Field({})
