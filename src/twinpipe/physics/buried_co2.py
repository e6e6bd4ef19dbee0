"""CO2 ice sealed below water ice: heat through the lid sublimates it once the ground above is warm enough; B8."""

from __future__ import annotations

import math

from twinpipe.constants import LATENT_HEAT_CO2
from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled, part
from twinpipe.physics.records import LID_FLUX, SUBLIMATION, SURFACE_MEAN, Options, Scratch, State, Static
from twinpipe.physics.rows import add_row_sum
from twinpipe.physics.substances import BURIED_CO2, CO2

TRIPLE_POINT = 5.18e5  # Pa; above it CO2 ice melts first, and the frost point of B8 no longer holds


@compiled
def lid_flux(
    surface: Array, pressure: Array, lid_pressure: float, conductance: float, cover: float, out: Array
) -> None:
    """Heat that goes down through the lid, W m-2 of the cell: cover K_lid (T_s - T_f(p + p_lid)) / h_lid, not below 0.

    surface: mean temperature (K) of an orbit; pressure (Pa); conductance K_lid/h_lid (W m-2 K-1); cover: share
    of the cell that lies over buried CO2.
    """
    for j in range(out.size):
        p = min(pressure[j] + lid_pressure, TRIPLE_POINT)
        frost = 3182.48 / (23.3494 - math.log(p / 100.0))
        out[j] = cover * conductance * max(surface[j] - frost, 0.0)


@part
def note_flux(st: Static, o: Options, s: State, x: Scratch) -> None:
    """The flux to the buried CO2 for the coming orbit, from the mean surface temperature of the last one.

    Its mean is in x.totals[2] then.
    """
    total = x.totals[2]
    total[:] = 0.0
    for i in range(s.ice.shape[0]):
        if st.buried_cover[i] > 0.0:
            flux = s.ground[LID_FLUX, i]
            lid_flux(s.ground[SURFACE_MEAN, i], s.p[i], o.lid_pressure, o.lid_conductance, st.buried_cover[i], flux)
            add_row_sum(flux, st.weight[i], x.line, total)


@part
def set_sublimation(o: Options, s: State, x: Scratch, members: int) -> None:
    """What the flux sublimates in a second of the orbit."""
    for b in range(members):
        s.orbit[SUBLIMATION, b] = x.totals[2, b] * o.area / LATENT_HEAT_CO2


@part
def sublimate(st: Static, o: Options, s: State, members: int) -> None:
    """What the flux sublimates in a step joins the air; where less is left, the flux is cut to that."""
    for b in range(members):
        wanted = s.orbit[SUBLIMATION, b] * o.dt
        if wanted > 0.0:
            left = s.store[BURIED_CO2, b]
            if wanted > left:
                s.orbit[SUBLIMATION, b] = left / o.dt
                for i in range(s.ice.shape[0]):
                    for j in range(b, s.ice.shape[1], members):
                        s.ground[LID_FLUX, i, j] *= left / wanted
                wanted = left
            s.store[BURIED_CO2, b] = left - wanted
            s.gas[CO2, b] += wanted
