"""Chemistry that conserves atoms: reactions between gases and solids as a matrix of kg per mol of reaction; B16.

Molar masses are sums of atomic masses, so that the kg of every reaction cancel as its atoms do.  A reaction goes
as far as it is asked to, or until one of its reactants is gone.
"""

from __future__ import annotations

import math

import numpy as np

from twinpipe.constants import FORMULA, GAS_CONSTANT, MOLAR_MASS
from twinpipe.grid import Array
from twinpipe.physics.compiled import inlined
from twinpipe.reactions import REACTIONS

SUBSTANCES = tuple(FORMULA)


def reaction_matrix(reactions: tuple[str, ...] = tuple(REACTIONS), substances: tuple[str, ...] = SUBSTANCES) -> Array:
    """(reaction, substance) kg that one mol of each reaction makes, negative where it consumes.

    Raises KeyError for a reaction whose substances are not all there.
    """
    matrix = np.zeros((len(reactions), len(substances)))
    column = {s: k for k, s in enumerate(substances)}
    for row, name in zip(matrix, reactions, strict=True):
        for s, n in REACTIONS[name].moles.items():
            row[column[s]] = n * MOLAR_MASS[s]
    return matrix


@inlined
def limited_extent(amounts: Array, row: Array, wanted: float) -> float:
    """Extent (mol) of a reaction, at most wanted and what its scarcest reactant allows; amounts (substance) kg."""
    extent = max(wanted, 0.0)
    for k in range(row.size):
        if row[k] < 0.0:
            extent = min(extent, max(amounts[k], 0.0) / -row[k])
    return extent


@inlined
def react(amounts: Array, row: Array, wanted: float) -> float:
    """Let a reaction go as far as limited_extent says, in place; the extent (mol).  row: of reaction_matrix."""
    extent = limited_extent(amounts, row, wanted)
    for k in range(row.size):
        if row[k] != 0.0:
            amounts[k] = max(amounts[k] + row[k] * extent, 0.0)
    return extent


@inlined
def equilibrium_pressure(temperature: float, heat: float, decomposes: float) -> float:
    """CO2 (Pa) over a carbonate, 1 bar exp(-H/R (1/T - 1/T_1)): heat H J mol-1, T_1 (K) where it is 1 bar; B16."""
    return 1e5 * math.exp(-heat / GAS_CONSTANT * (1.0 / temperature - 1.0 / decomposes))
