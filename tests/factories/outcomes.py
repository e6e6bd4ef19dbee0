"""Outcomes of runs that never ran, for what is measured of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpipe.body import Body, builtin_body
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS, active
from twinpipe.measures import Outcome
from twinpipe.physics.interventions import activity
from twinpipe.physics.plants import PLANTS
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.spec import RunSpec

STEPS = 96


def made_up(
    scenario: Scenario,
    years: int = 20,
    gas: dict[str, float] | None = None,
    body: Body | None = None,
    **given_values: Any,
) -> Outcome:
    """An outcome with constant fields, apart from series and last maps that are given by name."""
    spec = RunSpec(body=body or builtin_body("mars"), scenario=scenario, years=years, grid="6x8")
    plan = make_plan((spec,))
    level = {"surface_temperature": 210.0, "surface_air_pressure": 600.0, "daily_maximum_temperature": 250.0}
    maps = {f.name: np.full((len(plan.windows), 6, 8), level.get(f.name, 1.0)) for f in active(MAPS, plan.processes)}
    series = {f.name: np.full(plan.n_steps, 1.0) for f in active(SERIES_FIELDS, plan.processes)}
    series |= {"global_surface_temperature": np.full(plan.n_steps, 210.0)}
    series |= {"global_surface_pressure": np.full(plan.n_steps, 600.0)}
    before = {name: np.full(STEPS, a[0]) for name, a in series.items()}
    initial = {name: a[0] for name, a in maps.items()}
    for name, value in given_values.items():
        if name in series:
            series[name] = value(plan) if callable(value) else value
        else:
            maps[name][-1] = value
    zonal = {f.name: np.full((STEPS // 4, 6), 0.0) for f in ZONALS}
    zonal["zonal_surface_temperature"][:] = maps["surface_temperature"][-1].mean(axis=1)
    full = [float(activity(i.schedule, plan.clock, 0, plan.n_steps).sum()) for i in scenario.interventions]
    books = {
        "imported_kg": {},
        "escaped_kg": {},
        "decayed_kg": 0.0,
        "reacted_mol": dict.fromkeys(PLANTS, 0.0),
        "seconds_at_full_rate": [x * plan.clock.step_seconds for x in full],
    }
    return Outcome(plan, spec, maps, initial, series, before, zonal, {"CO2": 2.4e16} if gas is None else gas, books)
