"""Events: declared predicates of a run, dated to the step of their first crossing, with hysteresis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpipe.constants import ARMSTRONG_PRESSURE, TRIPLE_POINT_WATER_PRESSURE
from twinpipe.errors import SimulationError
from twinpipe.goals import area_fraction, limited, liquid, microbial
from twinpipe.grid import Array
from twinpipe.intervention import StoreRelease
from twinpipe.measures import Outcome
from twinpipe.milestones import milestones

BEDROCK_MELTS = 176.0  # K, the eutectic of water and ammonia; B12


@dataclass(frozen=True)
class Event:
    """An index that crosses 1 upwards; the event arms again when the index has fallen below `rearm`."""

    id: str
    description: str
    index: Callable[[Outcome], Array]
    data: Callable[[Outcome, int], dict[str, float]]
    rearm: float = 0.95


def _lowest_pressure(o: Outcome) -> Array:
    return o.trailing_extreme("global_surface_pressure", highest=False) / TRIPLE_POINT_WATER_PRESSURE


def _mean_pressure(o: Outcome) -> Array:
    return o.trailing_mean("global_surface_pressure") / ARMSTRONG_PRESSURE


def _caps(o: Outcome) -> Array:
    """1 % of the CO2 ice that there was at most, over the most that there is in an orbit."""
    names = ("co2_ice_mass_north", "co2_ice_mass_south")
    most = sum(o.trailing_extreme(n, highest=True) for n in names)
    before = sum(float(o.initial_series[n].max()) for n in names)
    return np.asarray(0.01 * before / np.maximum(most, 1e-3 * before)) if before > 0 else np.full(np.shape(most), 2.0)


def _warming(o: Outcome) -> Array:
    rise = o.trailing_mean("global_surface_temperature") - o.start_mean("global_surface_temperature")
    return np.asarray(rise / 10.0)


def _oxygen_percent(o: Outcome) -> Array:
    return np.asarray(100 * o.series["oxygen_pressure"] / np.maximum(o.series["global_surface_pressure"], 1e-30))


def _thinness(o: Outcome) -> Array:
    """1 m over the thickness of the thinnest ice; 0 without a shell."""
    thickness = o.series.get("minimum_shell_thickness")
    return np.zeros(len(o.series["global_surface_pressure"])) if thickness is None else np.asarray(1.0 / thickness)


def _ice_lost(o: Outcome) -> Array:
    """Share of the buried CO2 that has come into the air, over 1 %; 0 where none is buried."""
    name = "buried_co2_mass"
    if name not in o.series or float(o.initial_series[name][-1]) <= 0:
        return np.zeros(o.plan.n_steps)
    return np.asarray((1 - o.series[name] / o.initial_series[name][-1]) / 0.01)


def _set_free(o: Outcome) -> Array:
    """CO2 (kg) that caps and ground have given to the air since the start, but for what a plan digs up."""
    dug = {f"{i.store}_mass" for i in o.spec.scenario.interventions if isinstance(i, StoreRelease)}
    names = ("co2_ice_mass_north", "co2_ice_mass_south", "adsorbed_co2_mass", "buried_co2_mass")
    there = [n for n in names if n in o.series and n not in dug]
    return np.asarray(sum((o.start_mean(n) - o.trailing_mean(n) for n in there), np.zeros(o.plan.n_steps)))


def _amplifying(o: Outcome) -> Array:
    """The pressure of CO2 that caps and ground have given, over a tenth of all at the start; 0 without warming.

    No more than CO2 has gained: what replaces what a plan takes away amplifies nothing.
    """
    bulk, start, name = o.spec.body.bulk, o.start_mean("global_surface_pressure"), "carbon_dioxide_pressure"
    given = _set_free(o) * bulk.gravity_m_s2 / bulk.area_m2
    gained = np.minimum(given, o.trailing_mean(name) - o.start_mean(name))
    return np.asarray(np.where(_warming(o) > 0, gained / max(0.1 * start, 1e-30), 0.0))


def _collapse(o: Outcome) -> Array:
    """Half of the highest mean pressure so far, over the mean pressure; 0 without air."""
    mean = np.maximum(o.trailing_mean("global_surface_pressure"), 1e-3)
    return np.asarray(0.5 * np.maximum.accumulate(mean) / mean)


def _at_least(share: float, condition: Callable[[Array, Array], Any]) -> Callable[[Outcome], Array]:
    """Index of a condition on orbit means of temperature and pressure that holds on a share of the area."""
    return lambda o: area_fraction(o, condition)[0] / share


def _temperature_at(o: Outcome, step: int) -> dict[str, float]:
    return {"surface_temperature_k": float(o.trailing_mean("global_surface_temperature")[step])}


def _pressure_at(o: Outcome, step: int) -> dict[str, float]:
    return {"surface_pressure_pa": float(o.series["global_surface_pressure"][step])}


EVENTS: dict[str, Event] = {
    e.id: e
    for e in (
        Event(
            "triple_point_pressure",
            "The lowest global mean pressure of an orbit rose above the triple point of water, 611.657 Pa",
            _lowest_pressure,
            _pressure_at,
        ),
        Event(
            "armstrong_limit",
            "The orbit's mean pressure rose above 6.27 kPa, at which water boils at body temperature",
            _mean_pressure,
            _pressure_at,
        ),
        Event(
            "co2_caps_depleted",
            "The seasonal CO2 caps shrank to less than 1 % of what they were",
            _caps,
            lambda o, s: {"co2_ice_kg": float(o.series["co2_ice_mass_north"][s] + o.series["co2_ice_mass_south"][s])},
        ),
        Event(
            "warming_10K",
            "The orbit's mean temperature rose 10 K above that of the orbit before year 0",
            _warming,
            _temperature_at,
        ),
        Event(
            "oxygen_threshold_reached",
            "Atmospheric O2 reached 0.1 %",
            lambda o: _oxygen_percent(o) / 0.1,
            lambda o, s: {"o2_percentage": float(_oxygen_percent(o)[s])},
        ),
        Event(
            "shell_breach",
            "The ice over the ocean is less than 1 m thick somewhere",
            _thinness,
            lambda o, s: {"shell_ice_kg": float(o.series["shell_ice_mass"][s])},
        ),
        Event(
            "bedrock_melts",
            "The orbit's mean temperature rose above 176 K, at which bedrock of water ice with ammonia melts",
            lambda o: o.trailing_mean("global_surface_temperature") / BEDROCK_MELTS,
            _temperature_at,
            rearm=0.99,
        ),
        Event(
            "cooling_10K",
            "The orbit's mean temperature fell 10 K below that of the orbit before year 0",
            lambda o: -_warming(o),
            _temperature_at,
        ),
        Event(
            "ice_sublimation_begins",
            "1 % of the carbon dioxide ice that is buried at the pole has come into the air",
            _ice_lost,
            lambda o, s: {"buried_co2_kg": float(o.series["buried_co2_mass"][s])},
        ),
        Event(
            "greenhouse_amplifying",
            "Carbon dioxide that warming drove out of caps and ground has raised the pressure by a tenth",
            _amplifying,
            lambda o, s: {"set_free_co2_kg": float(_set_free(o)[s])},
        ),
        Event(
            "first_microbes_viable",
            "On 1 % of the area the orbit's means allow microbes: 258 to 323 K and 5 kPa",
            _at_least(0.01, microbial),
            _pressure_at,
            rearm=0.5,
        ),
        Event(
            "limited_surface_habitability",
            "On half of the area the orbit's means are above 250 K and 6.27 kPa, as people with oxygen masks need",
            _at_least(0.5, limited),
            _temperature_at,
            rearm=0.9,
        ),
        Event(
            "liquid_water_stable",
            "On 1 % of the area the orbit's mean temperature lies between the melting and the boiling point of water",
            _at_least(0.01, liquid),
            _temperature_at,
            rearm=0.5,
        ),
        Event(
            "safe_o2_exceeded",
            "Oxygen passed 22 % of the air, above which fires are not safe",
            lambda o: _oxygen_percent(o) / 22.0,
            lambda o, s: {"o2_percentage": float(_oxygen_percent(o)[s])},
        ),
        Event(
            "runaway_warming",
            "The orbit's mean temperature rose above 350 K",
            lambda o: o.trailing_mean("global_surface_temperature") / 350.0,
            _temperature_at,
            rearm=0.99,
        ),
        Event("collapse", "The mean pressure fell to half of the highest before", _collapse, _pressure_at),
    )
}


def _native_co2(o: Outcome) -> Array:
    """What air and caps have of the body's own CO2 over its limit: what they began with, and what the ground gave."""
    given = np.zeros(o.plan.n_steps)
    for name in ("adsorbed_co2_mass", "buried_co2_mass"):
        if name in o.series:
            given += o.initial_series[name][-1] - o.series[name]
    body = o.spec.body
    limit = body.regolith.native_limit_pa if body.regolith else np.inf
    begun = body.atmosphere.mass_kg.get("CO2", 0.0)
    return np.asarray((begun + given) * body.bulk.gravity_m_s2 / body.bulk.area_m2 / limit)


# No run may end in one of these: the simulation then has brought about what cannot be; C2.8.
IMPOSSIBLE: dict[str, Event] = {
    e.id: e
    for e in (
        Event(
            "native_co2_limit_exceeded",
            "Air and caps hold more of the body's own CO2 than it has without its deep carbonates",
            _native_co2,
            lambda o, s: (
                {"native_co2_pa": float(_native_co2(o)[s]) * o.spec.body.regolith.native_limit_pa}
                if o.spec.body.regolith
                else {}
            ),
        ),
    )
}


def check_sanity(outcome: Outcome) -> None:
    """Raises SimulationError for a run in which something happens that cannot be."""
    for event in IMPOSSIBLE.values():
        for step in crossings(event.index(outcome), event.rearm)[:1]:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in event.data(outcome, step).items())
            raise SimulationError(
                f"{event.id} in year {outcome.year(step):.0f} of the simulation of {outcome.spec.body.name}: "
                f"{event.description[0].lower()}{event.description[1:]} ({numbers})."
            )


def crossings(index: Array, rearm: float) -> list[int]:
    """Steps at which the index rises to 1 or above, having been below `rearm` since the last time.

    What holds at step 0 is a property of the start, not an event.
    """
    steps: list[int] = []
    armed = bool(index[0] < 1.0)
    for step in np.flatnonzero(np.diff(np.where(index >= 1.0, 1, np.where(index < rearm, -1, 0)), prepend=0)):
        if index[step] >= 1.0:
            if armed:
                steps.append(int(step))
            armed = False
        elif index[step] < rearm:
            armed = True
    return steps


def key_events(outcome: Outcome, resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The crossings and milestones of the scenario's events in order of time."""
    found = milestones(outcome, resources)
    for event in [EVENTS[name] for name in outcome.spec.scenario.events if name in EVENTS]:
        found += [
            {
                "year": round(outcome.year(step), 3),
                "event": event.id,
                "description": event.description,
                "data": event.data(outcome, step),
            }
            for step in crossings(event.index(outcome), event.rearm)
        ]
    return sorted(found, key=lambda e: (e["year"], e["event"]))
