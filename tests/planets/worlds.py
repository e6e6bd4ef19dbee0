"""Bodies in zonal form through the whole model: their settled climate, and what becomes of it under forcing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.planets.mars_today import Drift, without_escape
from twinpipe.body import Body, builtin_body
from twinpipe.clock import Clock
from twinpipe.constants import MOLAR_MASS
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS
from twinpipe.grid import Array, Grid
from twinpipe.physics.kernel import advance
from twinpipe.physics.model import Model, build, empty_ledger
from twinpipe.physics.records import Forcing, Outputs, State, scratch
from twinpipe.physics.substances import GASES
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import Climate, climate, run_segment, start
from twinpipe.spec import RunSpec

MAP = {f.name: i for i, f in enumerate(MAPS)}
SERIES = {f.name: i for i, f in enumerate(SERIES_FIELDS)}
ZONAL = {f.name: i for i, f in enumerate(ZONALS)}


@dataclass(frozen=True)
class World:
    """The settled climate of a body on a grid."""

    body: Body
    grid: Grid
    clock: Clock
    climate: Climate

    def mean(self, name: str) -> float:
        """Mean of a series over the orbit."""
        return float(self.climate.series[SERIES[name]].mean())

    @property
    def annual(self) -> Array:
        """(lat) K, annual and zonal mean of the surface."""
        return np.asarray(self.climate.maps[MAP["surface_temperature"]].mean(axis=1))

    def at(self, latitude_degree: float) -> float:
        """Annual zonal mean surface temperature (K) at a latitude, linear between rows."""
        return float(np.interp(latitude_degree, np.degrees(self.grid.latitude), self.annual))

    @property
    def model(self) -> Model:
        return build((self.body,), (Scenario(),), self.grid, self.clock)

    def state(self) -> State:
        """A copy of the settled state, to be changed."""
        return State(*(a.copy() for a in self.climate.state))


def world(body: Body | str, grid: str = "36x1", steps_per_orbit: int = 96, orbits: int = 30) -> World:
    """The settled climate of a body, or of the built-in one of that name."""
    made = builtin_body(body) if isinstance(body, str) else body
    shape, clock = Grid.parse(grid), Clock(made.orbit.sidereal_year_s, steps_per_orbit)
    return World(made, shape, clock, climate(made, shape, clock, orbits))


@dataclass(frozen=True)
class Course:
    """What a world did from a state on: series (field, step), zonal temperature (step, lat)."""

    series: Array
    zonal_temperature: Array

    def of(self, name: str) -> Array:
        return np.asarray(self.series[SERIES[name]])

    def orbit_mean(self, name: str, orbit: int, steps_per_orbit: int) -> float:
        """Mean of a series over one orbit; -1 is the last."""
        return float(self.of(name).reshape(-1, steps_per_orbit)[orbit].mean())


def course(
    w: World, state: State, orbits: int, force: Callable[[Forcing], None] | None = None, model: Model | None = None
) -> Course:
    """Advance a state in place over orbits, with forcing that force() fills in for all steps."""
    made, n = model or w.model, orbits * w.clock.steps_per_orbit
    forcing = made.deployment.forcing(w.clock, 0, n)
    if force is not None:
        force(forcing)
    zonals = np.zeros((len(ZONALS), n, w.grid.n_lat, 1))
    series = np.zeros((len(SERIES_FIELDS), n, 1))
    sums = np.zeros((1, made.n_maps, w.grid.n_lat, w.grid.n_lon))
    room = scratch(w.grid.n_lat, state.ice.shape[1], state.T.shape[0], state.shell.shape[0], 1)
    out = Outputs(sums, 1, zonals, series)
    advance(made.static, made.options, made.members, state, empty_ledger(1), forcing, out, room, 0, n, 1)
    return Course(series[:, :, 0], zonals[ZONAL["zonal_surface_temperature"], :, :, 0])


def add_gas(w: World, state: State, gas: str, pascal: float) -> None:
    """Put so much of a gas into the air that its partial pressure is pascal beside what is there."""
    amounts = state.gas[:, 0] / np.array([MOLAR_MASS[g] for g in GASES])
    pressure = state.gas[:, 0].sum() * w.body.bulk.gravity_m_s2 / w.body.bulk.area_m2
    state.gas[GASES.index(gas), 0] += pascal / pressure * amounts.sum() * MOLAR_MASS[gas]


def with_gas(body: Body, **kilograms: float) -> Body:
    """The body with other masses of some gases."""
    return body.model_copy(
        update={"atmosphere": body.atmosphere.model_copy(update={"mass_kg": {**body.atmosphere.mass_kg, **kilograms}})}
    )


def with_climate(body: Body, **laws: object) -> Body:
    """The body with other laws of climate."""
    return body.model_copy(update={"climate": body.climate.model_copy(update=laws)})


def drift_of(body: Body, years: int, grid: str = "18x1", steps_per_orbit: int = 48, spin_up: int = 30) -> Drift:
    """How far an untouched body wanders from its first orbit to its last, escape left out."""
    body = without_escape(body)
    plan = make_plan(
        (RunSpec(body=body, years=years, grid=grid, steps_per_orbit=steps_per_orbit, spin_up_orbits=spin_up),)
    )
    block = plan.blocks[0]
    state, _ = start(plan, block)
    temperature, pressure = [], []
    for segment in plan.segments:
        output = run_segment(plan, block, segment, state)
        state = output.state
        temperature.append(output.arrays["global_surface_temperature"][0])
        pressure.append(output.arrays["global_surface_pressure"][0])
    whole = plan.n_steps // steps_per_orbit * steps_per_orbit
    t = np.concatenate(temperature)[:whole].reshape(-1, steps_per_orbit).mean(axis=1)
    p = np.concatenate(pressure)[:whole].reshape(-1, steps_per_orbit).mean(axis=1)
    share = float(p[-1] / p[0] - 1) if p[0] > 0 else float(p[-1])
    return Drift(years, float(t[-1] - t[0]), share)
