"""What a body has beside air and bare ground: ices, water, what is stored below; each with its own numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from twinpipe.part import Fraction, GasName, NotNegative, Part, Positive


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


class Geosphere(Part):
    """Volatiles stored in the ground: compound -> mechanism -> kg."""

    stored_volatiles_kg: dict[str, dict[str, NotNegative]] = Field({})


class Biosphere(Part):
    """Photosynthetic life: how fast it grows, what it needs, and what becomes of it; B14.

    Where its numbers have no other source they are from memory, and belong into an ensemble.
    """

    efficiency: Fraction = Field(0.01, description="of absorbed sunlight, of all wavelengths; .001..0.04 (B14)")
    energy_j_mol: Positive = Field(4.7e5, description="chemical energy per mol of O2; B14")
    largest_rate_kg_m2_s: Positive = Field(
        3.0e-7, description="O2 that a full cover makes at most; a tropical forest fixes 3.5 kg of carbon a year"
    )
    coldest_k: Positive = Field(273.0, description="B14 [S30]")
    best_k: Positive = Field(303.0, description="B14")
    warmest_k: Positive = Field(318.0, description="B14; photosynthesis ends below 323 K [S30]")
    least_pressure_pa: NotNegative = Field(5.0e3, description="B14 [S29, S29b]")
    full_pressure_pa: Positive = Field(1.0e4, description="above which pressure does not limit; B14 [S29, S29b]")
    co2_half_pa: Positive = Field(30.0, description="CO2 at which growth is half; B14")
    n2_half_pa: NotNegative = Field(500.0, description="N2 at which it is half; 0 where the ground has nitrate; B14")
    uv_survival: Fraction = Field(1.0, description="growth under the ultraviolet of the ground; 1 below a shield; B14")
    buried_fraction: Fraction = Field(0.01, description="of dead matter that is not respired; .001..1 (B14)")
    turnover_years: Positive = Field(1.0, description="lifetime of living matter; 10 of Earth's forests")
    half_cover_kg_m2: Positive = Field(0.1, description="living matter that covers half of the ground; a film of algae")
    spread_per_year: NotNegative = Field(1.0e-3, description="share of living matter that wind carries all over")
    darkening: Fraction = Field(0.1, description="by which a full cover lowers the albedo; B14")
    living_kg_m2: NotNegative = Field(0.0, description="living matter all over the body when it starts to spin up")

    @model_validator(mode="after")
    def _ordered(self) -> Biosphere:
        if not self.coldest_k < self.best_k < self.warmest_k or 2 * self.best_k <= self.coldest_k + self.warmest_k:
            raise ValueError("best_k must lie in the upper half between coldest_k and warmest_k")
        if self.full_pressure_pa <= self.least_pressure_pa:
            raise ValueError("full_pressure_pa must be above least_pressure_pa")
        return self


class Interior(Part):
    """Gases from the interior, and what weathering and the crust take from the air; B15."""

    outgassing_kg_s: dict[GasName, NotNegative] = Field({})
    weathering_kg_s: NotNegative = Field(0.0, description="CO2 that weathering takes today, W_0")
    co2_today_pa: Positive = 40.0
    co2_exponent: NotNegative = Field(0.3, description="beta; .3 [S21] to .5 [S20]")
    temperature_today_k: Positive = 288.0
    temperature_scale_k: Positive = Field(13.7, description="T_e [S21]")
    wet_share_today: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="of the surface, on which water is liquid today; weathering goes as that share"
    )
    oxidation_kg_s: NotNegative = Field(0.0, description="O2 that the crust takes")
