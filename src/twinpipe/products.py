"""What works away from a planet's air make of what is taken: yields by stoichiometry, never above; domain 3.4-3.6."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from twinpipe.constants import MOLAR_MASS
from twinpipe.part import Fraction, NotNegative, Part
from twinpipe.reactions import Reaction

OffworldProcess = Literal["methane_pyrolysis", "co2_reduction", "water_electrolysis", "none"]

# Heat of reaction at 298 K, from memory: CH4 75 kJ/mol, CO2 394 kJ/mol, water 286 kJ/mol as a liquid.
PROCESSES: Final[dict[str, Reaction]] = {
    "methane_pyrolysis": Reaction({"CH4": -1, "C": 1, "H2": 2}, -75.0e3),
    "co2_reduction": Reaction({"CO2": -1, "C": 1, "O2": 1}, -394.0e3),
    "water_electrolysis": Reaction({"H2O": -2, "H2": 2, "O2": 1}, -572.0e3),
}


def yields(process: OffworldProcess, feed: str, recovery: float = 1.0) -> dict[str, float]:
    """kg of each product per kg of feed: n M / (n_feed M_feed), times the share that is recovered."""
    if process == "none":
        return {feed: recovery}
    moles = PROCESSES[process].moles
    per_kg = recovery / (abs(moles[feed]) * MOLAR_MASS[feed])
    return {product: n * MOLAR_MASS[product] * per_kg for product, n in moles.items() if n > 0}


def needed_j_kg(process: OffworldProcess, feed: str) -> float:
    """Energy (J) that the reaction itself takes per kg of feed."""
    if process == "none":
        return 0.0
    reaction = PROCESSES[process]
    return max(-reaction.released_j_mol, 0.0) / (abs(reaction.moles[feed]) * MOLAR_MASS[feed])


class Works(Part):
    """Works that turn what they are fed into products, off the planet's books but never above stoichiometry."""

    process: OffworldProcess = "none"
    recovery: Fraction = Field(0.95, description="share of the stoichiometric yield that is won")
    energy_j_kg: NotNegative = Field(0.0, description="energy per kilogram fed, beside what the reaction takes")

    def check_feed(self, feed: str) -> None:
        """Raises ValueError for a feed that the process does not take."""
        if self.process != "none" and PROCESSES[self.process].moles.get(feed, 0) >= 0:
            takes = " and ".join(PROCESSES[self.process].reactants)
            raise ValueError(f"works of {self.process} take {takes}, and no {feed}")

    def products(self, feed: str) -> dict[str, float]:
        """kg of each product per kg of feed."""
        return yields(self.process, feed, self.recovery)

    def taken_j_kg(self, feed: str) -> float:
        """Energy (J) per kg of feed."""
        return needed_j_kg(self.process, feed) + self.energy_j_kg
