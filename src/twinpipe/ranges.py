"""What a plan takes as ranges of log10, and beside what the world makes in our time; physics D3."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from twinpipe.intervention import ChemicalPlant, GasExport, Heater, Intervention, SuperGreenhouseGasFactory
from twinpipe.scenario import Economy

PERFLUOROCARBON_J_KG = (6.0e6, 3.0e7)  # the one range that D3 gives
FROM_MEMORY = (10**-0.5, 10**0.5)  # of an energy that D3 has from memory, over its number: our reading
WORLD_POWER_W, WORLD_ALUMINIUM_KG_A = 1.9e13, 7e10  # D3
FOIL = ("orbital_mirror", "sunshade")

Range = dict[str, float] | None


def spread(item: Intervention) -> tuple[float, float]:
    """The least and the most energy of an intervention over what it is booked with.

    For plants, and exports whose energy follows from gravity, never below what physics asks; for the others the least
    is not known.
    """
    low, high = FROM_MEMORY
    match item:
        case SuperGreenhouseGasFactory() if item.energy_j_kg > 0:
            least, most = (end / item.energy_j_kg for end in PERFLUOROCARBON_J_KG)
            return min(least, 1.0), max(most, 1.0)
        case Heater():
            return 1.0, 1.0  # the plan says what it heats with
        case ChemicalPlant() if item.taken_j_kg > 0:
            return max(item.least_energy_j_kg / item.taken_j_kg, low), high
        case GasExport() if item.energy_j_kg is None:
            return 1.0, high  # no less than out of the planet's gravity
    return low, high


def ranges(resources: dict[str, Any], interventions: Sequence[Intervention], economy: Economy) -> dict[str, Range]:
    """log10 of the least and the most of mass (kg), energy (J), peak power (W) and cost (GCC); None of what is 0.

    The mass is what the plan says.  The cost follows the energy, and all prices are within the table's own dex.
    """
    accounts = [*resources["interventions"], *resources["undertakings"]]
    off = [*(spread(item) for item in interventions), *(FROM_MEMORY for _ in resources["undertakings"])]

    def total(key: str, end: int) -> float:
        return math.fsum(a[key] * factors[end] for a, factors in zip(accounts, off, strict=True))

    price, booked = economy.energy_gcc_per_j * (1 + economy.contingency), resources["total"]["energy_j"]
    costs = [resources["total"]["cost_gcc"] + price * (total("energy_j", end) - booked) for end in (0, 1)]
    mass, prices = resources["total"]["drawn_kg"], 10**economy.uncertainty_dex
    return {
        "mass_kg": _log(mass, mass),
        "energy_j": _log(total("energy_j", 0), total("energy_j", 1)),
        "peak_power_w": _log(total("peak_power_w", 0), total("peak_power_w", 1)),
        "cost_gcc": _log(costs[0] / prices, costs[1] * prices),
    }


def of_the_world(resources: dict[str, Any]) -> dict[str, float]:
    """Peak power over the world's primary power, and the years in which the world makes the aluminium of all foils."""
    foil = math.fsum(a["manufactured_kg"] for a in resources["interventions"] if a["kind"] in FOIL)
    return {"power": resources["total"]["peak_power_w"] / WORLD_POWER_W, "aluminium_years": foil / WORLD_ALUMINIUM_KG_A}


def _log(low: float, high: float) -> Range:
    return {"least": math.log10(low), "most": math.log10(high)} if low > 0 else None
