"""What a scenario consumed: mass, energy, peaks and cost of each intervention; physics D3."""

from __future__ import annotations

import math
from typing import Any, assert_never

from twinpipe.body import Body
from twinpipe.constants import YEAR
from twinpipe.costs import FREE, binding, fleet_accounts, limits, products, undertaking_account
from twinpipe.goals import available
from twinpipe.intervention import (
    AerogelCover,
    AerosolFactory,
    AlbedoPaint,
    ChemicalPlant,
    DarkDust,
    GasExport,
    Heater,
    Inoculation,
    Intervention,
    OrbitalMirror,
    Region,
    StoreRelease,
    Sunshade,
    SuperGreenhouseGasFactory,
    VolatileImport,
    is_natural,
)
from twinpipe.measures import Outcome
from twinpipe.physics.covers import under_cover_temperature
from twinpipe.physics.interventions import activity, mirror_power, region_share
from twinpipe.ranges import of_the_world, ranges
from twinpipe.reactions import moles_per_kg
from twinpipe.scenario import Economy

ACCOUNT = ("drawn_kg", "useful_kg", "manufactured_kg", "energy_j", "peak_power_w", "cost_gcc")


def resource_consumption(outcome: Outcome) -> dict[str, Any]:
    """Per intervention and in total: drawn and useful mass (kg), energy (J), peak power (W), cost (GCC).

    The account of what nature does is empty.
    With fleets, undertakings, products, costs, their ranges, and the limits of the plan with the one that bound it.
    """
    spec, clock, n = outcome.spec, outcome.plan.clock, outcome.plan.n_steps
    emitted: dict[str, float] = {}
    items = []
    delivered = outcome.books["seconds_at_full_rate"]
    turnover = _turnover(spec.scenario.interventions, delivered, outcome.books["reacted_mol"])
    share = available(outcome)
    for k, item in enumerate(spec.scenario.interventions):
        full_seconds = float(activity(item.schedule, clock, 0, n).sum()) * clock.step_seconds
        if item.schedule.feedback is not None:
            full_seconds = delivered[k]
        items.append(_account(item, spec.body, full_seconds, spec.scenario.economy, turnover))
        if isinstance(item, GasExport):
            items[-1] = _as_taken(items[-1], item, share[item.gas])
        if isinstance(item, AerogelCover):
            items[-1] |= under_cover(item, outcome)
        if isinstance(item, SuperGreenhouseGasFactory):
            emitted[item.gas] = emitted.get(item.gas, 0.0) + items[-1]["drawn_kg"]
    for item, account in zip(spec.scenario.interventions, items, strict=True):
        if isinstance(item, SuperGreenhouseGasFactory) and account["drawn_kg"] > 0:
            left = outcome.gas_kg.get(item.gas, 0.0) / emitted[item.gas]
            account["useful_kg"] = account["drawn_kg"] * min(1.0, left)
    economy = spec.scenario.economy or FREE
    fleets = fleet_accounts(outcome)
    works = [undertaking_account(u, spec.years, economy) for u in spec.scenario.undertakings]
    total = {key: math.fsum(a[key] for a in (*items, *works)) for key in ("drawn_kg", "energy_j", "peak_power_w")}
    total["useful_kg"] = math.fsum([*(a["useful_kg"] for a in items), *(sum(w["products_kg"].values()) for w in works)])
    parts = {
        "interventions_gcc": math.fsum(a["cost_gcc"] for a in items),
        "fleets_gcc": math.fsum(f["cost_gcc"] for f in fleets),
        "undertakings_gcc": math.fsum(w["cost_gcc"] for w in works),
    }
    parts["contingency_gcc"] = economy.contingency * math.fsum(parts.values())
    total["cost_gcc"] = math.fsum(parts.values())
    made = products([*items, *works])
    revenue = math.fsum(mass * economy.product_gcc_per_kg.get(name, 0.0) for name, mass in made.items())
    ledger = {k: outcome.books[k] for k in ("imported_kg", "escaped_kg", "decayed_kg")}
    result: dict[str, Any] = {
        "interventions": items,
        "fleets": fleets,
        "undertakings": works,
        "products_kg": made,
        "costs": {**parts, "total_gcc": total["cost_gcc"], "revenue_gcc": revenue},
        "total": total,
        "ledger": ledger,
    }
    result |= {"log10": ranges(result, spec.scenario.interventions, economy), "of_the_world": of_the_world(result)}
    result["limits"] = limits(outcome, result)
    result["binding_limit"] = binding(result["limits"])
    return result


def _as_taken(account: dict[str, Any], item: GasExport, share: float) -> dict[str, Any]:
    """The account of an export for the share of what it wanted that there was, with what was made of it."""
    taken = {key: account[key] * share for key in ("drawn_kg", "useful_kg", "energy_j", "cost_gcc")}
    per_kg = item.works.products(item.gas) if item.works is not None else {item.gas: 1.0}
    made = {name: x * taken["drawn_kg"] for name, x in per_kg.items()}
    useful = math.fsum(made.values())
    own = {"products_kg": made, "useful_kg": useful}
    return {**account, **taken, **own, **({"cap_kg": item.cap_kg} if item.cap_kg is not None else {})}


def _turnover(
    interventions: tuple[Intervention, ...], seconds: list[float], reacted: dict[str, float]
) -> dict[str, float]:
    """Share of what the plants of each reaction could have turned over that there were reactants for."""
    wanted: dict[str, float] = {}
    for item, full in zip(interventions, seconds, strict=False):
        if isinstance(item, ChemicalPlant):
            moles = item.rate_kg_s * full * moles_per_kg(item.reaction, item.reactant)
            wanted[item.reaction] = wanted.get(item.reaction, 0.0) + moles
    return {name: min(reacted[name] / moles, 1.0) if moles > 0 else 1.0 for name, moles in wanted.items()}


def under_cover(item: AerogelCover, outcome: Outcome) -> dict[str, float]:
    """Temperatures (K) of the last orbit in the region of a cover: outside, and under it."""
    grid = outcome.plan.grid
    weight = grid.area_weight * region_share(item.target, grid)
    weight /= weight.sum()
    outside = float((weight * outcome.maps["surface_temperature"][-1]).sum())
    light = float((weight * outcome.maps["absorbed_shortwave_flux"][-1]).sum())
    inside = under_cover_temperature(outside, light, item.transmission, item.thickness_m / item.conductivity_w_m_k)
    return {"outside_temperature_k": outside, "under_cover_temperature_k": inside}


def _account(
    item: Intervention, body: Body, seconds: float, economy: Economy | None, turnover: dict[str, float]
) -> dict[str, Any]:
    """Account of one intervention that ran for so many seconds at full rate."""
    account: dict[str, Any] = {"kind": item.kind}
    if is_natural(item):
        return account | dict.fromkeys(ACCOUNT, 0.0)
    match item:
        case SuperGreenhouseGasFactory():
            made = item.rate_kg_s * seconds
            account |= {"gas": item.gas, "drawn_kg": made, "useful_kg": made, "manufactured_kg": made}
            account |= {"energy_j": made * item.energy_j_kg, "peak_power_w": item.rate_kg_s * item.energy_j_kg}
        case OrbitalMirror():
            # The foil is made once, in the year before it is lit; it stays useful as long as it shines.
            foil = item.area_m2 * item.areal_density_kg_m2 if seconds > 0 else 0.0
            account |= {"drawn_kg": foil, "useful_kg": foil, "manufactured_kg": foil}
            account |= {"energy_j": foil * item.energy_j_kg, "peak_power_w": foil * item.energy_j_kg / YEAR}
            account["delivered_light_j"] = mirror_power(item, body) * seconds
        case Sunshade():
            foil = (
                item.fraction * math.pi * body.bulk.mean_radius_m**2 * item.areal_density_kg_m2 if seconds > 0 else 0.0
            )
            account |= {"drawn_kg": foil, "useful_kg": foil, "manufactured_kg": foil}
            account |= {"energy_j": foil * item.energy_j_kg, "peak_power_w": foil * item.energy_j_kg / YEAR}
        case AlbedoPaint():
            covered = region_area(item.target, body.bulk.area_m2) if seconds > 0 else 0.0
            paint = covered * item.layer_kg_m2
            account |= {"drawn_kg": paint, "useful_kg": paint, "manufactured_kg": paint}
            account |= {"energy_j": paint * item.energy_j_kg, "peak_power_w": paint * item.energy_j_kg / YEAR}
        case Heater():
            account |= {"drawn_kg": 0.0, "useful_kg": 0.0, "manufactured_kg": 0.0}
            account |= {"energy_j": item.power_w * seconds, "peak_power_w": item.power_w}
        case AerogelCover():
            covered = item.share * region_area(item.target, body.bulk.area_m2) if seconds > 0 else 0.0
            layer = covered * item.thickness_m * item.density_kg_m3
            account |= {"drawn_kg": layer, "useful_kg": layer, "manufactured_kg": layer, "covered_m2": covered}
            account |= {"energy_j": layer * item.energy_j_kg, "peak_power_w": layer * item.energy_j_kg / YEAR}
        case ChemicalPlant():
            turned = item.rate_kg_s * seconds * turnover[item.reaction]
            mineral = sum(item.supply_kg_s.values()) * seconds
            account |= {"reaction": item.reaction, "drawn_kg": turned + mineral, "useful_kg": turned}
            account |= {"manufactured_kg": 0.0, "supplied_kg": mineral, "turned_over_fraction": turnover[item.reaction]}
            account |= {"energy_j": turned * item.taken_j_kg, "peak_power_w": item.rate_kg_s * item.taken_j_kg}
        case AerosolFactory() | DarkDust() | StoreRelease() | Inoculation():
            moved = item.rate_kg_s * seconds
            made = moved if isinstance(item, AerosolFactory) else 0.0
            account |= {"drawn_kg": moved, "useful_kg": moved, "manufactured_kg": made}
            account |= {"energy_j": moved * item.energy_j_kg, "peak_power_w": item.rate_kg_s * item.energy_j_kg}
        case GasExport():
            moved, price_j = item.rate_kg_s * seconds, export_energy(item, body)
            price_j += item.works.taken_j_kg(item.gas) if item.works is not None else 0.0
            account |= {"gas": item.gas, "drawn_kg": moved, "useful_kg": moved, "manufactured_kg": 0.0}
            account |= {"energy_j": moved * price_j, "peak_power_w": item.rate_kg_s * price_j}
        case VolatileImport():
            sent = item.rate_kg_s * seconds
            account |= {"drawn_kg": sent, "useful_kg": sent * (1 - item.loss_fraction), "manufactured_kg": 0.0}
            account |= {"energy_j": sent * item.energy_j_kg, "peak_power_w": item.rate_kg_s * item.energy_j_kg}
            account |= {"fleet": item.fleet} if item.fleet is not None else {}
            account["delivered_by_gas_kg"] = {
                g: x * sent * (1 - item.loss_fraction) for g, x in item.composition.items()
            }
        case _:
            assert_never(item)
    price = economy or FREE
    account["cost_gcc"] = (
        account["energy_j"] * price.energy_gcc_per_j + account["manufactured_kg"] * price.manufacture_gcc_per_kg
    )
    return account


def export_energy(item: GasExport, body: Body) -> float:
    """Energy (J kg-1) to take a gas away: as given, else half the square of the escape speed, g R; B16."""
    return item.energy_j_kg if item.energy_j_kg is not None else body.bulk.gravity_m_s2 * body.bulk.mean_radius_m


def region_area(region: Region, area_m2: float) -> float:
    """Area (m2) of a region on a body of that area."""
    south, north = (math.sin(math.radians(x)) for x in (region.south_degree, region.north_degree))
    width = region.east_degree - region.west_degree
    while width <= 0:
        width += 360
    return area_m2 * (north - south) / 2 * min(width, 360.0) / 360
