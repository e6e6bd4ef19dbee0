"""Interventions: what a plan does to a planet, when, where, and what it takes; B16."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from twinpipe.constants import YEAR
from twinpipe.part import Fraction, GasName, NotNegative, Part, Positive
from twinpipe.products import Works
from twinpipe.reactions import REACTIONS, PlantReaction, released_per_kg
from twinpipe.schedule import Feedback as Feedback  # one place to import what an intervention is made of
from twinpipe.schedule import Schedule as Schedule

SuperGas = Literal["C3F8", "CF4", "C2F6", "SF6"]
Aerosol = Literal["aluminium_nanorods", "nanorings", "graphene", "natural_dust", "silica_rods"]
StoreName = Literal["ocean_water", "ground_ice", "buried_co2"]
MineralName = Literal["CaO", "MgO"]
Natural = Annotated[bool, Field(description="nature's doing: nobody pays for it, plans it or repeats it")]

# Years on Earth [S37]; a tenth of that on a planet without an ozone layer is a pessimistic member (B11).
SUPER_GAS_LIFETIME_YEARS: dict[str, float] = {"C3F8": 2600.0, "CF4": 50_000.0, "C2F6": 10_000.0, "SF6": 3200.0}


class Region(Part):
    """Where an intervention acts: a box of latitudes and longitudes in degrees (east)."""

    south_degree: Annotated[float, Field(ge=-90, le=90)] = -90.0
    north_degree: Annotated[float, Field(ge=-90, le=90)] = 90.0
    west_degree: Annotated[float, Field(ge=-180, le=180)] = -180.0
    east_degree: Annotated[float, Field(ge=-180, le=180)] = 180.0

    @model_validator(mode="after")
    def _ordered(self) -> Region:
        if self.north_degree <= self.south_degree:
            raise ValueError("north_degree must lie north of south_degree")
        return self


class SuperGreenhouseGasFactory(Part):
    """Makes a perfluorinated gas from regolith: dM/dt = E - M / lifetime; B16, B3.3 (c)."""

    kind: Literal["super_greenhouse_gas"] = "super_greenhouse_gas"
    gas: SuperGas = "C3F8"
    rate_kg_s: NotNegative = Field(description="emission at full rate")
    lifetime_years: Positive | None = Field(None, description="e-folding time; that of the gas when not given")
    pessimistic_photolysis: bool = Field(
        False, description="a tenth of that time, as without an ozone layer to keep hard light away; B11"
    )
    energy_j_kg: NotNegative = Field(3.0e7, description="energy to make a kilogram; 6e6..3e7, [S12b, S37]")
    schedule: Schedule = Schedule()


class AerosolFactory(Part):
    """Makes particles that stay in the air until they fall out: dM/dt = E - M / lifetime; B16, B3.3 (d)."""

    kind: Literal["aerosol"] = "aerosol"
    particle: Aerosol = "aluminium_nanorods"
    rate_kg_s: NotNegative = Field(description="particles made at full rate; 30 litres of aluminium are 81 kg")
    lifetime_years: Positive = Field(10.0, description="until they have fallen out; 1..20 [S13], E")
    extinction_m2_kg: Positive | None = Field(None, description="at 0.67 um; that of the particle when not given")
    energy_j_kg: NotNegative = Field(5.0e7, description="energy to smelt a kilogram of aluminium; D3")
    natural: Natural = False
    schedule: Schedule = Schedule()


class OrbitalMirror(Part):
    """A mirror in orbit that adds sunlight to a region: P = r S A duty; B16."""

    kind: Literal["orbital_mirror"] = "orbital_mirror"
    area_m2: NotNegative
    reflectivity: Fraction = 0.9
    duty: Fraction = Field(1.0, description="fraction of the time in which the target is lit")
    areal_density_kg_m2: Positive = Field(0.004, description="4 g m-2 of foil and structure")
    energy_j_kg: NotNegative = Field(5.0e7, description="energy to smelt a kilogram of aluminium; D3")
    target: Region = Region()
    schedule: Schedule = Schedule()


class Sunshade(Part):
    """A shade between star and body: S -> S (1 - f); B16."""

    kind: Literal["sunshade"] = "sunshade"
    fraction: Fraction = Field(description="share of the sunlight that is kept away at full rate")
    areal_density_kg_m2: Positive = Field(0.004, description="4 g m-2 of foil and structure")
    energy_j_kg: NotNegative = Field(5.0e7, description="energy to smelt a kilogram of aluminium; D3")
    natural: Natural = False
    schedule: Schedule = Schedule()


class DarkDust(Part):
    """Spreads dark dust, which fresh frost buries again: A = A_ice - (A_ice - A_d)(1 - exp(-m/m_0)); B16."""

    kind: Literal["dark_dust"] = "dark_dust"
    rate_kg_s: NotNegative = Field(description="dust spread at full rate")
    energy_j_kg: NotNegative = Field(1.0e5, description="energy to dig, carry and spread a kilogram")
    target: Region = Region()
    schedule: Schedule = Schedule()


class AlbedoPaint(Part):
    """Changes the albedo of the ground in a region; B16."""

    kind: Literal["albedo_paint"] = "albedo_paint"
    change: Annotated[float, Field(ge=-1, le=1)] = Field(description="of the albedo of bare ground, at full rate")
    layer_kg_m2: Positive = Field(0.1, description="mass of the layer")
    energy_j_kg: NotNegative = Field(1.0e6, description="energy to make and spread a kilogram")
    target: Region = Region()
    schedule: Schedule = Schedule()


class Heater(Part):
    """Heats the ground of a region, or the ocean below it, from a source of its own; B16."""

    kind: Literal["heater"] = "heater"
    power_w: NotNegative
    into: Literal["ground", "ocean"] = "ground"
    target: Region = Region()
    schedule: Schedule = Schedule()


class VolatileImport(Part):
    """Brings volatiles from elsewhere; a part is lost as ejecta, the impact's energy heats the body; B16."""

    kind: Literal["volatile_import"] = "volatile_import"
    rate_kg_s: NotNegative = Field(description="mass sent at full rate, before losses")
    composition: dict[GasName, Fraction] = Field(description="mass fractions; they sum to 1")
    loss_fraction: Fraction = Field(0.02, description="lost on the way and as ejecta")
    arrival_speed_m_s: NotNegative = 5000.0
    heat_fraction: Fraction = Field(0.5, description="part of the arrival energy that heats air and ground")
    energy_j_kg: NotNegative = Field(1.0e6, description="energy to send a kilogram on its way")
    fleet: str | None = Field(None, description="fleet of the scenario whose cargo it is")
    natural: Natural = False
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _sums_to_one(self) -> VolatileImport:
        total = sum(self.composition.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"composition sums to {total:g}, and must sum to 1")
        return self


class GasExport(Part):
    """Takes a gas from the air and away, as long as there is any, and no more than a cap; B16."""

    kind: Literal["gas_export"] = "gas_export"
    gas: GasName
    rate_kg_s: NotNegative
    energy_j_kg: NotNegative | None = Field(None, description="half the square of the escape speed when not given")
    cap_kg: Positive | None = Field(
        None, description="largest mass that may be taken in all; the schedule ends in the year in which it is"
    )
    works: Works | None = Field(None, description="what is made of the gas; none: it is used as it is")
    schedule: Schedule = Schedule()

    @model_validator(mode="before")
    @classmethod
    def _ends_at_its_cap(cls, data: Any) -> Any:
        cap, rate = (data.get(key) for key in ("cap_kg", "rate_kg_s")) if isinstance(data, dict) else (None, None)
        if not isinstance(cap, int | float) or not isinstance(rate, int | float) or cap <= 0 or rate <= 0:
            return data
        schedule = Schedule.model_validate(data.get("schedule", {}))
        end = min(schedule.year_of(cap / rate / YEAR), schedule.end_year)
        return {**data, "schedule": {**schedule.model_dump(), "end_year": end}}

    @model_validator(mode="after")
    def _possible(self) -> GasExport:
        if self.works is not None:
            self.works.check_feed(self.gas)
        return self

    def products(self) -> dict[str, float]:
        """kg/s of each product at full rate; the gas itself where no works make something of it."""
        made = self.works.products(self.gas) if self.works is not None else {self.gas: 1.0}
        return {name: share * self.rate_kg_s for name, share in made.items()}

    @property
    def capped(self) -> bool:
        """Whether its schedule ends because the cap is reached then."""
        taken = self.rate_kg_s * self.schedule.full_years(self.schedule.end_year) * YEAR
        return self.cap_kg is not None and taken >= self.cap_kg * (1 - 1e-9)


class StoreRelease(Part):
    """Frees a volatile from where it is stored, with the heat that this takes from a source of its own; B16."""

    kind: Literal["store_release"] = "store_release"
    store: StoreName
    rate_kg_s: NotNegative = Field(description="mass freed at full rate, as long as there is any")
    energy_j_kg: NotNegative = Field(6.0e5, description="energy to dig up and heat a kilogram")
    schedule: Schedule = Schedule()


class ChemicalPlant(Part):
    """Runs a reaction between what is in the air and what is stored, as far as there is of it; B16.

    The heat of the reaction and the energy that the plant takes, from a source of its own, warm the ground.
    """

    kind: Literal["reaction"] = "reaction"
    reaction: PlantReaction
    reactant: Literal["CO2", "H2", "H2O", "CaO", "MgO"] = Field(description="the one that the rate is of")
    rate_kg_s: NotNegative = Field(description="of the reactant that it takes at full rate, if there is enough")
    efficiency: Annotated[float, Field(gt=0, le=1)] = Field(
        0.7, description="of the energy that a reaction needs, what the plant takes; electrolysis .7 (D3)"
    )
    energy_j_kg: NotNegative | None = Field(
        None, description="energy to turn over a kilogram of it; what the reaction needs over the efficiency"
    )
    supply_kg_s: dict[MineralName, NotNegative] = Field({}, description="mineral brought to the plant at full rate")
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _possible(self) -> ChemicalPlant:
        reactants = REACTIONS[self.reaction].reactants
        if self.reactant not in reactants:
            raise ValueError(f"{self.reaction} consumes {' and '.join(reactants)}, and no {self.reactant}")
        if self.energy_j_kg is not None and self.energy_j_kg < self.least_energy_j_kg:
            raise ValueError(f"energy_j_kg must be at least {self.least_energy_j_kg:.4g}, which {self.reaction} takes")
        return self

    @property
    def least_energy_j_kg(self) -> float:
        """Energy (J) that the reaction itself needs for a kilogram of the reactant."""
        return max(-released_per_kg(self.reaction, self.reactant), 0.0)

    @property
    def taken_j_kg(self) -> float:
        """Energy (J) that the plant takes for a kilogram of the reactant."""
        return self.least_energy_j_kg / self.efficiency if self.energy_j_kg is None else self.energy_j_kg


class Inoculation(Part):
    """Brings living matter, photosynthetic microbes, to a region; where they can live they spread; B14, B16."""

    kind: Literal["inoculation"] = "inoculation"
    rate_kg_s: NotNegative = Field(description="living matter brought at full rate")
    energy_j_kg: NotNegative = Field(1.0e8, description="energy to grow, carry and spread a kilogram")
    target: Region = Region()
    schedule: Schedule = Schedule()


class AerogelCover(Part):
    """Covers a share of a region with a clear layer that keeps heat; the rest of the planet does not feel it; B16."""

    kind: Literal["aerogel_cover"] = "aerogel_cover"
    share: Fraction = Field(description="of the region's area")
    thickness_m: Positive = Field(0.025, description="2-3 cm [S14]")
    conductivity_w_m_k: Positive = Field(0.01, description="of silica aerogel [S14b]")
    density_kg_m3: Positive = Field(100.0, description="D2")
    transmission: Fraction = Field(0.65, description="of sunlight through the layer; of 2-3 cm, from memory")
    energy_j_kg: NotNegative = Field(5.0e7, description="energy to make and lay a kilogram (E)")
    target: Region = Region()
    schedule: Schedule = Schedule()


Intervention = Annotated[
    SuperGreenhouseGasFactory
    | AerosolFactory
    | OrbitalMirror
    | Sunshade
    | DarkDust
    | AlbedoPaint
    | Heater
    | VolatileImport
    | GasExport
    | StoreRelease
    | ChemicalPlant
    | Inoculation
    | AerogelCover,
    Field(discriminator="kind"),
]


def is_natural(item: Intervention) -> bool:
    """Whether nature does it, and not the plan."""
    return isinstance(item, AerosolFactory | Sunshade | VolatileImport) and item.natural
