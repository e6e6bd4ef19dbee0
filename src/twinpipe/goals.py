"""Goals: what a plan is for, measured over its run, with the year that was planned and the one in which it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.constants import ARMSTRONG_PRESSURE, TRIPLE_POINT_WATER_PRESSURE, TRIPLE_POINT_WATER_TEMPERATURE, YEAR
from twinpipe.grid import Array
from twinpipe.habitability import boiling_point
from twinpipe.intervention import GasExport, Schedule, VolatileImport
from twinpipe.measures import Outcome
from twinpipe.physics.interventions import activity
from twinpipe.scenario import Goal

SERIES_OF = {
    "surface_temperature_rise_k": "global_surface_temperature",
    "surface_temperature_k": "global_surface_temperature",
    "surface_pressure_pa": "global_surface_pressure",
    "oxygen_pressure_pa": "oxygen_pressure",
    "carbon_dioxide_pressure_pa": "carbon_dioxide_pressure",
}
FRACTION_OF = {
    "oxygen_fraction": "oxygen_pressure",
    "nitrogen_fraction": "nitrogen_pressure",
    "carbon_dioxide_fraction": "carbon_dioxide_pressure",
    "methane_fraction": "methane_pressure",
}


def area_fraction(outcome: Outcome, condition: Callable[[Array, Array], NDArray[np.bool_]]) -> tuple[Array, float]:
    """(step) share of the area whose orbit means of temperature and pressure meet a condition, and that at the start.

    Between the ends of the orbits that maps are kept of, what the last of them says.
    """
    weight = outcome.plan.grid.area_weight
    t, p = outcome.maps["surface_temperature"], outcome.maps["surface_air_pressure"]
    before = condition(outcome.initial_maps["surface_temperature"], outcome.initial_maps["surface_air_pressure"])
    start = float((weight * before).sum())
    records = np.concatenate([[start], (weight * condition(t, p)).sum(axis=(1, 2))])
    ends = np.array([end for _, end in outcome.plan.windows])
    return records[np.searchsorted(ends, np.arange(1, outcome.plan.n_steps + 1), side="right")], start


def liquid(t: Array, p: Array) -> NDArray[np.bool_]:
    """Where water neither freezes nor boils."""
    above = (t >= TRIPLE_POINT_WATER_TEMPERATURE) & (p >= TRIPLE_POINT_WATER_PRESSURE)
    return np.asarray(above & (t <= boiling_point(p)))


def microbial(t: Array, p: Array) -> NDArray[np.bool_]:
    """Where microbes can live; D1."""
    return np.asarray((t >= 258.0) & (t <= 323.0) & (p >= 5e3) & liquid(np.maximum(t, 273.2), p))


def limited(t: Array, p: Array) -> NDArray[np.bool_]:
    """Where people need oxygen and warm clothes, and no pressure suit; E3 of D1."""
    return np.asarray((t >= 250.0) & (t <= 323.0) & (p >= ARMSTRONG_PRESSURE))


def available(outcome: Outcome) -> dict[str, float]:
    """Share 0..1 of what the exports of each gas wanted that there was to take, by the simulation's own books."""
    wanted: dict[str, float] = {}
    came: dict[str, float] = {}
    full = outcome.books["seconds_at_full_rate"]
    for item, seconds in zip(outcome.spec.scenario.interventions, full, strict=False):
        if isinstance(item, GasExport):
            wanted[item.gas] = wanted.get(item.gas, 0.0) + item.rate_kg_s * seconds
        elif isinstance(item, VolatileImport):
            for name, share in item.composition.items():
                came[name] = came.get(name, 0.0) + share * item.rate_kg_s * (1 - item.loss_fraction) * seconds
    net = outcome.books.get("exchanged_kg")
    if net is None or outcome.spec.body.interior is not None:  # whose gases are in the same book
        return dict.fromkeys(wanted, 1.0)
    taken = {gas: came.get(gas, 0.0) - net.get(gas, 0.0) for gas in wanted}
    found: dict[str, float] = {}
    inventory: dict[str, float] = dict(outcome.spec.body.atmosphere.mass_kg.items())
    for gas, want in wanted.items():
        held = inventory.get(gas, 0.0)
        lost_digits = outcome.plan.n_steps * np.spacing(max(held, want))  # what is below them is taken to be there
        short = max(want - taken[gas], 0.0)
        found[gas] = 1.0 if short <= lost_digits or want == 0 else float(np.clip(taken[gas] / want, 0.0, 1.0))
    return found


def production(outcome: Outcome, product: str) -> Array:
    """(step) kg a-1 of a product that the plan's works make."""
    clock, n = outcome.plan.clock, outcome.plan.n_steps
    share, total = available(outcome), np.zeros(n)
    for item in outcome.spec.scenario.interventions:
        if isinstance(item, GasExport):
            made = item.products().get(product, 0.0) * share[item.gas]
            total += activity(item.schedule, clock, 0, n) * made * YEAR
    for work in outcome.spec.scenario.undertakings:
        made = work.products().get(product, 0.0)
        if made > 0:
            when = Schedule(start_year=work.start_year, end_year=work.end_year)
            total += activity(when, clock, 0, n) * made * YEAR
    return total


def goal_series(outcome: Outcome, goal: Goal) -> tuple[Array, float]:
    """The measure of a goal at each step, over the orbit that ends with it, and its value at the start."""
    if goal.measure == "liquid_water_fraction":
        return area_fraction(outcome, liquid)
    if goal.measure == "production_kg_a":
        return production(outcome, goal.product or ""), 0.0
    if goal.measure in FRACTION_OF:
        part, air = FRACTION_OF[goal.measure], "global_surface_pressure"
        start = outcome.start_mean(part) / max(outcome.start_mean(air), 1e-30)
        return outcome.trailing_mean(part) / np.maximum(outcome.trailing_mean(air), 1e-30), start
    name = SERIES_OF[goal.measure]
    start, values = outcome.start_mean(name), outcome.trailing_mean(name)
    return (values - start, 0.0) if goal.measure == "surface_temperature_rise_k" else (values, start)


def assess_goal(outcome: Outcome, goal: Goal) -> dict[str, Any]:
    """Planned and achieved year of a goal, its progress 0..1 and what the run reached."""
    values, start = goal_series(outcome, goal)
    sign = 1.0 if goal.target >= start else -1.0
    reached = np.flatnonzero(sign * values >= sign * goal.target)
    progress = np.clip((values[-1] - start) / (goal.target - start), 0, 1) if goal.target != start else 1.0
    return {
        "id": goal.id,
        "measure": goal.measure,
        "product": goal.product,
        "target": goal.target,
        "planned_year": goal.planned_year,
        "achieved_year": outcome.year(int(reached[0])) if reached.size else None,
        "progress": 1.0 if reached.size else float(progress),
        "value": float(values[-1]),
    }
