"""Cells of an ice shell side by side: they conduct, warm the soil above, and freeze or melt at their base; B13."""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined, part
from twinpipe.physics.elementary import exp
from twinpipe.physics.ice_column import N_COLUMN_FIELDS, NEW, conduct
from twinpipe.physics.ice_shell import WATER_ICE, Ice, solid_enthalpy, temperature_of

DENSITY = WATER_ICE.density
THINNEST = 0.5 * DENSITY  # kg m-2, below which the ocean melts no more: open water would freeze over at once
# Of Scratch.columns, beside what conduct needs: thickness of the layers (m), heat put into them (W m-2)
THICKNESS, HEAT = N_COLUMN_FIELDS, N_COLUMN_FIELDS + 1


@part
def ice_of(conductivity: float, base: float) -> Ice:
    """Water ice of a conductivity kappa_0 (W/m) that melts at T_b (K) into the ocean."""
    return Ice(917.0, 90.0, 7.49, 0.0, conductivity, base, 3.34e5, 4200.0, 0.57)


@part
def into_soil(
    enthalpy: float, thickness: float, soil: float, resistance: float, dt: float, held: float, ice: Ice
) -> float:
    """Heat (W m-2) that rises from the first layer of ice into the lowest layer of soil.

    F R = T_i - T_soil through half of that soil, F = (theta_1 - theta_i) 2 / dz through half of the ice: Newton's
    method in F.  held (J m-2 K-1) is the heat capacity of the soil layer; in a step no more passes than makes both
    equally warm.
    """
    top = temperature_of(enthalpy, ice)
    half = 0.5 * thickness / ice.kappa_0
    flux = (top - soil) / (resistance + half * top)
    for _ in range(3):
        contact = top * exp(-flux * half)
        flux += (contact - soil - flux * resistance) / (half * contact + resistance)
    own = ice.density * thickness * (ice.c_0 + ice.c_1 * top)
    most = (top - soil) * own * held / ((own + held) * dt)
    return flux if abs(flux) < abs(most) else most


@compiled
def split(left: Array, layer: float, thickness: Array, layers: Array) -> None:
    """What a layer takes of the ice (m) that is left for it and those below it; layers counts those that there are."""
    for c in range(left.size):
        taken = left[c] if left[c] < layer else layer
        thickness[c] = taken
        left[c] -= taken
        layers[c] += 1.0 if taken > 0.0 else 0.0


@compiled
def warm_soil(
    enthalpy: Array,
    thickness: Array,
    soil: Array,
    inertia: Array,
    kappa_0: Array,
    melting: Array,
    resistance: float,
    held: float,
    dt: float,
    bottom_heat: Array,
    heat: Array,
    gained: Array,
) -> None:
    """Heat that the first layers of a row give to the soil, its flux over the soil's inertia, and J m-2 of the step."""
    for c in range(soil.size):
        ice = ice_of(kappa_0[c], melting[c])
        flux = into_soil(enthalpy[c], thickness[c], soil[c], resistance / inertia[c], dt, held * inertia[c], ice)
        bottom_heat[c] = flux / inertia[c]
        heat[c] = -flux
        gained[c] = flux * dt


@compiled
def take_new(thickness: Array, new: Array, enthalpy: Array, gained: Array) -> None:
    """A layer takes its new enthalpy; gained (J m-2) grows by what that needs."""
    for c in range(new.size):
        gained[c] += 917.0 * thickness[c] * (new[c] - enthalpy[c])
        enthalpy[c] = new[c]


@compiled
def advance_row(
    shell: Array,
    i: int,
    mass: Array,
    soil: Array,
    inertia: Array,
    below: Array,
    from_ocean: Array,
    kappa_0: Array,
    base: Array,
    layers: Array,
    dt: float,
    resistance: float,
    held: float,
    bottom_heat: Array,
    frozen: Array,
    unused: Array,
    work: Array,
    ends: Array,
) -> None:
    """Conduct in the shell of row i, and freeze or melt its base by dh/dt = (F_cond - F_below) / (rho L), in place.

    shell (layer, row, cell) J kg-1; mass kg m-2; soil K of the lowest soil layer; below and from_ocean W m-2 that
    reach the base; kappa_0 W/m, base K, all (cell); bottom_heat is the flux into the soil over its inertia, frozen the
    mass (kg m-2) that froze, unused the heat (J m-2) for which no ice was left.  What melts is warmed to T_b first:
    L + h(T_b) - h of the lowest layer.  work (N_COLUMNS, layer + 1, cell) and ends (N_ENDS, cell) are scratch.
    """
    n = layers.size
    thickness, heat, there, gained, none = work[THICKNESS], work[HEAT], ends[5], ends[6], ends[7]
    for c in range(mass.size):
        unused[c] = mass[c] / 917.0
        there[c] = 0.0
        none[c] = 0.0
        thickness[n, c] = 0.0
    for k in range(n):
        split(unused, layers[k] if k < n - 1 else math.inf, thickness[k], there)
        for c in range(mass.size):
            heat[k, c] = 0.0
    warm_soil(
        shell[0, i], thickness[0], soil, inertia, kappa_0, base, resistance, held, dt, bottom_heat, heat[0], gained
    )  # fmt: skip
    conduct(shell, i, thickness, dt, none, base, none, heat, kappa_0, base, WATER_ICE, work, ends)
    for k in range(n):
        take_new(thickness[k], work[NEW, k], shell[k, i], gained)
    for c in range(mass.size):
        ice = ice_of(kappa_0[c], base[c])
        at_base = solid_enthalpy(ice.melting, ice)
        before, last = mass[c], int(there[c]) - 1
        net = (below[c] + from_ocean[c]) * dt - gained[c]
        if net > 0.0:
            unused[c] = melt(shell, i, c, last, mass, thickness, net, at_base, ice)
        else:
            left = freeze(shell, i, c, last, mass, layers, thickness, -net / ice.latent, at_base)
            unused[c] = -left * ice.latent
        frozen[c] = mass[c] - before


@inlined
def melt(
    shell: Array, i: int, j: int, last: int, mass: Array, thickness: Array, heat: float, at_base: float, ice: Ice
) -> float:
    """Melt the shell of a cell from its last layer up with heat (J m-2); gives what is left when only THINNEST is."""
    k = last
    while heat > 0.0 and mass[j] > THINNEST:
        cost = ice.latent + at_base - shell[k, i, j]
        there = min(917.0 * thickness[k, j], mass[j] - THINNEST)
        going = min(heat / cost, there)
        after = mass[j] - going
        heat -= (mass[j] - after) * cost
        mass[j] = after
        if going < there or k == 0:
            break
        k -= 1
    return heat


@inlined
def freeze(
    shell: Array, i: int, j: int, last: int, mass: Array, layers: Array, thickness: Array, more: float, at_base: float
) -> float:
    """Add ice (kg m-2) at T_b to a cell's shell from its last layer down; gives what was too little to count."""
    k = last
    while more > 0.0:
        there = 917.0 * thickness[k, j]
        room = 917.0 * layers[k] - there if k < layers.size - 1 else more
        coming = min(more, max(room, 0.0))
        after = mass[j] + coming
        if after > mass[j]:
            shell[k, i, j] += (after - mass[j]) / (there + (after - mass[j])) * (at_base - shell[k, i, j])
        last = coming == more
        more -= after - mass[j]
        mass[j] = after
        if last:
            break
        k += 1
        thickness[k, j] = 0.0
    return more
