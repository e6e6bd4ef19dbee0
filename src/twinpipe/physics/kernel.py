"""The step: every process of a block of members, compiled, advanced over many steps; B18.

Arrays are (row, cell) with cell = longitude * members + member, members innermost, so that each loop over a
row is one long contiguous loop, whether the block holds one member or sixteen.  Order of a step:

    interventions, escape -> pressure -> sunlight, longwave -> column -> transport -> surface and CO2 ice
    -> soil -> CO2 gas -> sums.
"""

from __future__ import annotations

import math

from twinpipe.physics import co2_ice, longwave, pressure, shortwave, soil, transport
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.escape import decayed, escaped
from twinpipe.physics.records import (
    ABSORBED,
    AEROSOL_ALBEDO,
    AMPLITUDE2,
    BASE,
    CAPACITY,
    CO2,
    CO2_SHARE,
    COUPLING,
    DIURNAL,
    DRIVE,
    EMISSIVITY_FACTOR,
    FIRST_SUPER,
    FROST,
    FROST_ALBEDO,
    FROST_EMISSIVITY,
    GAS_DEPTH,
    HALF_COVER,
    HALF_LOG_CO2,
    IMPACTS,
    INVERSE_HEIGHT,
    LOG_CO2,
    LOG_P,
    LOG_SCALE,
    N_GASES,
    O2,
    REFLECTANCE,
    SCALE,
    SOURCE,
    SUNLIGHT,
    UPPER,
    WEIGHT,
    WORK,
    A,
    D,
    Forcing,
    K,
    Ledger,
    Members,
    Options,
    Outputs,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import (
    accumulate,
    add_product,
    add_row_sum,
    air_heat,
    capacity_over_dt,
    lowest,
    roots,
    scaled,
    tile,
    times,
    zero_amplitude_on_ice,
)

THICK = 1e3  # W m-2 K-1; above it air is isothermal, and D is cut; B6


@compiled
def advance(
    st: Static,
    o: Options,
    m: Members,
    s: State,
    ledger: Ledger,
    f: Forcing,
    out: Outputs,
    x: Scratch,
    first_step: int,
    n_steps: int,
    members: int,
) -> None:
    """Advance a block n_steps from first_step, in place."""
    repeat_parameters(m, x)
    for k in range(n_steps):
        step = first_step + k
        change_gases(o, m, s, ledger, f, k, members)
        mix_air(st, o, m, s, f, x, k, members)
        balance(st, o, s, f, x, k, step % st.insolation.shape[0])
        carry_heat(st, x, members)
        due = (step + 1) % out.zonal_every == 0
        zonal_time = (step + 1) // out.zonal_every - first_step // out.zonal_every - 1 if due else -1
        x.totals[1:] = 0.0
        settle(st, o, s, out, x, k, zonal_time, members)
        close_step(st, o, s, ledger, f, out, x, k, members)


@part
def repeat_parameters(m: Members, x: Scratch) -> None:
    """Parameters of members along a row."""
    tile(m.half_cover, x.rows[HALF_COVER])
    for side in range(2):
        tile(m.frost_albedo[side], x.rows[FROST_ALBEDO + side])
        tile(m.frost_emissivity[side], x.rows[FROST_EMISSIVITY + side])
    tile(m.emissivity_factor, x.rows[EMISSIVITY_FACTOR])
    tile(m.solar_constant, x.rows[SUNLIGHT])
    tile(m.aerosol_albedo, x.rows[AEROSOL_ALBEDO])


@part
def change_gases(o: Options, m: Members, s: State, ledger: Ledger, f: Forcing, k: int, members: int) -> None:
    """Interventions and escape act on the gas masses, first-order decay exactly; B11, B16.

    The ledger takes what a rounded sum really gained, not what was added to it, so that the books close to
    rounding however many steps there are.
    """
    for b in range(members):
        for g in range(N_GASES):
            before = s.gas[g, b]
            gain = f.imports[k, g, b] if g < FIRST_SUPER else f.emission[k, g - FIRST_SUPER, b]
            after = before + gain * o.dt
            ledger.imported[g, b] += after - before
            s.gas[g, b] = after - escaped(after, m.escape[g, b], o.dt)
            ledger.escaped[g, b] += after - s.gas[g, b]
            if g >= FIRST_SUPER and m.decay[g - FIRST_SUPER, b] > 0.0:
                q = g - FIRST_SUPER
                before = s.gas[g, b]
                s.gas[g, b] = decayed(before - gain * o.dt, gain, m.decay[q, b], o.dt)
                ledger.decayed[q, b] += before - s.gas[g, b]


@part
def amounts(st: Static, s: State, first: int, b: int) -> tuple[float, float]:
    """Mass (kg) and moles of a member's gases from one of them on."""
    mass = 0.0
    moles = 0.0
    for g in range(first, N_GASES):
        mass += s.gas[g, b]
        moles += s.gas[g, b] / st.molar_mass[g]
    return mass, moles


@part
def mix_air(st: Static, o: Options, m: Members, s: State, f: Forcing, x: Scratch, k: int, members: int) -> None:
    """What the well-mixed air sets for a step: scale height, shares, optical depths, D, and the weights <w>; B7."""
    v = x.by_member
    for b in range(members):
        mass, moles = amounts(st, s, 0, b)
        mean_p = mass * o.gravity / o.area
        share = s.gas[CO2, b] / st.molar_mass[CO2] / moles if moles > 0.0 else 0.0
        log_share = math.log(share) if share > 1e-30 else -69.0
        for q in range(4):
            amount = s.gas[FIRST_SUPER + q, b] / st.molar_mass[FIRST_SUPER + q]
            x.super_pressure[q] = amount / moles * mean_p if moles > 0.0 else 0.0
        excess = 0.05 * math.exp(0.7 * math.log(min(mean_p, 5e5) / 1e5)) if mean_p > 1e-6 else 0.0
        ratio = mean_p / o.reference_pressure if o.reference_pressure > 0.0 else 1.0
        v[0, b] = mean_p
        v[1, b] = mass / moles * o.gravity / (8.314462 * s.mean_temperature[b]) if moles > 0.0 else 0.0
        v[2, b] = log_share
        v[3, b] = math.exp(log_share)
        v[4, b] = m.aerosol_depth[b] + longwave.super_gas_depth(x.super_pressure)
        v[5, b] = excess / (0.5625 + 0.25 * excess)  # shortwave.rayleigh_reflectance over ground of 0.25
        v[6, b] = m.diurnal_factor[b] * m.solar_constant[b] * math.exp(-mean_p / 2e4)
        v[7, b] = min(m.diffusivity[b] * ratio, THICK) if o.reference_pressure > 0.0 else m.diffusivity[b]
        v[8, b] = m.coupling[b] * math.sqrt(ratio)
    tile(v[1], x.rows[INVERSE_HEIGHT])
    tile(v[2], x.rows[LOG_CO2])
    times(x.rows[LOG_CO2], 0.5, x.rows[HALF_LOG_CO2])
    tile(v[3], x.rows[CO2_SHARE])
    tile(v[4], x.rows[GAS_DEPTH])
    tile(v[5], x.rows[REFLECTANCE])
    tile(v[6], x.rows[DIURNAL])
    tile(v[7], x.rows[D])
    tile(v[8], x.rows[COUPLING])
    for b in range(members):
        v[2, b] = f.import_heat[k, b] / o.area
    tile(v[2], x.rows[IMPACTS])
    x.totals[0, :] = 0.0
    for i in range(s.ice.shape[0]):
        pressure.barometric_weight(st.altitude[i], x.rows[INVERSE_HEIGHT], x.fields[WEIGHT, i])
        add_row_sum(x.fields[WEIGHT, i], st.weight[i], x.line, x.totals[0])
    for b in range(members):
        v[1, b] = v[0, b] / x.totals[0, b]
        v[2, b] = math.log(v[1, b]) if v[1, b] > 1e-30 else -69.0
    tile(v[1], x.rows[SCALE])
    tile(v[2], x.rows[LOG_SCALE])
    x.totals[0, :] = 0.0


@part
def balance(st: Static, o: Options, s: State, f: Forcing, x: Scratch, k: int, calendar: int) -> None:
    """Pressure, sunlight, longwave and the eliminated soil of each row: the surface's balance before transport."""
    n_layers, n_lat, _ = s.T.shape
    inverse_height, scale, log_scale = x.rows[INVERSE_HEIGHT], x.rows[SCALE], x.rows[LOG_SCALE]
    log_co2, half_log_co2, gas_depth = x.rows[LOG_CO2], x.rows[HALF_LOG_CO2], x.rows[GAS_DEPTH]
    reflectance, aerosol, sunlight = x.rows[REFLECTANCE], x.rows[AEROSOL_ALBEDO], x.rows[SUNLIGHT]
    diurnal, emissivity_factor, half_cover = x.rows[DIURNAL], x.rows[EMISSIVITY_FACTOR], x.rows[HALF_COVER]
    coupling, impacts = x.rows[COUPLING], x.rows[IMPACTS]
    albedo, emit, coalbedo, eps = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
    work, other, gained = x.rows[WORK + 4], x.rows[WORK + 5], x.rows[WORK + 6]
    ice_albedo, ice_emissivity = x.rows[FROST_ALBEDO], x.rows[FROST_EMISSIVITY]
    stiffness = conduction(st)
    for i in range(n_lat):
        t, ice, inertia, log_p, amplitude2 = (
            s.T[0, i],
            s.ice[i],
            st.inertia[i],
            x.fields[LOG_P, i],
            x.fields[AMPLITUDE2, i],
        )
        pressure.surface_pressure(x.fields[WEIGHT, i], st.altitude[i], inverse_height, scale, log_scale, work, log_p)
        air_heat(s.p[i], work, t, o.cp / o.gravity, other, gained)
        add_row_sum(gained, st.weight[i], x.line, x.totals[0])
        s.p[i, :] = work
        capacity_over_dt(other, inertia, st.layer_capacity[0], 1.0 / o.dt, x.fields[CAPACITY, i])
        if o.frost:
            if i == n_lat // 2:
                ice_albedo, ice_emissivity = x.rows[FROST_ALBEDO + 1], x.rows[FROST_EMISSIVITY + 1]
            co2_ice.frost_point(log_p, log_co2, x.fields[FROST, i])
            shortwave.frost_cover(ice, half_cover, st.ground_albedo[i], ice_albedo, ice_emissivity, albedo, emit)
        else:
            albedo[:] = st.ground_albedo[i]
            emit[:] = 1.0
        if o.ice_threshold > 0.0:
            shortwave.step_ice(t, o.ice_threshold, o.ice_albedo, albedo)
        other[:] = 0.0
        for q in range(f.mirror_map.shape[0]):
            tile(f.mirror_power[k, q], work)
            add_product(work, f.mirror_map[q, i], other)
        q0 = st.insolation[calendar, i]
        shortwave.absorbed(albedo, reflectance, aerosol, sunlight, other, q0, coalbedo, x.fields[ABSORBED, i])
        if o.linear:
            amplitude2[:] = 0.0
        else:
            work[:] = gas_depth
            longwave.add_water_depth(t, st.humidity[i], log_p, work)
            longwave.emissivity(t, log_p, half_log_co2, work, st.table, eps)
            times(inertia, o.skin_root, other)
            longwave.diurnal_amplitude(t, eps, coalbedo, st.harmonic[calendar, i], diurnal, other, amplitude2)
            longwave.outgoing(t, eps, emit, amplitude2, emissivity_factor, ice, x.fields[K, i])
        soil.eliminate(s.T, i, st.bottom_heat[i], st.own, st.below, st.heat[n_layers - 1], x.beta)
        scaled(x.beta[1], top_conductance(st), inertia, work)
        co2_ice.linearise(
            t,
            x.fields[K, i],
            o.a,
            o.b,
            o.linear,
            x.fields[CAPACITY, i],
            stiffness,
            inertia,
            work,
            x.fields[ABSORBED, i],
            impacts,
            x.fields[BASE, i],
            x.fields[A, i],
            x.fields[DRIVE, i],
        )
        co2_ice.couple_air(ice, x.fields[FROST, i], coupling, o.frost, x.fields[A, i], x.fields[DRIVE, i])


@part
def top_conductance(st: Static) -> float:
    """Conductance between the first two layers, per unit of thermal inertia; 0 for a slab."""
    return st.layer_conductance[0] if st.layer_conductance.size > 0 else 0.0


@part
def conduction(st: Static) -> float:
    """What the soil below adds to the stiffness of the surface, per unit of thermal inertia: G (1 - alpha); B5."""
    return st.layer_conductance[0] * (1.0 - st.alpha[1]) if st.layer_conductance.size > 0 else 0.0


@part
def carry_heat(st: Static, x: Scratch, members: int) -> None:
    """What transport brings to each cell, in flux form."""
    work, corner, leak, d = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[D]
    stiff, t_air, upper = x.fields[A], x.fields[DRIVE], x.fields[UPPER]
    transport.solve_lat(stiff, t_air, d, st.north, st.south, upper, leak)
    for i in range(stiff.shape[0]):
        transport.divergence_lat(t_air, i, d, st.north, st.south, x.fields[SOURCE, i])
    for i in range(stiff.shape[0]):
        scaled(t_air[i], 1.0, stiff[i], upper[i])
        transport.solve_lon(stiff[i], upper[i], d, st.east[i], members, work, corner, leak)
        transport.add_divergence_lon(upper[i], d, st.east[i], members, x.fields[SOURCE, i])


@part
def settle(st: Static, o: Options, s: State, out: Outputs, x: Scratch, k: int, zonal_time: int, members: int) -> None:
    """New surface, CO2 ice and soil of each row, and its part in sums, zonal means and series."""
    n_layers, n_lat, width = s.T.shape
    olr, change, work, co2_share = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[CO2_SHARE]
    absorbed_sum, olr_sum, source_sum, change_sum, t_sum = (
        x.totals[1],
        x.totals[2],
        x.totals[3],
        x.totals[4],
        x.totals[5],
    )
    ice_sum, coldest, line = x.totals[6], out.series[9, k], x.line
    stiffness = conduction(st)
    coldest[:] = 1e30
    for i in range(n_lat):
        t, ice, w, absorbed, source = s.T[0, i], s.ice[i], st.weight[i], x.fields[ABSORBED, i], x.fields[SOURCE, i]
        amplitude2 = x.fields[AMPLITUDE2, i]
        if i == n_lat // 2:
            ice_sum = x.totals[7]
        soil.eliminate(s.T, i, st.bottom_heat[i], st.own, st.below, st.heat[n_layers - 1], x.beta)
        scaled(s.p[i], 1.0 / o.gravity, co2_share, work)
        co2_ice.surface_balance(
            t,
            ice,
            x.fields[FROST, i],
            x.fields[K, i],
            o.a,
            o.b,
            o.linear,
            x.fields[CAPACITY, i],
            stiffness,
            st.inertia[i],
            x.fields[BASE, i],
            source,
            work,
            o.dt,
            olr,
            change,
        )
        soil.substitute(s.T, i, st.alpha, x.beta)
        zero_amplitude_on_ice(ice, amplitude2)
        add_row_sum(absorbed, w, line, absorbed_sum)
        add_row_sum(olr, w, line, olr_sum)
        add_row_sum(source, w, line, source_sum)
        add_row_sum(change, w, line, change_sum)
        add_row_sum(t, w, line, t_sum)
        add_row_sum(ice, w, line, ice_sum)
        accumulate(out.sums, i, t, s.p[i], ice, absorbed, olr, amplitude2)
        lowest(t, coldest)
        if zonal_time >= 0:
            share = members / width
            roots(amplitude2, work)
            out.zonals[:, zonal_time, i] = 0.0
            add_row_sum(t, share, line, out.zonals[0, zonal_time, i])
            add_row_sum(ice, share, line, out.zonals[1, zonal_time, i])
            add_row_sum(work, share, line, out.zonals[2, zonal_time, i])


@part
def close_step(
    st: Static, o: Options, s: State, ledger: Ledger, f: Forcing, out: Outputs, x: Scratch, k: int, members: int
) -> None:
    """CO2 that froze leaves the air; the ledger and the series take the totals of the step."""
    for b in range(members):
        ledger.energy[0, b] += x.totals[1, b] * o.dt
        ledger.energy[1, b] += x.totals[2, b] * o.dt
        ledger.energy[2, b] += o.geothermal * o.dt
        ledger.energy[3, b] += f.import_heat[k, b] / o.area * o.dt
        ledger.energy[4, b] += x.totals[0, b]
        ledger.energy[5, b] += x.totals[3, b] * o.dt
        frozen = x.totals[4, b] * o.area
        s.gas[CO2, b] -= frozen
        ledger.condensed[b] += frozen
        s.mean_temperature[b] = x.totals[5, b]
        mass, moles = amounts(st, s, 0, b)
        super_moles = amounts(st, s, FIRST_SUPER, b)[1]
        mean_p = mass * o.gravity / o.area
        per_mole = mean_p / moles if moles > 0.0 else 0.0
        out.series[0, k, b] = x.totals[5, b]
        out.series[1, k, b] = mean_p
        out.series[2, k, b] = x.totals[7, b] * o.area
        out.series[3, k, b] = x.totals[6, b] * o.area
        out.series[4, k, b] = x.totals[1, b]
        out.series[5, k, b] = x.totals[2, b]
        out.series[6, k, b] = super_moles * per_mole
        out.series[7, k, b] = s.gas[O2, b] / st.molar_mass[O2] * per_mole
        out.series[8, k, b] = s.gas[CO2, b] / st.molar_mass[CO2] * per_mole
