"""CO2 adsorbed in the ground, in exchange with the air; B9.

Per layer n = n_today (p/p_today)^gamma exp(-theta/T_d), with p the CO2 pressure, theta the warming of the layer since
today and T_d between 20 and 40 K: the isotherm of Zubrin and McKay about each place's own mean temperature of today.
Gas diffuses in over z^2/D_a at the depth z: layers near the surface equilibrate at once, deep ones lag.
"""

from __future__ import annotations

import math

import numpy as np

from twinpipe.body import Body
from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.records import CO2_MEAN, CO2_TODAY, SURFACE_TODAY, WORK, Members, Options, Scratch, State, Static
from twinpipe.physics.rows import add_row_sum, tile
from twinpipe.physics.substances import CO2, DESORPTION

LARGEST_SHARE = 0.5  # of the CO2 in the air that the ground may take in an orbit
COLDEST = 20.0  # K, to which desorption cools ground at most: CO2 has no vapour there


def equilibrium_amount(today: Array, p_ratio: Array, warming: Array, scale: float, exponent: float) -> Array:
    """Amount in equilibrium, n_today (p/p_today)^gamma exp(-theta/T_d), in the unit of n_today; B9.

    warming (K) since today, scale T_d (K), exponent gamma; arrays broadcast.
    """
    return np.asarray(today * p_ratio**exponent * np.exp(-warming / scale))


def planet_amount(capacity: float, pressure: Array, temperature: Array, weight: Array, scale: float) -> Array:
    """M_reg = C p^0.275 <exp(-T/T_d)>, the whole ground in equilibrium with air of pressure p; B9 [S17].

    temperature (..., cell) K with area weights (cell) that sum to 1; pressure (...) in any unit, C to match.
    """
    return np.asarray(capacity * pressure**0.275 * (weight * np.exp(-temperature / scale)).sum(axis=-1))


def shares(body: Body) -> tuple[Array, Array]:
    """(layer) part of today's inventory, and part of what is missing to equilibrium that comes within an orbit."""
    if body.regolith is None:
        return np.zeros(0), np.zeros(0)
    bottom = np.cumsum(body.regolith.thickness_m)
    top = bottom - body.regolith.thickness_m
    inside = np.clip(np.minimum(bottom, body.regolith.depth_m) - top, 0.0, None)
    lag = (0.5 * (top + bottom)) ** 2 / body.regolith.gas_diffusivity_m2_s
    return inside / inside.sum(), 1 - np.exp(-body.orbit.sidereal_year_s / lag)


@compiled
def missing(
    amount: Array, warming: Array, today: Array, full: Array, scale: Array, share: float, heat: float, gain: Array
) -> None:
    """What comes to a row of a layer within an orbit, kg m-2: share x (full exp(-theta/T_d) - amount).

    full: n_today (p/p_today)^gamma, kg m-2, scale: T_d, both repeated along the row.  No more goes than the layer has
    heat for down to COLDEST: heat (K m2 kg-1) is what a kilogram takes, today (K) the mean surface of today.
    """
    for j in range(gain.size):
        most = max(today[j] + warming[j] - COLDEST, 0.0) / heat
        gain[j] = max(share * (full[j] * math.exp(-warming[j] / scale[j]) - amount[j]), -most)


@compiled
def take_up(gain: Array, allowed: Array, heat: float, amount: Array, warming: Array) -> None:
    """The layer takes its gain (the part of it that is allowed, if it is one) with the heat of adsorption."""
    for j in range(gain.size):
        if gain[j] > 0.0:
            gain[j] *= allowed[j]
        amount[j] += gain[j]
        warming[j] += heat * gain[j]


@part
def exchange(
    st: Static, o: Options, m: Members, s: State, x: Scratch, taking: bool, total: Array, members: int
) -> None:
    """An orbit's exchange of CO2 between air and ground; its heat goes to and comes from the layers.

    total (kg m-2) gets what the ground would take; then, taking as much of that in total[0] as the air allows, what
    it does.
    """
    full, scale, allowed, gain = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
    v, wanted = x.by_member, x.totals[0]
    tile(m.regolith_scale, scale)
    for b in range(members):
        ratio = s.orbit[CO2_MEAN, b] / s.orbit[CO2_TODAY, b] if s.orbit[CO2_TODAY, b] > 0.0 else 1.0
        v[0, b] = m.regolith_amount[b] * (math.exp(m.regolith_exponent[b] * math.log(ratio)) if ratio > 0.0 else 0.0)
    if taking:
        for b in range(members):
            most = LARGEST_SHARE * s.gas[CO2, b] / o.area
            v[2, b] = most / wanted[b] if wanted[b] > most else 1.0
        tile(v[2], allowed)
    total[:] = 0.0
    for k in range(s.adsorbed.shape[0]):
        heat = DESORPTION / st.deep_capacity[k]
        for b in range(members):
            v[1, b] = v[0, b] * st.adsorbing[k]
        tile(v[1], full)
        for i in range(s.ice.shape[0]):
            today = s.ground[SURFACE_TODAY, i]
            missing(s.adsorbed[k, i], s.warming[k, i], today, full, scale, st.exchanging[k], heat, gain)
            if taking:
                take_up(gain, allowed, heat, s.adsorbed[k, i], s.warming[k, i])
            add_row_sum(gain, st.weight[i], x.line, total)
