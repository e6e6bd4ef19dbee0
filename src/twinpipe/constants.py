"""Physical constants, SI, each with its unit and source ([Sn] and B0..B18: physics.md)."""

from __future__ import annotations

import math
from typing import Final

STEFAN_BOLTZMANN: Final = 5.670374e-8  # W m-2 K-4; CODATA
GAS_CONSTANT: Final = 8.314462  # J mol-1 K-1; CODATA
ASTRONOMICAL_UNIT: Final = 1.495978707e11  # m; IAU 2012
SOLAR_CONSTANT_EARTH: Final = 1361.0  # W m-2 at 1 au; [S1]
SOLAR_MASS: Final = 1.98841e30  # kg; G M of IAU 2015 over G
SOLAR_LUMINOSITY: Final = 3.828e26  # W; IAU 2015
STANDARD_GRAVITY: Final = 9.80665  # m s-2, the g of weights; CODATA
GRAVITATIONAL_CONSTANT: Final = 6.6743e-11  # m3 kg-1 s-2; CODATA
DAY: Final = 86400.0  # s
YEAR: Final = 365.25 * DAY  # s; Julian year, the year of every duration and schedule
ZERO_CELSIUS: Final = 273.15  # K

LATENT_HEAT_CO2: Final = 5.90e5  # J kg-1, sublimation; B0
TRIPLE_POINT_WATER_PRESSURE: Final = 611.657  # Pa; D1 [S16]
TRIPLE_POINT_WATER_TEMPERATURE: Final = 273.16  # K; D1 [S16]
ARMSTRONG_PRESSURE: Final = 6270.0  # Pa, water boils at body temperature; D1 [S16]

ATOMIC_MASS: Final[dict[str, float]] = {  # g mol-1; IUPAC conventional weights; dust and particles count as one each
    "H": 1.008,
    "He": 4.0026,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "Mg": 24.305,
    "S": 32.06,
    "Ar": 39.95,
    "Ca": 40.078,
    "dust": 1.0,
    "aerosol": 1.0,
}
FORMULA: Final[dict[str, dict[str, int]]] = {
    "CO2": {"C": 1, "O": 2},
    "N2": {"N": 2},
    "O2": {"O": 2},
    "Ar": {"Ar": 1},
    "CO": {"C": 1, "O": 1},
    "CH4": {"C": 1, "H": 4},
    "C2H6": {"C": 2, "H": 6},
    "H2": {"H": 2},
    "He": {"He": 1},
    "H2O": {"H": 2, "O": 1},
    "SO2": {"S": 1, "O": 2},
    "NH3": {"N": 1, "H": 3},
    "C3F8": {"C": 3, "F": 8},
    "CF4": {"C": 1, "F": 4},
    "C2F6": {"C": 2, "F": 6},
    "SF6": {"S": 1, "F": 6},
    "C": {"C": 1},
    "S": {"S": 1},
    "F": {"F": 1},  # bound in minerals, as the atoms that a factory wins from them
    "CH2O": {"C": 1, "H": 2, "O": 1},
    "CaO": {"Ca": 1, "O": 1},
    "CaCO3": {"Ca": 1, "C": 1, "O": 3},
    "MgO": {"Mg": 1, "O": 1},
    "MgCO3": {"Mg": 1, "C": 1, "O": 3},
    "dust": {"dust": 1},
    "aerosol": {"aerosol": 1},
}
# kg mol-1; from the atoms, so that a reaction between them keeps the mass of each element exactly
MOLAR_MASS: Final[dict[str, float]] = {
    substance: math.fsum(count * ATOMIC_MASS[element] for element, count in atoms.items()) / 1000
    for substance, atoms in FORMULA.items()
}
