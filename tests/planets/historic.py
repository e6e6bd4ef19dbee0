"""Formulas of the 1990s for a warmed Mars: what was believed then, beside what the model says; X17, X18, C2.3.

They are 10 to 15 K warmer at 1 bar than radiative-convective calculations: never a target.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.optimize import brentq

from twinpipe.constants import STEFAN_BOLTZMANN


def zubrin_mckay_mean(pressure_bar: float, warming: float = 0.0) -> float:
    """Mean temperature (K) of Mars under CO2, 213.5 + 40 sqrt(P) + dT; X17."""
    return 213.5 + 40 * math.sqrt(pressure_bar) + warming


def zubrin_mckay_pole(pressure_bar: float, warming: float = 0.0) -> float:
    """Temperature (K) of its poles, T_mean - 75 / (1 + 5 P); X17 [S18]."""
    return zubrin_mckay_mean(pressure_bar, warming) - 75 / (1 + 5 * pressure_bar)


def vapour_pressure_bar(pole: float) -> float:
    """CO2 over polar ice (bar), 1.23e7 exp(-3168 / T); X17 [S18]."""
    return 1.23e7 * math.exp(-3168 / pole)


def cap_equilibria(warming: float = 0.0) -> list[float]:
    """Pressures (mbar) at which the caps are in balance with the air: stable and unstable in turn; X17."""

    def surplus(log_p: float) -> float:
        p = math.exp(log_p)
        return math.log(vapour_pressure_bar(zubrin_mckay_pole(p, warming))) - log_p

    nodes = np.linspace(math.log(1e-4), math.log(3.0), 2000).tolist()
    values = [surplus(x) for x in nodes]
    roots = [
        brentq(surplus, a, b, xtol=1e-12)
        for (a, b), (f, g) in zip(itertools.pairwise(nodes), itertools.pairwise(values), strict=True)
        if f * g < 0
    ]
    return [1e3 * math.exp(x) for x in roots]


def terrasim(pressure_bar: float, sunlight: float = 590.0, albedo: float = 0.2) -> float:
    """Mean temperature (K) under pure CO2, T_b (1 + 0.9 Pt^0.45 Pc^0.11 + e^0.3)^0.25; X18 [S18].

    e = 0.7 x 1.4e6 exp(-43655 / (8.314 T)) bar of water vapour.
    """
    bare = (sunlight * (1 - albedo) / (4 * STEFAN_BOLTZMANN)) ** 0.25

    def excess(T: float) -> float:
        e = 0.7 * 1.4e6 * math.exp(-43655 / (8.314 * T))
        return float(bare * (1 + 0.9 * pressure_bar**0.56 + e**0.3) ** 0.25 - T)

    return float(brentq(excess, 150.0, 320.0, xtol=1e-10))
