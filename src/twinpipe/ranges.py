"""What a plan takes as ranges of log10, and beside what the world makes in our time; physics D3."""

from __future__ import annotations

import math
from typing import Any

from twinpipe.scenario import Economy

# Energy per kilogram about the number that an intervention has, in powers of ten.  D3 gives a range for
# perfluorocarbons alone, 6e6 to 3e7 J/kg, of which the default is the upper end; the others it has from memory.
ENERGY_DEX = {"super_greenhouse_gas": (-0.7, 0.0)}
FROM_MEMORY = (-0.5, 0.5)
WORLD_POWER_W, WORLD_ALUMINIUM_KG_A = 1.9e13, 7e10  # D3
FOIL = ("orbital_mirror", "sunshade")

Range = dict[str, float] | None


def ranges(resources: dict[str, Any], economy: Economy) -> dict[str, Range]:
    """log10 of the least and the most of mass (kg), energy (J), peak power (W) and cost (GCC); None of what is 0.

    The mass is what the plan says.  The cost follows the energy, and all prices are within the table's own dex.
    """
    accounts = [*resources["interventions"], *resources["undertakings"]]
    spread = [ENERGY_DEX.get(a.get("kind", ""), FROM_MEMORY) for a in accounts]

    def total(key: str, end: int) -> float:
        return math.fsum(a[key] * 10 ** dex[end] for a, dex in zip(accounts, spread, strict=True))

    price, sure = economy.energy_gcc_per_j * (1 + economy.contingency), resources["total"]["energy_j"]
    costs = [resources["total"]["cost_gcc"] + price * (total("energy_j", end) - sure) for end in (0, 1)]
    mass, off = resources["total"]["drawn_kg"], 10**economy.uncertainty_dex
    return {
        "mass_kg": _log(mass, mass),
        "energy_j": _log(total("energy_j", 0), total("energy_j", 1)),
        "peak_power_w": _log(total("peak_power_w", 0), total("peak_power_w", 1)),
        "cost_gcc": _log(costs[0] / off, costs[1] * off),
    }


def of_the_world(resources: dict[str, Any]) -> dict[str, float]:
    """Peak power over the world's primary power, and the years in which the world makes the aluminium of all foils."""
    foil = math.fsum(a["manufactured_kg"] for a in resources["interventions"] if a["kind"] in FOIL)
    return {"power": resources["total"]["peak_power_w"] / WORLD_POWER_W, "aluminium_years": foil / WORLD_ALUMINIUM_KG_A}


def _log(low: float, high: float) -> Range:
    return {"least": math.log10(low), "most": math.log10(high)} if low > 0 else None
