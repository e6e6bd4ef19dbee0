"""The step: every process of a block of members, compiled, advanced over many steps; B18.

Arrays are (row, cell) with cell = longitude * members + member, members innermost, so that each loop over a
row is one long contiguous loop, whether the block holds one member or sixteen.  Order of a step:

    once an orbit: deep ground, regolith, heat to buried CO2, share of wet ground ->
    interventions, escape -> interior, plants, ocean -> photolysis, ice shell -> pressure -> life -> sunlight, longwave
    -> column -> transport of heat and vapour, runoff -> surface: CO2 ice, then water, methane, sublimation to vacuum
    -> soil -> gas that condensed -> sums.
"""

from __future__ import annotations

from twinpipe.physics import bulk_water, dust, geosphere, life, methane, overdraft, plants, shell, transport, water
from twinpipe.physics.air import amounts, change_gases, mix_air, set_pressure
from twinpipe.physics.buried_co2 import sublimate
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.ground import ask_for, begin_orbit, note_orbit, take
from twinpipe.physics.records import (
    AIR,
    BALANCE,
    BARE_ALBEDO,
    CARRY,
    CARRY_AGAIN,
    CLOSE,
    CONDENSED,
    DRIVE,
    EMISSIVITY_FACTOR,
    FROST_ALBEDO,
    FROST_EMISSIVITY,
    HALF_COVER,
    MEND,
    MIX,
    OVERDRAWN,
    OWN,
    SETTLE,
    SNOW_ALBEDO,
    SNOW_HALF_COVER,
    TAKE,
    VAPOUR,
    VAPOUR_HEIGHT,
    WANT,
    A,
    D,
    Forcing,
    Ledger,
    Members,
    Options,
    Outputs,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import accumulate_plain, add_row_sum, add_scaled, any_positive, compensated, copy, tile
from twinpipe.physics.settlement import settle
from twinpipe.physics.substances import (
    BURIED_DUST,
    CH4,
    CO2,
    DARK_DUST,
    FIRST_SUPER,
    N2,
    N_AEROSOLS,
    N_LOCALS,
    N_STORES,
    O2,
)
from twinpipe.physics.surface import balance, carry_heat

N_BASE_MAPS, N_BASE_SERIES = 6, 12  # of fields.MAPS and SERIES_FIELDS, before those of the ground and the stores
THINNEST_SHELL = N_BASE_SERIES + N_LOCALS + 1 + N_STORES + N_AEROSOLS  # place of that series, after the stores


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
    """Advance a block n_steps from first_step, in place.

    The stages that x.turn names run, by default all: a band of latitudes stops after each, and learns what the
    planet's rows are together (bands.py).
    """
    below = o.regolith or o.buried
    first_stage, end, first_k = x.turn[0], x.turn[1], x.turn[2]
    if first_stage == WANT:
        repeat_parameters(m, x)
    for k in range(first_k, first_k + n_steps):
        step = first_step + k
        calendar = step % st.insolation.shape[0]
        turn = calendar == 0
        if first_stage <= WANT < end:
            if below and turn:
                ask_for(st, o, m, s, x, members)
            if o.geosphere:
                geosphere.share_wet(st, s, x)
        if first_stage <= TAKE < end:
            if below and turn:
                take(st, o, m, s, x, members)
            if k == 0 or turn:
                add_layers(st, o, s, x, members)
        if first_stage <= AIR < end:
            if below and turn:
                begin_orbit(o, s, x, members)
            if o.buried:
                sublimate(st, o, s, members)
            change_gases(o, m, s, ledger, f, k, members)
            x.heat[:] = 0.0
            if o.geosphere:
                geosphere.step(st, o, m, s, ledger, x, members)
            if o.chemistry:
                plants.run(st, o, s, ledger, f, x, k, members)
            if o.bulk_water:
                bulk_water.step(st, o, m, s, x, members)
            if o.water:
                water.take_gas(st, o, s, x, members)
            if o.methane:
                methane.begin(st, o, m, s, ledger, x, members)
            if o.ice_shell:
                shell.step(st, o, m, s, ledger, x, members)
            mix_air(st, o, m, s, f, x, k, members)
        if first_stage <= BALANCE < end:
            set_pressure(x, members)
            if o.biosphere:
                life.step(st, o, m, s, ledger, f, x, k, calendar, members)
            balance(st, o, m, s, f, x, k, calendar)
            eliminate_band(st, x)
        if first_stage <= CARRY < end:
            carry_heat(st, x, members)
            if not o.linear:
                overdraft.look(s, x)
        if not o.linear and any_positive(x.by_member[OVERDRAWN]):
            if first_stage <= MEND < end:
                overdraft.mend(st, o, s, x)
                eliminate_band(st, x)
            if first_stage <= CARRY_AGAIN < end:
                carry_heat(st, x, members)
        if o.water:
            if first_stage <= VAPOUR < end:
                water.prepare(st, o, m, s, x, members)
                eliminate_band(st, x)
            if first_stage <= MIX < end:
                water.carry(st, o, s, x, members)
        if first_stage <= SETTLE < end:
            if o.water:
                water.run_off(st, m, s, x, members)
            if o.dust:
                dust.spread(st, o, s, f, x, k)
            due = (step + 1) % out.zonal_every == 0
            zonal_time = (step + 1) // out.zonal_every - first_step // out.zonal_every - 1 if due else -1
            x.totals[1:8] = 0.0
            settle(st, o, m, s, out, x, k, zonal_time, members)
            if o.has_local:
                note_ground(st, o, s, out, x, k, members)
        if first_stage <= CLOSE < end:
            if o.methane:
                for b in range(members):
                    s.gas[CH4, b] -= x.moved[CONDENSED, b] * o.area
            if o.ice_shell:
                shell.close(o, s, ledger, out, x, k, THINNEST_SHELL, members)
            close_step(st, o, s, ledger, out, x, k, members)
            if below:
                note_orbit(o, s, out, k, members)


@part
def eliminate_band(st: Static, x: Scratch) -> None:
    """The edges of a band, by its equation of transport."""
    if transport.is_band(st.north, st.south):
        transport.eliminate(x.fields[A], x.fields[DRIVE], x.rows[D], st.north, st.south, x.edges)


@part
def repeat_parameters(m: Members, x: Scratch) -> None:
    """Parameters of members along a row."""
    tile(m.half_cover, x.rows[HALF_COVER])
    for side in range(2):
        tile(m.frost_albedo[side], x.rows[FROST_ALBEDO + side])
        tile(m.frost_emissivity[side], x.rows[FROST_EMISSIVITY + side])
    tile(m.emissivity_factor, x.rows[EMISSIVITY_FACTOR])
    tile(m.snow_albedo, x.rows[SNOW_ALBEDO])
    tile(m.snow_half_cover, x.rows[SNOW_HALF_COVER])
    tile(m.bare_albedo, x.rows[BARE_ALBEDO])
    tile(m.vapour_height, x.rows[VAPOUR_HEIGHT])


@part
def close_step(
    st: Static, o: Options, s: State, ledger: Ledger, out: Outputs, x: Scratch, k: int, members: int
) -> None:
    """CO2 that froze leaves the air; the ledger and the series take the totals of the step."""
    for b in range(members):
        ledger.energy[0, b] += x.totals[1, b] * o.dt
        ledger.energy[1, b] += x.totals[2, b] * o.dt
        ledger.energy[2, b] += o.geothermal * o.dt
        ledger.energy[3, b] += (x.totals[8, b] - x.heat[OWN, b]) * o.dt
        ledger.energy[4, b] += x.totals[0, b]
        ledger.energy[5, b] += x.totals[3, b] * o.dt
        frozen = x.totals[4, b] * o.area
        s.gas[CO2, b] -= frozen
        if o.dust:
            dust_mass = x.totals[9, b] * o.area
            s.store[BURIED_DUST, b], s.rest[BURIED_DUST, b] = compensated(
                s.store[BURIED_DUST, b], s.rest[BURIED_DUST, b], dust_mass
            )
            ledger.spread[DARK_DUST, b] += x.totals[10, b] * o.area
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
        out.series[10, k, b] = s.gas[N2, b] / st.molar_mass[N2] * per_mole
        out.series[11, k, b] = s.gas[CH4, b] / st.molar_mass[CH4] * per_mole
        first = N_BASE_SERIES + N_LOCALS + 1
        for q in range(N_STORES):
            out.series[first + q, k, b] = s.store[q, b]
        for q in range(N_AEROSOLS):
            out.series[first + N_STORES + q, k, b] = s.aerosol[q, b]


@part
def add_layers(st: Static, o: Options, s: State, x: Scratch, members: int) -> None:
    """What all layers have adsorbed, per area and in all; it changes once an orbit."""
    x.adsorbed[:] = 0.0
    x.adsorbed_mass[:] = 0.0
    for i in range(s.ice.shape[0]):
        for layer in range(s.adsorbed.shape[0]):
            add_scaled(s.adsorbed[layer, i], 1.0, x.adsorbed[i])
        add_row_sum(x.adsorbed[i], st.weight[i] * o.area, x.line, x.adsorbed_mass)


@part
def note_ground(st: Static, o: Options, s: State, out: Outputs, x: Scratch, k: int, members: int) -> None:
    """The fields on the ground go into the running means, and their masses (kg) into the series."""
    for q in st.on_the_ground:
        total = out.series[N_BASE_SERIES + q, k]
        if q < N_LOCALS:
            total[:] = 0.0
            for i in range(s.local.shape[1]):
                accumulate_plain(out.sums, N_BASE_MAPS + q, i, s.local[q, i])
                add_row_sum(s.local[q, i], st.weight[i] * o.area, x.line, total)
        else:
            copy(x.adsorbed_mass, total)
            for i in range(x.adsorbed.shape[0]):
                accumulate_plain(out.sums, N_BASE_MAPS + q, i, x.adsorbed[i])
