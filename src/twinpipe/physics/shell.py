"""The ice shell of a step: soil, ice and ocean exchange heat, ice freezes, melts and sublimates to vacuum; B13.

Below the soil of soil.py, which carries days and seasons, lies the shell as layers of ice_shell.py, fixed from the
top down; the last one that there is ends where the ocean begins, at T_b, and is as thick as the mass per area says.
The untouched shell conducts what it gets from below: F = kappa_0 ln(T_b / T_top) / h, cell by cell (today.py).

What the books count: ice and ocean by mass, with latent heats relative to vapour; the layers' enthalpy relative to
ice at T_b (so that what freezes at T_b has none), the ocean's heat above T_b; not the ice that the soil stands for,
whose heat is that of the soil.
"""

from __future__ import annotations

import math

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined, part
from twinpipe.physics.ice_shell import WATER_ICE, solid_enthalpy, sublimation
from twinpipe.physics.records import (
    COLD,
    FROM_BELOW,
    FROZEN,
    SHELL_HEAT,
    SUBLIMATED,
    UNUSED,
    WORK,
    Ledger,
    Members,
    Options,
    Outputs,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_row_sum, compensated, lowest, tile
from twinpipe.physics.shell_base import DENSITY, advance_row
from twinpipe.physics.substances import H2O, OCEAN_HEAT, OCEAN_WATER, SHELL_ICE, SUBLIMATION

LEAST = 0.05 * DENSITY  # kg m-2 that space leaves; the run ends there (equilibrium.lost)
WATER_HEAT = WATER_ICE.liquid_c  # J kg-1 K-1


@part
def step(st: Static, o: Options, m: Members, s: State, ledger: Ledger, x: Scratch, members: int) -> None:
    """The shell takes what comes from below and from the ocean, and heats the soil, in one step."""
    x.moved[FROZEN] = 0.0
    x.moved[UNUSED] = 0.0
    from_ocean, total = x.by_member[0], x.by_member[1]
    frozen, unused = x.rows[WORK], x.rows[WORK + 1]
    leaving, kappa_0, base = x.rows[WORK + 2], x.rows[WORK + 3], x.rows[WORK + 4]
    for b in range(members):
        before = s.store[OCEAN_HEAT, b]
        heat_capacity = WATER_HEAT * s.store[OCEAN_WATER, b]
        follows = m.ocean_exchange[b] * o.area * o.dt / heat_capacity if heat_capacity > 0.0 else 0.0
        s.store[OCEAN_HEAT, b] = before * math.exp(-follows)
        from_ocean[b] = (before - s.store[OCEAN_HEAT, b]) / (o.area * o.dt)
        total[b] = 0.0
    tile(from_ocean, leaving)
    tile(m.shell_conductivity, kappa_0)
    tile(m.shell_base, base)
    for i in range(s.ice.shape[0]):
        advance_row(
            s.shell,
            i,
            s.local[SHELL_ICE, i],
            s.T[s.T.shape[0] - 1, i],
            st.inertia[i],
            s.today[FROM_BELOW, i],
            leaving,
            kappa_0,
            base,
            st.shell_layers,
            o.dt,
            o.bottom_resistance,
            o.bottom_capacity,
            x.fields[SHELL_HEAT, i],
            frozen,
            unused,
            x.columns,
            x.ends,
        )
        add_row_sum(frozen, st.weight[i], x.line, x.moved[FROZEN])
        add_row_sum(unused, st.weight[i], x.line, x.moved[UNUSED])
        add_row_sum(s.today[FROM_BELOW, i], st.weight[i], x.line, total)
    for b in range(members):
        ocean, frozen_now = s.store[OCEAN_WATER, b], x.moved[FROZEN, b] * o.area
        s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b] = compensated(ocean, s.rest[OCEAN_WATER, b], -frozen_now)
        heat = x.moved[UNUSED, b] * o.area
        s.store[OCEAN_HEAT, b], s.rest[OCEAN_HEAT, b] = compensated(s.store[OCEAN_HEAT, b], s.rest[OCEAN_HEAT, b], heat)
        ledger.energy[2, b] += total[b] * o.dt
    x.moved[SUBLIMATED] = 0.0
    x.moved[COLD] = 0.0


@inlined
def cooled(t: float, stiff: float, radiating: float, sink: float, vapour: float) -> float:
    """T' of stiff (T - T') + k (T^4 - T'^4) = sink + vapour L S(T'), W m-2, with S the sublimation; from above."""
    held = stiff * t + radiating * t * t * t * t - sink
    new = t
    for _ in range(200):
        lost = vapour * SUBLIMATION * sublimation(new) if vapour > 0.0 else 0.0
        slope = stiff + 4.0 * radiating * new * new * new + lost * (6143.7 / new - 0.5) / new
        excess = stiff * new + radiating * new * new * new * new + lost - held
        change = excess / slope
        new -= change
        if change <= 1e-13 * new:
            break
    return new


@inlined
def divide(mass: float, layers: Array, thickness: Array) -> int:
    """How many layers a shell of mass (kg m-2) has, and their thickness (m)."""
    left, n = mass / 917.0, 0
    while n < layers.size - 1 and left > layers[n]:
        thickness[n] = layers[n]
        left -= layers[n]
        n += 1
    thickness[n] = left
    return n + 1


@compiled
def sublimate(
    shell: Array,
    i: int,
    mass: Array,
    T: Array,
    capacity: Array,
    conduction: float,
    inertia: Array,
    base: Array,
    layers: Array,
    dt: float,
    olr: Array,
    gone: Array,
    cold: Array,
    thickness: Array,
) -> None:
    """Ice of row i goes to vacuum, e_sat / sqrt(2 pi R T / mu), as part of the implicit surface balance; B13.

    L S(T') cools T of co2_ice.surface_balance to T', with the stiffness C_1/dt + G and OLR along T^4.  gone (kg m-2)
    takes with it what the first layer is colder than T_b, cold (J m-2); the layers below move up.  thickness (layer) is
    scratch.
    """
    members = base.size
    for j in range(T.size):
        gone[j] = sublimation(T[j]) * dt
        cold[j] = 0.0
    for j in range(T.size):
        little = mass[j] - gone[j] == mass[j]
        gone[j] = 0.0
        if little:
            continue
        t = T[j]
        stiff = capacity[j] + conduction * inertia[j]
        radiating = olr[j] / (t * t * t * t)
        new = cooled(t, stiff, radiating, 0.0, 1.0)
        after = max(mass[j] - sublimation(new) * dt, min(mass[j], LEAST))
        going = mass[j] - after
        if going <= 0.0:
            continue
        new = cooled(t, stiff, radiating, going * SUBLIMATION / dt, 0.0)
        olr[j] += stiff * (t - new) - going * SUBLIMATION / dt
        T[j] = new
        at_base = solid_enthalpy(base[j % members], WATER_ICE)
        n = divide(mass[j], layers, thickness)
        left = going
        while left > 0.0:
            there = 917.0 * thickness[n - 1]
            now = min(left, there, 0.5 * 917.0 * thickness[0]) if n > 1 else left
            cold[j] += now * (at_base - shell[0, i, j])
            for k in range(n - 1):
                shell[k, i, j] += now / (917.0 * thickness[k]) * (shell[k + 1, i, j] - shell[k, i, j])
            thickness[n - 1] -= now / 917.0
            left -= now
            if now >= there and n > 1:
                n -= 1
        gone[j] = going
        mass[j] = after


@part
def close(o: Options, s: State, ledger: Ledger, out: Outputs, x: Scratch, k: int, place: int, members: int) -> None:
    """Books of what sublimated, and the thinnest ice, which is the series at place."""
    for b in range(members):
        ledger.escaped[H2O, b] += x.moved[SUBLIMATED, b] * o.area
        ledger.energy[4, b] += x.moved[COLD, b]
    thinnest = out.series[place, k]
    thinnest[:] = 1e30
    for i in range(s.ice.shape[0]):
        lowest(s.local[SHELL_ICE, i], x.line, thinnest)
    for b in range(members):
        thinnest[b] /= 917.0


def layer_masses(mass: Array, layers: Array) -> Array:
    """(layer, row, cell) kg m-2 of the layers of shells of mass (row, cell)."""
    top = DENSITY * (np.cumsum(layers) - layers)[:, None, None]
    room = DENSITY * layers[:, None, None]
    room[-1] = np.inf
    return np.asarray(np.clip(mass - top, 0.0, room))


def cold_content(s: State, layers: Array, base: Array) -> Array:
    """(row, cell) J m-2 of the layers relative to ice at T_b, which is (member); not above 0 while all is frozen."""
    at_base = _solid(np.tile(base, s.ice.shape[1] // base.size))
    masses = layer_masses(s.local[SHELL_ICE], layers)
    total = np.zeros_like(s.ice)
    for mass, enthalpy in zip(masses, s.shell, strict=True):
        total += mass * (enthalpy - at_base)
    return total


def steady(
    surface: Array, thickness: float, layers: Array, conductivity: float, base: float, resistance: Array
) -> tuple[Array, Array]:
    """Enthalpy (layer, ...) and flux F (...; W m-2) of a shell that conducts what it gets, below soil; B13, X13.

    kappa_0 ln(T_b / T_top) = F h and T_top = T_s + F R, with R (K m2/W) of the soil and T_s (K) its mean surface
    temperature: theta = kappa_0 ln T is linear in depth.  Newton's method in ln T_top: T_top - T_s - F R grows and
    curves upwards, so that from the warmer end each step stays on that side, whatever thin ice conducts.
    """
    log_top = np.log(np.maximum(surface, base))
    for _ in range(50):
        flux = conductivity * (math.log(base) - log_top) / thickness
        top = np.exp(log_top)
        log_top = log_top - (top - surface - flux * resistance) / (top + conductivity * resistance / thickness)
    flux = conductivity * (math.log(base) - log_top) / thickness
    depth = np.cumsum(layers) - layers
    bottom = np.append(depth[1:], np.inf)
    centre = np.minimum(0.5 * (depth + np.minimum(bottom, thickness)), thickness)
    height = thickness - centre.reshape(-1, *[1] * np.ndim(flux))
    return _solid(base * np.exp(-flux * height / conductivity)), np.asarray(flux)


def _solid(temperature: Array) -> Array:
    """Enthalpy (J kg-1) of ice at temperatures (K)."""
    return np.asarray((WATER_ICE.c_0 + 0.5 * WATER_ICE.c_1 * temperature) * temperature)
