"""Published numbers of Mars that the model answers to; sources [Sn] and tables A5..C2: physics.md."""

from __future__ import annotations

from typing import Final

import numpy as np

# Global mean surface pressure (mbar) against Ls (degree): NASA Ames legacy GCM [S6] and Mars Climate
# Database [S5], digitised; A5.  The two differ by 0.08 mbar rms.
PRESSURE_LS: Final = np.array([0.0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330])
PRESSURE_GCM: Final = np.array([6.22, 6.41, 6.52, 6.15, 5.63, 5.36, 5.49, 5.95, 6.59, 6.69, 6.43, 6.23])
PRESSURE_MCD: Final = np.array([6.25, 6.42, 6.40, 6.05, 5.60, 5.38, 5.55, 6.02, 6.48, 6.56, 6.35, 6.20])
PRESSURE_TARGET: Final = 0.5 * (PRESSURE_GCM + PRESSURE_MCD)

# Pressure at Viking Lander 1 (mbar), a fit of five harmonics: mean, (sin, cos) of 2 pi n Ls / 360; A5 [S4].
VL1_MEAN: Final = 7.97078
VL1_HARMONICS: Final = (
    (-0.539781, 0.468818),
    (0.368771, -0.392702),
    (0.0206071, -0.0224410),
    (-0.0326866, -0.00261966),
    (0.0145776, -0.000184519),
)
VL1_ELEVATION_M: Final = -3627.0  # A5 [S4]; 22.5 N, 48 W
# Extremes of that fit: name -> (Ls in degree, mbar, whether a maximum, error of a GCM in mbar and in Ls);
# A5, C2.1 [S6].
VL1_EXTREMES: Final = {
    "second maximum": (50.4, 8.320, True, "-", "-"),
    "minimum": (146.8, 6.833, False, "GCM 0.02", "GCM 3"),
    "maximum": (261.3, 8.933, True, "GCM 0.02", "GCM 4"),
    "second minimum": (352.3, 8.008, False, "-", "-"),
}
EXTREME_WINDOW_DEGREE: Final = 30.0  # of Ls, in which an extreme is looked for

# Largest mass of CO2 ice on the ground: hemisphere -> (1e15 kg, Ls in degree); A7 [S5].
CAP_PEAKS: Final = {"north": (3.26, 344.0), "south": (6.38, 163.0)}

# Zonal mean surface temperature (K) at Ls 0 and 180, NASA Ames legacy GCM, +-3 K; A6 [S6].
ZONAL_LATITUDE: Final = np.array([-75.0, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75])
ZONAL_TEMPERATURE: Final = {
    0.0: np.array([158.0, 189, 205, 215, 219, 217, 213, 206, 196, 173, 150]),
    180.0: np.array([150.0, 159, 205, 220, 224, 222, 219, 212, 204, 192, 170]),
}
ONE_SIDED_K: Final = (150.0, 240.0)  # printed so, they mean "at most" and "at least": not compared

# Ls (degree) of the coldest and the warmest global mean, Mars Climate Database [S5], that of A2 with 205.4..222.6 K.
TEMPERATURE_EXTREMES_LS: Final = {"coldest": 74.0, "warmest": 254.0}

# 2 pm minus 2 am surface temperature at the equator (K) by Ls (degree); A6 [S6].
DIURNAL_RANGE: Final = {0.0: 90.0, 90.0: 82.0, 180.0: 97.0, 270.0: 93.0}

# Annual and global mean surface temperature (K); C2.2.
MEAN_TEMPERATURE_K: Final = (203.0, 215.0)

# Surface temperature (K) under a dry CO2 atmosphere by pressure (Pa) for 110.6 W m-2 absorbed, from
# radiative-convective calculations; C2.3.
CO2_COLUMN: Final = {610.0: 215.4, 1e3: 216.3, 2e3: 217.7, 5e3: 219.9, 1e4: 222.2, 3e4: 228.2, 1e5: 239.3, 2e5: 250.5}
CO2_COLUMN_HUMID: Final = {  # the same at a relative humidity of 0.5
    610.0: 215.6,
    1e3: 216.5,
    2e3: 218.1,
    5e3: 220.5,
    1e4: 223.1,
    3e4: 230.2,
    1e5: 245.5,
    2e5: 262.8,
}
CO2_COLUMN_ABSORBED_W_M2: Final = 110.6


def vl1_pressure(ls_degree: np.typing.ArrayLike) -> np.typing.NDArray[np.float64]:
    """Pressure at Viking Lander 1 (mbar) at Ls (degree), by the fit; A5 [S4]."""
    angle = np.radians(np.asarray(ls_degree, dtype=np.float64))
    waves = (s * np.sin(n * angle) + c * np.cos(n * angle) for n, (s, c) in enumerate(VL1_HARMONICS, start=1))
    return np.asarray(VL1_MEAN + sum(waves))
