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
def surface_pressure(
    weight: Array, altitude: Array, inverse_height: Array, scale: Array, log_scale: Array, p: Array, log_p: Array
) -> None:
    """p = s w and ln p = ln s - z / H of a row, with s = g M / (A <w>), so that sum a p A / g = M."""
    for j in range(weight.size):
        p[j] = scale[j] * weight[j]
        log_p[j] = log_scale[j] - altitude[j] * inverse_height[j]
