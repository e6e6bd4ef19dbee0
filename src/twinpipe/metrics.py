"""The four success metrics, each 0..1, and the goals that they rest on; domain 3.9, formula version 5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.constants import MOLAR_MASS
from twinpipe.goals import assess_goal as assess_goal
from twinpipe.goals import goal_series, liquid
from twinpipe.grid import Array
from twinpipe.habitability import habitability_vector
from twinpipe.intervention import is_natural
from twinpipe.maps import surface_ice
from twinpipe.measures import Outcome
from twinpipe.physics.processes import living

METRICS_VERSION = 5
OCEAN_KG_M2 = 1e5  # water all over a body, from which on it has oceans


def trapezoid(x: Array, zero: float, low: float, high: float, end: float) -> Array:
    """0 up to zero, 1 from low to high, 0 from end on, linear between."""
    return np.interp(x, [zero, low, high, end], [0.0, 1.0, 1.0, 0.0])


def water_there(outcome: Outcome) -> NDArray[np.bool_]:
    """(lat, lon) where there is more than 1 kg m-2 of water or ice at the end of the run.

    Where no water cycle moves it: where the body's deposits are, or everywhere below an ocean of 100 m in the mean.
    """
    body, grid = outcome.spec.body, outcome.plan.grid
    liquid, ice = (outcome.maps.get(name) for name in ("liquid_water_amount", "water_ice_amount"))
    if liquid is not None and ice is not None:
        return np.asarray(liquid[-1] + ice[-1] > 1.0)
    deep = body.hydrosphere.total_water_kg / body.bulk.area_m2 > OCEAN_KG_M2
    return np.asarray((surface_ice(body, grid) > 0) | deep)


def green(outcome: Outcome) -> Array | float:
    """(lat, lon) share of the ground that living matter covers at the end of the run, m / (m + m_half); B14."""
    matter, life = outcome.maps.get("living_matter_amount"), living(outcome.spec.body, outcome.spec.scenario)
    return matter[-1] / (matter[-1] + life.half_cover_kg_m2) if matter is not None and life is not None else 0.0


def habitability(outcome: Outcome) -> float:
    """Area mean of the last orbit's score for unprotected people.

    0.30 O2 (0/16..24/40 kPa, only where CO2 < 1 kPa) + 0.30 T (253/273..303/323 K) + 0.25 stable liquid
    water, which neither freezes nor boils, + 0.15 p (6.3/50..120/300 kPa) + 0.10 cover by life, 1 at most, times
    1 - 0.5 exp(-(p/g) / 1400 kg m-2) for radiation, capped at 0.35 where temperature, pressure or water score nothing.
    """
    grid, body = outcome.plan.grid, outcome.spec.body
    t, p = outcome.maps["surface_temperature"][-1], outcome.maps["surface_air_pressure"][-1]
    moles = {g: m / MOLAR_MASS[g] for g, m in outcome.gas_kg.items()}
    total = sum(moles.values())
    share = {g: n / total for g, n in moles.items()} if total > 0 else {}
    oxygen = trapezoid(share.get("O2", 0.0) * p, 0.0, 16e3, 24e3, 40e3) * (share.get("CO2", 0.0) * p < 1e3)
    warmth = trapezoid(t, 253.0, 273.0, 303.0, 323.0)
    wet = water_there(outcome) & liquid(t, p)
    air = trapezoid(p, 6.3e3, 50e3, 120e3, 300e3)
    score = np.minimum(0.30 * oxygen + 0.30 * warmth + 0.25 * wet + 0.15 * air + 0.10 * green(outcome), 1.0)
    score *= 1 - 0.5 * np.exp(-p / body.bulk.gravity_m_s2 / 1400.0)
    lacking = (warmth == 0) | (air == 0) | ~wet
    return float(grid.mean(np.where(lacking, np.minimum(score, 0.35), score)))


def persistence(outcome: Outcome) -> dict[str, Any] | None:
    """For how long the goals that hold when the last deed ends still hold; None while deeds go on or none holds; D1.

    years counts from that end to the first loss of such a goal, and to the run's end where none is lost (lasts).
    """
    scenario, clock = outcome.spec.scenario, outcome.plan.clock
    deeds = [i.schedule.end_year for i in scenario.interventions if not is_natural(i)]
    if not deeds or max(deeds) >= outcome.spec.years:
        return None
    end = max(clock.step_at_year(max(deeds)) - 1, 0)
    held = []
    for goal in scenario.goals:
        values, start = goal_series(outcome, goal)
        sign = 1.0 if goal.target >= start else -1.0
        holds = sign * values >= sign * goal.target
        if goal.measure != "production_kg_a" and holds[end]:
            held.append(holds[end:])
    if not held:
        return None
    lost = np.flatnonzero(~np.logical_and.reduce(held))
    until = outcome.year(end + int(lost[0])) if lost.size else float(outcome.spec.years)
    return {"from_year": max(deeds), "years": max(until - max(deeds), 0.0), "lasts": lost.size == 0}


def success_metrics(outcome: Outcome, resources: dict[str, Any]) -> dict[str, Any]:
    """The four metrics with the goals that they rest on.

    timeline: mean over goals of min(1, planned / achieved year), an unmet goal half its progress; resource:
    what arrived and is still there over what was drawn; cost: min(1, budget / spent) times the mean progress.
    goal_attainment, the mean progress, is the outcome of plans that are not for people under the open sky.
    """
    goals = [assess_goal(outcome, goal) for goal in outcome.spec.scenario.goals]
    timely = [
        min(1.0, g["planned_year"] / g["achieved_year"]) if g["achieved_year"] else 0.5 * g["progress"] for g in goals
    ]
    attained = float(np.mean([g["progress"] for g in goals])) if goals else 1.0
    drawn, useful = resources["total"]["drawn_kg"], resources["total"]["useful_kg"]
    spent, economy = resources["total"]["cost_gcc"], outcome.spec.scenario.economy
    thrift = min(1.0, economy.budget_gcc / spent) if economy and spent > 0 else 1.0
    return {
        "habitability_score": habitability(outcome),
        "timeline_efficiency": float(np.mean(timely)) if timely else 1.0,
        "resource_efficiency": min(1.0, useful / drawn) if drawn > 0 else 1.0,
        "cost_efficiency": thrift * attained,
        "goal_attainment": attained if goals else None,
        "metrics_version": METRICS_VERSION,
        "habitability": habitability_vector(outcome),
        "persistence": persistence(outcome),
        "goals": goals,
    }
