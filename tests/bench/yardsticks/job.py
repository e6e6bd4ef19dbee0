"""The job of the yardsticks, done by the kernel, and what every version of the step must come to.

Mars with six layers of soil and its CO2 cycle, members that differ in CO2, diffusivity and albedo of frost.  A step:

    well-mixed air of CO2, N2, Ar, O2 and CO: shares, scale height, Rayleigh scattering, diffusivity and coupling;
    hydrostatic pressure on topography, normalised to the mass of the gas;
    sunlight by the table of the orbit, albedo of ground under CO2 frost, and the daily cycle's amplitude;
    semi-grey longwave, 1/eps by the table in ln p and T;
    soil by implicit elimination, and the linearised balance of the surface;
    transport through the coupled air: implicit, in flux form, along latitude and then along longitude;
    new surface with condensation and sublimation of CO2, energy closed exactly, and new soil;
    ledger of energy and CO2, series of the step, sums for the means of maps, zonal means at every fourth step.

Not in the job, and switched off in the body that the kernel runs: escape, water (cycle, surface ice and vapour's
optical depth), regolith, buried CO2, interventions.  There are no greenhouse gases other than CO2, no particles and
no clouds; the version in C adds their optical depth and albedo all the same, which are 0.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from twinpipe.block_state import join_members
from twinpipe.body import Body, builtin_body
from twinpipe.clock import Clock, usual_steps
from twinpipe.fields import ZONALS
from twinpipe.grid import Array, Grid
from twinpipe.physics.model import Model, build, empty_ledger
from twinpipe.physics.records import State, aligned, zeros
from twinpipe.scenario import Scenario
from twinpipe.simulation import LANES, climate
from twinpipe.spheres import Hydrosphere
from twinpipe.stepping import call

ZONAL_EVERY = 4  # steps
N_MAPS, N_FLOWS, N_SERIES = 6, 6, 10  # of fields.MAPS, records.ENERGY_FLOWS and fields.SERIES_FIELDS that the job has


class Result(NamedTuple):
    """What a version has come to, in the kernel's layout."""

    T: Array  # (layer, row, cell) K
    ice: Array  # (row, cell) kg m-2
    p: Array  # (row, cell) Pa
    gas: Array  # (gas, member) kg
    mean_temperature: Array  # (member) K
    energy: Array  # (flow, member) J m-2 since the start
    condensed: Array  # (member) kg since the start
    sums: Array  # (map, row, cell) since the start
    series: Array  # (field, step, member) of the last call
    zonals: Array  # (field, time, row, member) of the last call


class Version(Protocol):
    """A version of the step with its own copy of the state."""

    def advance(self, n: int) -> None:
        """Advance all members n steps."""

    def result(self) -> Result:
        """Where they are now."""


def mars_of_co2(member: int) -> Body:
    """Mars with no other cycle than that of CO2; each member a little different."""
    mars = builtin_body("mars")
    air, climate_, frost = mars.atmosphere, mars.climate, mars.co2_ice
    assert frost is not None
    mass = {**air.mass_kg, "CO2": air.mass_kg["CO2"] * (1 + 0.02 * member)}
    return mars.model_copy(
        update={
            "regolith": None,
            "buried_co2": None,
            "water_cycle": None,
            "hydrosphere": Hydrosphere(),
            "atmosphere": air.model_copy(update={"escape_kg_s": {}, "mass_kg": mass}),
            "climate": climate_.model_copy(update={"diffusivity_w_m2_k": 0.0265 * (1 - 0.05 * member)}),
            "co2_ice": frost.model_copy(update={"albedo_north": 0.83 - 0.005 * member}),
        }
    )


def job(grid: str = "36x72", members: int = LANES) -> tuple[Model, State]:
    """The members' model, and their climate as the state to start from."""
    bodies, shape = tuple(mars_of_co2(m) for m in range(members)), Grid.parse(grid)
    year = bodies[0].orbit.sidereal_year_s
    clock = Clock(year, usual_steps(year))
    start = join_members([climate(body, shape, clock, 5).state for body in bodies])
    return build(bodies, (Scenario(),) * members, shape, clock), start


class Kernel:
    """The kernel itself."""

    def __init__(self, model: Model, start: State) -> None:
        self.model, self.state = model, State(*(aligned(a) for a in start))
        self.ledger, self.step = empty_ledger(model.n_members), 0
        self.sums = zeros(1, model.n_maps, *start.ice.shape)
        self.zonals, self.series = np.zeros((len(ZONALS), 0)), np.zeros((N_SERIES, 0))

    def advance(self, n: int) -> None:
        self.zonals, self.series = call(self.model, self.state, self.ledger, self.step, n, self.sums, ZONAL_EVERY)
        self.step += n

    def result(self) -> Result:
        s = self.state
        own = (s.T, s.ice, s.p, s.gas, s.mean_temperature, self.ledger.energy[:N_FLOWS], self.ledger.condensed)
        return Result(*own, self.sums[0, :N_MAPS], self.series[:N_SERIES], self.zonals)
