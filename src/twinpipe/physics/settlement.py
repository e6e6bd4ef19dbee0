"""The end of a step: new surface, frost and soil of each row, and its part in sums, means and series; B18."""

from __future__ import annotations

from twinpipe.physics import co2_ice, dust, methane, shell, soil, water  # fmt: skip
from twinpipe.physics.compiled import part
from twinpipe.physics.records import (
    ABSORBED,
    ACTIVITY,
    AMPLITUDE2,
    BASE,
    BOTTOM_HEAT,
    CAPACITY,
    CO2_SHARE,
    COLD,
    CONDENSED,
    FROST,
    METHANE,
    METHANE_COLUMN,
    METHANE_WIND,
    SHELL_HEAT,
    SOURCE,
    SUBLIMATED,
    WORK,
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
    add_row_sum,
    copy,
    extrapolate,
    lowest,
    roots,
    scaled,
    zero_amplitude_on_ice,
)
from twinpipe.physics.substances import (
    DARK_DUST,
    LIQUID_ETHANE,
    LIQUID_METHANE,
    LIQUID_WATER,
    SHELL_ICE,
    WATER_ICE,
    WATER_VAPOUR,
)


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
        if n_layers != soil.SIX:
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
        elif o.dust:
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
                x.layers,
            )
            add_row_sum(gone, w, line, x.moved[SUBLIMATED])
            add_row_sum(cold, w, line, x.moved[COLD])
        if o.midpoint:
            extrapolate(old, t)
        if n_layers == soil.SIX:
            soil.renew(s.T, i, bottom_heat, st.alpha, st.own, st.below, st.heat[n_layers - 1])
        else:
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
