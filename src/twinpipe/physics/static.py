"""What never changes in a run of a block: the fields of its bodies on the rows of a grid, as arrays for the kernel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from twinpipe.body import Body, HarmonicMap
from twinpipe.clock import Clock
from twinpipe.constants import MOLAR_MASS
from twinpipe.grid import Array, Grid
from twinpipe.maps import evaluate, ground_albedo, inertia_of, open_share, sea_inflow, seas, surface_ice
from twinpipe.physics import ground, regolith, runoff, soil, transport
from twinpipe.physics.emissivity import inverse_emissivity_table
from twinpipe.physics.orbit import insolation_table
from twinpipe.physics.processes import on_the_ground
from twinpipe.physics.records import Options, Static, aligned
from twinpipe.physics.substances import GASES

LEAST_AIR = 1.0  # Pa; less holds no vapour over the ice


def _cells(per_member: list[Array]) -> Array:
    """(row, cell) from one (n_lat, n_lon) field per member."""
    stacked = np.stack(per_member, axis=-1)
    return aligned(stacked.reshape(stacked.shape[0], -1))


def of_unit_star(body: Body) -> Body:
    """The body at a solar constant of 1 W m-2: what it shares with other members, to the bit."""
    return body.model_copy(update={"orbit": body.orbit.model_copy(update={"solar_constant_w_m2": 1.0})})


def humidity_of(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) relative humidity over surface ice, 0 where there is none and where no air is."""
    over_ice = np.where(surface_ice(body, grid) > 0, body.climate.relative_humidity, 0.0)
    return np.asarray(over_ice * (body.surface_pressure_pa > LEAST_AIR))


@lru_cache(4)
def _hypsometry(elevations: tuple[float | HarmonicMap, ...], grid: Grid) -> Array:
    """runoff.hypsometry of the whole planet, which all its bands in a process share."""
    return runoff.hypsometry(_cells([evaluate(e, grid) for e in elevations]), grid.row_weight, len(elevations))


def static_of(
    bodies: tuple[Body, ...], grid: Grid, clock: Clock, options: Options, running: frozenset[str], rows: tuple[int, int]
) -> Static:
    """The static fields of members on rows [first, last) of a grid, which run some processes."""
    first, own = bodies[0], slice(*rows)
    column, faces = soil.column(first, clock.step_seconds), transport.geometry(grid)
    below, (adsorbing, exchanging) = ground.deep(first, clock.orbit_seconds), regolith.shares(first)
    q, q1 = insolation_table(of_unit_star(first), grid, clock.steps_per_orbit)
    inertia = _cells([inertia_of(b, grid)[own] for b in bodies])
    altitude = _cells([evaluate(b.surface.elevation_m, grid)[own] for b in bodies])
    none = np.zeros((2, 0, len(bodies)))
    return Static(
        weight=grid.row_weight[own],
        north=faces.north[own],
        south=faces.south[own],
        east=faces.east[own] * first.climate.zonal_mixing,
        altitude=altitude,
        ground_albedo=_cells([ground_albedo(b, grid)[own] for b in bodies]),
        inertia=inertia,
        bottom_heat=aligned(options.geothermal / inertia),
        humidity=_cells([humidity_of(b, grid)[own] for b in bodies]),
        insolation=np.ascontiguousarray(q[:, own]),
        harmonic=np.ascontiguousarray(q1[:, own]),
        table=inverse_emissivity_table().ravel(),
        layer_capacity=column.capacity,
        layer_conductance=column.conductance,
        alpha=column.alpha,
        own=column.own,
        below=column.below,
        heat=column.heat,
        molar_mass=np.array([MOLAR_MASS[g] for g in GASES]),
        deposit=_cells([surface_ice(b, grid)[own] for b in bodies]),
        open_share=_cells([open_share(b, grid)[own] for b in bodies]),
        lowest_first=runoff.lowest_first(altitude, len(bodies)),
        hypsometry=_hypsometry(tuple(b.surface.elevation_m for b in bodies), grid) if options.water else none,
        on_the_ground=on_the_ground(running),
        deep_capacity=below.capacity,
        deep_conductance=below.conductance,
        deep_alpha=below.alpha,
        deep_own=below.own,
        deep_below=below.below,
        adsorbing=adsorbing,
        exchanging=exchanging,
        buried_cover=ground.buried_cover(first, grid)[own],
        shell_layers=np.array(first.ice_shell.layers_m if first.ice_shell is not None else ()),
        sea=_cells([seas(b, grid)[2][own] for b in bodies]),
        sea_inflow=_cells([sea_inflow(b, grid)[own] for b in bodies]),
    )
