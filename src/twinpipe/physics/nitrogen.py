"""Where nitrogen air would condense: what no process follows must end a run; B16 (Titan).

Thin air is another matter: on Triton or Pluto it is what the ground's nitrogen ice gives, comes and goes with it, and
neither warms nor carries heat.  There the report says so instead (caveats.py).
"""

from __future__ import annotations

import numpy as np

from twinpipe.fields import SERIES_FIELDS
from twinpipe.grid import Array
from twinpipe.physics.model import Model
from twinpipe.physics.records import State
from twinpipe.physics.substances import N2

# From memory: triple point 63.15 K, 12.52 kPa; boils at 77.355 K under 101.325 kPa; L of sublimation 6.8 kJ/mol.
TRIPLE, TRIPLE_PRESSURE = 63.15, 12520.0
THIN = 100.0  # Pa of N2, which condenses below 44 K
OF_LIQUID, OF_ICE = 718.9, 818.0  # K, of ln p = ln p_t + B (1/T_t - 1/T)


def condensation_point(pressure_pa: Array) -> Array:
    """Temperature (K) at which N2 of a partial pressure (Pa) condenses: 80.2 K at 1.4 bar; 0 without any."""
    p = np.asarray(pressure_pa, dtype=np.float64)
    ratio = np.log(np.maximum(p, 1e-300) / TRIPLE_PRESSURE)
    steepness = np.where(ratio > 0, OF_LIQUID, OF_ICE)
    return np.where(p > 0, 1 / (1 / TRIPLE - ratio / steepness), 0.0)


def collapse(model: Model, s: State, series: Array) -> str | None:
    """How nitrogen falls out of the air at a step of series (field, step, member), or None if it stays."""
    names = [f.name for f in SERIES_FIELDS]
    coldest, pressure = (series[names.index(n)] for n in ("minimum_surface_temperature", "global_surface_pressure"))
    moles = s.gas / model.static.molar_mass[:, None]
    share = moles[N2] / np.maximum(moles.sum(axis=0), 1e-300)
    point = np.where(pressure * share > THIN, condensation_point(pressure * share), 0.0)
    if not (coldest < point).any():
        return None
    step, member = np.unravel_index(int(np.argmin(coldest - point)), coldest.shape)
    return (
        f"its nitrogen would condense, at {point[step, member]:.1f} K where the ground is at"
        f" {coldest[step, member]:.1f} K, and no process of the model follows it"
    )
