"""Methane and ethane of a cold moon: seas that evaporate, air that rains, sunlight that makes ethane; B12.

A sea holds methane, ethane (which stays liquid) and dissolved nitrogen.  Its vapour pressure is a x e_sat(T): x is the
mole fraction of methane in methane and ethane, and the activity a stands for the rest.  It is such that today's sea
is in balance with today's air (today.py); methane on dry ground has that of fresh rain, or what keeps it dry today.
"""

from __future__ import annotations

import math

from twinpipe.constants import GAS_CONSTANT, MOLAR_MASS
from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, inlined, part
from twinpipe.physics.escape import escaped
from twinpipe.physics.records import (
    CONDENSED,
    METHANE,
    METHANE_COLUMN,
    METHANE_WIND,
    Ledger,
    Members,
    Options,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_product, tile
from twinpipe.physics.substances import CH4, ETHANE_VAPORISATION, H2, LIQUID_ETHANE, METHANE_VAPORISATION, N_GASES

OF_METHANE, OF_ETHANE = MOLAR_MASS["CH4"], MOLAR_MASS["C2H6"]  # kg mol-1
ETHANE_MADE = OF_ETHANE / (2 * OF_METHANE)  # kg for each kilogram of methane: 2 CH4 -> C2H6 + H2
HYDROGEN_MADE = MOLAR_MASS["H2"] / (2 * OF_METHANE)
FRESH = 0.75  # activity of rain, by the nitrogen that dissolves in it: 20-30 % less than pure methane; B12
LARGEST_SHARE = 0.5  # of the methane over a cell that may condense in a step, so that the gas cannot run out
BISECTIONS = 200


@inlined
def saturation_pressure(temperature: float) -> float:
    """e_sat (Pa) over liquid methane, 10^(3.9895 - 443.028 / (T - 0.49)) bar, temperature in K; B12."""
    return 1e5 * math.exp(2.302585092994046 * (3.9895 - 443.028 / max(temperature - 0.49, 1.0)))


@inlined
def mole_fraction(methane: float, ethane: float) -> float:
    """Mole fraction of methane in methane and ethane (kg m-2); 1 where there is neither."""
    if ethane <= 0.0:
        return 1.0
    moles = methane / OF_METHANE
    return moles / (moles + ethane / OF_ETHANE)


@inlined
def condensed(
    T: float,
    stiffness: float,
    methane: float,
    ethane: float,
    activity: float,
    pressure: float,
    wind: float,
    most: float,
) -> float:
    """Methane (kg m-2) that condenses within a step: dm = wind (p - a x(m + dm) e_sat(T + L dm / C)); B12.

    C = stiffness (J m-2 K-1) is what a kelvin of the surface takes in the step, wind (kg m-2 Pa-1) what a pascal
    drives.  x and e_sat grow with dm, so that there is one root; it lies between what there is, and most or what the
    air would give to a sea without vapour.  Negative: it evaporates.
    """
    low, high = -methane, min(wind * pressure, most)
    dm = 0.0
    for turn in range(BISECTIONS):
        x = mole_fraction(methane + dm, ethane)
        t = T + METHANE_VAPORISATION * dm / stiffness
        vapour = activity * x * saturation_pressure(t)
        miss = dm + wind * (vapour - pressure)
        if miss > 0.0:
            high = dm
        else:
            low = dm
        if high - low <= 1e-13 * (abs(low) + abs(high)):
            break
        warmth = t - 0.49
        slope = vapour * 2.302585092994046 * 443.028 / (warmth * warmth) * METHANE_VAPORISATION / stiffness
        if ethane > 0.0:  # d vapour / dm = a e_sat dx/dm, dx/dm = (1 - x)^2 OF_ETHANE / (OF_METHANE ethane)
            slope += activity * saturation_pressure(t) * (1.0 - x) * (1.0 - x) * OF_ETHANE / (OF_METHANE * ethane)
        change = -miss / (1.0 + wind * slope)
        dm += change
        if change == 0.0 or not low <= dm <= high or turn > 30:
            dm = 0.5 * (low + high)
        elif abs(change) <= 1e-13 * abs(dm):
            break
    return dm


@compiled
def exchange(
    T: Array,
    methane: Array,
    ethane: Array,
    activity: Array,
    sea: Array,
    p: Array,
    share: Array,
    column_share: Array,
    wind: Array,
    capacity: Array,
    conduction: float,
    inertia: Array,
    dt: float,
    olr: Array,
    gained: Array,
) -> None:
    """Evaporate and condense methane in a row, as part of its implicit surface balance, energy exact; B12, B18.

    A heat Q (J m-2) of the step changes the surface of co2_ice.surface_balance by Q / C, with
    C = dt (C_1/dt + G (1 - alpha) + dOLR/dT), and what the column does not take goes to OLR.  The sea, or a dry cell
    that methane wets, exchanges rho C_E U over its share of the cell.  gained (kg m-2) is what condensed.
    """
    for j in range(T.size):
        gained[j] = 0.0
        t, there, pressure = T[j], methane[j], p[j] * share[j]
        if there <= 0.0 and (
            pressure <= 0.0 or (ethane[j] <= 0.0 and activity[j] * saturation_pressure(t) >= pressure)
        ):
            continue
        stiff = capacity[j] + conduction * inertia[j]
        stiffness = dt * (stiff + 4.0 * olr[j] / t)
        drive = wind[j] * sea[j] * dt * OF_METHANE / (GAS_CONSTANT * t)
        most = LARGEST_SHARE * p[j] * column_share[j]
        dm = condensed(t, stiffness, there, ethane[j], activity[j], pressure, drive, most)
        after = max(there + dm, 0.0)
        gained[j] = after - there
        methane[j] = after
        heat = METHANE_VAPORISATION * gained[j]
        T[j] = t + heat / stiffness
        olr[j] += heat / dt - stiff * (T[j] - t)


@part
def begin(st: Static, o: Options, m: Members, s: State, ledger: Ledger, x: Scratch, members: int) -> None:
    """Sunlight makes ethane, which falls, and hydrogen, which escapes; what methane the air of a step holds; B12.

    What its condensing frees goes to space from where the haze is, and is booked with the reaction.
    """
    v = x.by_member
    for b in range(members):
        before = s.gas[CH4, b]
        s.gas[CH4, b] = before - escaped(before, m.photolysis[b], o.dt)
        spent = before - s.gas[CH4, b]
        v[0, b] = ETHANE_MADE * spent
        ledger.escaped[H2, b] += HYDROGEN_MADE * spent
        ledger.energy[6, b] -= ETHANE_VAPORISATION * v[0, b] / o.area
        mass, moles = 0.0, 0.0
        for g in range(N_GASES):
            mass += s.gas[g, b]
            moles += s.gas[g, b] / st.molar_mass[g]
        v[1, b] = s.gas[CH4, b] / st.molar_mass[CH4] / moles if moles > 0.0 else 0.0
        v[2, b] = s.gas[CH4, b] / mass / o.gravity if mass > 0.0 else 0.0
        v[3, b] = m.methane_exchange[b]
        x.moved[CONDENSED, b] = 0.0
    tile(v[0], x.rows[METHANE])
    for i in range(s.ice.shape[0]):
        add_product(st.sea_inflow[i], x.rows[METHANE], s.local[LIQUID_ETHANE, i])
    tile(v[1], x.rows[METHANE])
    tile(v[2], x.rows[METHANE_COLUMN])
    tile(v[3], x.rows[METHANE_WIND])
