"""Ground below the soil, down to some 300 m, once an orbit; B5, B9.

The soil of soil.py, a few annual skin depths, carries the seasons; what lies below feels only the mean over the
orbit.  So the deep ground is stepped at the start of each orbit over the whole of it, implicitly, from the
warming of the mean surface since today, theta_s, through the resistance R of the soil:

    C_1 theta_1' = C_1 theta_1 + P [(theta_s - theta_1')/R - G_1 (theta_1' - theta_2')],   and so on downwards,

with theta the warming since today, when the ground carries the geothermal flux F_g and no more.  The flux
q = (theta_s - theta_1')/R is taken from the bottom of the soil evenly over the orbit, F_g - q instead of F_g.
Within an orbit the deep ground is therefore ahead of its surface, by q times what is left of the orbit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinpipe.body import Body, SoilColumn
from twinpipe.grid import Array, Grid
from twinpipe.physics import buried_co2, regolith
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.records import (
    AHEAD,
    BOTTOM_HEAT,
    CO2_MEAN,
    CO2_TODAY,
    N_GROUND,
    SURFACE_MEAN,
    SURFACE_TODAY,
    Members,
    Options,
    Outputs,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_scaled
from twinpipe.physics.substances import BURIED_CO2, CO2
from twinpipe.spheres import BuriedCo2, Regolith


@dataclass(frozen=True)
class Deep:
    """Coefficients of the deep ground of a body for a step length.

    capacity (layer) J m-2 K-1; conductance (layer - 1) W m-2 K-1; alpha, own, below (layer) of the elimination
    T_k' = alpha_k T_k-1' + beta_k, beta_k = own_k T_k + below_k beta_k+1, from the second layer down;
    skin_resistance: of the soil above, times its thermal inertia; top_resistance K m2 W-1: of half of the first layer.
    """

    capacity: Array
    conductance: Array
    alpha: Array
    own: Array
    below: Array
    skin_resistance: float
    top_resistance: float


def regolith_of(body: Body) -> Regolith | None:
    """The regolith of a body whose column is of soil."""
    return body.regolith if isinstance(body.climate.column, SoilColumn) else None


def lid_of(body: Body) -> BuriedCo2 | None:
    """The buried CO2 of a body whose column is of soil."""
    return body.buried_co2 if isinstance(body.climate.column, SoilColumn) else None


def deep(body: Body, step_seconds: float) -> Deep:
    """Coefficients of the deep ground, backward Euler in time; none for a body without regolith."""
    layers = regolith_of(body)
    if layers is None or not isinstance(body.climate.column, SoilColumn):
        nothing = np.zeros(0)
        return Deep(nothing, nothing, nothing, nothing, nothing, 0.0, 1.0)
    soil = np.array(body.climate.column.thickness)
    skin = math.sqrt(body.orbit.sidereal_year_s / math.pi) * (soil.sum() - 0.5 * soil[0])
    thickness = np.array(layers.thickness_m)
    heat_capacity = body.surface.volumetric_heat_capacity_j_m3_k
    conductivity = layers.heat_diffusivity_m2_s * heat_capacity
    capacity = heat_capacity * thickness
    conductance = 2 * conductivity / (thickness[1:] + thickness[:-1])
    n = len(thickness)
    alpha, own, below = (np.zeros(n) for _ in range(3))
    for k in range(n - 1, 0, -1):
        down = conductance[k] * (1 - alpha[k + 1]) if k < n - 1 else 0.0
        total = capacity[k] / step_seconds + conductance[k - 1] + down
        alpha[k] = conductance[k - 1] / total
        own[k] = capacity[k] / step_seconds / total
        below[k] = conductance[k] / total if k < n - 1 else 0.0
    return Deep(capacity, conductance, alpha, own, below, float(skin), float(0.5 * thickness[0] / conductivity))


def shared(body: Body) -> tuple[object, ...]:
    """What members of a block share of the ground below the soil."""
    own, lid = regolith_of(body), lid_of(body)
    varied = {"inventory_kg", "temperature_scale_k", "exponent", "native_limit_pa"}
    return (
        own.model_dump(exclude=varied) if own else None,
        lid.model_dump(exclude={"mass_kg"}) if lid else None,
        body.surface.volumetric_heat_capacity_j_m3_k,
    )


def buried_cover(body: Body, grid: Grid) -> Array:
    """(row) share of the cells that lies over buried CO2."""
    lid = lid_of(body)
    if lid is None:
        return np.zeros(grid.n_lat)
    south, north = np.sin(np.radians(sorted([lid.south_degree, lid.north_degree])))
    edges = np.sin(grid.latitude_edges)
    inside = np.clip(np.minimum(edges[1:], north) - np.maximum(edges[:-1], south), 0.0, None)
    return np.asarray(inside / np.diff(edges))


def today(st: Static, s: State, surface: Array, co2_pressure: Array, amount: Array, buried: Array) -> State:
    """A state whose deep ground, regolith and buried CO2 are those of today.

    Means over today's orbit: surface (row, cell) K, co2_pressure (member) Pa; what the ground holds: amount
    (member) kg m-2 adsorbed, buried (member) kg.
    """
    n_lat, width = s.ice.shape
    store, orbit, ground = s.store.copy(), np.zeros_like(s.orbit), np.zeros((N_GROUND, n_lat, width))
    store[BURIED_CO2] = buried
    orbit[CO2_MEAN] = orbit[CO2_TODAY] = co2_pressure
    ground[BOTTOM_HEAT] = st.bottom_heat
    ground[SURFACE_MEAN] = ground[SURFACE_TODAY] = surface
    layers = st.adsorbing[:, None] * np.tile(amount, width // len(amount))
    adsorbed = np.repeat(layers[:, None, :], n_lat, axis=1)
    return s._replace(store=store, orbit=orbit, ground=ground, adsorbed=adsorbed, warming=np.zeros_like(adsorbed))


@compiled
def conduct(
    warming: Array,
    i: int,
    surface: Array,
    today: Array,
    inertia: Array,
    capacity: Array,
    conductance: Array,
    alpha: Array,
    own: Array,
    below: Array,
    seconds: float,
    skin_resistance: float,
    top_resistance: float,
    geothermal: float,
    bottom_heat: Array,
) -> None:
    """Step the warming (layer, row, cell) of row i over an orbit; bottom_heat is then (F_g - q)/I of the soil above.

    surface and today: mean surface temperature (K) of the orbit before, and today's.
    """
    n = warming.shape[0]
    for k in range(n - 1, 0, -1):
        t = warming[k, i]
        if k == n - 1:
            for j in range(t.size):
                t[j] = own[k] * t[j]
        else:
            deeper = warming[k + 1, i]
            for j in range(t.size):
                t[j] = own[k] * t[j] + below[k] * deeper[j]
    first, second = warming[0, i], warming[1, i]
    inert = capacity[0] / seconds
    for j in range(first.size):
        leak = 1.0 / (skin_resistance / inertia[j] + top_resistance)
        above = surface[j] - today[j]
        total = inert + conductance[0] * (1.0 - alpha[1]) + leak
        first[j] = (inert * first[j] + conductance[0] * second[j] + leak * above) / total
        bottom_heat[j] = (geothermal - leak * (above - first[j])) / inertia[j]
    for k in range(1, n):
        above_row = warming[k - 1, i]
        t = warming[k, i]
        for j in range(t.size):
            t[j] += alpha[k] * above_row[j]


@part
def ask_for(st: Static, o: Options, m: Members, s: State, x: Scratch, members: int) -> None:
    """Heat between soil and deep ground for an orbit, the flux to buried CO2, and how much CO2 the regolith would take.

    The means of the last two are in x.totals[2] and [0].
    """
    if o.regolith:
        for i in range(s.ice.shape[0]):
            conduct(
                s.warming,
                i,
                s.ground[SURFACE_MEAN, i],
                s.ground[SURFACE_TODAY, i],
                st.inertia[i],
                st.deep_capacity,
                st.deep_conductance,
                st.deep_alpha,
                st.deep_own,
                st.deep_below,
                o.orbit,
                o.skin_resistance,
                o.deep_resistance,
                o.geothermal,
                s.ground[BOTTOM_HEAT, i],
            )
        regolith.exchange(st, o, m, s, x, False, x.totals[0], members)
    if o.buried:
        buried_co2.note_flux(st, o, s, x)


@part
def take(st: Static, o: Options, m: Members, s: State, x: Scratch, members: int) -> None:
    """What the regolith takes of that, x.totals[1], as the air allows."""
    if o.regolith:
        regolith.exchange(st, o, m, s, x, True, x.totals[1], members)


@part
def begin_orbit(o: Options, s: State, x: Scratch, members: int) -> None:
    """The air gives what the regolith took; a new orbit's means begin."""
    if o.regolith:
        for b in range(members):
            s.gas[CO2, b] -= x.totals[1, b] * o.area
    if o.buried:
        buried_co2.set_sublimation(o, s, x, members)
    s.ground[SURFACE_MEAN, :, :] = 0.0
    for b in range(members):
        s.orbit[CO2_MEAN, b] = 0.0
        s.orbit[AHEAD, b] = o.orbit


@part
def note_orbit(o: Options, s: State, out: Outputs, k: int, members: int) -> None:
    """The step counts towards the means of the orbit."""
    share = o.dt / o.orbit
    for i in range(s.ice.shape[0]):
        add_scaled(s.T[0, i], share, s.ground[SURFACE_MEAN, i])
    for b in range(members):
        s.orbit[CO2_MEAN, b] += share * out.series[8, k, b]
        s.orbit[AHEAD, b] -= o.dt
