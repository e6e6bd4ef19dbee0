"""What a plan costs, makes and is bound by: fleets, undertakings, products, contingency, limits; physics D3."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twinpipe.constants import YEAR
from twinpipe.goals import available
from twinpipe.grid import Array
from twinpipe.intervention import GasExport, Schedule
from twinpipe.measures import Outcome
from twinpipe.physics.interventions import activity
from twinpipe.scenario import Economy
from twinpipe.undertaking import Undertaking

FREE = Economy(budget_gcc=1.0, energy_gcc_per_j=0.0, manufacture_gcc_per_kg=0.0)
MADE_ONCE = ("orbital_mirror", "sunshade", "albedo_paint", "aerogel_cover")  # paid for as far as they stand


def fleet_accounts(outcome: Outcome) -> list[dict[str, Any]]:
    """Craft, flights, cargo and cost of each fleet until the run's end, and what was wanted of it."""
    years = outcome.spec.years
    accounts = []
    for fleet in outcome.spec.scenario.fleets:
        new, worn = fleet.built(years)
        delivered = fleet.delivered_kg(years)
        accounts.append(
            {
                "id": fleet.id,
                "origin": fleet.origin,
                "craft": fleet.craft(min(years, fleet.last_year)) if years > fleet.built_from_year else 0.0,
                "built": new + worn,
                "flights": fleet.flights(years),
                "delivered_kg": delivered,
                "wanted_kg": fleet.wanted_kg if fleet.wanted_kg is not None else delivered,
                "last_year": fleet.last_year if math.isfinite(fleet.last_year) else None,
                "cost_gcc": fleet.cost_gcc(years),
            }
        )
    return accounts


def undertaking_account(item: Undertaking, years: float, price: Economy) -> dict[str, Any]:
    """What one undertaking drew, made, counted for and cost until a year."""
    stood = item.years(years)
    drawn = item.count * item.rate_kg_s * stood * YEAR
    taken = item.works.taken_j_kg(item.feed) if item.works is not None and item.feed is not None else 0.0
    power = item.count * (item.power_w + item.rate_kg_s * taken)
    there = item.count if stood > 0 and item.end_year >= years else 0.0
    energy = power * stood * YEAR
    return {
        "id": item.id,
        "source": item.source,
        "drawn_kg": drawn,
        "products_kg": {name: rate * stood * YEAR for name, rate in item.products().items()},
        "energy_j": energy,
        "peak_power_w": power if stood > 0 else 0.0,
        "colonies": there * item.colonies,
        "population": there * item.population,
        "infrastructure": there * item.infrastructure,
        "cost_gcc": item.count * ((item.capital_gcc if stood > 0 else 0.0) + item.upkeep_gcc_a * stood)
        + energy * price.energy_gcc_per_j,
    }


def products(accounts: list[dict[str, Any]]) -> dict[str, float]:
    """kg of each product of all accounts together."""
    total: dict[str, float] = {}
    for account in accounts:
        for name, mass in account.get("products_kg", {}).items():
            total[name] = total.get(name, 0.0) + mass
    return total


def limits(outcome: Outcome, resources: dict[str, Any]) -> dict[str, float]:
    """What the plan asked for over what there was, of each limit that it has; above 1 the limit bound it.

    budget: cost over budget; energy: the sum of peak powers over the power that there is; fleet: cargo that was wanted
    over what came in time; cap: what exports would have taken over their caps; feedstock: what plants and exports could
    take over what there was for them.
    """
    scenario, years = outcome.spec.scenario, float(outcome.spec.years)
    found: dict[str, float] = {}
    economy = scenario.economy
    if economy is not None:
        found["budget"] = resources["costs"]["total_gcc"] / economy.budget_gcc
        found["energy"] = resources["total"]["peak_power_w"] / economy.power_w
    due = [f for f in scenario.fleets if f.start_year < years and (f.wanted_kg or 0.0) > 0]
    if due:
        found["fleet"] = max((f.wanted_kg or 0.0) / max(f.delivered_kg(years), 1.0) for f in due)
    exports = [i for i in scenario.interventions if isinstance(i, GasExport)]
    capped = [i for i in exports if i.cap_kg is not None]
    if capped:
        found["cap"] = max(_asked_kg(i, years) / (i.cap_kg or 1.0) for i in capped)
    shares = [a["turned_over_fraction"] for a in resources["interventions"] if "turned_over_fraction" in a]
    shares += list(available(outcome).values())
    if shares:
        found["feedstock"] = 1.0 / max(min(shares), 1e-9)
    return found


def _asked_kg(item: GasExport, years: float) -> float:
    """What an export would take until a year if it had no cap."""
    end = years if item.capped else item.schedule.end_year
    uncapped = item.schedule.model_copy(update={"end_year": max(end, item.schedule.start_year)})
    return item.rate_kg_s * uncapped.full_years(years) * YEAR


def binding(found: dict[str, float]) -> str | None:
    """The limit that was exceeded most, if one was."""
    worst = max(found, key=lambda name: found[name], default=None)
    return worst if worst is not None and found[worst] > 1.0 + 1e-6 else None


def spent(outcome: Outcome, resources: dict[str, Any]) -> Array:
    """(step) GCC that the plan has cost, contingency included: as things are made, flown and run.

    What a controller delivers is taken to be spread evenly over its schedule.
    """
    clock, n, scenario = outcome.plan.clock, outcome.plan.n_steps, outcome.spec.scenario
    years = np.array([clock.year_of_step(s + 1) for s in range(n)])
    total = np.zeros(n)
    for item, account in zip(scenario.interventions, resources["interventions"], strict=True):
        share = activity(item.schedule, clock, 0, n)
        grown = np.maximum.accumulate(share) if item.kind in MADE_ONCE else np.cumsum(share)
        if grown[-1] > 0:
            total += account["cost_gcc"] * grown / grown[-1]
    for fleet in scenario.fleets:
        total += np.array([fleet.cost_gcc(year) for year in years])
    for work, account in zip(scenario.undertakings, resources["undertakings"], strict=True):
        capital = work.count * work.capital_gcc
        stood = np.cumsum(activity(Schedule(start_year=work.start_year, end_year=work.end_year), clock, 0, n))
        if stood[-1] > 0:
            total += np.where(stood > 0, capital, 0.0) + (account["cost_gcc"] - capital) * stood / stood[-1]
    return total * (1 + (scenario.economy or FREE).contingency)
