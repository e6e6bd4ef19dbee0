"""Outgoing longwave radiation of an Earth-like column, 1 bar N2 with CO2 and saturated water vapour; B3.2 [S21].

The polynomial holds for 150-350 K and 1e-5-10 bar of CO2.  Outside, the emissivity of the coldest node is
kept below 150 K (OLR ~ T^4), and the value of the edge elsewhere.  Near 320 K with little CO2 it is flat to
slightly falling: the column's own limit of radiation; a solver must not divide by its slope there.
"""

from __future__ import annotations

import math

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import inlined

COLDEST, WARMEST = 150.0, 350.0  # K
THINNEST, THICKEST = 1.0, 1.0e6  # Pa of CO2
FULL_WEIGHT_N2 = 5.0e4  # Pa of N2 at which the polynomial replaces the semi-grey column; B3.3
RUNAWAY_LIMIT = 282.0  # W m-2, Goldblatt et al. 2013; B3.3 (b)
RUNAWAY_VAPOUR_SHARE = 0.1  # of the surface pressure, from which on the limit holds; B3.3 (b)
_OFFSET = -3.1  # W m-2

# B_ij of t^i y^j below and above 1 bar of CO2; rows i = 0..6, columns j = 0..4; B3.2 [S21].
COEFFICIENTS = np.array(
    [
        [
            [87.8373, -311.289, -504.408, -422.929, -134.611],
            [54.9102, -677.741, -1440.63, -1467.04, -543.371],
            [24.7875, 31.3614, -364.617, -747.352, -395.401],
            [75.8917, 816.426, 1565.03, 1453.73, 476.475],
            [43.0076, 339.957, 996.723, 1361.41, 612.967],
            [-31.4994, -261.362, -395.106, -261.600, -36.6589],
            [-28.8846, -174.942, -378.436, -445.878, -178.948],
        ],
        [
            [87.8373, -52.1056, 35.2800, -1.64935, -3.42858],
            [54.9102, -49.6404, -93.8576, 130.671, -41.1725],
            [24.7875, 94.7348, -252.996, 171.685, -34.7665],
            [75.8917, -180.679, 385.989, -344.020, 101.455],
            [43.0076, -327.589, 523.212, -351.086, 81.0478],
            [-31.4994, 235.321, -462.453, 346.483, -90.0657],
            [-28.8846, 284.233, -469.600, 311.854, -72.4874],
        ],
    ]
)
_LOG_THINNEST, _LOG_THICKEST, _LOG_BAR = math.log(THINNEST), math.log(THICKEST), math.log(1e5)
_LOG_10 = math.log(10.0)


@inlined
def outgoing(temperature: float, log_co2: float) -> tuple[float, float]:
    """OLR (W m-2) and dOLR/dT (W m-2 K-1) at a surface temperature (K) and ln of the CO2 pressure (Pa); B3.2.

    OLR = -3.1 + sum_ij B_ij t^i y^j, t = (T - 250)/100; y = 0.2 log10(p/bar) below 1 bar, log10(p/bar) above.
    """
    T = min(max(temperature, COLDEST), WARMEST)
    t = 0.01 * (T - 250.0)
    y = (min(max(log_co2, _LOG_THINNEST), _LOG_THICKEST) - _LOG_BAR) / _LOG_10
    side = 1
    if y < 0.0:
        side = 0
        y *= 0.2
    flux = 0.0
    slope = 0.0
    for i in range(6, -1, -1):
        b = COEFFICIENTS[side, i, 4]
        for j in range(3, -1, -1):
            b = b * y + COEFFICIENTS[side, i, j]
        slope = slope * t + flux
        flux = flux * t + b
    flux += _OFFSET
    slope *= 0.01
    if temperature < COLDEST:
        ratio = temperature / COLDEST
        flux *= ratio * ratio * ratio * ratio
        slope = 4.0 * flux / temperature if temperature > 0.0 else 0.0
    elif temperature > WARMEST:
        slope = 0.0
    return flux, slope


@inlined
def blend_weight(n2_pressure: float) -> float:
    """Weight of this polynomial against the semi-grey column, min(1, p_N2 / 0.5 bar), p_N2 in Pa; B3.3."""
    return min(1.0, max(0.0, n2_pressure) / FULL_WEIGHT_N2)


@inlined
def runaway_limited(flux: float, vapour_pressure: float, surface_pressure: float) -> float:
    """OLR (W m-2), at most 282 where water vapour is more than a tenth of the surface pressure (Pa); B3.3 (b)."""
    if vapour_pressure > RUNAWAY_VAPOUR_SHARE * surface_pressure:
        return min(flux, RUNAWAY_LIMIT)
    return flux


def outgoing_longwave(temperature: Array | float, co2_pressure: Array | float) -> Array:
    """OLR (W m-2) of columns at surface temperatures (K) and CO2 pressures (Pa) that broadcast; B3.2, as outgoing."""
    T, p = np.broadcast_arrays(np.asarray(temperature, dtype=float), np.asarray(co2_pressure, dtype=float))
    t = 0.01 * (np.clip(T, COLDEST, WARMEST) - 250)
    y = np.log10(np.clip(p, THINNEST, THICKEST) / 1e5)
    low = np.polynomial.polynomial.polyval2d(t, 0.2 * y, COEFFICIENTS[0])
    high = np.polynomial.polynomial.polyval2d(t, y, COEFFICIENTS[1])
    return np.asarray((_OFFSET + np.where(y < 0, low, high)) * np.minimum(T / COLDEST, 1.0) ** 4)
