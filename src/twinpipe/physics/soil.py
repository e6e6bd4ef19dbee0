"""Heat conduction in layered soil, implicit; B5.

Layer k has the thickness f_k d_s, with the skin depth d_s = sqrt(kappa P / pi), so that its heat capacity
is I sqrt(P/pi) f_k and the conductance to the next one I sqrt(pi/P) / ((f_k + f_k+1)/2): both are
proportional to the thermal inertia I.  Elimination from the bottom, T_k' = alpha_k T_k-1' + beta_k, then
has coefficients alpha_k that do not depend on I: the same numbers serve every cell and member.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinpipe.body import Body, Slab
from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.records import Static

SIX = 6  # layers, as many as bodies with soil usually have


@dataclass(frozen=True)
class Column:
    """Coefficients of the implicit column for one body and step length, per unit of thermal inertia.

    capacity (n_layers): heat capacities over I; conductance (n_layers - 1): over I; alpha, own, below,
    heat (n_layers): beta_k = own_k T_k + below_k beta_k+1 + heat_k F_g / I.  A slab has I = 1.
    """

    capacity: Array
    conductance: Array
    alpha: Array
    own: Array
    below: Array
    heat: Array


def column(body: Body, step_seconds: float) -> Column:
    """Coefficients of the column of a body, backward Euler in time, harmonic-mean conductances."""
    layers = body.climate.column
    if isinstance(layers, Slab):
        one = np.array([layers.heat_capacity_j_m2_k])
        zero = np.zeros(1)
        return Column(one, np.zeros(0), zero, zero, zero, zero)
    thickness = np.array(layers.thickness)
    root = math.sqrt(body.orbit.sidereal_year_s / math.pi)
    capacity = root * thickness
    conductance = 2 / (root * (thickness[1:] + thickness[:-1]))
    n = len(thickness)
    alpha, own, below, heat = (np.zeros(n) for _ in range(4))
    for k in range(n - 1, 0, -1):
        down = conductance[k] * (1 - alpha[k + 1]) if k < n - 1 else 0.0
        total = capacity[k] / step_seconds + conductance[k - 1] + down
        alpha[k] = conductance[k - 1] / total
        own[k] = capacity[k] / step_seconds / total
        below[k] = conductance[k] / total if k < n - 1 else 0.0
        heat[k] = 1 / total if k == n - 1 else 0.0
    return Column(capacity, conductance, alpha, own, below, heat)


def lowest_layer(body: Body) -> float:
    """Thickness of the lowest layer in annual skin depths; of a slab 0."""
    return 0.0 if isinstance(body.climate.column, Slab) else body.climate.column.thickness[-1]


def resistance(body: Body) -> float:
    """K m2 W-1 times the thermal inertia, from the middle of the first layer to the bottom; of a slab 0."""
    if isinstance(body.climate.column, Slab):
        return 0.0
    f = body.climate.column.thickness
    return math.sqrt(body.orbit.sidereal_year_s / math.pi) * (math.fsum(f) - 0.5 * f[0])


@part
def top_conductance(st: Static) -> float:
    """Conductance between the first two layers, per unit of thermal inertia; 0 for a slab."""
    return st.layer_conductance[0] if st.layer_conductance.size > 0 else 0.0


@part
def conduction(st: Static) -> float:
    """What the soil below adds to the stiffness of the surface, per unit of thermal inertia: G (1 - alpha); B5."""
    return st.layer_conductance[0] * (1.0 - st.alpha[1]) if st.layer_conductance.size > 0 else 0.0


@compiled
def eliminate(T: Array, i: int, heat: Array, own: Array, below: Array, bottom: float, beta: Array) -> None:
    """beta_k of row i from the bottom up; T is (layer, row, cell), heat F_g / I of the row, beta (layer, cell)."""
    n = T.shape[0]
    for k in range(n - 1, 0, -1):
        a = own[k]
        t = T[k, i]
        b = beta[k]
        if k == n - 1:
            for j in range(t.size):
                b[j] = a * t[j] + bottom * heat[j]
        else:
            c = below[k]
            deeper = beta[k + 1]
            for j in range(t.size):
                b[j] = a * t[j] + c * deeper[j]


@compiled
def substitute(T: Array, i: int, alpha: Array, beta: Array) -> None:
    """T_k' = alpha_k T_k-1' + beta_k of row i, downwards from a surface layer that is already new."""
    for k in range(1, T.shape[0]):
        above = T[k - 1, i]
        t = T[k, i]
        b = beta[k]
        a = alpha[k]
        for j in range(t.size):
            t[j] = a * above[j] + b[j]


@compiled
def from_below(T: Array, i: int, heat: Array, own: Array, below: Array, bottom: float, beta: Array) -> None:
    """beta[1] (cell) of eliminate, to the bit, for a row of SIX layers in one loop."""
    t1, t2, t3, t4, t5 = T[1, i], T[2, i], T[3, i], T[4, i], T[5, i]
    o1, o2, o3, o4, o5 = own[1], own[2], own[3], own[4], own[5]
    b1, b2, b3, b4 = below[1], below[2], below[3], below[4]
    for j in range(beta.size):
        b = o5 * t5[j] + bottom * heat[j]
        b = o4 * t4[j] + b4 * b
        b = o3 * t3[j] + b3 * b
        b = o2 * t2[j] + b2 * b
        beta[j] = o1 * t1[j] + b1 * b


@compiled
def renew(T: Array, i: int, heat: Array, alpha: Array, own: Array, below: Array, bottom: float) -> None:
    """What eliminate and substitute do, to the bit, for a row of SIX layers in one loop."""
    t0, t1, t2, t3, t4, t5 = T[0, i], T[1, i], T[2, i], T[3, i], T[4, i], T[5, i]
    o1, o2, o3, o4, o5 = own[1], own[2], own[3], own[4], own[5]
    b1, b2, b3, b4 = below[1], below[2], below[3], below[4]
    a1, a2, a3, a4, a5 = alpha[1], alpha[2], alpha[3], alpha[4], alpha[5]
    for j in range(t0.size):
        e5 = o5 * t5[j] + bottom * heat[j]
        e4 = o4 * t4[j] + b4 * e5
        e3 = o3 * t3[j] + b3 * e4
        e2 = o2 * t2[j] + b2 * e3
        e1 = o1 * t1[j] + b1 * e2
        t = a1 * t0[j] + e1
        t1[j] = t
        t = a2 * t + e2
        t2[j] = t
        t = a3 * t + e3
        t3[j] = t
        t = a4 * t + e4
        t4[j] = t
        t5[j] = a5 * t + e5
