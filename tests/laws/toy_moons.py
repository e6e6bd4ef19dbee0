"""Small moons with an ice shell or with methane seas, and runs of them, shared by the tests of laws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.laws.toy_bodies import SERIES, clock_of, drive
from twinpipe.body import Atmosphere, Body, Bulk, Climate, Orbit, SemiGrey, SoilColumn, Surface
from twinpipe.grid import Array, Grid
from twinpipe.physics.budget import Closure, closure, contents
from twinpipe.physics.model import Model, build, empty_ledger
from twinpipe.physics.records import Ledger, State
from twinpipe.scenario import Scenario
from twinpipe.simulation import equilibrate
from twinpipe.spheres import IceShell, MethaneCycle, Sea

GRID, STEPS = Grid(4, 6), 24

# As in A1, A2 of physics.md; the emissivity makes up for the daily cycle and the eclipse.
EUROPA = Body(
    identifier="TOY-EUROPA",
    name="Toy Europa",
    orbit=Orbit(
        semi_major_axis_m=7.779e11, solar_constant_w_m2=48.8, eccentricity=0.0489, obliquity_degree=3.1,
        perihelion_ls_degree=57.0, sidereal_year_s=374371200.0, solar_day_s=306822.0,
    ),
    bulk=Bulk(mean_radius_m=1561.0e3, gravity_m_s2=1.315, mass_kg=4.80e22),
    surface=Surface(albedo=0.68, thermal_inertia_j_m2_k_s12=70.0),
    climate=Climate(longwave=SemiGrey(emissivity_factor=0.94, diurnal_factor=0.0)),
    ice_shell=IceShell(),
)  # fmt: skip

# Its longwave is grey: what CH4 does to it is not what these tests are about.
TITAN = Body(
    identifier="TOY-TITAN",
    name="Toy Titan",
    orbit=Orbit(
        semi_major_axis_m=1.4335e12, solar_constant_w_m2=14.8, eccentricity=0.0565, obliquity_degree=26.7,
        perihelion_ls_degree=278.0, sidereal_year_s=929577600.0, solar_day_s=1377648.0,
    ),
    bulk=Bulk(mean_radius_m=2574.7e3, gravity_m_s2=1.352, mass_kg=1.3452e23),
    atmosphere=Atmosphere(mass_kg={"N2": 8.7381e18, "CH4": 3.0014e17, "H2": 6.6087e14}, heat_capacity_j_kg_k=1040.0),
    surface=Surface(albedo=0.25, thermal_inertia_j_m2_k_s12=335.0),
    climate=Climate(
        longwave=SemiGrey(emissivity_factor=0.595, diurnal_factor=0.0), column=SoilColumn(), diffusivity_w_m2_k=0.1
    ),
    methane_cycle=MethaneCycle(
        seas=(
            Sea(name="north", methane_kg=2.4e16, ethane_kg=1.1e16, south_degree=60, north_degree=90, share=0.15),
            Sea(name="south", methane_kg=7e14, ethane_kg=3e14, south_degree=-90, north_degree=-60, share=0.01),
        )
    ),
)  # fmt: skip


class Moon(NamedTuple):
    """A moon after its spin-up, and its climate then."""

    model: Model
    state: State
    temperature: Array  # (row, cell) K, mean of the last orbit

    def run(self, orbits: int) -> tuple[dict[str, Array], Closure, Ledger]:
        """Series by name (step) of some orbits, the books' errors, the ledger."""
        start, ledger = contents(self.model, self.state), empty_ledger(1)
        series = drive(self.model, self.state, 0, orbits * STEPS, ledger).series
        books = closure(start, contents(self.model, self.state), ledger)
        return {name: series[i, :, 0] for i, name in enumerate(SERIES)}, books, ledger


def settled(body: Body, scenario: Scenario | None = None, orbits: int = 30) -> Moon:
    """A moon in today's climate, on a small grid."""
    climate = equilibrate(body, GRID, clock_of(body, STEPS), orbits)
    model = build((body,), (scenario or Scenario(),), GRID, clock_of(body, STEPS))
    state = State(*(np.array(a) for a in climate.state))
    return Moon(model, state, climate.maps[0].reshape(state.ice.shape))
