"""The biosphere of a step: seeds and spores, what grows, what dies, and the gases that this takes and gives; B14."""

from __future__ import annotations

import math

from twinpipe.physics import shortwave
from twinpipe.physics.air import amounts
from twinpipe.physics.biosphere import (
    BURIED,
    CO2_PER_O2,
    DARKENING,
    DEATH,
    ENERGY_PER_O2,
    HALF_COVER,
    MATTER_PER_O2,
    SPREAD,
    WATER_PER_O2,
    live,
    photosynthesis,
    scatter,
    shade,
    survivors,
)
from twinpipe.physics.compiled import part
from twinpipe.physics.dust import fall
from twinpipe.physics.records import (
    AEROSOL_ALBEDO,
    LIFE,
    OWN,
    REACTION_HEAT,
    REFLECTANCE,
    SEED,
    SUNLIGHT,
    WORK,
    Forcing,
    Ledger,
    Members,
    Options,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_row_sum, any_positive, compensated, copy
from twinpipe.physics.substances import (
    CO2,
    H2O,
    LIQUID_WATER,
    LIVING_MATTER,
    N2,
    O2,
    OCEAN_WATER,
    ORGANIC_MATTER,
    VAPORISATION,
)
from twinpipe.physics.water import add_evenly


@part
def seed(st: Static, o: Options, s: State, ledger: Ledger, f: Forcing, x: Scratch, k: int, members: int) -> None:
    """Living matter that the patches bring in a step; the ledger books it."""
    total, gained = x.totals[1], x.rows[WORK]
    for q in range(f.patch_kind.size):
        if f.patch_kind[q] == SEED:
            total[:] = 0.0
            for i in range(s.ice.shape[0]):
                fall(s.local[LIVING_MATTER, i], f.patch_rate[k, q], f.patch_map[q, i], o.dt, gained)
                add_row_sum(gained, st.weight[i], x.line, total)
            for b in range(members):
                ledger.spread[LIVING_MATTER, b] += total[b] * o.area


@part
def step(
    st: Static,
    o: Options,
    m: Members,
    s: State,
    ledger: Ledger,
    f: Forcing,
    x: Scratch,
    k: int,
    calendar: int,
    members: int,
) -> None:
    """Life of a step: seeds and spores, what grows, what dies; gases in the air, heat in x.fields[LIFE].

    No more grows than CO2 and water allow, no more is respired than O2 allows: the rest of the dead is buried.
    """
    seed(st, o, s, ledger, f, x, k, members)
    alive, made, dead = x.totals[1], x.totals[2], x.totals[3]
    alive[:] = 0.0
    for i in range(s.ice.shape[0]):
        add_row_sum(s.local[LIVING_MATTER, i], st.weight[i], x.line, alive)
    x.fields[LIFE, :, :] = 0.0
    v = x.life
    for b in range(members):
        v[5, b] = m.life[b, HALF_COVER]
        v[6, b] = m.life[b, DARKENING]
    if any_positive(alive):
        for b in range(members):
            moles = amounts(st, s, 0, b)[1]
            v[0, b] = s.gas[CO2, b] / st.molar_mass[CO2] / moles if moles > 0.0 else 0.0
            v[1, b] = s.gas[N2, b] / st.molar_mass[N2] / moles if moles > 0.0 else 0.0
            v[2, b] = 1.0 - math.exp(-m.life[b, SPREAD] * o.dt)
            v[3, b] = math.exp(-m.life[b, DEATH] * o.dt)
            v[4, b] = (1.0 - v[3, b]) / (m.life[b, DEATH] * o.dt) if m.life[b, DEATH] > 0.0 else 1.0
            v[7, b] = 1.0 - m.life[b, BURIED]
        made[:] = 0.0
        dead[:] = 0.0
        albedo, coalbedo, light, dark = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
        dark[:] = 0.0
        for i in range(s.ice.shape[0]):
            living = s.local[LIVING_MATTER, i]
            scatter(living, alive, v[2])
            add_row_sum(living, st.weight[i], x.line, dead)
            shade(living, st.ground_albedo[i], v[5], v[6], albedo)
            q0 = st.insolation[calendar, i]
            reflectance, aerosol = x.rows[REFLECTANCE], x.rows[AEROSOL_ALBEDO]
            shortwave.absorbed(albedo, reflectance, aerosol, x.rows[SUNLIGHT], dark, q0, coalbedo, light)
            photosynthesis(
                s.T[0, i],
                s.p[i],
                light,
                living,
                s.local[LIQUID_WATER, i],
                o.water,
                v[0],
                v[1],
                m.life,
                o.dt,
                x.fields[LIFE, i],
            )
            add_row_sum(x.fields[LIFE, i], st.weight[i], x.line, made)
        for b in range(members):
            wanted = made[b] * o.area
            most = s.gas[CO2, b] / CO2_PER_O2
            if not o.water:
                most = min(most, (s.gas[H2O, b] + s.store[OCEAN_WATER, b]) / WATER_PER_O2)
            v[0, b] = most / wanted if wanted > most else 1.0
            grown = wanted * v[0, b] * MATTER_PER_O2
            died = max(dead[b] * o.area + grown - survivors(dead[b] * o.area, grown, v[3, b], v[4, b]), 0.0)
            needed = v[7, b] * died / MATTER_PER_O2
            there = s.gas[O2, b] + wanted * v[0, b]
            v[1, b] = there / needed if needed > there else 1.0
        exchange(st, o, m, s, ledger, x, members)


@part
def exchange(st: Static, o: Options, m: Members, s: State, ledger: Ledger, x: Scratch, members: int) -> None:
    """The rows grow and die, and air, ocean and buried matter take their part; heat goes where it is set free."""
    v = x.life
    taken, buried, heat, net = x.rows[WORK], x.rows[WORK + 1], x.rows[WORK + 2], x.rows[WORK + 3]
    oxygen, water, matter, warming = x.totals[1], x.totals[2], x.totals[3], x.totals[4]
    oxygen[:] = 0.0
    water[:] = 0.0
    matter[:] = 0.0
    warming[:] = 0.0
    for i in range(s.ice.shape[0]):
        living, liquid, made = s.local[LIVING_MATTER, i], s.local[LIQUID_WATER, i], x.fields[LIFE, i]
        live(living, liquid, o.water, made, v[0], v[1], v[3], v[4], v[7], o.dt, taken, net, buried, heat)
        add_row_sum(net, st.weight[i], x.line, oxygen)
        add_row_sum(taken, st.weight[i], x.line, water)
        add_row_sum(buried, st.weight[i], x.line, matter)
        copy(heat, made)
    for b in range(members):
        gained = oxygen[b] * o.area
        s.gas[O2, b] = max(s.gas[O2, b] + gained, 0.0)
        s.gas[CO2, b] = max(s.gas[CO2, b] - gained * CO2_PER_O2, 0.0)
        s.store[ORGANIC_MATTER, b] += matter[b] * o.area
        used = gained * WATER_PER_O2 - water[b] * o.area
        from_ocean = min(max(used - s.gas[H2O, b], 0.0), s.store[OCEAN_WATER, b])
        s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b] = compensated(
            s.store[OCEAN_WATER, b], s.rest[OCEAN_WATER, b], -from_ocean
        )
        s.gas[H2O, b] = max(s.gas[H2O, b] - (used - from_ocean), 0.0)
        v[0, b] = -VAPORISATION * from_ocean / o.area / o.dt
        ledger.energy[REACTION_HEAT, b] -= ENERGY_PER_O2 * oxygen[b]
    for i in range(s.ice.shape[0]):
        add_evenly(x.fields[LIFE, i], v[0])
        add_row_sum(x.fields[LIFE, i], st.weight[i], x.line, warming)
    for b in range(members):
        x.heat[OWN, b] += warming[b]
