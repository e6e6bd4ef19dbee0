"""Emissivity of CO2 columns, from radiative-convective calculations tabulated in physics.md B3.3 (a).

Rows: surface pressure; columns: surface temperature.  Entries above 1 there (the air is warmer than the
ground because CO2 condenses) are 1 here.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from twinpipe.grid import Array

PRESSURE = np.array([100, 300, 610, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5])  # Pa
TEMPERATURE = np.array([150, 180, 200, 215, 230, 250, 273, 290, 310.0])  # K
DRY = np.array(
    [
        [1.000, 0.967, 0.958, 0.955, 0.953, 0.952, 0.952, 0.953, 0.953],
        [1.000, 0.946, 0.931, 0.924, 0.920, 0.918, 0.917, 0.917, 0.918],
        [1.000, 0.938, 0.916, 0.906, 0.899, 0.894, 0.891, 0.890, 0.890],
        [1.000, 0.929, 0.904, 0.891, 0.883, 0.876, 0.872, 0.870, 0.870],
        [1.000, 0.912, 0.884, 0.870, 0.860, 0.850, 0.843, 0.839, 0.837],
        [1.000, 0.899, 0.860, 0.840, 0.824, 0.809, 0.797, 0.791, 0.784],
        [1.000, 0.885, 0.837, 0.811, 0.791, 0.771, 0.752, 0.741, 0.729],
        [1.000, 0.872, 0.804, 0.772, 0.748, 0.720, 0.691, 0.674, 0.656],
        [1.000, 0.871, 0.765, 0.715, 0.675, 0.634, 0.595, 0.571, 0.547],
        [1.000, 0.891, 0.741, 0.669, 0.619, 0.569, 0.523, 0.495, 0.470],
        [1.000, 0.940, 0.730, 0.624, 0.557, 0.497, 0.447, 0.419, 0.394],
        [1.000, 1.000, 0.751, 0.589, 0.474, 0.385, 0.332, 0.308, 0.288],
    ]
)
# The same with water vapour at a relative humidity of 0.5.
HUMID_PRESSURE = np.array([610, 2e3, 1e4, 5e4, 1e5, 2e5, 5e5])  # Pa
HUMID_TEMPERATURE = np.array([200, 215, 230, 250, 273, 290, 310.0])  # K
HUMID = np.array(
    [
        [0.916, 0.904, 0.893, 0.875, 0.846, 0.823, 0.802],
        [0.883, 0.866, 0.849, 0.821, 0.778, 0.740, 0.700],
        [0.835, 0.804, 0.773, 0.726, 0.663, 0.613, 0.555],
        [0.764, 0.707, 0.653, 0.583, 0.505, 0.452, 0.397],
        [0.739, 0.660, 0.597, 0.519, 0.438, 0.387, 0.336],
        [0.727, 0.615, 0.536, 0.453, 0.378, 0.330, 0.284],
        [0.748, 0.580, 0.461, 0.363, 0.297, 0.259, 0.224],
    ]
)

# The kernel looks up a finer table at uniform distances, with 1/eps at its nodes; today's Mars, 610 Pa, is one.
# The last pressure is 170 bar: Venus is inside.
LOG_PRESSURE_STEP, LOG_PRESSURE_NODES = 0.05, 528
LOG_PRESSURE_0 = float(np.log(610.0)) - 322 * LOG_PRESSURE_STEP
TEMPERATURE_0, TEMPERATURE_NODES = 100.0, 301  # 1 K apart, so that every node of the source is hit
# Above 2 bar tau grows as p^1.106: Venus by construction, tau = 138.7 for 159.3 W m-2 at 737 K under 92 bar.  B3.3 (a)
# prints 1.2, from tau = 1.35 at 2 bar; at 310 K and above this table has 2.05 there.
THICK_PRESSURE, THICK_EXPONENT = 2e5, 1.106
THIN_EXPONENT = 0.5  # below 100 Pa tau falls as p^0.5, the square-root law of strong lines


def optical_depth(emissivity: Array) -> Array:
    """tau = (1/eps - 1) / 0.75; B3.3."""
    return np.asarray((1 / emissivity - 1) / 0.75)


def bilinear(p: Array, t: Array, pressures: Array, temperatures: Array, table: Array) -> Array:
    """Bilinear interpolation in (ln p, T), constant beyond the edges; p and t broadcast."""
    p, t = np.broadcast_arrays(p, t)
    x = np.interp(np.log(p), np.log(pressures), np.arange(len(pressures)))
    y = np.interp(t, temperatures, np.arange(len(temperatures)))
    i = np.minimum(x.astype(int), len(pressures) - 2)
    j = np.minimum(y.astype(int), len(temperatures) - 2)
    u, v = x - i, y - j
    low = table[i, j] * (1 - v) + table[i, j + 1] * v
    high = table[i + 1, j] * (1 - v) + table[i + 1, j + 1] * v
    return np.asarray(low * (1 - u) + high * u)


def co2_emissivity(p: Array, t: Array) -> Array:
    """Emissivity eps of a dry CO2 column of surface pressure p (Pa) at surface temperature t (K).

    The table between 100 Pa and 2 bar; beyond, tau = tau(edge) (p / edge)^exponent; B3.3 (a).
    """
    p = np.asarray(p, dtype=float)
    inside = bilinear(np.clip(p, PRESSURE[0], THICK_PRESSURE), t, PRESSURE, TEMPERATURE, DRY)
    thin = np.minimum(p / PRESSURE[0], 1.0) ** THIN_EXPONENT
    thick = np.maximum(p / THICK_PRESSURE, 1.0) ** THICK_EXPONENT
    return np.asarray(1 / (1 + 0.75 * optical_depth(inside) * thin * thick))


@cache
def inverse_emissivity_table() -> Array:
    """1/eps of dry CO2 columns on the kernel's uniform nodes, (LOG_PRESSURE_NODES, TEMPERATURE_NODES).

    The lowest pressure stands for no CO2 at all: eps = 1.
    """
    log_p = LOG_PRESSURE_0 + LOG_PRESSURE_STEP * np.arange(LOG_PRESSURE_NODES, dtype=np.float64)
    t = TEMPERATURE_0 + np.arange(TEMPERATURE_NODES, dtype=np.float64)
    table = 1 / co2_emissivity(np.exp(log_p)[:, None], t[None, :])
    table[0] = 1.0
    return np.ascontiguousarray(table)
