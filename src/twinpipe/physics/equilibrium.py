"""Whether and how a body comes to a balance with its sunlight: Newton's method for slow ones, and who never does."""

from __future__ import annotations

import numpy as np

from twinpipe.fields import SERIES_FIELDS
from twinpipe.grid import Array
from twinpipe.neighbours import ALONE, Neighbours, together
from twinpipe.physics.kadoya_tajika import RUNAWAY_LIMIT, RUNAWAY_VAPOUR_SHARE, WARMEST
from twinpipe.physics.longwave import nitrogen_weight, saturation_log_pressure
from twinpipe.physics.model import Model
from twinpipe.physics.records import State
from twinpipe.physics.shell import LEAST
from twinpipe.physics.shell_base import DENSITY
from twinpipe.physics.substances import N2

_SERIES = [f.name for f in SERIES_FIELDS]
T_SERIES = _SERIES.index("global_surface_temperature")
ABSORBED_SERIES = _SERIES.index("global_absorbed_shortwave_flux")
OLR_SERIES = _SERIES.index("global_outgoing_longwave_flux")
OCEAN_SERIES, THINNEST_SERIES = _SERIES.index("ocean_water_mass"), _SERIES.index("minimum_shell_thickness")
LARGEST_SHIFT = 20.0  # K in one orbit of the spin-up


def is_slow(model: Model, s: State, series: Array, neighbours: Neighbours = ALONE) -> bool:
    """Whether the heat C T of one member takes longer than an orbit to follow its sunlight, C T / 4 OLR > P.

    Not so where ice holds the temperature, or where the longwave law is linear: tests want those as they are; nor
    where nothing at all goes out, to which no temperature is an answer.
    series is (field, step, member), of the last orbit.
    """
    o, st = model.options, model.static
    inertia, frozen = together(neighbours, np.array([(st.inertia * st.weight[:, None]).sum(), float(s.ice.any())]))
    heat = float(inertia * st.layer_capacity.sum()) + o.cp * float(s.gas.sum()) / o.area
    stiffness = 4 * float(series[OLR_SERIES].mean() / series[T_SERIES].mean())
    return not o.linear and not frozen and 0.0 < stiffness * model.clock.orbit_seconds < heat


def approach(s: State, series: Array, imbalance: float, known: tuple[float, float] | None) -> tuple[float, float]:
    """Move all temperatures of one member, in place, by N / lambda, to where the imbalance N (W m-2) would vanish.

    lambda = -dN/dT by the last two orbits, between 0.1 and 1.5 of 4 OLR / T, which it is without a known one.
    Gives the orbit's mean temperature and N, to be handed in as known after the next orbit.
    """
    t = float(series[T_SERIES].mean())
    black = 4 * float(series[OLR_SERIES].mean()) / t
    slope = black
    if known is not None and t != known[0]:
        slope = min(max(-(imbalance - known[1]) / (t - known[0]), 0.1 * black), 1.5 * black)
    shift = min(max(imbalance / slope, -LARGEST_SHIFT), LARGEST_SHIFT)
    s.T[:] += shift
    s.mean_temperature[:] += shift
    return t, imbalance


def runaway(model: Model, s: State, series: Array, neighbours: Neighbours = ALONE) -> str | None:
    """What a runaway greenhouse looks like in a block, if a member is in one: it takes up more than vapour lets out.

    Ground warmer than the longwave law knows, under air of which a tenth is vapour, of a body that absorbs more than
    282 W m-2, or, once all its ground is so warm, more than its saturated column lets out there: the polynomial of B3.2
    has no more to give, 268 W m-2 under 280 ppm of CO2; B3.3 (b).  series is (field, step, member).
    """
    o, members = model.options, model.n_members
    if not o.humid:
        return None
    coldest = neighbours.gather(s.T[0].reshape(-1, members).min(axis=0)).min(axis=0)
    if float(s.T[0].max()) <= WARMEST:
        return None
    absorbed, sent = series[ABSORBED_SERIES].mean(axis=0), series[OLR_SERIES].mean(axis=0)
    moles = s.gas / model.static.molar_mass[:, None]
    total = moles.sum(axis=0)
    mean_p = s.gas.sum(axis=0) * o.gravity / o.area
    saturated = np.zeros(members)
    if o.nitrogen:
        share = np.divide(moles[N2], total, out=np.zeros(members), where=total > 0)
        saturated = np.array([nitrogen_weight(float(p)) for p in share * mean_p])
    for i, j in zip(*np.nonzero(s.T[0] > WARMEST), strict=True):
        b = int(j) % members
        wet = max(float(model.static.humidity[i, j]), float(saturated[b]))
        vapour = wet * float(np.exp(saturation_log_pressure(float(s.T[0, i, j]))))
        flat = saturated[b] == 1.0 and coldest[b] > WARMEST
        limit = min(RUNAWAY_LIMIT, float(sent[b])) if flat else RUNAWAY_LIMIT
        if absorbed[b] > limit and vapour > RUNAWAY_VAPOUR_SHARE * max(s.p[i, j], 1e5):
            return (
                f"a runaway greenhouse: at {s.T[0, i, j]:.0f} K its vapour lets {limit:.4g} W m-2 out,"
                f" and it absorbs {absorbed[b]:.4g} W m-2"
            )
    return None


def lost(model: Model, series: Array) -> str | None:
    """What an icy moon lost that its shell needs, or None: the ocean that it freezes from, or the ice itself; B13.

    series is (field, step, member).
    """
    for b, body in enumerate(model.bodies):
        if body.ice_shell is not None and float(series[OCEAN_SERIES, :, b].min()) <= 0.0:
            return (
                "its ocean is gone, frozen through or taken away, and no process of the model follows ice without one"
            )
        if body.ice_shell is not None and float(series[THINNEST_SERIES, :, b].min()) <= LEAST / DENSITY:
            return "its ice has gone to space down to the ocean, and no process of the model follows open water there"
    return None
