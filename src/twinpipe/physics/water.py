"""The water cycle of a step: vapour is carried, liquid runs off, and each cell's phases settle; B10.

Order within a step: gas -> vapour; the cover of ice sets the albedo and the vapour the longwave (surface.balance);
then the air mixes and liquid runs off (carry), and each row changes phase with its surface balance (surface.settle).
"""

from __future__ import annotations

import math

from twinpipe.constants import MOLAR_MASS
from twinpipe.grid import Array
from twinpipe.physics import cold_water, longwave, phase, runoff, transport, zonal
from twinpipe.physics.air import amounts
from twinpipe.physics.compiled import at, compiled, part
from twinpipe.physics.elementary import log
from twinpipe.physics.records import DRIVE, UPPER, WORK, A, D, Kinds, Members, Options, Scratch, State, Static
from twinpipe.physics.rows import add_row_sum, any_positive, scaled, tile
from twinpipe.physics.substances import FUSION, H2O, LIQUID_WATER, SUBLIMATION, VAPORISATION, WATER_VAPOUR

LEAST_VAPOUR = 1e-300  # kg m-2, which has a logarithm
CHORDS = 30  # of OLR that are tried at most; one or two do
MOLAR_MASS_OF_WATER = MOLAR_MASS["H2O"]


@part
def take_gas(st: Static, o: Options, s: State, x: Scratch, members: int) -> None:
    """Water vapour that came into the well-mixed air joins the columns evenly; how light vapour is in that air."""
    v = x.by_member
    came = False
    for b in range(members):
        v[11, b] = s.gas[H2O, b] / o.area
        came = came or v[11, b] > 0.0
        s.gas[H2O, b] = 0.0
        mass, moles = amounts(st, s, 0, b)
        v[12, b] = max(1.0 - MOLAR_MASS_OF_WATER * moles / mass, 0.0) if mass > 0.0 else 0.0
    if came:
        for i in range(s.ice.shape[0]):
            add_evenly(s.local[WATER_VAPOUR, i], v[11])


@compiled
def add_evenly(row: Array, amount: Array) -> None:
    """row += amount (member)."""
    for start in range(0, row.size, amount.size):
        for b in range(amount.size):
            row[at(start + b)] += amount[b]


@compiled
def add_vapour_depth(T: Array, vapour: Array, height: Array, log_p: Array, depth: Array) -> None:
    """Add the optical depth of the vapour that there is, e = w R_w T / H near the ground, in a row; B3.3 (b)."""
    for j in range(T.size):
        log_e = log(max(vapour[j], LEAST_VAPOUR) * T[j] * (phase.VAPOUR_CONSTANT / height[j]))
        depth[j] += longwave.vapour_depth(log_e, log_p[j]) if vapour[j] > 0.0 else 0.0


@compiled
def ground_albedo(
    ice: Array, deposit: Array, mapped: Array, snow: Array, half: Array, bare: Array, cover: Array, albedo: Array
) -> None:
    """Albedo and cover of a row of ground with water ice, f = m / (m + m_half); B2, B10.

    Only what differs from today's deposit counts, since the albedo map is of the ground with that: more cover f has
    the albedo of snow, less that of bare ground.
    """
    for j in range(ice.size):
        f = ice[j] / (ice[j] + half[j])
        more = f - deposit[j] / (deposit[j] + half[j])
        cover[j] = f
        other = snow[j] if more >= 0.0 else bare[j]
        albedo[j] = mapped[j] + abs(more) * (other - mapped[j])


@part
def prepare(st: Static, o: Options, m: Members, s: State, x: Scratch, members: int) -> None:
    """Vapour and liquid that can run off, their means in x.totals[9] and [11], and the equation of carry."""
    v, vapour, before, mobile = x.by_member, s.local[WATER_VAPOUR], x.totals[9], x.totals[11]
    stiff, rhs = x.fields[A], x.fields[DRIVE]
    before[:] = 0.0
    mobile[:] = 0.0
    wet = False
    tile(m.vapour_mixing, x.rows[D])
    for i in range(stiff.shape[0]):
        add_row_sum(vapour[i], st.weight[i], x.line, before)
        mixing_ratio(s.p[i], v[0], vapour[i], 1.0 / o.dt, stiff[i], rhs[i])
        wet = wet or any_positive(s.local[LIQUID_WATER, i])
    if wet:
        runoff.find_mobile(s.local[LIQUID_WATER], st.lowest_first, st.weight, m.liquid_hold, mobile)


@part
def carry(st: Static, o: Options, s: State, x: Scratch, members: int) -> None:
    """The air mixes its vapour, d(r p)/dt = div(K p_mean grad r), with r = w / p; B10."""
    vapour, mixing, after = s.local[WATER_VAPOUR], x.rows[D], x.totals[10]
    stiff, rhs, upper = x.fields[A], x.fields[DRIVE], x.fields[UPPER]
    after[:] = 0.0
    transport.solve_lat(stiff, rhs, mixing, st.north, st.south, x.beyond, upper, x.rows[WORK])
    for i in range(stiff.shape[0]):
        scaled(rhs[i], 1.0, stiff[i], vapour[i])
    zonal.solve_lons(stiff, vapour, mixing, st.east, members, x.rows[WORK : WORK + 6])
    for i in range(stiff.shape[0]):
        scaled(vapour[i], o.dt, stiff[i], rhs[i])
        add_row_sum(rhs[i], st.weight[i], x.line, after)


@part
def run_off(st: Static, m: Members, s: State, x: Scratch, members: int) -> None:
    """Liquid runs off; the solver's rounding is made good member by member, so that the mass of vapour is exact."""
    v, vapour, rhs, mixing = x.by_member, s.local[WATER_VAPOUR], x.fields[DRIVE], x.rows[D]
    before, after = x.totals[9], x.totals[10]
    for b in range(members):
        v[11, b] = before[b] / after[b] if after[b] > 0.0 else 0.0
    tile(v[11], mixing)
    for i in range(rhs.shape[0]):
        scaled(rhs[i], 1.0, mixing, vapour[i])
    runoff.run_off(s.local[LIQUID_WATER], st.altitude, st.hypsometry, m.liquid_hold, x.totals[11])


@compiled
def mixing_ratio(p: Array, mean_p: Array, vapour: Array, inverse_dt: float, stiff: Array, rhs: Array) -> None:
    """A = p / (p_mean dt) of a row, and A r = w / dt; without air the columns count alike."""
    members = mean_p.size
    for start in range(0, p.size, members):
        for b in range(members):
            j = at(start + b)
            stiff[j] = inverse_dt * (p[j] / mean_p[b] if mean_p[b] > 0.0 else 1.0)
            rhs[j] = vapour[j] * inverse_dt


@compiled
def change_phase(
    T: Array,
    frost: Array,
    ice: Array,
    liquid: Array,
    vapour: Array,
    deposit: Array,
    open_share: Array,
    p: Array,
    k: Array,
    amplitude2: Array,
    slope_of_line: float,
    linear: bool,
    capacity: Array,
    conduction: float,
    inertia: Array,
    latent: float,
    dt: float,
    gravity: float,
    wind: Array,
    height: Array,
    lightness: Array,
    olr: Array,
    change: Array,
    fresh: Array,
    density: Array,
    packed: Array,
    places: Kinds,
) -> None:
    """Evaporate, boil, melt, freeze and condense water in a row, as part of its implicit surface balance; B10, B18.

    A heat Q (J m-2) of the step changes the surface of co2_ice.surface_balance by dT = Q / C, with
    C = dt (C_1/dt + G (1 - alpha) + dOLR/dT), and what the column does not take goes to OLR.  The slope of OLR is
    that of the chord to the melting point where ice melts or water freezes, and to where it ends if it would else
    draw heat from space, as where warm ice boils in thin air.  Under CO2 ice water is sealed off, and
    the heat of its frost sublimates CO2.  Today's deposit gives vapour only where it is open to the air (open_share),
    fresh frost on it everywhere.  latent is that of CO2; wind, height, lightness are (member); fresh is the water
    frost (kg m-2) of the step.  density, packed and places are scratch: cells that stay cold go together.
    """
    members, n = height.size, 0
    cold_water.saturate(T, density)
    for start in range(0, T.size, members):
        for b in range(members):
            j = at(start + b)
            t, ice0, liquid0, w, h = T[j], ice[j], liquid[j], vapour[j], height[b]
            fresh[j] = 0.0
            snow = w - h * density[j]  # if the day had no noon; there is no less in the air
            if ice0 <= 0.0 and liquid0 <= 0.0 and snow <= 0.0:
                continue
            stiff = capacity[j] + conduction * inertia[j]
            cold = (
                phase.COLDEST < t < phase.MELTING and density[j] * phase.VAPOUR_CONSTANT * t < p[j]
            )  # neither melts nor boils
            if cold and frost[j] <= 0.0 and liquid0 <= 0.0 and w < h * phase.DENSITY_AT_MELTING:
                places[n] = j
                packed[cold_water.TEMPERATURE, n] = t
                packed[cold_water.ICE, n] = ice0
                packed[cold_water.VAPOUR, n] = w
                packed[cold_water.CAPACITY, n] = dt * (stiff + (slope_of_line if linear else 4.0 * k[j] * t * t * t))
                packed[cold_water.HEIGHT, n] = h
                packed[cold_water.DEPOSIT, n] = deposit[j]
                packed[cold_water.OPEN, n] = open_share[j]
                packed[cold_water.AMPLITUDE2, n] = amplitude2[j]
                packed[cold_water.PRESSURE, n] = p[j]
                packed[cold_water.LIGHTNESS, n] = lightness[b]
                packed[cold_water.WIND, n] = wind[b]
                n += 1
                continue
            to = phase.MELTING if liquid0 > 0.0 or (ice0 > 0.0 and t > phase.MELTING) else t
            co2, snowed, froze = 0.0, 0.0, 0.0
            if frost[j] > 0.0:
                heat = SUBLIMATION * max(snow, 0.0) + FUSION * liquid0
                co2 = min(heat / latent, frost[j])
                frost[j] -= co2
                change[j] -= co2
                if heat > 0.0:  # what pays for the CO2, at the same temperature
                    snowed = max(snow, 0.0) * (latent * co2 / heat)
                    froze = liquid0 * (latent * co2 / heat)
            now, solid, water, flux = t, ice0 + liquid0 + max(snow, 0.0), 0.0, 0.0
            day = phase.daily_factor(t, math.sqrt(amplitude2[j])) if co2 <= 0.0 >= frost[j] else 1.0
            slope = slope_of_line if linear else k[j] * (t * t + to * to) * (t + to)
            for _ in range(CHORDS):
                if frost[j] <= 0.0:
                    now, solid, water = phase.changed(
                        t,
                        ice0 + snowed + froze,
                        liquid0 - froze,
                        w - snowed,
                        deposit[j],
                        open_share[j],
                        dt * (stiff + slope),
                        dt,
                        day,
                        h,
                        p[j],
                        lightness[b],
                        gravity,
                        wind[b],
                    )
                heat = SUBLIMATION * (solid - ice0) + VAPORISATION * (water - liquid0) - latent * co2
                flux = olr[j] + heat / dt - stiff * (now - t)
                if linear or flux >= 0.0 or now >= t:
                    break
                to = min(max(now, 0.5 * to), to)
                slope = max((olr[j] - k[j] * to * to * to * to) / (t - to), 0.0)
            vapour[j] = max(w - ((solid - ice0) + (water - liquid0)), 0.0)
            ice[j] = solid
            liquid[j] = water
            fresh[j] = solid - ice0
            olr[j] = flux
            T[j] = now
    if n > 0:
        cold_water.prepare(packed, n, dt, gravity)
        cold_water.evaporate(packed, n)
        cold_water.condense(packed, n)
        cold_water.put_back(packed, places, n, dt, capacity, conduction, inertia, T, ice, vapour, olr, fresh)
