"""Small bodies and short drives of the compiled step, shared by the tests of laws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpipe.body import Body, Bulk, Climate, LinearLongwave, Orbit, Slab, Surface, builtin_body
from twinpipe.clock import Clock
from twinpipe.fields import SERIES_FIELDS, ZONALS
from twinpipe.grid import Array
from twinpipe.physics.kernel import advance
from twinpipe.physics.model import Model, empty_ledger
from twinpipe.physics.records import Ledger, Outputs, State, scratch

MARS = builtin_body("mars")
SERIES = [f.name for f in SERIES_FIELDS]


def slab_body(climate: Climate | None = None, solar_constant: float = 1360.0, albedo: float = 0.3) -> Body:
    """A body of Earth's size without air; by default North's: OLR = 210 + 2 (T - 273.15), D = 0.55."""
    return Body(
        identifier="TOY-01",
        name="Toy",
        orbit=Orbit(
            semi_major_axis_m=1.496e11,
            solar_constant_w_m2=solar_constant,
            eccentricity=0.0,
            obliquity_degree=23.0,
            perihelion_ls_degree=0.0,
            sidereal_year_s=3.0e7,
            solar_day_s=86400.0,
        ),
        bulk=Bulk(mean_radius_m=6.371e6, gravity_m_s2=9.82, mass_kg=5.972e24),
        surface=Surface(albedo=albedo),
        climate=climate
        or Climate(
            longwave=LinearLongwave(kind="linear", a_w_m2=210.0, b_w_m2_k=2.0),
            column=Slab(kind="slab", heat_capacity_j_m2_k=1.0e5),
            diffusivity_w_m2_k=0.55,
        ),
    )


def clock_of(body: Body, steps_per_orbit: int) -> Clock:
    return Clock(body.orbit.sidereal_year_s, steps_per_orbit)


class Drive(NamedTuple):
    """What the step wrote: sums over the steps (field, row, cell), zonals, series (field, step, member)."""

    sums: Array
    zonals: Array
    series: Array


def drive(model: Model, state: State, first: int, steps: int, ledger: Ledger | None = None) -> Drive:
    """Advance a state in place over steps."""
    grid, members = model.grid, model.n_members
    sums = np.zeros((1, model.n_maps, grid.n_lat, grid.n_lon * members))
    zonals = np.zeros((len(ZONALS), steps, grid.n_lat, members))
    series = np.zeros((len(SERIES_FIELDS), steps, members))
    forcing = model.deployment.forcing(model.clock, first, steps)
    books = empty_ledger(members) if ledger is None else ledger
    room = scratch(grid.n_lat, state.ice.shape[1], state.T.shape[0], state.shell.shape[0], members)
    out = Outputs(sums, 1, zonals, series)
    advance(model.static, model.options, model.members, state, books, forcing, out, room, first, steps, members)
    return Drive(sums[0], zonals, series)
