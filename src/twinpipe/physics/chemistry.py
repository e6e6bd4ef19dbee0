"""Chemistry that conserves atoms: reactions between gases and solids as a matrix of kg per mol of reaction; B16.

Molar masses are sums of atomic masses, so that the kg of every reaction cancel as its atoms do.  A reaction goes
as far as it is asked to, or until one of its reactants is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import inlined

ATOMIC_MASS: Final[dict[str, float]] = {  # kg mol-1; IUPAC
    "H": 0.001008,
    "C": 0.012011,
    "N": 0.014007,
    "O": 0.015999,
    "F": 0.018998,
    "Mg": 0.024305,
    "S": 0.03206,
    "Ar": 0.03995,
    "Ca": 0.040078,
}
ELEMENTS: Final = tuple(ATOMIC_MASS)

ATOMS: Final[dict[str, dict[str, int]]] = {
    "CO2": {"C": 1, "O": 2},
    "N2": {"N": 2},
    "O2": {"O": 2},
    "Ar": {"Ar": 1},
    "CO": {"C": 1, "O": 1},
    "CH4": {"C": 1, "H": 4},
    "H2": {"H": 2},
    "SO2": {"S": 1, "O": 2},
    "NH3": {"N": 1, "H": 3},
    "H2O": {"H": 2, "O": 1},
    "C3F8": {"C": 3, "F": 8},
    "CF4": {"C": 1, "F": 4},
    "C2F6": {"C": 2, "F": 6},
    "SF6": {"S": 1, "F": 6},
    # what lies on or in the ground
    "C": {"C": 1},
    "S": {"S": 1},
    "F": {"F": 1},  # bound in minerals, as the atoms that a factory wins from them
    "CaO": {"Ca": 1, "O": 1},
    "CaCO3": {"Ca": 1, "C": 1, "O": 3},
    "MgO": {"Mg": 1, "O": 1},
    "MgCO3": {"Mg": 1, "C": 1, "O": 3},
    "CH2O": {"C": 1, "H": 2, "O": 1},  # organic matter
}
SPECIES: Final = tuple(ATOMS)


def molar_mass(species: str) -> float:
    """Molar mass (kg mol-1) of a species, the sum of its atoms."""
    return sum(n * ATOMIC_MASS[e] for e, n in ATOMS[species].items())


@dataclass(frozen=True)
class Reaction:
    """Moles of each species that one mol of reaction consumes (negative) and makes, and the heat that it releases."""

    moles: dict[str, int]
    released_j_mol: float


_PFC_ENERGY = 6.0e6  # J/kg of gas that a factory takes; B16 [S12b]: 6e6, 3e7 at most [S37]

REACTIONS: Final[dict[str, Reaction]] = {
    "bosch": Reaction({"CO2": -1, "H2": -2, "C": 1, "H2O": 2}, 90.0e3),  # B16 [S36]
    "sabatier": Reaction({"CO2": -1, "H2": -4, "CH4": 1, "H2O": 2}, 165.0e3),  # B16, from memory
    "lime_carbonation": Reaction({"CaO": -1, "CO2": -1, "CaCO3": 1}, 178.0e3),  # B16, from memory
    "magnesia_carbonation": Reaction({"MgO": -1, "CO2": -1, "MgCO3": 1}, 118.0e3),  # B16, from memory
    "photosynthesis": Reaction({"CO2": -1, "H2O": -1, "CH2O": 1, "O2": 1}, -470.0e3),  # B14, from memory
    "respiration": Reaction({"CH2O": -1, "O2": -1, "CO2": 1, "H2O": 1}, 470.0e3),
    "water_electrolysis": Reaction({"H2O": -2, "H2": 2, "O2": 1}, -572.0e3),  # 286 kJ per mol of water, from memory
    "co2_electrolysis": Reaction({"CO2": -2, "CO": 2, "O2": 1}, -566.0e3),  # 283 kJ per mol of CO2, from memory
    "perfluoropropane": Reaction({"C": -3, "F": -8, "C3F8": 1}, -_PFC_ENERGY * molar_mass("C3F8")),
    "perfluoromethane": Reaction({"C": -1, "F": -4, "CF4": 1}, -_PFC_ENERGY * molar_mass("CF4")),
    "perfluoroethane": Reaction({"C": -2, "F": -6, "C2F6": 1}, -_PFC_ENERGY * molar_mass("C2F6")),
    "sulphur_hexafluoride": Reaction({"S": -1, "F": -6, "SF6": 1}, -_PFC_ENERGY * molar_mass("SF6")),
}


def reaction_matrix(reactions: tuple[str, ...] = tuple(REACTIONS), species: tuple[str, ...] = SPECIES) -> Array:
    """(reaction, species) kg that one mol of each reaction makes, negative where it consumes.

    Raises KeyError for a reaction whose species are not all there.
    """
    matrix = np.zeros((len(reactions), len(species)))
    column = {s: k for k, s in enumerate(species)}
    for row, name in zip(matrix, reactions, strict=True):
        for s, n in REACTIONS[name].moles.items():
            row[column[s]] = n * molar_mass(s)
    return matrix


def element_shares(species: tuple[str, ...] = SPECIES) -> Array:
    """(species, element) share of the mass of each species that is each element."""
    return np.array(
        [[ATOMS[s].get(e, 0) * ATOMIC_MASS[e] / molar_mass(s) for e in ELEMENTS] for s in species], dtype=float
    )


def released_per_kg(reaction: str, species: str) -> float:
    """Heat (J) that a reaction releases per kg of a species that it makes or consumes; negative: energy it takes."""
    r = REACTIONS[reaction]
    return r.released_j_mol / (abs(r.moles[species]) * molar_mass(species))


@inlined
def limited_extent(amounts: Array, row: Array, wanted: float) -> float:
    """Extent (mol) of a reaction, at most wanted and what its scarcest reactant allows; amounts (species) kg."""
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
