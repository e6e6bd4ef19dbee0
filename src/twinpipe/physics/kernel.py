"""The step: every process of a block of members, fused, compiled, advanced over many steps; B18.

Arrays are (row, cell) with cell = longitude * members + member, members innermost, so that each loop over a
row is one long contiguous loop, whether the block holds one member or sixteen.  Order of a step:

    interventions, escape -> pressure -> sunlight, longwave -> column -> transport -> surface and CO2 ice
    -> soil -> CO2 gas -> sums.
"""

from __future__ import annotations

import math

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics import co2_ice, longwave, pressure, shortwave, soil, transport
from twinpipe.physics.compiled import compiled
from twinpipe.physics.escape import decayed, escaped
from twinpipe.physics.records import CO2, FIRST_SUPER, N_GASES, O2, Forcing, Ledger, Members, Options, State, Static
from twinpipe.physics.rows import (
    accumulate,
    add_row_sum,
    air_heat,
    capacity_over_dt,
    scaled,
    tile,
    times,
    zero_amplitude_on_ice,
)


@compiled
def gas_step(o: Options, m: Members, s: State, ledger: Ledger, f: Forcing, k: int, members: int) -> None:
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


@compiled
def advance(
    st: Static,
    o: Options,
    m: Members,
    s: State,
    ledger: Ledger,
    f: Forcing,
    first_step: int,
    n_steps: int,
    members: int,
    sums: Array,
    zonal_every: int,
    zonals: Array,
    series: Array,
) -> None:
    """Advance a block n_steps from first_step, in place.

    sums (window, field, row, cell) gain every step; zonals (field, time, row, member) are written at the
    steps that zonal_every divides; series (field, step, member) at each; fields as declared in fields.py.
    """
    n_lat, width = s.ice.shape
    n_layers = s.T.shape[0]
    orbit_steps = st.insolation.shape[0]
    T = s.T[0]
    field_names = 7
    scratch = np.empty((field_names, n_lat, width))
    weight_field, log_p, A, rhs, upper, absorbed, k_olr = (
        scratch[0],
        scratch[1],
        scratch[2],
        scratch[3],
        scratch[4],
        scratch[5],
        scratch[6],
    )
    capacity = np.empty((n_lat, width))
    base = np.empty((n_lat, width))
    frost = np.full((n_lat, width), co2_ice.NO_FROST)
    amplitude2 = np.empty((n_lat, width))
    source = np.empty((n_lat, width))
    beta = np.zeros((max(n_layers, 2), width))
    rows = np.empty((24, width))
    half, frost_albedo_s, frost_albedo_n, frost_emit_s, frost_emit_n = (rows[0], rows[1], rows[2], rows[3], rows[4])
    emissivity_factor, diurnal, sunlight, aerosol_albedo, D = rows[5], rows[6], rows[7], rows[8], rows[9]
    inverse_height, scale, log_scale, half_log_co2, log_co2 = rows[10], rows[11], rows[12], rows[13], rows[14]
    depth_of_member, reflectance, extra, mirror, albedo = rows[15], rows[16], rows[17], rows[18], rows[19]
    emit, coalbedo, eps, work = rows[20], rows[21], rows[22], rows[23]
    depth = np.empty(width)
    slope = np.empty(width)
    co2_share = np.empty(width)
    coupling = np.empty(width)
    skin = np.empty(width)
    change = np.empty(width)
    olr = np.empty(width)
    by_member = np.empty((9, members))
    acc = np.empty((8, members))
    line = np.empty(members)
    super_pressure = np.empty(4)
    tile(m.half_cover, half)
    tile(m.frost_albedo[0], frost_albedo_s)
    tile(m.frost_albedo[1], frost_albedo_n)
    tile(m.frost_emissivity[0], frost_emit_s)
    tile(m.frost_emissivity[1], frost_emit_n)
    tile(m.emissivity_factor, emissivity_factor)
    tile(m.solar_constant, sunlight)
    tile(m.aerosol_albedo, aerosol_albedo)
    inverse_dt = 1.0 / o.dt
    cp_over_g = o.cp / o.gravity
    inverse_gravity = 1.0 / o.gravity
    conduction = st.layer_conductance[0] * (1.0 - st.alpha[1]) if n_layers > 1 else 0.0

    for k in range(n_steps):
        step = first_step + k
        calendar = step % orbit_steps
        gas_step(o, m, s, ledger, f, k, members)

        # Pressure field: by_member holds 1/H, then after <w> is known s = g M / (A <w>).
        for b in range(members):
            mass = 0.0
            moles = 0.0
            for g in range(N_GASES):
                mass += s.gas[g, b]
                moles += s.gas[g, b] / st.molar_mass[g]
            mean_p = mass * o.gravity / o.area
            by_member[0, b] = mean_p
            by_member[1, b] = mass / moles * o.gravity / (8.314462 * s.mean_temperature[b]) if moles > 0.0 else 0.0
            share = s.gas[CO2, b] / st.molar_mass[CO2] / moles if moles > 0.0 else 0.0
            by_member[2, b] = math.log(share) if share > 1e-30 else -69.0
            by_member[3, b] = 0.5 * by_member[2, b]
            for q in range(4):
                x = s.gas[FIRST_SUPER + q, b] / st.molar_mass[FIRST_SUPER + q]
                super_pressure[q] = x / moles * mean_p if moles > 0.0 else 0.0
            by_member[4, b] = m.aerosol_depth[b] + longwave.super_gas_depth(super_pressure)
            excess = 0.05 * math.exp(0.7 * math.log(mean_p / 1e5)) if mean_p > 1e-6 else 0.0
            by_member[5, b] = excess / (0.5625 + 0.25 * excess)
            by_member[6, b] = m.diurnal_factor[b] * m.solar_constant[b] * math.exp(-mean_p / 2e4)
            by_member[7, b] = m.diffusivity[b]
            by_member[8, b] = m.coupling[b]
            if o.reference_pressure > 0.0:
                ratio = mean_p / o.reference_pressure
                by_member[7, b] = min(m.diffusivity[b] * ratio, 1e3)
                by_member[8, b] = m.coupling[b] * math.sqrt(ratio)
        tile(by_member[1], inverse_height)
        tile(by_member[2], log_co2)
        tile(by_member[3], half_log_co2)
        tile(by_member[4], depth_of_member)
        tile(by_member[5], reflectance)
        tile(by_member[6], diurnal)
        tile(by_member[7], D)
        tile(by_member[8], coupling)
        for b in range(members):
            by_member[6, b] = math.exp(by_member[2, b])
        tile(by_member[6], co2_share)
        for b in range(members):
            by_member[6, b] = f.import_heat[k, b] / o.area
        tile(by_member[6], extra)
        acc[:] = 0.0
        for i in range(n_lat):
            pressure.barometric_weight(st.altitude[i], inverse_height, weight_field[i])
            add_row_sum(weight_field[i], st.weight[i], line, acc[0])
        for b in range(members):
            by_member[1, b] = by_member[0, b] / acc[0, b]
            by_member[2, b] = math.log(by_member[1, b]) if by_member[1, b] > 1e-30 else -69.0
        tile(by_member[1], scale)
        tile(by_member[2], log_scale)

        # Radiation and the column, row by row.
        acc[:] = 0.0
        for i in range(n_lat):
            t, ice = T[i], s.ice[i]
            pressure.surface_pressure(weight_field[i], st.altitude[i], inverse_height, scale, log_scale, work, log_p[i])
            air_heat(s.p[i], work, t, cp_over_g, change, olr)
            add_row_sum(olr, st.weight[i], line, acc[0])
            s.p[i, :] = work
            capacity_over_dt(change, st.inertia[i], st.layer_capacity[0], inverse_dt, capacity[i])
            if o.frost:
                co2_ice.frost_point(log_p[i], log_co2, frost[i])
                north = i >= n_lat // 2
                shortwave.frost_cover(
                    ice,
                    half,
                    st.ground_albedo[i],
                    frost_albedo_n if north else frost_albedo_s,
                    frost_emit_n if north else frost_emit_s,
                    albedo,
                    emit,
                )
            else:
                albedo[:] = st.ground_albedo[i]
                emit[:] = 1.0
            if o.ice_threshold > 0.0:
                shortwave.step_ice(t, o.ice_threshold, o.ice_albedo, albedo)
            mirror[:] = 0.0
            for q in range(f.mirror_map.shape[0]):
                tile(f.mirror_power[k, q], work)
                spot = f.mirror_map[q, i]
                for j in range(width):
                    mirror[j] += work[j] * spot[j]
            shortwave.absorbed(
                albedo, reflectance, aerosol_albedo, sunlight, mirror, st.insolation[calendar, i], coalbedo, absorbed[i]
            )
            if o.linear:
                amplitude2[i, :] = 0.0
            else:
                depth[:] = depth_of_member
                longwave.add_water_depth(t, st.humidity[i], log_p[i], depth)
                longwave.emissivity(t, log_p[i], half_log_co2, depth, st.table, eps)
                times(st.inertia[i], o.skin_root, skin)
                longwave.diurnal_amplitude(t, eps, coalbedo, st.harmonic[calendar, i], diurnal, skin, amplitude2[i])
                longwave.outgoing(t, eps, emit, amplitude2[i], emissivity_factor, ice, k_olr[i])
            soil.eliminate(s.T, i, st.bottom_heat[i], st.own, st.below, st.heat[n_layers - 1], beta)
            scaled(beta[1], st.layer_conductance[0] if n_layers > 1 else 0.0, st.inertia[i], work)
            co2_ice.linearise(
                t,
                k_olr[i],
                o.a,
                o.b,
                o.linear,
                capacity[i],
                conduction,
                st.inertia[i],
                work,
                absorbed[i],
                extra,
                base[i],
                A[i],
                rhs[i],
            )
            co2_ice.couple_air(ice, frost[i], coupling, o.frost, A[i], rhs[i])

        # Transport: what each cell receives, in flux form.
        transport.solve_lat(A, rhs, D, st.north, st.south, upper, depth)
        for i in range(n_lat):
            transport.divergence_lat(rhs, i, D, st.north, st.south, source[i])
        for i in range(n_lat):
            scaled(rhs[i], 1.0, A[i], upper[i])
            transport.solve_lon(A[i], upper[i], D, st.east[i], members, work, slope, depth)
            transport.add_divergence_lon(upper[i], D, st.east[i], members, source[i])

        # Surface, ice, soil, and the sums.
        write_zonal = (step + 1) % zonal_every == 0
        z = (step + 1) // zonal_every - first_step // zonal_every - 1
        acc[1:] = 0.0
        series_k = series[:, k]
        for b in range(members):
            series_k[9, b] = 1e30
        for i in range(n_lat):
            t, ice, w = T[i], s.ice[i], st.weight[i]
            soil.eliminate(s.T, i, st.bottom_heat[i], st.own, st.below, st.heat[n_layers - 1], beta)
            scaled(s.p[i], inverse_gravity, co2_share, work)
            co2_ice.surface_balance(
                t,
                ice,
                frost[i],
                k_olr[i],
                o.a,
                o.b,
                o.linear,
                capacity[i],
                conduction,
                st.inertia[i],
                base[i],
                source[i],
                work,
                o.dt,
                olr,
                change,
            )
            soil.substitute(s.T, i, st.alpha, beta)
            zero_amplitude_on_ice(ice, amplitude2[i])
            add_row_sum(absorbed[i], w, line, acc[1])
            add_row_sum(olr, w, line, acc[2])
            add_row_sum(source[i], w, line, acc[3])
            add_row_sum(change, w, line, acc[4])
            add_row_sum(t, w, line, acc[5])
            add_row_sum(ice, w, line, acc[6] if i < n_lat // 2 else acc[7])
            accumulate(sums, i, t, s.p[i], ice, absorbed[i], olr, amplitude2[i])
            for start in range(0, width, members):
                for b in range(members):
                    series_k[9, b] = min(series_k[9, b], t[start + b])
            if write_zonal:
                share = members / width
                zonals[:, z, i] = 0.0
                add_row_sum(t, share, line, zonals[0, z, i])
                add_row_sum(ice, share, line, zonals[1, z, i])
                for j in range(width):
                    work[j] = math.sqrt(amplitude2[i, j])
                add_row_sum(work, share, line, zonals[2, z, i])
        for b in range(members):
            ledger.energy[0, b] += acc[1, b] * o.dt
            ledger.energy[1, b] += acc[2, b] * o.dt
            ledger.energy[2, b] += o.geothermal * o.dt
            ledger.energy[3, b] += f.import_heat[k, b] / o.area * o.dt
            ledger.energy[4, b] += acc[0, b]
            ledger.energy[5, b] += acc[3, b] * o.dt
            dm = acc[4, b] * o.area
            s.gas[CO2, b] -= dm
            ledger.condensed[b] += dm
            s.mean_temperature[b] = acc[5, b]
            mass = 0.0
            moles = 0.0
            super_moles = 0.0
            for g in range(N_GASES):
                mass += s.gas[g, b]
                moles += s.gas[g, b] / st.molar_mass[g]
                if g >= FIRST_SUPER:
                    super_moles += s.gas[g, b] / st.molar_mass[g]
            mean_p = mass * o.gravity / o.area
            per_mole = mean_p / moles if moles > 0.0 else 0.0
            series_k[0, b] = acc[5, b]
            series_k[1, b] = mean_p
            series_k[2, b] = acc[7, b] * o.area
            series_k[3, b] = acc[6, b] * o.area
            series_k[4, b] = acc[1, b]
            series_k[5, b] = acc[2, b]
            series_k[6, b] = super_moles * per_mole
            series_k[7, b] = s.gas[O2, b] / st.molar_mass[O2] * per_mole
            series_k[8, b] = s.gas[CO2, b] / st.molar_mass[CO2] * per_mole
