"""Physical constants, SI, each with its unit and source ([Sn] and B0..B18: physics.md)."""

from __future__ import annotations

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

MOLAR_MASS: Final[dict[str, float]] = {  # kg mol-1; IUPAC atomic weights
    "CO2": 0.044010,
    "N2": 0.028014,
    "O2": 0.031998,
    "Ar": 0.039948,
    "CO": 0.028010,
    "CH4": 0.016043,
    "C2H6": 0.030069,
    "H2": 0.002016,
    "He": 0.004003,
    "H2O": 0.018015,
    "SO2": 0.064064,
    "NH3": 0.017031,
    "C3F8": 0.188019,
    "CF4": 0.088004,
    "C2F6": 0.138012,
    "SF6": 0.146055,
}
