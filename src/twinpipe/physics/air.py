"""The well-mixed air of a step: what comes and goes, and what the mixture sets for the whole body; B7, B11, B16."""

from __future__ import annotations

import math

from twinpipe.physics import aerosol, longwave, pressure
from twinpipe.physics.compiled import part
from twinpipe.physics.escape import decayed, escaped
from twinpipe.physics.records import (
    AEROSOL_ALBEDO,
    CLOUDS,
    CO2_SHARE,
    COUPLING,
    DIURNAL,
    EVEN,
    GAS_DEPTH,
    HALF_LOG_CO2,
    HAZE,
    IMPACTS,
    INVERSE_HEIGHT,
    LOG_CO2,
    LOG_SCALE,
    NITROGEN,
    REFLECTANCE,
    SCALE,
    SUNLIGHT,
    WEIGHT,
    D,
    Forcing,
    Ledger,
    Members,
    Options,
    Scratch,
    State,
    Static,
)
from twinpipe.physics.rows import add_row_sum, compensated, tile, times
from twinpipe.physics.substances import (
    BURIED_CO2,
    CH4,
    CO2,
    FALLEN_AEROSOL,
    FIRST_SUPER,
    GROUND_ICE,
    H2,
    H2O,
    LATENT_OF_STORES,
    N2,
    N_AEROSOLS,
    N_GASES,
    N_STORES,
    NH3,
    OCEAN_WATER,
)

THICK = 1e3  # W m-2 K-1; above it air is isothermal, and D is cut; B6
OPAQUE = 5e5  # Pa; from here on clear air reflects no more: the law of B2 was made for a few bar


@part
def change_gases(o: Options, m: Members, s: State, ledger: Ledger, f: Forcing, k: int, members: int) -> None:
    """Interventions and escape act on gases, particles and stores, first-order decay exactly; B11, B16.

    The ledger takes what a rounded sum really gained, not what was added to it, so that the books close to
    rounding however many steps there are.  Exports and releases take no more than there is.
    """
    for b in range(members):
        for g in range(N_GASES):
            before = s.gas[g, b]
            gain = f.imports[k, g, b] if g < FIRST_SUPER else f.emission[k, g - FIRST_SUPER, b]
            after = max(before + gain * o.dt, 0.0)
            ledger.imported[g, b] += after - before
            s.gas[g, b] = after - escaped(after, m.escape[g, b], o.dt)
            ledger.escaped[g, b] += after - s.gas[g, b]
            if g >= FIRST_SUPER and m.decay[g - FIRST_SUPER, b] > 0.0:
                q = g - FIRST_SUPER
                before = s.gas[g, b]
                s.gas[g, b] = decayed(before - gain * o.dt, gain, m.decay[q, b], o.dt)
                ledger.decayed[q, b] += before - s.gas[g, b]
        for q in range(N_AEROSOLS):
            made = f.particles[k, q, b]
            before = s.aerosol[q, b]
            after = decayed(before, made, m.fall_out[q, b], o.dt)
            fallen = s.store[FALLEN_AEROSOL, b]
            s.aerosol[q, b] = after
            s.store[FALLEN_AEROSOL, b] = fallen + max(before + made * o.dt - after, 0.0)
            ledger.made[q, b] += (after - before) + (s.store[FALLEN_AEROSOL, b] - fallen)
        for q in range(N_STORES):
            if f.supply[k, q, b] != 0.0:
                come = max(f.supply[k, q, b] * o.dt, -s.store[q, b])
                s.store[q, b], s.rest[q, b] = compensated(s.store[q, b], s.rest[q, b], come)
                ledger.supplied[q, b] += come
                ledger.energy[3, b] -= LATENT_OF_STORES[q] * come / o.area
        for q, g in ((BURIED_CO2, CO2), (OCEAN_WATER, H2O), (GROUND_ICE, H2O)):
            moved = min(f.release[k, q, b] * o.dt, s.store[q, b])
            s.store[q, b], s.rest[q, b] = compensated(s.store[q, b], s.rest[q, b], -moved)
            s.gas[g, b] += moved
            ledger.energy[3, b] += LATENT_OF_STORES[q] * moved / o.area


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
    """What the well-mixed air sets for a step: scale height, shares, optical depths, D, and the weights <w>; B7.

    Their mean is in x.totals[0] then, and set_pressure goes on.
    """
    v = x.by_member
    for b in range(members):
        mass, moles = amounts(st, s, 0, b)
        mean_p = mass * o.gravity / o.area
        share = s.gas[CO2, b] / st.molar_mass[CO2] / moles if moles > 0.0 else 0.0
        log_share = math.log(share) if share > 1e-30 else -69.0
        for q in range(4):
            amount = s.gas[FIRST_SUPER + q, b] / st.molar_mass[FIRST_SUPER + q]
            x.super_pressure[q] = amount / moles * mean_p if moles > 0.0 else 0.0
        excess = 0.0
        if mean_p > 1e-6 and not o.planetary_albedo:
            excess = 0.05 * math.exp(0.7 * math.log(min(mean_p, OPAQUE) / 1e5))
        ratio = mean_p / o.reference_pressure if o.reference_pressure > 0.0 else 1.0
        v[0, b] = mean_p
        v[1, b] = mass / moles * o.gravity / (8.314462 * s.mean_temperature[b]) if moles > 0.0 else 0.0
        v[2, b] = log_share
        v[3, b] = math.exp(log_share)
        particles = 0.0
        v[9, b] = m.cloud_albedo[b]
        for q in range(N_AEROSOLS):
            depth = m.visible_depth[q, b] + m.extinction[q, b] * s.aerosol[q, b] / o.area
            particles += aerosol.between(depth, aerosol.NODES, aerosol.DEPTHS[q])
            v[9, b] += aerosol.between(depth, aerosol.NODES, aerosol.ALBEDOS[q])
        v[4, b] = particles + longwave.super_gas_depth(x.super_pressure)
        per_mole = mean_p / moles if moles > 0.0 else 0.0
        p_n2, p_ch4 = s.gas[N2, b] / st.molar_mass[N2] * per_mole, s.gas[CH4, b] / st.molar_mass[CH4] * per_mole
        p_h2, p_nh3 = s.gas[H2, b] / st.molar_mass[H2] * per_mole, s.gas[NH3, b] / st.molar_mass[NH3] * per_mole
        if m.collision_depth[0, b] >= 0.0:
            v[4, b] += longwave.collision_depth(m.collision_depth[:, b], p_n2, p_ch4, p_h2, mean_p)
            v[4, b] += longwave.trace_depth(0.0, p_nh3)
        else:
            v[4, b] += longwave.trace_depth(p_ch4, p_nh3)
        v[11, b] = longwave.nitrogen_weight(p_n2) if o.nitrogen else 0.0
        v[5, b] = excess / (0.5625 + 0.25 * excess)  # shortwave.rayleigh_reflectance over ground of 0.25
        v[10, b] = m.solar_constant[b] * (1.0 - f.shade[k, b])
        v[6, b] = m.diurnal_factor[b] * v[10, b] * math.exp(-mean_p / 2e4)
        v[7, b] = m.diffusivity[b]
        if o.reference_pressure > 0.0 and moles > 0.0:
            # eddies carry p cp (Omega mu)^-2; Omega is the body's, and cp is held as the whole model holds it
            lightness = m.reference_molar_mass[b] * moles / mass
            v[7, b] = min(m.diffusivity[b] * ratio * lightness * lightness, THICK)
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
    tile(v[9], x.rows[AEROSOL_ALBEDO])
    tile(v[10], x.rows[SUNLIGHT])
    tile(v[11], x.rows[NITROGEN])
    tile(m.haze, x.rows[HAZE])
    tile(m.cloud_olr, x.rows[CLOUDS])
    for b in range(members):
        v[2, b] = f.import_heat[k, b] / o.area + x.heat[EVEN, b]
    tile(v[2], x.rows[IMPACTS])
    x.totals[0, :] = 0.0
    for i in range(s.ice.shape[0]):
        pressure.barometric_weight(st.altitude[i], x.rows[INVERSE_HEIGHT], x.fields[WEIGHT, i])
        add_row_sum(x.fields[WEIGHT, i], st.weight[i], x.line, x.totals[0])


@part
def set_pressure(x: Scratch, members: int) -> None:
    """The pressure at altitude 0 that holds all gas up, p_0 = <p> / <w>; B7."""
    v = x.by_member
    for b in range(members):
        v[1, b] = v[0, b] / x.totals[0, b]
        v[2, b] = math.log(v[1, b]) if v[1, b] > 1e-30 else -69.0
    tile(v[1], x.rows[SCALE])
    tile(v[2], x.rows[LOG_SCALE])
    x.totals[0, :] = 0.0
    x.totals[8, :] = 0.0
