"""Particles in the air: how much light they take, how much heat they hold, how long they stay; B3.3 (d), B16."""

from __future__ import annotations

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import inlined
from twinpipe.physics.substances import AEROSOLS

# Visible optical depth -> longwave optical depth, and planetary albedo over ground of 0.22 [S25]; B3.3 (d).
# The albedo of what only cools is the one that gives its cooling of the daily mean: dA = 4 (1 - A) dT / T at 218.9 K,
# for 0.9, 2.4, 4.4 and 7.4 K by dust, 1.2 and 5.4 K by rods of SiO2 (C2.5).
DEPTH: dict[str, dict[float, float]] = {
    "aluminium_nanorods": {0: 0, 0.05: 0.385, 0.1: 0.631, 0.2: 0.992, 0.3: 1.27, 0.5: 1.70, 1: 2.38, 2: 2.93},
    "nanorings": {0: 0, 0.05: 0.487, 0.2: 1.17, 0.5: 2.05, 1: 3.09, 2: 4.30},
    "graphene": {0: 0, 0.05: 0.243, 0.2: 0.507, 0.5: 0.634, 1: 0.616, 2: 0.470},
    "natural_dust": {0: 0},
    "silica_rods": {0: 0},
}
ALBEDO: dict[str, dict[float, float]] = {
    "aluminium_nanorods": {0: 0.219, 0.2: 0.196, 1: 0.158},
    "nanorings": {0: 0.219, 0.2: 0.287, 1: 0.424},
    "graphene": {0: 0.219, 0.2: 0.101, 1: 0.009},
    "natural_dust": {0: 0.219, 0.2: 0.232, 0.5: 0.253, 1: 0.282, 2: 0.325},
    "silica_rods": {0: 0.219, 0.2: 0.236, 1: 0.296},
}
# m2 kg-1 at 0.67 um: 30 K at an optical depth of 0.2 and 1.8e-4 kg m-2 [S13, S25], uncertain by a factor of 2.
# Rings, graphene and silica as rods for want of numbers; dust of 1.5 um: 3 Q / (4 rho r) with Q 2.5 and 2500 kg m-3.
EXTINCTION = {
    "aluminium_nanorods": 1.1e3,
    "nanorings": 1.1e3,
    "graphene": 1.1e3,
    "natural_dust": 5.0e2,
    "silica_rods": 1.1e3,
}
LIFETIME_YEARS = 10.0  # until they have fallen out [S13]; 1..20 (E)

# Every table on the nodes of all, so that the kernel has one: constant beyond the last.
NODES = np.array(sorted({x for table in (*DEPTH.values(), *ALBEDO.values()) for x in table}))
DEPTHS = np.array([np.interp(NODES, list(DEPTH[k]), list(DEPTH[k].values())) for k in AEROSOLS])
ALBEDOS = np.array([np.interp(NODES, list(ALBEDO[k]), list(ALBEDO[k].values())) - ALBEDO[k][0] for k in AEROSOLS])


@inlined
def between(x: float, nodes: Array, values: Array) -> float:
    """Linear interpolation, constant beyond the nodes."""
    if x >= nodes[-1]:
        return float(values[-1])
    i = 0
    while x > nodes[i + 1]:
        i += 1
    return float(values[i] + (values[i + 1] - values[i]) * ((x - nodes[i]) / (nodes[i + 1] - nodes[i])))


def aerosol_effect(kind: str, visible_depth: float) -> tuple[float, float]:
    """Longwave optical depth and change of planetary albedo of particles of a visible optical depth; B3.3 (d)."""
    row = AEROSOLS.index(kind)
    return float(np.interp(visible_depth, NODES, DEPTHS[row])), float(np.interp(visible_depth, NODES, ALBEDOS[row]))
