"""What a body holds, by substance: gases of the air, fields on the ground, stores below; with their elements; B0.

The books of mass are kept by element, so that any process may turn one substance into another, and only what
comes from elsewhere or leaves for good has to be booked.
"""

from __future__ import annotations

import numpy as np

from twinpipe.constants import ATOMIC_MASS, FORMULA, LATENT_HEAT_CO2
from twinpipe.grid import Array

SUPER_GASES = ("C3F8", "CF4", "C2F6", "SF6")

# Order of the gases in every (gas, member) array; the last four are the super-greenhouse gases.
GASES = ("CO2", "N2", "O2", "Ar", "CO", "CH4", "H2", "He", "SO2", "NH3", "H2O", "C2H6", *SUPER_GASES)
N_GASES, FIRST_SUPER = len(GASES), len(GASES) - len(SUPER_GASES)
CO2, N2, O2, CH4, H2 = (GASES.index(g) for g in ("CO2", "N2", "O2", "CH4", "H2"))
NH3, H2O, C2H6 = (GASES.index(g) for g in ("NH3", "H2O", "C2H6"))

# Fields on the ground, kg m-2, in the order of State.local, and what they are made of.
LOCALS: dict[str, str] = {
    "water_ice": "H2O",
    "liquid_water": "H2O",
    "water_vapour": "H2O",
    "dark_dust": "dust",
    "living_matter": "CH2O",
    "liquid_methane": "CH4",
    "liquid_ethane": "C2H6",
    "shell_ice": "H2O",
}
N_LOCALS = len(LOCALS)
(WATER_ICE, LIQUID_WATER, WATER_VAPOUR, DARK_DUST, LIVING_MATTER, LIQUID_METHANE, LIQUID_ETHANE, SHELL_ICE) = range(
    N_LOCALS
)

# Stores of the whole body, kg, in the order of State.store; ocean_heat is in J, and holds no matter.
STORES: dict[str, str] = {
    "ocean_water": "H2O",
    "ground_ice": "H2O",
    "buried_co2": "CO2",
    "weathered_co2": "CO2",
    "oxidised_crust": "O2",
    "carbon": "C",
    "organic_matter": "CH2O",
    "CaO": "CaO",
    "CaCO3": "CaCO3",
    "MgO": "MgO",
    "MgCO3": "MgCO3",
    "fallen_aerosol": "aerosol",
    "buried_dust": "dust",
    "ocean_heat": "",
}
N_STORES = len(STORES)
(
    OCEAN_WATER,
    GROUND_ICE,
    BURIED_CO2,
    WEATHERED_CO2,
    OXIDISED_CRUST,
    CARBON,
    ORGANIC_MATTER,
    CAO,
    CACO3,
    MGO,
    MGCO3,
    FALLEN_AEROSOL,
    BURIED_DUST,
    OCEAN_HEAT,
) = range(N_STORES)

# Particles in the air, kg, in the order of State.aerosol.
AEROSOLS = ("aluminium_nanorods", "nanorings", "graphene", "natural_dust", "silica_rods")
N_AEROSOLS = len(AEROSOLS)

ELEMENTS = tuple(ATOMIC_MASS)


def element_fractions(substances: tuple[str, ...]) -> Array:
    """(element, substance) mass fractions; columns sum to 1, and to 0 for what holds no matter."""
    table = np.zeros((len(ELEMENTS), len(substances)))
    for column, substance in enumerate(substances):
        for element, count in FORMULA.get(substance, {}).items():
            table[ELEMENTS.index(element), column] = count * ATOMIC_MASS[element]
    total = table.sum(axis=0)
    return np.asarray(table / np.where(total > 0, total, 1.0))


OF_GASES = element_fractions(GASES)
OF_LOCALS = element_fractions(tuple(LOCALS.values()))
OF_STORES = element_fractions(tuple(STORES.values()))
OF_AEROSOLS = element_fractions(("aerosol",) * N_AEROSOLS)

# J kg-1 relative to vapour [S26 and B0]; freezing and evaporating in a circle makes no energy: L_sub = L_vap + L_fus.
VAPORISATION, FUSION = 2.501e6, 3.34e5
SUBLIMATION = VAPORISATION + FUSION
METHANE_VAPORISATION, ETHANE_VAPORISATION = 5.1e5, 4.9e5  # B12
DESORPTION = 3.5e5  # of CO2 from the regolith; B9
_LATENT = {
    "water_ice": SUBLIMATION,
    "liquid_water": VAPORISATION,
    "shell_ice": SUBLIMATION,
    "ocean_water": VAPORISATION,
    "ground_ice": SUBLIMATION,
    "buried_co2": LATENT_HEAT_CO2,
    "liquid_methane": METHANE_VAPORISATION,
    "liquid_ethane": ETHANE_VAPORISATION,
    "ocean_heat": -1.0,  # is energy
}
LATENT_OF_LOCALS = np.array([_LATENT.get(name, 0.0) for name in LOCALS])
LATENT_OF_STORES = np.array([_LATENT.get(name, 0.0) for name in STORES])
