"""Hydrostatic pressure over topography; B7."""

from __future__ import annotations

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled
from twinpipe.physics.elementary import exp


@compiled
def barometric_weight(altitude: Array, inverse_height: Array, out: Array) -> None:
    """w = exp(-z / H) of a row; H = R T_h / (mu g)."""
    for j in range(altitude.size):
        out[j] = exp(-altitude[j] * inverse_height[j])


@compiled
def lay_air(
    weight: Array,
    altitude: Array,
    inverse_height: Array,
    scale: Array,
    log_scale: Array,
    T: Array,
    inertia: Array,
    cp_over_g: float,
    layer: float,
    inverse_dt: float,
    p: Array,
    log_p: Array,
    gained: Array,
    capacity: Array,
) -> None:
    """Lay the air on a row: its pressure p in place, C/dt of surface and air, and the heat that its change brings.

    p' = s w and ln p' = ln s - z / H, with s = g M / (A <w>), so that sum a p' A / g = M; B7.
    gained (J m-2) = c_p/g (p' - p) T: gas joins and leaves a column at the column's surface temperature.
    capacity (W m-2 K-1) = (c_p/g p' + layer I) / dt, of ground and, below a common lid, the air over it; B5.
    """
    for j in range(T.size):
        new = scale[j] * weight[j]
        log_p[j] = log_scale[j] - altitude[j] * inverse_height[j]
        gained[j] = cp_over_g * (new - p[j]) * T[j]
        capacity[j] = (cp_over_g * new + layer * inertia[j]) * inverse_dt
        p[j] = new
