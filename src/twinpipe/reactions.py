"""Reactions between gases and solids: moles that they take and make, and the heat that they set free; B14, B16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from twinpipe.constants import MOLAR_MASS

PlantReaction = Literal[
    "bosch", "sabatier", "lime_carbonation", "magnesia_carbonation", "water_electrolysis", "co2_electrolysis"
]


@dataclass(frozen=True)
class Reaction:
    """Moles of each substance that one mol of reaction consumes (negative) and makes, and the heat that it releases.

    Water counts as vapour.  decomposes_k: temperature at which CO2 stands over the product at 1 bar, for a reaction
    that goes no further than that equilibrium.
    """

    moles: dict[str, int]
    released_j_mol: float
    decomposes_k: float | None = None

    @property
    def reactants(self) -> tuple[str, ...]:
        return tuple(s for s, n in self.moles.items() if n < 0)


_PFC_ENERGY = 6.0e6  # J/kg of gas that a factory takes; B16 [S12b]: 6e6, 3e7 at most [S37]
# B14's 4.7e5 J per mol of O2 is with liquid water, of which 4.5e4 J evaporate it.
_PHOTOSYNTHESIS = 4.7e5 - 2.501e6 * MOLAR_MASS["H2O"]

REACTIONS: Final[dict[str, Reaction]] = {
    "bosch": Reaction({"CO2": -1, "H2": -2, "C": 1, "H2O": 2}, 90.0e3),  # B16 [S36]
    "sabatier": Reaction({"CO2": -1, "H2": -4, "CH4": 1, "H2O": 2}, 165.0e3),  # B16, from memory
    # B16, from memory; limestone burns at 1171 K and magnesite at 675 K under 1 bar (from memory), under the 92 bar
    # of Venus at 1590 and 860 K
    "lime_carbonation": Reaction({"CaO": -1, "CO2": -1, "CaCO3": 1}, 178.0e3, 1171.0),
    "magnesia_carbonation": Reaction({"MgO": -1, "CO2": -1, "MgCO3": 1}, 118.0e3, 675.0),
    "photosynthesis": Reaction({"CO2": -1, "H2O": -1, "CH2O": 1, "O2": 1}, -_PHOTOSYNTHESIS),
    "respiration": Reaction({"CH2O": -1, "O2": -1, "CO2": 1, "H2O": 1}, _PHOTOSYNTHESIS),
    "water_electrolysis": Reaction({"H2O": -2, "H2": 2, "O2": 1}, -483.6e3),  # 241.8 kJ per mol of vapour, from memory
    "co2_electrolysis": Reaction({"CO2": -2, "CO": 2, "O2": 1}, -566.0e3),  # 283 kJ per mol of CO2, from memory
    "perfluoropropane": Reaction({"C": -3, "F": -8, "C3F8": 1}, -_PFC_ENERGY * MOLAR_MASS["C3F8"]),
    "perfluoromethane": Reaction({"C": -1, "F": -4, "CF4": 1}, -_PFC_ENERGY * MOLAR_MASS["CF4"]),
    "perfluoroethane": Reaction({"C": -2, "F": -6, "C2F6": 1}, -_PFC_ENERGY * MOLAR_MASS["C2F6"]),
    "sulphur_hexafluoride": Reaction({"S": -1, "F": -6, "SF6": 1}, -_PFC_ENERGY * MOLAR_MASS["SF6"]),
}


def released_per_kg(reaction: str, substance: str) -> float:
    """Heat (J) that a reaction releases per kg of a substance that it makes or consumes; negative: energy it takes."""
    r = REACTIONS[reaction]
    return r.released_j_mol / (abs(r.moles[substance]) * MOLAR_MASS[substance])


def moles_per_kg(reaction: str, substance: str) -> float:
    """Moles of reaction per kg of a substance that it makes or consumes."""
    return 1.0 / (abs(REACTIONS[reaction].moles[substance]) * MOLAR_MASS[substance])
