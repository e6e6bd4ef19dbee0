"""Albedo and absorbed sunlight; B2."""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled


def rayleigh_reflectance(pressure_pa: float, surface_albedo: float = 0.25) -> float:
    """Reflectance R of a CO2 column, such that ground of albedo 0.25 gives A_p = 0.25 + 0.05 (p/1 bar)^0.7.

    Solved from A_p = R + (1 - R)^2 A_s / (1 - R A_s); B2.  Above 5 bar, far beyond what the law was fitted to
    (2 bar), R stays: the law itself would reflect more than there is.
    """
    excess: float = 0.05 * (min(pressure_pa, 5e5) / 1e5) ** 0.7
    return excess / ((1 - surface_albedo) ** 2 + surface_albedo * excess)


@compiled
def frost_cover(
    ice: Array, half: Array, ground: Array, ice_albedo: Array, ice_emissivity: Array, albedo: Array, emit: Array
) -> None:
    """Albedo and emissivity of a row partly covered by CO2 ice: cover f = m / (m + m_half); B2."""
    for j in range(ice.size):
        f = ice[j] / (ice[j] + half[j])
        albedo[j] = ground[j] + f * (ice_albedo[j] - ground[j])
        emit[j] = 1.0 + f * (ice_emissivity[j] - 1.0)


@compiled
def step_ice(T: Array, threshold: float, width: float, ice_albedo: float, albedo: Array) -> None:
    """Replace the albedo of a row by that of ice wherever it is colder than a threshold; in part within the width."""
    if width > 0.0:
        for j in range(T.size):
            f = min(max((threshold - T[j]) / width + 0.5, 0.0), 1.0)
            albedo[j] += f * (ice_albedo - albedo[j])
    else:
        for j in range(T.size):
            if T[j] < threshold:
                albedo[j] = ice_albedo


@compiled
def ice_ramp(T: Array, ice_albedo: float, albedo: Array) -> None:
    """Ice over a share f of the row: f = 1 below 263.15 K, 1 - exp((T - 273.15)/10) up to 273.15 K, 0 above; B2."""
    for j in range(T.size):
        if T[j] < 263.15:
            albedo[j] = ice_albedo
        elif T[j] < 273.15:
            albedo[j] += (1.0 - math.exp(0.1 * (T[j] - 273.15))) * (ice_albedo - albedo[j])


@compiled
def absorbed(
    albedo: Array,
    reflectance: Array,
    aerosol: Array,
    sunlight: Array,
    mirror: Array,
    q: float,
    coalbedo: Array,
    out: Array,
) -> None:
    """Absorbed sunlight of a row, (1 - A_p)(Q s + mirror), A_p = R + (1 - R)^2 A_s / (1 - R A_s) + aerosol; B2.

    q is for a solar constant of 1, sunlight the member's solar constant s, mirror in W m-2.
    """
    for j in range(albedo.size):
        r = reflectance[j]
        a = albedo[j]
        planetary = r + (1.0 - r) * (1.0 - r) * a / (1.0 - r * a) + aerosol[j]
        coalbedo[j] = 1.0 - min(max(planetary, 0.0), 1.0)
        out[j] = coalbedo[j] * (q * sunlight[j] + mirror[j])


@compiled
def frosty_light(
    log_p: Array,
    log_share: Array,
    ice: Array,
    half: Array,
    ground: Array,
    ice_albedo: Array,
    ice_emissivity: Array,
    paint: Array,
    reflectance: Array,
    aerosol: Array,
    sunlight: Array,
    mirror: Array,
    q: float,
    frost: Array,
    emit: Array,
    coalbedo: Array,
    out: Array,
) -> None:
    """co2_ice.frost_point, frost_cover and absorbed of a row with a single division; paint changes the albedo.

    With x = 3182.48 / T_f, y = m + m_half, a = y A_s and z = y (1 - R A_s), all quotients are products over x y z.
    """
    for j in range(ice.size):
        r = reflectance[j]
        x = 23.3494 + 4.605170185988092 - log_p[j] - log_share[j]
        y = ice[j] + half[j]
        a = ground[j] * y + ice[j] * (ice_albedo[j] - ground[j]) + paint[j] * y
        z = y - r * a
        over = 1.0 / (x * y * z)
        frost[j] = 3182.48 * (y * z) * over
        emit[j] = 1.0 + ice[j] * (ice_emissivity[j] - 1.0) * (x * z) * over
        planetary = r + (1.0 - r) * (1.0 - r) * a * (x * y) * over + aerosol[j]
        kept = 1.0 - min(max(planetary, 0.0), 1.0)
        coalbedo[j] = kept
        out[j] = kept * (q * sunlight[j] + mirror[j])
