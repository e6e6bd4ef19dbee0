"""The surface of a step: its balance before transport, what transport brings, and how it settles; B18."""

from __future__ import annotations

from twinpipe.physics import (
    biosphere,
    co2_ice,
    dust,
    longwave,
    methane,
    pressure,
    shell,
    shortwave,
    soil,
    transport,
    water,
)  # fmt: skip
from twinpipe.physics.compiled import part
from twinpipe.physics.records import (
    ABSORBED,
    ACTIVITY,
    AEROSOL_ALBEDO,
    AMPLITUDE2,
    BARE_ALBEDO,
    BASE,
    BOTTOM_HEAT,
    CAPACITY,
    CLOUDS,
    CO2_SHARE,
    COLD,
    CONDENSED,
    COUPLING,
    DIURNAL,
    DRIVE,
    EMISSIVITY_FACTOR,
    FROST,
    FROST_ALBEDO,
    FROST_EMISSIVITY,
    GAS_DEPTH,
    HALF_COVER,
    HALF_LOG_CO2,
    HAZE,
    HEAT,
    IMPACTS,
    INVERSE_HEIGHT,
    LID_FLUX,
    LIFE,
    LIGHT,
    LOG_CO2,
    LOG_P,
    LOG_SCALE,
    METHANE,
    METHANE_COLUMN,
    METHANE_WIND,
    NITROGEN,
    PAINT,
    REFLECTANCE,
    SCALE,
    SHELL_HEAT,
    SNOW_ALBEDO,
    SNOW_HALF_COVER,
    SOURCE,
    SUBLIMATED,
    SUNLIGHT,
    UPPER,
    VAPOUR_HEIGHT,
    WEIGHT,
    WORK,
    A,
    D,
    Forcing,
    K,
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
    add_scaled,
    air_heat,
    capacity_over_dt,
    copy,
    extrapolate,
    lowest,
    roots,
    scaled,
    tile,
    times,
    zero_amplitude_on_ice,
)
from twinpipe.physics.substances import (
    DARK_DUST,
    LIQUID_ETHANE,
    LIQUID_METHANE,
    LIQUID_WATER,
    LIVING_MATTER,
    SHELL_ICE,
    WATER_ICE,
    WATER_VAPOUR,
)


@part
def balance(st: Static, o: Options, m: Members, s: State, f: Forcing, x: Scratch, k: int, calendar: int) -> None:
    """Pressure, sunlight, longwave and the eliminated soil of each row: the surface's balance before transport."""
    n_layers, n_lat, _ = s.T.shape
    inverse_height, scale, log_scale = x.rows[INVERSE_HEIGHT], x.rows[SCALE], x.rows[LOG_SCALE]
    log_co2, half_log_co2, gas_depth = x.rows[LOG_CO2], x.rows[HALF_LOG_CO2], x.rows[GAS_DEPTH]
    reflectance, aerosol, sunlight = x.rows[REFLECTANCE], x.rows[AEROSOL_ALBEDO], x.rows[SUNLIGHT]
    diurnal, emissivity_factor, half_cover = x.rows[DIURNAL], x.rows[EMISSIVITY_FACTOR], x.rows[HALF_COVER]
    coupling, impacts = x.rows[COUPLING], x.rows[IMPACTS]
    albedo, emit, coalbedo, eps = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
    work, other, gained, extra = x.rows[WORK + 4], x.rows[WORK + 5], x.rows[WORK + 6], x.rows[WORK + 7]
    ice_albedo, ice_emissivity = x.rows[FROST_ALBEDO], x.rows[FROST_EMISSIVITY]
    stiffness, steepness = soil.conduction(st), 2.0 if o.midpoint else 1.0
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
        copy(work, s.p[i])
        capacity_over_dt(other, inertia, st.layer_capacity[0], steepness / o.dt, x.fields[CAPACITY, i])
        ground, frosted = st.ground_albedo[i], ice_albedo
        if o.water:
            ground = coalbedo
            water.ground_albedo(
                s.local[WATER_ICE, i],
                st.deposit[i],
                st.ground_albedo[i],
                x.rows[SNOW_ALBEDO],
                x.rows[SNOW_HALF_COVER],
                x.rows[BARE_ALBEDO],
                other,
                ground,
            )
            if o.dust:
                times(ground, 1.0, work)
                dust.darken(s.local[DARK_DUST, i], other, work, ground)
        if o.biosphere:
            biosphere.shade(s.local[LIVING_MATTER, i], ground, x.life[5], x.life[6], gained)
            ground = gained
        if o.frost:
            if i >= o.first_northern_row:
                ice_albedo, ice_emissivity = x.rows[FROST_ALBEDO + 1], x.rows[FROST_EMISSIVITY + 1]
            frosted = ice_albedo
            if o.dust:
                other[:] = 1.0
                frosted = eps
                dust.darken(s.local[DARK_DUST, i], other, ice_albedo, frosted)
            if o.liquid:
                co2_ice.condensation_point(log_p, log_co2, x.fields[FROST, i])
            else:
                co2_ice.frost_point(log_p, log_co2, x.fields[FROST, i])
            shortwave.frost_cover(ice, half_cover, ground, frosted, ice_emissivity, albedo, emit)
        else:
            copy(ground, albedo)
            emit[:] = 1.0
        if o.ice_threshold > 0.0:
            shortwave.step_ice(t, o.ice_threshold, o.ice_width, o.ice_albedo, albedo)
        if o.ice_ramp:
            shortwave.ice_ramp(t, o.ice_albedo, albedo)
        copy(impacts, extra)
        if o.biosphere:
            add_scaled(x.fields[LIFE, i], 1.0, extra)
        other[:] = 0.0
        for q in range(f.patch_kind.size):
            if f.patch_kind[q] == LIGHT or f.patch_kind[q] == HEAT or f.patch_kind[q] == PAINT:
                tile(f.patch_rate[k, q], work)
                if f.patch_kind[q] == LIGHT:
                    add_product(work, f.patch_map[q, i], other)
                elif f.patch_kind[q] == HEAT:
                    add_product(work, f.patch_map[q, i], extra)
                else:
                    add_product(work, f.patch_map[q, i], albedo)
        add_row_sum(extra, st.weight[i], x.line, x.totals[8])
        if o.buried and st.buried_cover[i] > 0.0:
            add_scaled(s.ground[LID_FLUX, i], -1.0, extra)
        if n_layers == 1:
            for j in range(extra.size):  # below a slab there is no soil to bring it
                extra[j] += o.geothermal
        q0 = st.insolation[calendar, i]
        shortwave.absorbed(albedo, reflectance, aerosol, sunlight, other, q0, coalbedo, x.fields[ABSORBED, i])
        if o.linear:
            amplitude2[:] = 0.0
        else:
            copy(gas_depth, work)
            if o.water:
                water.add_vapour_depth(t, s.local[WATER_VAPOUR, i], x.rows[VAPOUR_HEIGHT], log_p, work)
            elif o.humid:
                longwave.add_water_depth(t, st.humidity[i], log_p, work)
            longwave.emissivity(t, log_p, half_log_co2, work, st.table, eps)
            if o.nitrogen:
                longwave.blend_nitrogen(t, log_p, log_co2, gas_depth, x.rows[NITROGEN], eps)
            if o.haze:
                longwave.antigreenhouse(x.rows[HAZE], eps)
            times(inertia, o.skin_root, other)
            longwave.diurnal_amplitude(t, eps, coalbedo, st.harmonic[calendar, i], diurnal, other, amplitude2)
            if o.quartic > 0.0:
                longwave.large_diurnal_amplitude(t, eps, other, amplitude2)
            longwave.outgoing(t, eps, emit, amplitude2, o.quartic, emissivity_factor, ice, x.fields[K, i])
            if o.clouds:
                longwave.add_clouds(t, x.rows[CLOUDS], x.fields[K, i])
            if o.humid:
                longwave.limit_by_vapour(t, log_p, st.humidity[i], x.rows[NITROGEN], x.fields[K, i])
        bottom_heat = s.ground[BOTTOM_HEAT, i] if o.regolith else st.bottom_heat[i]
        if o.ice_shell:
            bottom_heat = x.fields[SHELL_HEAT, i]
        soil.eliminate(s.T, i, bottom_heat, st.own, st.below, st.heat[n_layers - 1], x.beta)
        scaled(x.beta[1], soil.top_conductance(st), inertia, work)
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
            extra,
            x.fields[BASE, i],
            x.fields[A, i],
            x.fields[DRIVE, i],
        )
        co2_ice.couple_air(ice, x.fields[FROST, i], coupling, o.frost, x.fields[A, i], x.fields[DRIVE, i])


@part
def carry_heat(st: Static, x: Scratch, members: int) -> None:
    """What transport brings to each cell, in flux form."""
    work, corner, leak, d = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[D]
    stiff, t_air, upper = x.fields[A], x.fields[DRIVE], x.fields[UPPER]
    transport.solve_lat(stiff, t_air, d, st.north, st.south, x.beyond, upper, leak)
    for i in range(stiff.shape[0]):
        transport.divergence_lat(t_air, i, d, st.north, st.south, x.beyond, x.fields[SOURCE, i])
    for i in range(stiff.shape[0]):
        scaled(t_air[i], 1.0, stiff[i], upper[i])
        transport.solve_lon(stiff[i], upper[i], d, st.east[i], members, work, corner, leak)
        transport.add_divergence_lon(upper[i], d, st.east[i], members, x.fields[SOURCE, i])


@part
def settle(
    st: Static, o: Options, m: Members, s: State, out: Outputs, x: Scratch, k: int, zonal_time: int, members: int
) -> None:
    """New surface, CO2 ice and soil of each row, and its part in sums, zonal means and series."""
    n_layers, n_lat, width = s.T.shape
    olr, change, work, co2_share = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[CO2_SHARE]
    old, fresh, buried = x.rows[WORK + 3], x.rows[WORK + 4], x.rows[WORK + 5]
    gone, cold = x.rows[WORK + 6], x.rows[WORK + 7]
    absorbed_sum, olr_sum, source_sum, change_sum, t_sum = (
        x.totals[1],
        x.totals[2],
        x.totals[3],
        x.totals[4],
        x.totals[5],
    )
    ice_sum, coldest, line = x.totals[6], out.series[9, k], x.line
    stiffness = soil.conduction(st)
    coldest[:] = 1e30
    for i in range(n_lat):
        t, ice, w, absorbed, source = s.T[0, i], s.ice[i], st.weight[i], x.fields[ABSORBED, i], x.fields[SOURCE, i]
        amplitude2 = x.fields[AMPLITUDE2, i]
        if i >= o.first_northern_row:
            ice_sum = x.totals[7]
        bottom_heat = s.ground[BOTTOM_HEAT, i] if o.regolith else st.bottom_heat[i]
        if o.ice_shell:
            bottom_heat = x.fields[SHELL_HEAT, i]
        soil.eliminate(s.T, i, bottom_heat, st.own, st.below, st.heat[n_layers - 1], x.beta)
        scaled(s.p[i], 1.0 / o.gravity, co2_share, work)
        if o.midpoint:
            copy(t, old)
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
            o.latent,
            o.dt,
            fresh,
            olr,
            change,
        )
        if o.water:
            water.change_phase(
                t,
                ice,
                s.local[WATER_ICE, i],
                s.local[LIQUID_WATER, i],
                s.local[WATER_VAPOUR, i],
                st.deposit[i],
                st.open_share[i],
                s.p[i],
                x.fields[K, i],
                amplitude2,
                o.b,
                o.linear,
                x.fields[CAPACITY, i],
                stiffness,
                st.inertia[i],
                o.latent,
                o.dt,
                o.gravity,
                m.vapour_wind,
                m.vapour_height,
                x.by_member[12],
                olr,
                change,
                fresh,
                gone,
                x.packed,
                x.places,
            )
        else:
            fresh[:] = 0.0
        if o.dust:
            dust.bury(s.local[DARK_DUST, i], change, fresh, buried)
            add_row_sum(buried, w, line, x.totals[9])
        if o.methane:
            methane.exchange(
                t,
                s.local[LIQUID_METHANE, i],
                s.local[LIQUID_ETHANE, i],
                s.today[ACTIVITY, i],
                st.sea[i],
                s.p[i],
                x.rows[METHANE],
                x.rows[METHANE_COLUMN],
                x.rows[METHANE_WIND],
                x.fields[CAPACITY, i],
                stiffness,
                st.inertia[i],
                o.dt,
                olr,
                gone,
            )
            add_row_sum(gone, w, line, x.moved[CONDENSED])
        if o.ice_shell:
            shell.sublimate(
                s.shell,
                i,
                s.local[SHELL_ICE, i],
                t,
                x.fields[CAPACITY, i],
                stiffness,
                st.inertia[i],
                m.shell_base,
                st.shell_layers,
                o.dt,
                olr,
                gone,
                cold,
                x.layers[0],
            )
            add_row_sum(gone, w, line, x.moved[SUBLIMATED])
            add_row_sum(cold, w, line, x.moved[COLD])
        if o.midpoint:
            extrapolate(old, t)
        soil.substitute(s.T, i, st.alpha, x.beta)
        zero_amplitude_on_ice(ice, amplitude2)
        add_row_sum(absorbed, w, line, absorbed_sum)
        add_row_sum(olr, w, line, olr_sum)
        add_row_sum(source, w, line, source_sum)
        add_row_sum(change, w, line, change_sum)
        add_row_sum(t, w, line, t_sum)
        add_row_sum(ice, w, line, ice_sum)
        accumulate(out.sums, i, t, s.p[i], ice, absorbed, olr, amplitude2)
        lowest(t, line, coldest)
        if zonal_time >= 0:
            share = members / width
            roots(amplitude2, work)
            out.zonals[:, zonal_time, i] = 0.0
            add_row_sum(t, share, line, out.zonals[0, zonal_time, i])
            add_row_sum(ice, share, line, out.zonals[1, zonal_time, i])
            add_row_sum(work, share, line, out.zonals[2, zonal_time, i])
