"""The surface of a step before it settles: its balance without transport, and what transport brings; B18."""

from __future__ import annotations

from twinpipe.physics import biosphere, co2_ice, dust, longwave, pressure, shortwave, soil, transport, water, zonal
from twinpipe.physics.compiled import part
from twinpipe.physics.records import (
    ABSORBED,
    AEROSOL_ALBEDO,
    AMPLITUDE2,
    BARE_ALBEDO,
    BASE,
    BOTTOM_HEAT,
    CAPACITY,
    CLOUDS,
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
    NITROGEN,
    PAINT,
    REFLECTANCE,
    SCALE,
    SHELL_HEAT,
    SNOW_ALBEDO,
    SNOW_HALF_COVER,
    SOURCE,
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
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_product, add_row_sum, add_scaled, copy, scaled, tile, times
from twinpipe.physics.substances import DARK_DUST, LIVING_MATTER, WATER_ICE, WATER_VAPOUR


@part
def balance(st: Static, o: Options, m: Members, s: State, f: Forcing, x: Scratch, k: int, calendar: int) -> None:
    """Pressure, sunlight, longwave and the eliminated soil of each row: the surface's balance before transport."""
    n_layers, n_lat, _ = s.T.shape
    inverse_height, scale, log_scale = x.rows[INVERSE_HEIGHT], x.rows[SCALE], x.rows[LOG_SCALE]
    log_co2, half_log_co2, gas_depth = x.rows[LOG_CO2], x.rows[HALF_LOG_CO2], x.rows[GAS_DEPTH]
    reflectance, aerosol, sunlight = x.rows[REFLECTANCE], x.rows[AEROSOL_ALBEDO], x.rows[SUNLIGHT]
    diurnal, emissivity_factor, half_cover = x.rows[DIURNAL], x.rows[EMISSIVITY_FACTOR], x.rows[HALF_COVER]
    coupling, impacts = x.rows[COUPLING], x.rows[IMPACTS]
    snowy, emit, coalbedo, eps = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
    work, other, gained, extra = x.rows[WORK + 4], x.rows[WORK + 5], x.rows[WORK + 6], x.rows[WORK + 7]
    ice_albedo, ice_emissivity = x.rows[FROST_ALBEDO], x.rows[FROST_EMISSIVITY]
    stiffness, steepness = soil.conduction(st), 2.0 if o.midpoint else 1.0
    mirror, paint = x.rows[WORK + 8], x.rows[WORK + 9]
    # What chooses a path must be the same for members in any block; patches choose only what is 0 without them.
    only_frost = o.frost and not (o.liquid or o.ice_threshold > 0.0 or o.ice_ramp)  # lies on the ground's own albedo
    mirror[:] = 0.0
    paint[:] = 0.0
    patches = f.patch_kind.size
    evenly = not (o.biosphere or o.buried or patches > 0 or n_layers == 1)
    if evenly:
        extra = impacts
    for i in range(n_lat):
        t, ice, inertia, log_p, amplitude2 = (
            s.T[0, i],
            s.ice[i],
            st.inertia[i],
            x.fields[LOG_P, i],
            x.fields[AMPLITUDE2, i],
        )
        pressure.lay_air(
            x.fields[WEIGHT, i],
            st.altitude[i],
            inverse_height,
            scale,
            log_scale,
            t,
            inertia,
            o.cp / o.gravity,
            st.layer_capacity[0],
            steepness / o.dt,
            s.p[i],
            log_p,
            gained,
            x.fields[CAPACITY, i],
        )
        add_row_sum(gained, st.weight[i], x.line, x.totals[0])
        ground, frosted = st.ground_albedo[i], ice_albedo
        if o.water:
            ground = snowy
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
        if not evenly:
            copy(impacts, extra)
        if o.biosphere:
            add_scaled(x.fields[LIFE, i], 1.0, extra)
        if patches > 0:
            mirror[:] = 0.0
            paint[:] = 0.0
            for q in range(patches):
                if f.patch_kind[q] == LIGHT or f.patch_kind[q] == HEAT or f.patch_kind[q] == PAINT:
                    tile(f.patch_rate[k, q], work)
                    if f.patch_kind[q] == LIGHT:
                        add_product(work, f.patch_map[q, i], mirror)
                    elif f.patch_kind[q] == HEAT:
                        add_product(work, f.patch_map[q, i], extra)
                    else:
                        add_product(work, f.patch_map[q, i], paint)
        add_row_sum(extra, st.weight[i], x.line, x.totals[8])
        if o.buried and st.buried_cover[i] > 0.0:
            add_scaled(s.ground[LID_FLUX, i], -1.0, extra)
        if n_layers == 1:
            for j in range(extra.size):  # below a slab there is no soil to bring it
                extra[j] += o.geothermal
        q0 = st.insolation[calendar, i]
        if only_frost:
            shortwave.frosty_light(
                log_p,
                log_co2,
                ice,
                half_cover,
                ground,
                frosted,
                ice_emissivity,
                paint,
                reflectance,
                aerosol,
                sunlight,
                mirror,
                q0,
                x.fields[FROST, i],
                emit,
                coalbedo,
                x.fields[ABSORBED, i],
            )
        else:
            albedo = other
            if o.frost:
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
            add_scaled(paint, 1.0, albedo)
            shortwave.absorbed(albedo, reflectance, aerosol, sunlight, mirror, q0, coalbedo, x.fields[ABSORBED, i])
        if o.linear:
            amplitude2[:] = 0.0
        else:
            depth = gas_depth
            if o.water or o.humid:
                copy(gas_depth, work)
                depth = work
            if o.water:
                water.add_vapour_depth(t, s.local[WATER_VAPOUR, i], x.rows[VAPOUR_HEIGHT], log_p, work)
            elif o.humid:
                longwave.add_water_depth(t, st.humidity[i], log_p, work)
            longwave.emissivity(t, log_p, half_log_co2, depth, st.table, eps, other, gained, x.places)
            if o.nitrogen:
                longwave.blend_nitrogen(t, log_p, log_co2, gas_depth, x.rows[NITROGEN], eps)
            if o.haze:
                longwave.antigreenhouse(x.rows[HAZE], eps)
            if o.quartic > 0.0:
                times(inertia, o.skin_root, other)
                longwave.diurnal_amplitude(t, eps, coalbedo, st.harmonic[calendar, i], diurnal, other, amplitude2)
                longwave.large_diurnal_amplitude(t, eps, other, amplitude2)
                longwave.outgoing(t, eps, emit, amplitude2, o.quartic, emissivity_factor, ice, x.fields[K, i])
            else:
                longwave.daily_outgoing(
                    t,
                    eps,
                    coalbedo,
                    st.harmonic[calendar, i],
                    diurnal,
                    o.skin_root,
                    inertia,
                    emit,
                    emissivity_factor,
                    ice,
                    amplitude2,
                    x.fields[K, i],
                )
            if o.clouds:
                longwave.add_clouds(t, x.rows[CLOUDS], x.fields[K, i])
            if o.humid:
                longwave.limit_by_vapour(t, log_p, st.humidity[i], x.rows[NITROGEN], x.fields[K, i])
        bottom_heat = s.ground[BOTTOM_HEAT, i] if o.regolith else st.bottom_heat[i]
        if o.ice_shell:
            bottom_heat = x.fields[SHELL_HEAT, i]
        if n_layers == soil.SIX:
            soil.from_below(s.T, i, bottom_heat, st.own, st.below, st.heat[n_layers - 1], x.beta[1])
        else:
            soil.eliminate(s.T, i, bottom_heat, st.own, st.below, st.heat[n_layers - 1], x.beta)
        if o.frost and not o.linear:
            co2_ice.balance_with_air(
                t,
                x.fields[K, i],
                x.fields[CAPACITY, i],
                stiffness,
                inertia,
                soil.top_conductance(st),
                x.beta[1],
                x.fields[ABSORBED, i],
                extra,
                ice,
                x.fields[FROST, i],
                coupling,
                x.fields[BASE, i],
                x.fields[A, i],
                x.fields[DRIVE, i],
            )
            continue
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
    d, stiff, t_air, upper, source = x.rows[D], x.fields[A], x.fields[DRIVE], x.fields[UPPER], x.fields[SOURCE]
    transport.solve_lat(stiff, t_air, d, st.north, st.south, x.beyond, upper, x.rows[WORK])
    for i in range(stiff.shape[0]):
        transport.divergence_lat(t_air, i, d, st.north, st.south, x.beyond, source[i])
        scaled(t_air[i], 1.0, stiff[i], upper[i])
    zonal.solve_lons(stiff, upper, d, st.east, members, x.rows[WORK : WORK + 6])
    for i in range(stiff.shape[0]):
        transport.add_divergence_lon(upper[i], d, st.east[i], members, source[i])
