"""Dark dust on ice: spread by patches, darkening CO2 and water ice, buried by fresh frost; B16."""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.records import DUST, WORK, Forcing, Options, Scratch, State, Static
from twinpipe.physics.rows import add_row_sum
from twinpipe.physics.substances import DARK_DUST

ALBEDO = 0.1  # A_d; B16
DEPTH = 0.1  # m_0, kg m-2: the load that hides 1 - 1/e of the ice; B16
BURIAL = 5.0  # m_bury, kg m-2: a few mm of fresh frost hide what lies below, as in B2 (E)


@compiled
def darken(dust: Array, cover: Array, albedo: Array, out: Array) -> None:
    """A - f (A - A_d)^+ (1 - exp(-m_d / m_0)) of a row, where ice covers the share f; B16."""
    for j in range(dust.size):
        a = albedo[j]
        if dust[j] > 0.0:
            a -= cover[j] * max(a - ALBEDO, 0.0) * (1.0 - math.exp(-dust[j] / DEPTH))
        out[j] = a


@compiled
def bury(dust: Array, co2_frost: Array, water_frost: Array, buried: Array) -> None:
    """dm_d/dt = -m_d (dm/dt)^+ / m_bury over a step, exactly, for frost of CO2 and water (kg m-2 in the step); B16."""
    for j in range(dust.size):
        buried[j] = 0.0
        if dust[j] > 0.0:
            fresh = max(co2_frost[j], 0.0) + max(water_frost[j], 0.0)
            left = dust[j] * math.exp(-fresh / BURIAL)
            buried[j] = dust[j] - left
            dust[j] = left


@compiled
def fall(dust: Array, rate: Array, place: Array, dt: float, gained: Array) -> None:
    """Dust of a patch, rate (member; kg/s) on a row of its map (1/m2); gained is what rounded sums really got."""
    members = rate.size
    for start in range(0, dust.size, members):
        for b in range(members):
            j = start + b
            after = dust[j] + rate[b] * place[j] * dt
            gained[j] = after - dust[j]
            dust[j] = after


@part
def spread(st: Static, o: Options, s: State, f: Forcing, x: Scratch, k: int) -> None:
    """Dust that the patches bring in a step, its mean in x.totals[10]; close_step books it."""
    total, gained = x.totals[10], x.rows[WORK]
    total[:] = 0.0
    for q in range(f.patch_kind.size):
        if f.patch_kind[q] == DUST:
            for i in range(s.ice.shape[0]):
                fall(s.local[DARK_DUST, i], f.patch_rate[k, q], f.patch_map[q, i], o.dt, gained)
                add_row_sum(gained, st.weight[i], x.line, total)
    x.totals[9, :] = 0.0
