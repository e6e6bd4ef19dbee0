"""Water between the air and the ocean of a body without a water cycle, as a whole; B10, B16."""

from __future__ import annotations

import math

from twinpipe.physics.air import amounts
from twinpipe.physics.compiled import inlined, part
from twinpipe.physics.longwave import saturation_log_pressure
from twinpipe.physics.records import EVEN, OWN, Members, Options, Scratch, State, Static
from twinpipe.physics.rows import compensated
from twinpipe.physics.substances import H2O, OCEAN_WATER, VAPORISATION


@inlined
def condensing(excess: float, slope: float, column: float, capacity: float) -> float:
    """Water (kg m-2) that condenses, (e - e_s) c / (1 + L e_s' c / C), and evaporates where it is negative.

    Vapour pressure e and saturation e_s then meet at the temperature to which the latent heat L warms: excess
    e - e_s (Pa), slope e_s' (Pa K-1), column c of vapour per pressure (kg m-2 Pa-1), heat capacity C (J m-2 K-1).
    """
    return excess * column / (1.0 + VAPORISATION * slope * column / capacity)


@part
def step(st: Static, o: Options, m: Members, s: State, x: Scratch, members: int) -> None:
    """Vapour condenses into the ocean, or comes from it, towards saturation at the mean temperature.

    The heat capacity that counts is that of the air, less than what there is, so that the step never overshoots.
    """
    for b in range(members):
        mass, moles = amounts(st, s, 0, b)
        if m.bulk_water[b] > 0.0 and mass > 0.0 and s.gas[H2O, b] + s.store[OCEAN_WATER, b] > 0.0:
            pressure, t = mass * o.gravity / o.area, s.mean_temperature[b]
            column = st.molar_mass[H2O] * moles / (mass * o.gravity)
            log_saturated = saturation_log_pressure(t)  # its exponential is 0 below 8 K
            saturated = math.exp(log_saturated)
            slope = saturated * (log_saturated - saturation_log_pressure(t - 1.0))
            excess = s.gas[H2O, b] / st.molar_mass[H2O] / moles * pressure - saturated
            amount = condensing(excess, slope, column, o.cp * pressure / o.gravity) * o.area
            amount = min(max(amount, -s.store[OCEAN_WATER, b]), s.gas[H2O, b])
            s.gas[H2O, b] -= amount
            s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b] = compensated(
                s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b], amount
            )
            heat = VAPORISATION * amount / o.area / o.dt
            x.heat[EVEN, b] += heat
            x.heat[OWN, b] += heat
