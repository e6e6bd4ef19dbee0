"""Life on the ground: photosynthesis, respiration, burial; B14.

CO2 + H2O -> CH2O + O2 by what lives in a cell, as far as light, warmth, pressure, water and gases allow.  What
dies is respired, CH2O + O2 -> CO2 + H2O, but for a part that is buried: only that leaves its oxygen in the air.
"""

from __future__ import annotations

import numpy as np

from twinpipe.constants import MOLAR_MASS, YEAR
from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined
from twinpipe.physics.geosphere import liquid_is_stable
from twinpipe.physics.substances import VAPORISATION
from twinpipe.reactions import REACTIONS
from twinpipe.spheres import Biosphere

# Rows of Members.life
PER_LIGHT, LARGEST, COLDEST, BEST, WARMEST, LEAST_P, FULL_P, CO2_HALF, N2_HALF, UV = range(10)
BURIED, DEATH, HALF_COVER, SPREAD, DARKENING = range(10, 15)
N_LIFE = 15

# kg per kg of O2, and J that a kilogram of O2 takes
CO2_PER_O2, WATER_PER_O2, MATTER_PER_O2 = (MOLAR_MASS[s] / MOLAR_MASS["O2"] for s in ("CO2", "H2O", "CH2O"))
ENERGY_PER_O2 = -REACTIONS["photosynthesis"].released_j_mol / MOLAR_MASS["O2"]
ENOUGH_WATER = 1.0  # kg m-2 of liquid with which life grows at half its rate: a millimetre; D1


def numbers(life: Biosphere | None) -> Array:
    """(number) of a body for the kernel, in the order of the names above; a body without has none of it."""
    if life is None:
        return np.where(np.isin(np.arange(N_LIFE), (BEST, WARMEST, FULL_P, CO2_HALF, HALF_COVER)), 1.0, 0.0)
    return np.array(
        [
            life.efficiency * MOLAR_MASS["O2"] / life.energy_j_mol,
            life.largest_rate_kg_m2_s,
            life.coldest_k,
            life.best_k,
            life.warmest_k,
            life.least_pressure_pa,
            life.full_pressure_pa,
            life.co2_half_pa,
            life.n2_half_pa,
            life.uv_survival,
            life.buried_fraction,
            1 / (life.turnover_years * YEAR),
            life.half_cover_kg_m2,
            life.spread_per_year / YEAR,
            life.darkening,
        ]
    )


@inlined
def warmth(temperature: float, coldest: float, best: float, warmest: float) -> float:
    """f_T, 0 outside coldest .. warmest (K) and 1 at the best: Rosso's cardinal temperatures; B14.

    f = (T - T_max)(T - T_min)^2 / {d [d (T - T_opt) - (T_opt - T_max)(T_opt + T_min - 2 T)]}, d = T_opt - T_min;
    doi:10.1006/jtbi.1993.1099.
    """
    if temperature <= coldest or temperature >= warmest:
        return 0.0
    d, low = best - coldest, temperature - coldest
    below = d * (d * (temperature - best) - (best - warmest) * (best + coldest - 2.0 * temperature))
    return min(max((temperature - warmest) * low * low / below, 0.0), 1.0)


@inlined
def oxygen_rate(
    light: float, temperature: float, pressure: float, co2: float, n2: float, water: float, life: Array
) -> float:
    """O2 (kg m-2 s-1) that a full cover makes, P = min(eta F/E, V_max) f_T f_p f_w f_CO2 f_N2 f_UV; B14.

    light F (W m-2, absorbed sunlight of all wavelengths), T (K), pressures (Pa) of the air, of CO2 and N2; water f_w
    0..1; life (number).
    """
    if water <= 0.0 or light <= 0.0 or co2 <= 0.0:
        return 0.0
    f = warmth(temperature, life[COLDEST], life[BEST], life[WARMEST])
    f *= min(max((pressure - life[LEAST_P]) / (life[FULL_P] - life[LEAST_P]), 0.0), 1.0)
    if f <= 0.0:
        return 0.0
    nitrogen = n2 / (n2 + life[N2_HALF]) if life[N2_HALF] > 0.0 else 1.0
    f *= water * co2 / (co2 + life[CO2_HALF]) * nitrogen * life[UV]
    return float(min(life[PER_LIGHT] * light, life[LARGEST]) * f)


@compiled
def shade(living: Array, ground: Array, half: Array, darkening: Array, out: Array) -> None:
    """Albedo of a row of ground under life, A - d b/(b + h), not below 0; B14.  half, darkening are (member)."""
    for start in range(0, living.size, half.size):
        for b in range(half.size):
            j = start + b
            out[j] = max(ground[j] - darkening[b] * (living[j] / (living[j] + half[b])), 0.0)


@compiled
def scatter(living: Array, mean: Array, share: Array) -> None:
    """Wind carries a share (member) of what lives in a row all over the body, which has the mean (member)."""
    for start in range(0, living.size, mean.size):
        for b in range(mean.size):
            living[start + b] += share[b] * (mean[b] - living[start + b])


@compiled
def photosynthesis(
    T: Array,
    p: Array,
    absorbed: Array,
    living: Array,
    liquid: Array,
    has_liquid: bool,
    co2_share: Array,
    n2_share: Array,
    life: Array,
    dt: float,
    made: Array,
) -> None:
    """O2 (kg m-2) that a row makes in a step if no gas is short; shares of the air and life (member, number).

    With a water cycle the cell needs liquid, else a temperature and pressure at which water is liquid.
    """
    members = co2_share.size
    for start in range(0, T.size, members):
        for b in range(members):
            j = start + b
            made[j] = 0.0
            if living[j] > 0.0:
                water = liquid[j] / (liquid[j] + ENOUGH_WATER) if has_liquid else 1.0
                if not has_liquid and not liquid_is_stable(T[j], p[j]):
                    water = 0.0
                rate = oxygen_rate(absorbed[j], T[j], p[j], co2_share[b] * p[j], n2_share[b] * p[j], water, life[b])
                made[j] = rate * dt * living[j] / (living[j] + life[b, HALF_COVER])
                if has_liquid:
                    made[j] = min(made[j], liquid[j] / WATER_PER_O2)


@inlined
def survivors(old: float, grown: float, share: float, mean_share: float) -> float:
    """Living matter after a step in which it grows evenly and dies by dN/dt = -N/tau: old e + grown tau/dt (1 - e)."""
    return old * share + grown * mean_share


@compiled
def live(
    living: Array,
    liquid: Array,
    has_liquid: bool,
    made: Array,
    growth: Array,
    air: Array,
    share: Array,
    mean_share: Array,
    respired: Array,
    dt: float,
    taken: Array,
    net: Array,
    buried: Array,
    heat: Array,
) -> None:
    """A row grows by what it makes, dies, and what died is respired or buried; by cell, kg m-2.

    growth: part (member) of made that the gases allow; air: of the dead that is respired; taken: liquid water;
    net: O2 that stays in the air; heat (W m-2) that the reactions and the evaporation of their water set free.
    """
    members = growth.size
    for start in range(0, living.size, members):
        for b in range(members):
            j = start + b
            oxygen = made[j] * growth[b]
            grown = oxygen * MATTER_PER_O2
            after = survivors(living[j], grown, share[b], mean_share[b])
            dead = max(living[j] + grown - after, 0.0)
            used = respired[b] * air[b] * dead
            buried[j] = living[j] + grown - after - used
            living[j] = after
            net[j] = oxygen - used / MATTER_PER_O2
            taken[j] = 0.0
            if has_liquid:
                taken[j] = min(max(net[j] * WATER_PER_O2, 0.0), liquid[j])
                liquid[j] -= taken[j]
            heat[j] = (-ENERGY_PER_O2 * net[j] - VAPORISATION * taken[j]) / dt
