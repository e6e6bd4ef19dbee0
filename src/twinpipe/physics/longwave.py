"""Outgoing longwave radiation as OLR = k T^4, k from optical depths that add and from what modifies it; B3, B4."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twinpipe.grid import Array
from twinpipe.physics.compiled import at, compiled, inlined
from twinpipe.physics.elementary import exp, log
from twinpipe.physics.emissivity import (
    LOG_PRESSURE_0,
    LOG_PRESSURE_NODES,
    LOG_PRESSURE_STEP,
    TEMPERATURE_0,
    TEMPERATURE_NODES,
)
from twinpipe.physics.kadoya_tajika import RUNAWAY_LIMIT, blend_weight, runaway_limited
from twinpipe.physics.kadoya_tajika import outgoing as column_outgoing
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
def trace_depth(methane: float, ammonia: float) -> float:
    """tau = 0.5 p_CH4^0.278 + 9.6 p_NH3^0.32 with p in bar, from partial pressures (Pa); upper bounds; B3.3 (e)."""
    depth = 0.0
    if methane > 0.0:
        depth += 0.5 * math.exp(0.278 * math.log(1e-5 * methane))
    if ammonia > 0.0:
        depth += 9.6 * math.exp(0.32 * math.log(1e-5 * ammonia))
    return depth


@inlined
def collision_depth(of_today: Array, nitrogen: float, methane: float, hydrogen: float, pressure: float) -> float:
    """tau of cold nitrogen air from partial and total pressures (Pa), of_today its three parts on Titan; B3.3 (f).

    tau = n (p_N2 / 1.4e5)^2 + m (p_CH4 / 8e3)(p / 1.467e5) + h (x_H2 / 1e-3)(p / 1.467e5)^2.
    """
    n2, p = nitrogen / 1.4e5, pressure / 1.467e5
    depth: float = of_today[0] * n2 * n2 + (of_today[1] * methane / 8e3 + of_today[2] * hydrogen / 146.7) * p
    return depth


@inlined
def nitrogen_weight(nitrogen: float) -> float:
    """Weight of the nitrogen column at a pressure of N2 (Pa): that of B3.3, but none for traces."""
    return max(0.0, (blend_weight(nitrogen) - TRACE_WEIGHT) / (1.0 - TRACE_WEIGHT))


TRACE_WEIGHT = (
    0.01  # of the nitrogen column; 5 mbar of N2 broaden nothing, and today's Mars keeps its column to the bit
)


@inlined
def saturation_log_pressure(temperature: float) -> float:
    """ln of the saturation pressure (Pa) of water: over ice below the triple point, else over liquid; B10."""
    if temperature < 273.16:
        return 28.9074 - 6143.7 / temperature
    return 6.41618 + 17.62 * (temperature - 273.16) / (temperature - 30.03)


@inlined
def water_depth(temperature: float, humidity: float, log_pressure: float) -> float:
    """tau = 0.30 (e / 100 Pa)^0.42 (p / 1e5 Pa)^0.40 with e = RH e_sat(T); B3.3 (b)."""
    return vapour_depth(math.log(humidity) + saturation_log_pressure(temperature), log_pressure)


@inlined
def vapour_depth(log_e: float, log_pressure: float) -> float:
    """tau = 0.30 (e / 100 Pa)^0.42 (p / 1e5 Pa)^0.40 of water vapour at a pressure e (Pa) near the ground; B3.3 (b)."""
    return 0.30 * exp(0.42 * (log_e - 4.605170185988092) + 0.40 * (log_pressure - 11.512925464970229))


@compiled
def add_water_depth(T: Array, humidity: Array, log_p: Array, depth: Array) -> None:
    """Add the optical depth of water vapour to depth, in a row where there is surface water."""
    for j in range(T.size):
        if humidity[j] > 0.0:
            depth[j] += water_depth(T[j], humidity[j], log_p[j])


@compiled
def emissivity(
    T: Array,
    log_p: Array,
    half_log_co2: Array,
    depth: Array,
    table: Array,
    out: Array,
    along: Array,
    across: Array,
    places: NDArray[np.int64],
) -> None:
    """eps = 1 / (1/eps_CO2 + 0.75 tau_other) of a row; B3.3.

    along, across and places are scratch: reading the table apart lets the rest run side by side.
    1/eps_CO2 is bilinear in (ln p_eff, T), with p_eff = sqrt(p_CO2 p), so ln p_eff = ln p + ln(x_CO2)/2.
    table is flat, of LOG_PRESSURE_NODES x TEMPERATURE_NODES.
    """
    inverse_step = 1.0 / LOG_PRESSURE_STEP
    for j in range(T.size):
        x = (log_p[j] + half_log_co2[j] - LOG_PRESSURE_0) * inverse_step
        y = T[j] - TEMPERATURE_0
        x = x if x > 0.0 else 0.0  # of what is no number too, which would be no place in the table
        y = y if y > 0.0 else 0.0
        x = x if x < LOG_PRESSURE_NODES - 1.001 else LOG_PRESSURE_NODES - 1.001
        y = y if y < TEMPERATURE_NODES - 1.001 else TEMPERATURE_NODES - 1.001
        ix = np.int32(x)
        iy = np.int32(y)
        along[j] = x - ix
        across[j] = y - iy
        places[j] = ix * TEMPERATURE_NODES + iy
    for j in range(T.size):
        k = places[j]
        k0, k1, k2, k3 = at(k), at(k + 1), at(k + TEMPERATURE_NODES), at(k + TEMPERATURE_NODES + 1)
        low = table[k0] + across[j] * (table[k1] - table[k0])
        high = table[k2] + across[j] * (table[k3] - table[k2])
        out[j] = low + along[j] * (high - low)
    for j in range(T.size):
        out[j] = 1.0 / (out[j] + 0.75 * depth[j])


@compiled
def blend_nitrogen(T: Array, log_p: Array, log_co2: Array, depth: Array, weight: Array, eps: Array) -> None:
    """eps of a row with the column of N2, CO2 and saturated water in the share weight, other gases added; B3.2, B3.3.

    1/eps_N2 = sigma T^4 / OLR(T, p_CO2) + 0.75 tau, tau of what is neither CO2 nor water; eps = (1-w) eps + w eps_N2.
    """
    for j in range(T.size):
        if weight[j] > 0.0:
            flux = column_outgoing(T[j], log_p[j] + log_co2[j])[0]
            t2 = T[j] * T[j]
            column = 1.0 / (SIGMA * t2 * t2 / flux + 0.75 * depth[j])
            eps[j] += weight[j] * (column - eps[j])


@inlined
def haze_emissivity(clear: float, haze: float) -> float:
    """eps of absorbed sunlight = eps sigma T^4 below a haze that absorbs a share a_h of it aloft; B3.3 (f) [S27].

    1/eps = (1 - a_h) / eps_clear + a_h / 2, 1/eps_clear = 1 + 0.75 tau: the haze radiates as much down as to space.
    """
    return 1.0 / ((1.0 - haze) / clear + 0.5 * haze)


@compiled
def antigreenhouse(haze: Array, eps: Array) -> None:
    """Put haze over the columns of a row, in place of eps."""
    for j in range(eps.size):
        eps[j] = haze_emissivity(eps[j], haze[j])


@compiled
def add_clouds(T: Array, cloud_olr: Array, k: Array) -> None:
    """Add the clouds' part of OLR (W m-2) to OLR = k T^4 of a row; no more is kept back than is sent; B2."""
    for j in range(T.size):
        t2 = T[j] * T[j]
        k[j] = max(k[j] + cloud_olr[j] / (t2 * t2), 0.0)


@compiled
def limit_by_vapour(T: Array, log_p: Array, humidity: Array, saturated: Array, k: Array) -> None:
    """OLR = k T^4 of a row, at most 282 W m-2 where vapour is more than a tenth of the air; B3.3 (b).

    The vapour has the relative humidity given, or that of the share whose column is saturated.  Air counts as 1 bar
    at least: the limit is that of opaque columns of steam, and a tenth of Mars' air is transparent.
    """
    for j in range(T.size):
        t2 = T[j] * T[j]
        wet = max(humidity[j], saturated[j])
        if wet > 0.0 and k[j] * t2 * t2 > RUNAWAY_LIMIT:
            vapour = wet * math.exp(saturation_log_pressure(T[j]))
            k[j] = runaway_limited(k[j] * t2 * t2, vapour, max(math.exp(log_p[j]), 1e5)) / (t2 * t2)


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
def daily_outgoing(
    T: Array,
    eps: Array,
    coalbedo: Array,
    harmonic: float,
    factor: Array,
    skin_root: float,
    inertia: Array,
    ice_emissivity: Array,
    emissivity_factor: Array,
    ice: Array,
    amplitude2: Array,
    out: Array,
) -> None:
    """What diurnal_amplitude and outgoing do without a term of the fourth power of the amplitude, in one loop."""
    for j in range(T.size):
        t2 = T[j] * T[j]
        skin = skin_root * inertia[j]
        y = 4.0 * SIGMA * eps[j] * t2 * T[j]
        drive = factor[j] * coalbedo[j] * harmonic
        a2 = min(drive * drive / ((skin * skin + y * (1.4142135623730951 * skin + y)) * t2), 1.0)
        amplitude2[j] = a2 * t2
        v = 3.0 * a2 if ice[j] <= 0.0 else 0.0
        out[j] = SIGMA * emissivity_factor[j] * ice_emissivity[j] * eps[j] * (1.0 + v)


DESCENTS = 10


@compiled
def large_diurnal_amplitude(T: Array, eps: Array, skin: Array, amplitude2: Array) -> None:
    """A_d^2 of a row where A_d is comparable with T, from that for small ones, in place; B4.

    The first harmonic of (T + A cos)^4 is 4 T^3 A + 3 T A^3, so that the ground radiates the more the larger A:
    A |I sqrt(w_d) e^(i pi/4) + 4 eps sigma T^3 (1 + 0.75 A^2/T^2)| = k_d (1 - A_p) Q1.  The square of the left side
    is convex in A^2, so that Newton's method comes down to the root from any larger A: here from the amplitude that
    only conduction and T^3 would allow, or only the term of A^2, which are at most a few times too large.
    """
    for j in range(T.size):
        y = 4.0 * SIGMA * eps[j] * T[j] * T[j] * T[j]
        s, c = skin[j], 0.75 / (T[j] * T[j])
        a2 = amplitude2[j]
        drive2 = a2 * (s * s + y * (1.4142135623730951 * s + y))
        most = exp(log(max(drive2, 1e-300) / max(y * y * c * c, 1e-300)) / 3.0)
        a2 = min(a2, most)
        for _ in range(DESCENTS):
            stiff = y * (1.0 + c * a2)
            square = s * s + stiff * (1.4142135623730951 * s + stiff)
            slope = square + a2 * y * c * (1.4142135623730951 * s + 2.0 * stiff)
            a2 -= (a2 * square - drive2) / slope
        amplitude2[j] = max(a2, 0.0)


@compiled
def outgoing(
    T: Array,
    eps: Array,
    ice_emissivity: Array,
    amplitude2: Array,
    quartic: float,
    factor: Array,
    ice: Array,
    out: Array,
) -> None:
    """k of OLR = k T^4 in a row: k = f e_i eps sigma (1 + v), 0 where CO2 ice lies; B3.3, B4.

    v = 3 a^2 + quartic a^4, a = A_d / T; quartic is 3/8 where the mean of (T + A_d cos)^4 is wanted in full.
    No night is colder than 0 K: A_d is cut to T, which a cold spot passes in the step in which its sun rises.
    """
    for j in range(T.size):
        bare = 1.0 if ice[j] <= 0.0 else 0.0
        amplitude2[j] = min(amplitude2[j], T[j] * T[j])
        a2 = amplitude2[j] / (T[j] * T[j])
        v = 3.0 * bare * amplitude2[j] / (T[j] * T[j]) + bare * quartic * a2 * a2
        out[j] = SIGMA * factor[j] * ice_emissivity[j] * eps[j] * (1.0 + v)
