"""What the interior gives and the crust takes: outgassing, weathering, oxidation; B15."""

from __future__ import annotations

import math

import numpy as np

from twinpipe.constants import TRIPLE_POINT_WATER_PRESSURE, TRIPLE_POINT_WATER_TEMPERATURE
from twinpipe.grid import Array
from twinpipe.physics.air import amounts
from twinpipe.physics.compiled import compiled, inlined, part
from twinpipe.physics.longwave import saturation_log_pressure
from twinpipe.physics.records import WORK, Ledger, Members, Options, Scratch, State, Static
from twinpipe.physics.rows import add_row_sum
from twinpipe.physics.substances import CO2, GASES, N_GASES, O2, OXIDISED_CRUST, WEATHERED_CO2
from twinpipe.spheres import Interior

# Rows of Members.interior
WEATHERING, CO2_TODAY, EXPONENT, TEMPERATURE_TODAY, TEMPERATURE_SCALE, WET_TODAY, OXIDATION = range(7)


def numbers(interior: Interior | None) -> Array:
    """(number) of a body for the kernel, in the order of the names above; a body without has none of it."""
    own = interior or Interior()
    return np.array(
        [
            own.weathering_kg_s,
            own.co2_today_pa,
            own.co2_exponent,
            own.temperature_today_k,
            own.temperature_scale_k,
            own.wet_share_today,
            own.oxidation_kg_s,
        ]
    )


def outgassing(interior: Interior | None) -> Array:
    """(gas) kg/s that come from a body's interior."""
    own = interior.outgassing_kg_s if interior is not None else {}
    return np.array([{str(g): rate for g, rate in own.items()}.get(g, 0.0) for g in GASES])


@inlined
def liquid_is_stable(temperature: float, pressure: float) -> bool:
    """Whether water is liquid at a temperature (K) and pressure (Pa): above the triple point, below boiling; D1."""
    if temperature < TRIPLE_POINT_WATER_TEMPERATURE or pressure < TRIPLE_POINT_WATER_PRESSURE:
        return False
    return saturation_log_pressure(temperature) <= math.log(pressure)


@inlined
def weathering(
    today: float, wet: float, pressure_ratio: float, exponent: float, warming: float, temperature_scale: float
) -> float:
    """CO2 (kg/s) that weathering rock takes, W = W_0 (pCO2/p_0)^beta exp((T - T_0)/T_e) wet/wet_0; B15 [S20, S21]."""
    if pressure_ratio <= 0.0 or wet <= 0.0:
        return 0.0
    return today * wet * math.exp(exponent * math.log(pressure_ratio) + warming / temperature_scale)


@compiled
def note_wet(T: Array, p: Array, wet: Array) -> None:
    """1 where water is liquid in a row, else 0."""
    for j in range(T.size):
        wet[j] = 1.0 if liquid_is_stable(T[j], p[j]) else 0.0


@part
def share_wet(st: Static, s: State, x: Scratch) -> None:
    """The share of the ground where water is liquid, x.totals[3]."""
    wet, share = x.rows[WORK], x.totals[3]
    share[:] = 0.0
    for i in range(s.ice.shape[0]):
        note_wet(s.T[0, i], s.p[i], wet)
        add_row_sum(wet, st.weight[i], x.line, share)


@part
def step(st: Static, o: Options, m: Members, s: State, ledger: Ledger, x: Scratch, members: int) -> None:
    """Gases come from the interior, weathering and the crust take CO2 and O2 of what there is."""
    share = x.totals[3]
    for b in range(members):
        for g in range(N_GASES):
            if m.outgassing[g, b] > 0.0:
                before = s.gas[g, b]
                s.gas[g, b] = before + m.outgassing[g, b] * o.dt
                ledger.imported[g, b] += s.gas[g, b] - before
        mass, moles = amounts(st, s, 0, b)
        if moles > 0.0:
            pressure = s.gas[CO2, b] / st.molar_mass[CO2] / moles * mass * o.gravity / o.area
            rate = weathering(
                m.interior[WEATHERING, b],
                share[b] / m.interior[WET_TODAY, b],
                pressure / m.interior[CO2_TODAY, b],
                m.interior[EXPONENT, b],
                s.mean_temperature[b] - m.interior[TEMPERATURE_TODAY, b],
                m.interior[TEMPERATURE_SCALE, b],
            )
            taken = min(rate * o.dt, s.gas[CO2, b])
            s.gas[CO2, b] -= taken
            s.store[WEATHERED_CO2, b] += taken
            rusted = min(m.interior[OXIDATION, b] * o.dt, s.gas[O2, b])
            s.gas[O2, b] -= rusted
            s.store[OXIDISED_CRUST, b] += rusted
