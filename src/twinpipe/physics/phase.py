"""Water in one cell: ice, liquid and vapour over a surface that answers latent heat; B10.

The cell is a box of heat capacity C (J m-2 K-1) and temperature T (K) with masses of ice, liquid and vapour (kg m-2).
Near the ground the vapour has the density w / H, with the scale height H of water vapour, so that the column holds at
most w_sat(T) = H rho_sat(T).  Masses move at constant C T - L_sub ice - L_vap liquid.  Newton's iterations start where
nothing is oversaturated and, since rho_sat is convex, stay there: wherever they stop, the air holds what it has.
"""

from __future__ import annotations

import math

from twinpipe.constants import GAS_CONSTANT, MOLAR_MASS, TRIPLE_POINT_WATER_TEMPERATURE
from twinpipe.physics.compiled import inlined
from twinpipe.physics.substances import FUSION, SUBLIMATION, VAPORISATION

MELTING = TRIPLE_POINT_WATER_TEMPERATURE
VAPOUR_CONSTANT = GAS_CONSTANT / MOLAR_MASS["H2O"]  # R_w, J kg-1 K-1
# e_sat = exp(ICE_A - ICE_B / T) Pa over ice, exp(LIQUID_A + LIQUID_B (T - T_t) / (T - LIQUID_C)) over liquid; B10
ICE_A, ICE_B = 28.9074, 6143.7
LIQUID_A, LIQUID_B, LIQUID_C = 6.41618, 17.62, 30.03
COLDEST, HOTTEST = 40.0, 600.0  # K, where ice has no vapour to speak of, and where no air that is simulated is wet
ITERATIONS = 30  # at most; two or three do
DIFFUSIVITY, SCHMIDT = 1.4e-5, 0.5  # of vapour in CO2 at 273.15 K and 1e5 Pa, m2 s-1; viscosity over it


@inlined
def boiling_point(pressure: float) -> float:
    """T (K) with e_sat(T) equal to a pressure (Pa): over liquid above 611.66 Pa, else over ice; B10."""
    if pressure <= 0.0:
        return COLDEST
    log_p = math.log(pressure)
    if log_p < LIQUID_A:
        return max(ICE_B / (ICE_A - log_p), COLDEST)
    y = min((log_p - LIQUID_A) / LIQUID_B, 0.7)  # 1.4e8 Pa, above the critical pressure
    return (MELTING - LIQUID_C * y) / (1.0 - y)


@inlined
def saturated_density(T: float, over_liquid: bool) -> float:
    """rho_sat = e_sat / (R_w T), kg m-3; B10."""
    if over_liquid:
        return math.exp(LIQUID_A + LIQUID_B * (T - MELTING) / (T - LIQUID_C)) / (VAPOUR_CONSTANT * T)
    return math.exp(ICE_A - ICE_B / T) / (VAPOUR_CONSTANT * T)


DENSITY_AT_MELTING = math.exp(LIQUID_A) / (VAPOUR_CONSTANT * MELTING)  # rho_sat, kg m-3


@inlined
def log_slope(T: float, over_liquid: bool) -> float:
    """d ln rho_sat / dT, 1/K."""
    if over_liquid:
        return LIQUID_B * (MELTING - LIQUID_C) / ((T - LIQUID_C) * (T - LIQUID_C)) - 1.0 / T
    return ICE_B / (T * T) - 1.0 / T


@inlined
def saturated_column(T: float, height: float) -> float:
    """w_sat = H rho_sat(T), kg m-2: the most vapour that the air over a surface holds."""
    return height * saturated_density(T, T >= MELTING)


@inlined
def daily_factor(T: float, amplitude: float) -> float:
    """Mean of rho_sat over the day, over that of the mean T: <exp(a cos)> = I_0(a), a = A_d d ln rho_sat / dT; B4, B10.

    What lies on ground that is warm at noon goes to vapour then, though the daily mean is cold.  The mean of eight
    hours, within 1 % up to a = 5.
    """
    if T < COLDEST:
        return 1.0
    a = min(amplitude, T) * log_slope(T, T >= MELTING)
    return 0.25 * (1.0 + math.cosh(a) + 2.0 * math.cosh(0.7071067811865476 * a))


@inlined
def exchange_velocity(T: float, pressure: float, lightness: float, gravity: float, wind: float) -> float:
    """Velocity (m/s) with which vapour leaves a wet surface, V = C_E U + 0.17 (D g b / Sc^2)^(1/3); B10.

    wind is C_E U.  The rest is free convection of humid air, lighter than dry by b = (1 - mu_w/mu) e_sat/p, with
    lightness 1 - mu_w/mu; Ingersoll 1970, doi:10.1126/science.168.3934.972.
    """
    if lightness <= 0.0 or pressure <= 0.0:
        return wind
    e = saturated_density(T, T >= MELTING) * VAPOUR_CONSTANT * T
    warm = T / 273.15
    diffusivity = DIFFUSIVITY * warm * math.sqrt(warm) * 1e5 / pressure
    light = lightness * min(e / pressure, 1.0)
    free: float = 0.17 * (diffusivity * gravity * light / (SCHMIDT * SCHMIDT)) ** (1.0 / 3.0)
    return wind + free


@inlined
def evaporated(T: float, vapour: float, over_liquid: bool, C: float, reach: float, height: float) -> float:
    """Mass (kg m-2) that an endless supply of ice or liquid gives to the air in a step; 0 into saturated air.

    X = V dt (rho_sat(T - L X / C) - (w + X) / H), backward in time, the surface cooling as it goes; reach is V dt (m).
    Ice that would stay warmer than 273.16 K melts, and gives what it gives at that temperature.
    """
    latent = VAPORISATION if over_liquid else SUBLIMATION
    x = 0.0
    for _ in range(ITERATIONS):
        now = T - latent * x / C
        rho = saturated_density(now, over_liquid)
        missing = reach * (rho - (vapour + x) / height) - x
        if missing <= 0.0:
            break
        dx = missing / (1.0 + reach * (rho * log_slope(now, over_liquid) * latent / C + 1.0 / height))
        x += dx
        if dx <= 1e-9 * x:
            break
    if not over_liquid and T - latent * x / C > MELTING:
        x = reach * (saturated_density(MELTING, False) - vapour / height) / (1.0 + reach / height)
        x = min(max(x, 0.0), C * (T - MELTING) / latent)
    return x


@inlined
def boiled(
    T: float, ice: float, liquid: float, vapour: float, C: float, boiling: float, height: float
) -> tuple[float, float]:
    """(ice, liquid) after water hotter than its boiling point has boiled until it is not, or the air is saturated.

    Below 611.66 Pa nothing melts: liquid freezes, and ice goes to vapour at the boiling point.  Above it ice melts
    first.  Vapour that saturates the air keeps the rest from boiling by its own pressure.
    """
    over_liquid = boiling >= MELTING
    T += FUSION * (-ice if over_liquid else liquid) / C
    if boiling >= T:
        return ice, liquid
    latent = VAPORISATION if over_liquid else SUBLIMATION
    there = ice + liquid
    most = min(there, C * (T - boiling) / latent)
    x = most
    if vapour + most > height * saturated_density(T - latent * most / C, over_liquid):
        x = 0.0
        for _ in range(ITERATIONS):
            now = T - latent * x / C
            column = height * saturated_density(now, over_liquid)
            room = column - vapour - x
            if room <= 1e-13 * column:
                break
            x += room / (1.0 + column * log_slope(now, over_liquid) * latent / C)
        x = min(x, most)
    return (0.0, there - x) if over_liquid else (there - x, 0.0)


@inlined
def condensed(T: float, vapour: float, over_liquid: bool, C: float, x: float, height: float) -> float:
    """Mass x (kg m-2) that condenses until w - x = w_sat(T + L x / C), from an x that is too large."""
    latent = VAPORISATION if over_liquid else SUBLIMATION
    x = min(x, max(C * (HOTTEST - T) / latent, 0.0))
    for _ in range(ITERATIONS):
        now = T + latent * x / C
        column = height * saturated_density(now, over_liquid)
        room = column - (vapour - x)
        if room <= 1e-13 * column:
            break
        x -= room / (1.0 + column * log_slope(now, over_liquid) * latent / C)
    return max(x, 0.0)


@inlined
def first_condensed(T: float, vapour: float, over_liquid: bool, C: float, height: float) -> float:
    """The first of Newton's steps to condensed, which is too large; 0 where the air is not oversaturated."""
    column = height * saturated_density(T, over_liquid)
    if vapour <= column:
        return 0.0
    latent = VAPORISATION if over_liquid else SUBLIMATION
    return (vapour - column) / (1.0 + column * log_slope(T, over_liquid) * latent / C)


@inlined
def settled(
    T: float, ice: float, liquid: float, vapour: float, C: float, height: float
) -> tuple[float, float, float, float]:
    """(T, ice, liquid, condensed) after air has lost what it cannot hold, and water has melted or frozen.

    w <= w_sat(T), ice only at T <= 273.16 K, liquid only at T >= 273.16 K; both lie together at exactly 273.16 K.
    """
    rain = max(vapour - height * DENSITY_AT_MELTING, 0.0)  # that condenses even at 273.16 K
    total = ice + liquid + rain
    held = ice + (C * (MELTING - T) - VAPORISATION * rain) / FUSION  # the ice at 273.16 K
    if total > 0.0 and 0.0 <= held <= total:
        return MELTING, held, (ice - held) + liquid + rain, rain
    if held > total:
        T += FUSION * liquid / C
        x = first_condensed(T, vapour, False, C, height)
        if x > 0.0:
            x = condensed(T, vapour, False, C, min(x, C * (MELTING - T) / SUBLIMATION), height)
        return T + SUBLIMATION * x / C, ice + liquid + x, 0.0, x
    T -= FUSION * ice / C
    x = first_condensed(T, vapour, True, C, height) if T >= MELTING else rain
    if x > 0.0:
        x = condensed(T, vapour, True, C, x, height)
    return T + VAPORISATION * x / C, 0.0, ice + liquid + x, x


@inlined
def changed(
    T: float,
    ice: float,
    liquid: float,
    vapour: float,
    deposit: float,
    open_share: float,
    C: float,
    dt: float,
    day: float,
    height: float,
    pressure: float,
    lightness: float,
    gravity: float,
    wind: float,
) -> tuple[float, float, float]:
    """(T, ice, liquid) of a cell after a step in which it evaporates, boils, and settles; the vapour is what is left.

    day is the daily_factor of rho_sat.  Of a deposit (kg m-2) of today only open_share lies open to the air; fresh ice
    on it does everywhere.
    """
    height *= day
    m, water, w = ice, liquid, vapour
    if m + water > 0.0:
        over_liquid = water > 0.0 and T >= MELTING
        surface = min(T, MELTING) if m > 0.0 else T
        reach = dt * day * exchange_velocity(surface, pressure, lightness, gravity, wind)
        if over_liquid:
            x = min(evaporated(max(MELTING, T - FUSION * m / C), w, True, C, reach, height), water)
            water -= x
            T -= VAPORISATION * x / C
            w += x
        elif m > 0.0:
            x = min(evaporated(T, w, False, C, reach, height), m)
            fresh = max(m - deposit, 0.0)
            if x > fresh:
                x = fresh + open_share * (x - fresh)
            m -= x
            T -= SUBLIMATION * x / C
            w += x
        boiling = boiling_point(pressure)
        if m + water > 0.0 and (boiling < T or water > 0.0):
            before_m, before_water = m, water
            m, water = boiled(T, m, water, w, C, boiling, height)
            T += (SUBLIMATION * (m - before_m) + VAPORISATION * (water - before_water)) / C
            w += (before_m - m) + (before_water - water)
    now, m, water, _ = settled(T, m, water, w, C, height)
    return now, m, water
