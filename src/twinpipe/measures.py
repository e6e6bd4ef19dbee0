"""Measures: declared reductions of a member's outputs to numbers, and the states that a result row keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from twinpipe.body import Body
from twinpipe.constants import MOLAR_MASS
from twinpipe.fields import MAPS, SERIES_FIELDS
from twinpipe.grid import Array
from twinpipe.maps import surface_ice
from twinpipe.physics.ice_shell import WATER_ICE
from twinpipe.physics.substances import GASES
from twinpipe.plan import Plan
from twinpipe.spec import RunSpec

WATER = (  # series of what holds water beside the air
    *("water_ice_mass", "liquid_water_mass", "water_vapour_mass"),
    *("ocean_water_mass", "ground_ice_mass", "shell_ice_mass"),
)
STORED = {  # series of what a state tells of by itself, by its key there
    "ocean_water_kg": "ocean_water_mass",
    "shell_ice_kg": "shell_ice_mass",
    "liquid_methane_kg": "liquid_methane_mass",
    "liquid_ethane_kg": "liquid_ethane_mass",
}


@dataclass(frozen=True)
class Outcome:
    """The outputs of one member: maps (record, lat, lon), series (step), both with the orbit before year 0.

    last_zonals are the zonal means (time, lat) of the last orbit.
    """

    plan: Plan
    spec: RunSpec
    maps: dict[str, Array]
    initial_maps: dict[str, Array]
    series: dict[str, Array]
    initial_series: dict[str, Array]
    last_zonals: dict[str, Array]
    gas_kg: dict[str, float]
    # what the ledger says: imported, escaped, decayed (kg by gas), reacted (mol by reaction of plants), seconds at
    # full rate of each intervention, errors of closure
    books: dict[str, Any]

    @cached_property
    def orbit(self) -> int:
        return self.spec.steps_per_orbit

    def year(self, step: int) -> float:
        """Julian year at the end of a step."""
        return self.plan.clock.year_of_step(step + 1)

    def trailing_mean(self, name: str) -> Array:
        """(step) mean over the orbit that ends with each step."""
        joined = np.concatenate([self.initial_series[name], self.series[name]])
        total = np.concatenate([[0.0], np.cumsum(joined)])
        n = self.orbit
        return np.asarray((total[n + 1 :] - total[1:-n]) / n)

    def trailing_extreme(self, name: str, *, highest: bool) -> Array:
        """(step) largest or smallest value in the orbit that ends with each step."""
        joined = np.concatenate([self.initial_series[name], self.series[name]])
        windows = np.lib.stride_tricks.sliding_window_view(joined, self.orbit)[1:]
        return np.asarray(windows.max(axis=1) if highest else windows.min(axis=1))

    def start_mean(self, name: str) -> float:
        """Mean over the orbit before year 0."""
        return float(self.initial_series[name].mean())


def composition_percent(gas_kg: dict[str, float]) -> dict[str, float]:
    """Gases in percent of the volume."""
    moles = {g: m / MOLAR_MASS[g] for g, m in gas_kg.items() if m > 0}
    total = sum(moles.values())
    return {g: 100 * n / total for g, n in moles.items()}


def state(outcome: Outcome, *, end: bool) -> dict[str, Any]:
    """State of the planet by sphere: means over the orbit before year 0, or over the last orbit of the run."""
    grid, spec = outcome.plan.grid, outcome.spec
    maps = {n: a[-1] for n, a in outcome.maps.items()} if end else outcome.initial_maps
    mean = {f.name: float(grid.mean(maps[f.name])) for f in MAPS if f.name in maps}
    series = {f.name: _orbit(outcome, f.name, end=end) for f in SERIES_FIELDS if f.name in outcome.series}
    ice = series["co2_ice_mass_north"] + series["co2_ice_mass_south"]
    body = spec.body
    gas = outcome.gas_kg if end else _start_gas(outcome)
    living = float(series["living_matter_mass"][-1]) if "living_matter_mass" in series else 0.0
    window = outcome.plan.windows[-1] if end else (-outcome.orbit, 0)
    temperature = maps["surface_temperature"]
    return {
        "years": [outcome.plan.clock.year_of_step(s) for s in window],
        "atmosphere": {
            "surface_temperature_k": mean["surface_temperature"],
            "coldest_cell_k": float(temperature.min()),
            "warmest_cell_k": float(temperature.max()),
            "warmest_afternoon_k": float(maps["daily_maximum_temperature"].max()),
            "surface_pressure_pa": mean["surface_air_pressure"],
            "absorbed_shortwave_w_m2": mean["absorbed_shortwave_flux"],
            "outgoing_longwave_w_m2": mean["outgoing_longwave_flux"],
            "gas_mass_kg": gas,
            "composition_percent": composition_percent(gas),
            "super_greenhouse_gas_pa": float(series["super_greenhouse_gas_pressure"][-1]),
        },
        "hydrosphere": {
            "co2_ice_mean_kg": float(ice.mean()),
            "co2_ice_maximum_kg": float(ice.max()),
            "co2_ice_minimum_kg": float(ice.min()),
            "co2_ice_kg": float(ice[-1]),
            **_water(outcome, end=end),
        },
        "biosphere": {"vegetation_carbon_kg": living * MOLAR_MASS["C"] / MOLAR_MASS["CH2O"]},
        "geosphere": {"stored_volatiles_kg": _volatiles(body.geosphere.stored_volatiles_kg, series)},
    }


def _water(outcome: Outcome, *, end: bool) -> dict[str, float]:
    """Water (kg) at year 0 as the body has it, and at the end with what came and went since in stores and air."""
    body, grid = outcome.spec.body, outcome.plan.grid
    ice, before = float(grid.mean(surface_ice(body, grid))) * body.bulk.area_m2, _stored(body)
    # what a file says that there is, and no less than what the body is made with
    total = max(body.hydrosphere.total_water_kg, before.get("ocean_water_kg", 0.0) + before.get("shell_ice_kg", 0.0))
    series = outcome.series if end else outcome.initial_series
    stored = {key: float(series[name][-1]) for key, name in STORED.items() if name in series}
    if not end:
        stored |= before  # from which a run starts, whatever its spin-up froze
    else:
        gained = {n: float(series[n][-1] - outcome.initial_series[n][-1]) for n in WATER if n in series}
        vapour = outcome.gas_kg.get("H2O", 0.0) - _start_gas(outcome).get("H2O", 0.0)
        ice = max(ice + gained.get("water_ice_mass", 0.0), 0.0)
        total = max(total + math.fsum([*gained.values(), vapour]), 0.0)
    return {"water_ice_surface_kg": ice, "total_water_kg": total, **stored}


def _stored(body: Body) -> dict[str, float]:
    """Ocean and ice shell, and liquids of the seas, as the body has them."""
    held: dict[str, float] = {}
    if (shell := body.ice_shell) is not None:
        ice = WATER_ICE.density * shell.thickness_m * body.bulk.area_m2
        held |= {"ocean_water_kg": shell.ocean_mass_kg, "shell_ice_kg": ice}
    if (cycle := body.methane_cycle) is not None:
        held["liquid_methane_kg"] = math.fsum(sea.methane_kg for sea in cycle.seas)
        held["liquid_ethane_kg"] = math.fsum(sea.ethane_kg for sea in cycle.seas)
    return held


def _volatiles(listed: dict[str, dict[str, float]], series: dict[str, Array]) -> dict[str, dict[str, float]]:
    """What the ground stores: as the body lists it, and what processes keep account of, as it is then."""
    kept = {"regolith": "adsorbed_co2_mass", "buried_polar_ice": "buried_co2_mass"}
    now = {place: float(series[name][-1]) for place, name in kept.items() if name in series}
    return {**listed, "CO2": listed.get("CO2", {}) | now} if now else listed


def _start_gas(outcome: Outcome) -> dict[str, float]:
    """Gases in the air at year 0: the body's inventory without CO2 that is frozen and vapour that left it by then."""
    before, body = outcome.initial_series, outcome.spec.body
    gone = {"CO2": sum(float(before[f"co2_ice_mass_{side}"][-1]) for side in ("north", "south"))}
    if "water_vapour_mass" in before:  # where a water cycle runs, its own field has all vapour
        gone["H2O"] = math.inf
    elif "ocean_water_mass" in before and body.ice_shell is None:
        gone["H2O"] = float(before["ocean_water_mass"][-1])
    return {g: left for g, m in body.atmosphere.mass_kg.items() if (left := m - gone.get(g, 0.0)) > 0}


def _orbit(outcome: Outcome, name: str, *, end: bool) -> Array:
    """The series over the orbit before year 0, or over the last orbit of the run (or less, in a short run)."""
    return outcome.series[name][-outcome.orbit :] if end else outcome.initial_series[name]


def gas_by_name(masses: Array) -> dict[str, float]:
    """Masses (gas) in kernel order as a dictionary without the gases that are absent."""
    return {g: float(m) for g, m in zip(GASES, masses, strict=True) if m > 0}
