"""Ice that conducts, freezes, melts and sublimates: what it is made of, and the shell that conducts steadily; B13.

Conductivity K(T) = k + kappa_0 / T.  With the Kirchhoff variable theta = k T + kappa_0 ln T (W/m) the flux is its
plain difference, whatever K does.  A layer's state is its specific enthalpy (J/kg, 0 for ice at 0 K), which says
both its temperature and how much of it is molten.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import inlined
from twinpipe.physics.elementary import exp
from twinpipe.physics.longwave import saturation_log_pressure

WATER_MOLAR_MASS = 0.018015  # kg mol-1
GAS_CONSTANT = 8.314462  # J mol-1 K-1
COLDEST = 10.0  # K, below which a vapour pressure is no number any more


class Ice(NamedTuple):
    """A substance that melts at one temperature: c = c_0 + c_1 T and K = k + kappa_0 / T when solid."""

    density: float  # kg m-3, of solid and liquid
    c_0: float  # J kg-1 K-1
    c_1: float  # J kg-1 K-2
    k: float  # W m-1 K-1
    kappa_0: float  # W m-1
    melting: float  # K
    latent: float  # J kg-1
    liquid_c: float  # J kg-1 K-1
    liquid_k: float  # W m-1 K-1


# kappa_0 567 to 651 W/m [S26]; c, L_fus and 5.42e8 J/m3 from 100 K to water: B0, B13; water: 4.2e6 J m-3 K-1 of B5.
WATER_ICE = Ice(917.0, 90.0, 7.49, 0.0, 567.0, 273.15, 3.34e5, 4200.0, 0.57)


def steady_temperature(depth: Array | float, thickness: float, surface: float, base: float) -> Array:
    """T(z) = T_s (T_b / T_s)^(z/h) (K) of a shell with K = kappa_0 / T in steady conduction; B13."""
    return np.asarray(surface * (base / surface) ** (np.asarray(depth) / thickness))


def steady_flux(thickness: float, surface: float, base: float, kappa_0: float = WATER_ICE.kappa_0) -> float:
    """F = kappa_0 ln(T_b / T_s) / h (W m-2), upwards, thickness in m and temperatures in K; B13."""
    return kappa_0 * math.log(base / surface) / thickness


def thickening(conducted: float, from_below: float, ice: Ice = WATER_ICE) -> float:
    """dh/dt = (F_cond - F_ocean) / (rho L_fus) (m/s) of a shell on its ocean, fluxes in W m-2; Stefan, B13."""
    return (conducted - from_below) / (ice.density * ice.latent)


@inlined
def sublimation(temperature: float) -> float:
    """Ice lost to a vacuum (kg m-2 s-1), e_sat / sqrt(2 pi R T / mu), temperature in K; B13."""
    T = temperature if temperature > COLDEST else COLDEST
    pressure = exp(saturation_log_pressure(T))
    lost = pressure / math.sqrt(2.0 * math.pi * GAS_CONSTANT * T / WATER_MOLAR_MASS)
    return lost if temperature > COLDEST else 0.0


@inlined
def solid_enthalpy(temperature: float, ice: Ice) -> float:
    """Enthalpy (J/kg) of solid at a temperature (K), c_0 T + c_1 T^2 / 2."""
    return (ice.c_0 + 0.5 * ice.c_1 * temperature) * temperature


@inlined
def liquid_enthalpy(temperature: float, ice: Ice) -> float:
    """Enthalpy (J/kg) of liquid at a temperature (K) at or above the melting point."""
    return solid_enthalpy(ice.melting, ice) + ice.latent + ice.liquid_c * (temperature - ice.melting)


def melt_energy(temperature: float, ice: Ice = WATER_ICE) -> float:
    """Energy (J/kg) that turns ice of a temperature (K) into water at the melting point: 5.91e5 from 100 K; B13."""
    return liquid_enthalpy(ice.melting, ice) - solid_enthalpy(temperature, ice)


@inlined
def molten(enthalpy: float, ice: Ice) -> float:
    """Share of a layer that is liquid, by its enthalpy (J/kg)."""
    return min(max((enthalpy - solid_enthalpy(ice.melting, ice)) / ice.latent, 0.0), 1.0)


@inlined
def temperature_of(enthalpy: float, ice: Ice) -> float:
    """Temperature (K) of a layer, solid, melting or liquid, by its enthalpy (J/kg)."""
    solid = solid_enthalpy(ice.melting, ice)
    if enthalpy < solid:
        h = max(enthalpy, 0.0)
        return 2.0 * h / (ice.c_0 + math.sqrt(ice.c_0 * ice.c_0 + 2.0 * ice.c_1 * h))
    return ice.melting + max(enthalpy - solid - ice.latent, 0.0) / ice.liquid_c


@inlined
def kirchhoff(temperature: float, ice: Ice) -> float:
    """theta = k T + kappa_0 ln T (W/m), continued with the liquid's conductivity above the melting point."""
    T = min(temperature, ice.melting)
    theta = ice.k * T + (ice.kappa_0 * math.log(T) if ice.kappa_0 > 0.0 else 0.0)
    return theta + ice.liquid_k * max(temperature - ice.melting, 0.0)
