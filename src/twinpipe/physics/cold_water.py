"""Ice and vapour over cold ground, for many cells of a row at once: what phase.changed does where nothing melts; B10.

The cells of which that is certain are packed side by side.  Each of Newton's iterations runs over all of them, and a
cell that has converged keeps its value, so that its bits do not depend on its neighbours.  All else goes through
phase.changed, cell by cell.
"""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.elementary import exp, log
from twinpipe.physics.phase import (
    DIFFUSIVITY,
    ICE_A,
    ICE_B,
    ITERATIONS,
    LIQUID_A,
    LIQUID_B,
    LIQUID_C,
    MELTING,
    SCHMIDT,
    VAPOUR_CONSTANT,
)
from twinpipe.physics.records import Kinds
from twinpipe.physics.substances import SUBLIMATION

# Newton's steps square what is missing: after one that changed a share of 1e-6, what is missing is 1e-12 of it.
SETTLED = 1e-6
# Rows of the packed cells (row, packed cell): temperature (K), ice and vapour (kg m-2), heat capacity (J m-2 K-1),
# height of saturated air over the day and reach V dt (m), what evaporates and what condenses (kg m-2), whether a cell
# still iterates, today's deposit and the open share of it
TEMPERATURE, ICE, VAPOUR, CAPACITY, HEIGHT, REACH, EVAPORATED, CONDENSED, ACTIVE, DEPOSIT, OPEN = range(11)
AMPLITUDE2, PRESSURE, LIGHTNESS, WIND = 11, 12, 13, 14  # of the day (K2), Pa, 1 - mu_w / mu, m/s; of N_PACKED


@compiled
def saturate(T: Array, density: Array) -> None:
    """rho_sat (kg m-3) of a row, over ice below 273.16 K, else over liquid; B10."""
    for j in range(T.size):
        t = T[j]
        over_ice = ICE_A - ICE_B / t
        over_liquid = LIQUID_A + LIQUID_B * (t - MELTING) / (t - LIQUID_C)
        density[j] = exp(over_ice if t < MELTING else over_liquid) / (VAPOUR_CONSTANT * t)


@part
def density_over_ice(T: float) -> float:
    """rho_sat of ice, kg m-3."""
    return exp(ICE_A - ICE_B / T) / (VAPOUR_CONSTANT * T)


@part
def slope_over_ice(T: float) -> float:
    """d ln rho_sat / dT of ice, 1/K."""
    return ICE_B / (T * T) - 1.0 / T


@compiled
def prepare(cells: Array, n: int, dt: float, gravity: float) -> None:
    """Height over the day and reach of the packed cells: phase.daily_factor and phase.exchange_velocity."""
    T, height, reach = cells[TEMPERATURE], cells[HEIGHT], cells[REACH]
    amplitude2, pressure, lightness, wind = cells[AMPLITUDE2], cells[PRESSURE], cells[LIGHTNESS], cells[WIND]
    for c in range(n):
        a = min(math.sqrt(amplitude2[c]), T[c]) * slope_over_ice(T[c])
        whole, half = exp(a), exp(0.7071067811865476 * a)
        day = 0.25 * (1.0 + 0.5 * (whole + 1.0 / whole) + (half + 1.0 / half))
        e = density_over_ice(T[c]) * VAPOUR_CONSTANT * T[c]
        warm = T[c] / 273.15
        diffusivity = DIFFUSIVITY * warm * math.sqrt(warm) * 1e5 / pressure[c]
        light = max(lightness[c], 0.0) * min(e / pressure[c], 1.0)
        cube = max(diffusivity * gravity * light / (SCHMIDT * SCHMIDT), 1e-300)
        free = 0.17 * exp(log(cube) / 3.0)
        height[c] *= day
        reach[c] = dt * day * (wind[c] + (free if light > 0.0 else 0.0))


@compiled
def evaporate(cells: Array, n: int) -> None:
    """What the packed cells' ice gives to the air, taken from them: as phase.evaporated, no more than lies open."""
    T, ice, vapour, capacity = cells[TEMPERATURE], cells[ICE], cells[VAPOUR], cells[CAPACITY]
    height, reach, x, active = cells[HEIGHT], cells[REACH], cells[EVAPORATED], cells[ACTIVE]
    deposit, open_share = cells[DEPOSIT], cells[OPEN]
    left = 0.0
    for c in range(n):
        x[c] = 0.0
        active[c] = 1.0 if ice[c] > 0.0 else 0.0
        left += active[c]
    for _ in range(ITERATIONS):
        if left == 0.0:
            break
        for c in range(n):
            now = T[c] - SUBLIMATION * x[c] / capacity[c]
            rho = density_over_ice(now)
            missing = reach[c] * (rho - (vapour[c] + x[c]) / height[c]) - x[c]
            slope = rho * slope_over_ice(now) * SUBLIMATION / capacity[c]
            dx = missing / (1.0 + reach[c] * (slope + 1.0 / height[c]))
            dx = dx if active[c] > 0.0 and missing > 0.0 else 0.0
            x[c] += dx
            active[c] = 1.0 if dx > SETTLED * x[c] else 0.0
        left = 0.0
        for c in range(n):
            left += active[c]
    for c in range(n):
        gone = min(x[c], ice[c])
        fresh = max(ice[c] - deposit[c], 0.0)
        gone = fresh + open_share[c] * (gone - fresh) if gone > fresh else gone
        ice[c] -= gone
        T[c] -= SUBLIMATION * gone / capacity[c]
        vapour[c] += gone


@compiled
def condense(cells: Array, n: int) -> None:
    """What the air over the packed cells cannot hold falls as frost: as phase.first_condensed and phase.condensed."""
    T, ice, vapour, capacity = cells[TEMPERATURE], cells[ICE], cells[VAPOUR], cells[CAPACITY]
    height, x, active = cells[HEIGHT], cells[CONDENSED], cells[ACTIVE]
    left = 0.0
    for c in range(n):
        column = height[c] * density_over_ice(T[c])
        first = (vapour[c] - column) / (1.0 + column * slope_over_ice(T[c]) * SUBLIMATION / capacity[c])
        x[c] = min(max(first, 0.0), capacity[c] * (MELTING - T[c]) / SUBLIMATION)
        active[c] = 1.0 if first > 0.0 else 0.0
        left += active[c]
    for _ in range(ITERATIONS):
        if left == 0.0:
            break
        for c in range(n):
            now = T[c] + SUBLIMATION * x[c] / capacity[c]
            column = height[c] * density_over_ice(now)
            room = column - (vapour[c] - x[c])
            step = room / (1.0 + column * slope_over_ice(now) * SUBLIMATION / capacity[c])
            x[c] -= step if active[c] > 0.0 and room > 1e-13 * column else 0.0
            active[c] = 1.0 if active[c] > 0.0 and room > SETTLED * column else 0.0
        left = 0.0
        for c in range(n):
            left += active[c]
    for c in range(n):
        x[c] = max(x[c], 0.0)
        ice[c] += x[c]
        T[c] += SUBLIMATION * x[c] / capacity[c]


@compiled
def put_back(
    cells: Array,
    places: Kinds,
    n: int,
    dt: float,
    capacity: Array,
    conduction: float,
    inertia: Array,
    T: Array,
    ice: Array,
    vapour: Array,
    olr: Array,
    fresh: Array,
) -> None:
    """The packed cells return to their row; what the column does not take of the latent heat goes to OLR."""
    for c in range(n):
        j = places[c]
        gained = cells[ICE, c] - ice[j]
        stiff = capacity[j] + conduction * inertia[j]
        vapour[j] = max(vapour[j] - gained, 0.0)
        ice[j] = cells[ICE, c]
        fresh[j] = gained
        olr[j] += SUBLIMATION * gained / dt - stiff * (cells[TEMPERATURE, c] - T[j])
        T[j] = cells[TEMPERATURE, c]
