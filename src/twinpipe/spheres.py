"""What a body has beside air and bare ground: ices, water, what is stored below; each with its own numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinpipe.part import Fraction, GasName, NotNegative, Part, Positive


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


class Regolith(Part):
    """Ground below the skin that heat reaches within centuries, and the CO2 that it holds adsorbed; B9."""

    inventory_kg: NotNegative = Field(description="CO2 adsorbed today")
    temperature_scale_k: Positive = Field(30.0, description="T_d of the isotherm; 20..40, unknown [S17]")
    exponent: Annotated[float, Field(ge=0, le=1)] = Field(0.275, description="of pressure in the isotherm")
    depth_m: Positive = Field(244.0, description="down to which CO2 is adsorbed, at most that of the layers")
    thickness_m: Annotated[tuple[Positive, ...], Field(min_length=2, max_length=20)] = Field(
        (2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0, 70.0), description="of the layers below the skin"
    )
    heat_diffusivity_m2_s: Positive = Field(6.0e-7, description="kappa below the skin; B9")
    gas_diffusivity_m2_s: Positive = Field(
        1.5e-6,
        description="of pressure in ground that adsorbs: a pore diffusivity of 3e-4 over a storage 200 times that"
        " of the pores, so that gas comes and goes faster than heat; from memory",
    )
    native_limit_pa: Positive = Field(
        1.0e4, description="that the body's own CO2, carbonates apart, cannot exceed in air and caps; C2.8"
    )


class BuriedCo2(Part):
    """CO2 ice in a band of latitudes below a lid of water ice, which keeps it while the ground is cold; B8."""

    mass_kg: NotNegative
    south_degree: Annotated[float, Field(ge=-90, le=90)]
    north_degree: Annotated[float, Field(ge=-90, le=90)]
    lid_thickness_m: Annotated[float, Field(ge=5, allow_inf_nan=False)] = Field(
        10.0, description="heat passes a thinner lid within a season, where annual means do not rule it"
    )
    lid_conductivity_w_m_k: Positive = Field(2.5, description="of water ice; B5")
    lid_density_kg_m3: Positive = 920.0


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
