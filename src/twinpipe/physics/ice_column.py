"""Columns of ice that conduct and melt, the cells of a row side by side: one implicit step by Newton's method; B13.

Every iteration runs over all columns of the row, and a column that is solved keeps its values, so that its bits do
not depend on its neighbours.  What enters at the ends is what layers gain, so energy is exact.
"""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined
from twinpipe.physics.elementary import log
from twinpipe.physics.ice_shell import Ice

SWEEPS, SETTLED = 60, 1e-3  # Newton iterations at most; change (J/kg) at which a column is solved
LEAST_ENTHALPY = 1e-6  # J/kg, of which temperature and logarithm are numbers
# Scratch of a row of columns, (field, layer + 1, cell): links (1/m) between layers, theta (W/m) and its slope by
# enthalpy, the factors of the elimination, what an iteration changes, and the enthalpy that it finds (J/kg)
LINK, THETA, SLOPE, UPPER, CHANGE, NEW = range(6)
N_COLUMN_FIELDS = 6


@inlined
def conducting(enthalpy: float, kappa_0: float, melting: float, ice: Ice) -> tuple[float, float]:
    """theta (W/m) and d theta / d enthalpy (kg m-1 s-1) = K / c of ice that melts at a temperature (K); B13.

    Solid ice of enthalpy h has c = c_0 + c_1 T = sqrt(c_0^2 + 2 c_1 h).  While a layer melts theta stands still, then
    it goes on with the liquid's conductivity.
    """
    solid = (ice.c_0 + 0.5 * ice.c_1 * melting) * melting
    frozen = enthalpy < solid
    h = max(enthalpy, LEAST_ENTHALPY) if frozen else solid
    c = math.sqrt(ice.c_0 * ice.c_0 + 2.0 * ice.c_1 * h)
    both, twice = ice.c_0 + c, 2.0 * h
    inverse = 1.0 / (both * twice * c)  # one division for T = 2 h / (c_0 + c), 1 / T and 1 / c
    T = twice * (twice * c * inverse)
    warmer = max(enthalpy - solid - ice.latent, 0.0)
    theta = ice.k * T + kappa_0 * log(T) + warmer * (ice.liquid_k / ice.liquid_c)
    liquid = ice.liquid_k / ice.liquid_c if warmer > 0.0 else 0.0
    frozen_slope = (ice.k + kappa_0 * (both * both * c * inverse)) * (both * twice * inverse)
    return theta, frozen_slope if frozen else liquid


@inlined
def end_theta(temperature: float, kappa_0: float, melting: float, ice: Ice) -> float:
    """theta (W/m) at an end that is held at a temperature (K), 0 where none is held."""
    T = min(temperature, melting) if temperature > 0.0 else 1.0
    theta = ice.k * T + kappa_0 * log(T) + ice.liquid_k * max(temperature - melting, 0.0)
    return theta if temperature > 0.0 else 0.0


@compiled
def _link(above: Array, here: Array, base: Array, link: Array) -> None:
    """2 / (thickness above + here), 1/m; below the last layer to a base that is held at a temperature, if it is."""
    for c in range(here.size):
        both = 2.0 / (above[c] + here[c])
        last = both if base[c] > 0.0 else 0.0
        link[c] = (both if here[c] > 0.0 else last) if above[c] > 0.0 else 0.0


@compiled
def _look(
    new: Array, thickness: Array, ground: Array, kappa_0: Array, melting: Array, ice: Ice, theta: Array, slope: Array
) -> None:
    """theta and its slope of a layer; those of the base where there is no such layer."""
    for c in range(new.size):
        there = thickness[c] > 0.0
        a, b = conducting(new[c], kappa_0[c], melting[c], ice)
        theta[c] = a if there else ground[c]
        slope[c] = b if there else 0.0


@compiled
def _eliminate(
    per_dt: float,
    thickness: Array,
    below: Array,
    old: Array,
    new: Array,
    heat: Array,
    base_flux: Array,
    up: Array,
    down: Array,
    theta_above: Array,
    theta: Array,
    theta_below: Array,
    slope_above: Array,
    slope: Array,
    slope_below: Array,
    upper_above: Array,
    change_above: Array,
    upper: Array,
    change: Array,
) -> None:
    """Eliminate a layer downwards: upper holds the factors, change the right-hand sides.  per_dt: rho / dt."""
    for c in range(new.size):
        held = per_dt * thickness[c]
        gain = up[c] * (theta_above[c] - theta[c]) + down[c] * (theta_below[c] - theta[c]) + heat[c]
        gain += base_flux[c] if below[c] <= 0.0 else 0.0
        off = -up[c] * slope_above[c]
        pivot = held + slope[c] * (up[c] + down[c]) - off * upper_above[c]
        inverse = 1.0 / (pivot if thickness[c] > 0.0 else 1.0)
        upper[c] = -down[c] * slope_below[c] * inverse
        change[c] = (gain - held * (new[c] - old[c]) - off * change_above[c]) * inverse if thickness[c] > 0.0 else 0.0


@compiled
def _substitute(
    upper: Array, change_below: Array, thickness: Array, active: Array, change: Array, new: Array, largest: Array
) -> None:
    """What an iteration changes in a layer, from below upwards; columns that are solved keep what they have."""
    for c in range(new.size):
        more = change[c] - upper[c] * change_below[c]
        change[c] = more
        going = active[c] > 0.0 and thickness[c] > 0.0
        new[c] = max(new[c] + more, 0.5 * new[c]) if going else new[c]
        largest[c] = max(largest[c], abs(more))


@compiled
def conduct(
    enthalpy: Array,
    i: int,
    thickness: Array,
    dt: float,
    top: Array,
    base: Array,
    base_flux: Array,
    heat: Array,
    kappa_0: Array,
    melting: Array,
    ice: Ice,
    work: Array,
    ends: Array,
) -> None:
    """One implicit step of conduction and melting in the columns of row i; the new enthalpies are work[NEW].

    m (h' - h) / dt = F_in - F_out + heat with fluxes of the new temperatures.  enthalpy (layer, row, cell) J/kg;
    thickness (layer + 1, cell) m, 0 below the last layer of a column and in its last row; top and base (cell)
    temperatures (K) of the two ends, or none but base_flux (W m-2, upwards) where base is 0, and nothing where top is
    0; heat (layer, cell) W m-2 put into layers; kappa_0 (W/m) and melting (K) of each cell (cell), all else of ice.
    work (N_COLUMN_FIELDS, layer + 1, cell) and ends (5, cell) are scratch.
    """
    n, _, cells = enthalpy.shape
    link, theta, slope, upper, change, new = work[LINK], work[THETA], work[SLOPE], work[UPPER], work[CHANGE], work[NEW]
    surface, ground, active, largest, none = ends[0], ends[1], ends[2], ends[3], ends[4]
    for c in range(cells):
        none[c] = 0.0
        active[c] = 1.0
        link[0, c] = 2.0 / thickness[0, c] if top[c] > 0.0 else 0.0
        surface[c] = end_theta(top[c], kappa_0[c], melting[c], ice)
        ground[c] = end_theta(base[c], kappa_0[c], melting[c], ice)
    for k in range(n):
        _link(thickness[k], thickness[k + 1], base, link[k + 1])
        for c in range(cells):
            new[k, c] = enthalpy[k, i, c]
    for c in range(cells):
        theta[n, c] = ground[c]
        slope[n, c] = 0.0
        change[n, c] = 0.0
    for _ in range(SWEEPS):
        for k in range(n):
            _look(new[k], thickness[k], ground, kappa_0, melting, ice, theta[k], slope[k])
        for k in range(n):
            _eliminate(
                ice.density / dt,
                thickness[k],
                thickness[k + 1],
                enthalpy[k, i],
                new[k],
                heat[k],
                base_flux,
                link[k],
                link[k + 1],
                theta[k - 1] if k > 0 else surface,
                theta[k],
                theta[k + 1],
                slope[k - 1] if k > 0 else none,
                slope[k],
                slope[k + 1],
                upper[k - 1] if k > 0 else none,
                change[k - 1] if k > 0 else none,
                upper[k],
                change[k],
            )
        for c in range(cells):
            largest[c] = 0.0
        for k in range(n - 1, -1, -1):
            _substitute(upper[k], change[k + 1], thickness[k], active, change[k], new[k], largest)
        left = 0.0
        for c in range(cells):
            active[c] = active[c] if largest[c] >= SETTLED else 0.0
            left += active[c]
        if left == 0.0:
            break
