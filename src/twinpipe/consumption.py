"""What the ledger keeps of what a scenario consumed: accounts, fleets, undertakings, costs, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinpipe.part import Finite, NotNegative, Part

Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Score = Annotated[float, Field(ge=0, le=1)]
Limit = Literal["budget", "energy", "fleet", "cap", "feedstock"]


class InterventionAccount(Part):
    """What one intervention drew, delivered and cost."""

    kind: Name
    gas: Name | None = None
    drawn_kg: NotNegative
    useful_kg: NotNegative
    manufactured_kg: NotNegative
    energy_j: NotNegative
    peak_power_w: NotNegative
    cost_gcc: NotNegative
    delivered_light_j: NotNegative | None = None
    delivered_by_gas_kg: dict[str, NotNegative] | None = None
    reaction: Name | None = None
    supplied_kg: NotNegative | None = None
    turned_over_fraction: Score | None = None  # of what a plant could do, that there were reactants for
    covered_m2: NotNegative | None = None
    outside_temperature_k: NotNegative | None = None
    under_cover_temperature_k: NotNegative | None = None
    fleet: Name | None = None
    cap_kg: NotNegative | None = None
    products_kg: dict[Name, NotNegative] | None = None


class FleetAccount(Part):
    """What a fleet is, did and cost until the run's end."""

    id: Name
    origin: Text
    craft: NotNegative
    built: NotNegative
    flights: NotNegative
    delivered_kg: NotNegative
    wanted_kg: NotNegative
    last_year: NotNegative | None
    cost_gcc: NotNegative


class UndertakingAccount(Part):
    """What an undertaking drew, made, counts for at the end, and cost; the physics does not feel it."""

    id: Name
    source: str
    drawn_kg: NotNegative
    products_kg: dict[Name, NotNegative]
    energy_j: NotNegative
    peak_power_w: NotNegative
    colonies: NotNegative
    population: NotNegative
    infrastructure: NotNegative
    cost_gcc: NotNegative


class Costs(Part):
    """The cost of a plan by its parts, with contingency, and what its products sell for."""

    interventions_gcc: NotNegative
    fleets_gcc: NotNegative
    undertakings_gcc: NotNegative
    contingency_gcc: NotNegative
    total_gcc: NotNegative
    revenue_gcc: NotNegative


class ResourceTotal(Part):
    drawn_kg: NotNegative
    useful_kg: NotNegative
    energy_j: NotNegative
    peak_power_w: NotNegative
    cost_gcc: NotNegative


class Range(Part):
    """log10 of the least and the most."""

    least: Finite
    most: Finite


class Ranges(Part):
    """What a plan takes, none of what is 0; physics D3."""

    mass_kg: Range | None
    energy_j: Range | None
    peak_power_w: Range | None
    cost_gcc: Range | None


class OfTheWorld(Part):
    """What a plan takes over what the world of our time makes; physics D3."""

    power: NotNegative
    aluminium_years: NotNegative


class GasBooks(Part):
    """What the simulation's own books say came, escaped and decayed."""

    imported_kg: dict[str, NotNegative]
    escaped_kg: dict[str, NotNegative]
    decayed_kg: NotNegative


class ResourceConsumption(Part):
    """What a scenario consumed, per intervention and in total; what has a default is since metrics_version 3."""

    interventions: list[InterventionAccount]
    fleets: list[FleetAccount] = Field([])
    undertakings: list[UndertakingAccount] = Field([])
    products_kg: dict[Name, NotNegative] = Field({})
    costs: Costs | None = None
    limits: dict[Limit, NotNegative] = Field(
        {}, description="what was asked for over what there was; above 1 the limit bound the plan"
    )
    binding_limit: Limit | None = None
    total: ResourceTotal
    log10: Ranges | None = Field(None, description="since metrics_version 5")
    of_the_world: OfTheWorld | None = Field(None, description="since metrics_version 5")
    ledger: GasBooks
