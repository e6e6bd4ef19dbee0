"""Outcomes of runs that never ran, or ran in memory, for what is measured of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpipe.body import Body, builtin_body
from twinpipe.clock import usual_steps
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS, active
from twinpipe.measures import Outcome, gas_by_name
from twinpipe.physics.interventions import activity
from twinpipe.physics.plants import PLANTS
from twinpipe.physics.substances import GASES
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import run_segment, start
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


def simulated(name: str, scenario: Scenario, years: int, grid: str, spin_up_orbits: int = 30) -> Outcome:
    """The outcome of a built-in body's run, computed in memory."""
    body = builtin_body(name)
    steps = usual_steps(body.orbit.sidereal_year_s)
    spec = RunSpec(
        body=body, scenario=scenario, years=years, grid=grid, steps_per_orbit=steps, spin_up_orbits=spin_up_orbits
    )
    plan = make_plan((spec,))
    state, initial = start(plan, plan.blocks[0])
    outputs = []
    for segment in plan.segments:
        outputs.append(run_segment(plan, plan.blocks[0], segment, state))
        state = outputs[-1].state
    arrays = {n: np.concatenate([o.arrays[n][0] for o in outputs]) for n in outputs[0].arrays}
    before = {n.removeprefix("initial_"): a[0] for n, a in initial.items()}
    maps, series = active(MAPS, plan.processes), active(SERIES_FIELDS, plan.processes)
    per_orbit = steps // spec.output.zonal_every_steps
    books = {
        "imported_kg": gas_by_name(state.imported[0]),
        "exchanged_kg": dict(zip(GASES, state.imported[0].tolist(), strict=True)),
        "escaped_kg": gas_by_name(state.escaped[0]),
        "decayed_kg": float(state.decayed[0].sum()),
        "reacted_mol": dict(zip(PLANTS, state.reacted[0].tolist(), strict=True)),
        "seconds_at_full_rate": state.control[0, :, 1].tolist(),
        **{k: max(o.record[k][0] for o in outputs) for k in ("mass_error", "energy_error", "transport_error")},
    }
    return Outcome(
        plan=plan,
        spec=spec,
        maps={f.name: arrays[f.name] for f in maps},
        initial_maps={f.name: before[f.name] for f in maps},
        series={f.name: arrays[f.name] for f in series},
        initial_series={f.name: before[f.name] for f in series},
        last_zonals={f.name: arrays[f.name][-per_orbit:] for f in ZONALS},
        gas_kg=gas_by_name(state.gas[0]),
        books=books,
    )
