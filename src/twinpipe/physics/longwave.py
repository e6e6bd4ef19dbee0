"""Outgoing longwave radiation: semi-grey optical depths that add, or the linear law A + B T; B3, B4."""

from __future__ import annotations

import math

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined
from twinpipe.physics.emissivity import (
    LOG_PRESSURE_0,
    LOG_PRESSURE_NODES,
    LOG_PRESSURE_STEP,
    TEMPERATURE_0,
    TEMPERATURE_NODES,
)
from twinpipe.physics.substances import SUPER_GASES

SIGMA = 5.670374e-8  # W m-2 K-4

SUPER_GAS_STRENGTH = {"C3F8": 1.0, "CF4": 0.17, "C2F6": 0.49, "SF6": 0.48}  # [S12] ratios; B3.3 (c)
SUPER_GAS_EXPONENT = 0.628


@inlined
def super_gas_depth(pressures: Array) -> float:
    """tau = 1.13 (sum s_k^(1/0.628) p_k / 1 Pa)^0.628, pressures (Pa) in the order of SUPER_GASES; B3.3 (c)."""
    total = 0.0
    for k in range(4):
        total += _STRENGTH[k] * pressures[k]
    return 1.13 * math.exp(SUPER_GAS_EXPONENT * math.log(total)) if total > 0 else 0.0


_STRENGTH = tuple(SUPER_GAS_STRENGTH[g] ** (1 / SUPER_GAS_EXPONENT) for g in SUPER_GASES)


@inlined
def saturation_log_pressure(temperature: float) -> float:
    """ln of the saturation pressure (Pa) of water: over ice below the triple point, else over liquid; B10."""
    if temperature < 273.16:
        return 28.9074 - 6143.7 / temperature
    return 6.41618 + 17.62 * (temperature - 273.16) / (temperature - 30.03)


@inlined
def water_depth(temperature: float, humidity: float, log_pressure: float) -> float:
    """tau = 0.30 (e / 100 Pa)^0.42 (p / 1e5 Pa)^0.40 with e = RH e_sat(T); B3.3 (b)."""
    log_e = math.log(humidity) + saturation_log_pressure(temperature) - 4.605170185988092
    return 0.30 * math.exp(0.42 * log_e + 0.40 * (log_pressure - 11.512925464970229))


@compiled
def add_water_depth(T: Array, humidity: Array, log_p: Array, depth: Array) -> None:
    """Add the optical depth of water vapour to depth, in a row where there is surface water."""
    for j in range(T.size):
        if humidity[j] > 0.0:
            depth[j] += water_depth(T[j], humidity[j], log_p[j])


@compiled
def emissivity(T: Array, log_p: Array, half_log_co2: Array, depth: Array, table: Array, out: Array) -> None:
    """eps = 1 / (1/eps_CO2 + 0.75 tau_other) of a row; B3.3.

    1/eps_CO2 is bilinear in (ln p_eff, T), with p_eff = sqrt(p_CO2 p), so ln p_eff = ln p + ln(x_CO2)/2.
    table is flat, of LOG_PRESSURE_NODES x TEMPERATURE_NODES.
    """
    inverse_step = 1.0 / LOG_PRESSURE_STEP
    for j in range(T.size):
        x = (log_p[j] + half_log_co2[j] - LOG_PRESSURE_0) * inverse_step
        y = T[j] - TEMPERATURE_0
        x = min(max(x, 0.0), LOG_PRESSURE_NODES - 1.001)
        y = min(max(y, 0.0), TEMPERATURE_NODES - 1.001)
        ix = np.int32(x)
        iy = np.int32(y)
        u = x - ix
        v = y - iy
        k = ix * TEMPERATURE_NODES + iy
        low = table[k] + v * (table[k + 1] - table[k])
        k += TEMPERATURE_NODES
        high = table[k] + v * (table[k + 1] - table[k])
        out[j] = 1.0 / (low + u * (high - low) + 0.75 * depth[j])


@compiled
def diurnal_amplitude(
    T: Array, eps: Array, coalbedo: Array, harmonic: float, factor: Array, skin: Array, out: Array
) -> None:
    """A_d^2 of a row: A_d = k_d (1 - A) Q1 / |I sqrt(w_d) e^(i pi/4) + 4 eps sigma T^3|; B4.

    harmonic is Q1 for a solar constant of 1, factor S k_d exp(-p / 2e4 Pa), skin I sqrt(w_d).
    """
    for j in range(T.size):
        y = 4.0 * SIGMA * eps[j] * T[j] * T[j] * T[j]
        drive = factor[j] * coalbedo[j] * harmonic
        out[j] = drive * drive / (skin[j] * skin[j] + y * (1.4142135623730951 * skin[j] + y))


@compiled
def outgoing(
    T: Array, eps: Array, ice_emissivity: Array, amplitude2: Array, factor: Array, ice: Array, out: Array
) -> None:
    """k of OLR = k T^4 in a row: k = f e_i eps sigma (1 + v), v = 3 A_d^2 / T^2, 0 where CO2 ice lies; B3.3, B4."""
    for j in range(T.size):
        bare = 1.0 if ice[j] <= 0.0 else 0.0
        v = 3.0 * bare * amplitude2[j] / (T[j] * T[j])
        out[j] = SIGMA * factor[j] * ice_emissivity[j] * eps[j] * (1.0 + v)


@inlined
def haze_emissivity(optical_depth: float, haze: float) -> float:
    """eps of absorbed sunlight = eps sigma T^4 below a haze that absorbs a share a_h of it aloft; B3.3 (f) [S27].

    1 / eps = (1 - a_h)(1 + 0.75 tau) + a_h / 2: the haze radiates as much downwards as to space.
    """
    return 1.0 / ((1.0 - haze) * (1.0 + 0.75 * optical_depth) + 0.5 * haze)
