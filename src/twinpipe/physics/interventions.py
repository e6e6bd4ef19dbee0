"""Interventions as forcing at each step: rates of gases, power of mirrors, heat of impacts; B16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpipe.body import Body
from twinpipe.clock import Clock
from twinpipe.grid import Array, Grid
from twinpipe.intervention import (
    SUPER_GAS_LIFETIME_YEARS,
    AerosolFactory,
    AlbedoPaint,
    ChemicalPlant,
    DarkDust,
    GasExport,
    Heater,
    Inoculation,
    Intervention,
    OrbitalMirror,
    Region,
    Schedule,
    StoreRelease,
    Sunshade,
    SuperGreenhouseGasFactory,
    VolatileImport,
)
from twinpipe.physics.aerosol import EXTINCTION, LIFETIME_YEARS
from twinpipe.physics.plants import PLANTS
from twinpipe.physics.records import DUST, HEAT, LIGHT, PAINT, SEED, Forcing, Kinds, no_forcing
from twinpipe.physics.substances import AEROSOLS, GASES, OCEAN_HEAT, STORES, SUPER_GASES
from twinpipe.reactions import moles_per_kg
from twinpipe.scenario import Scenario


def activity(schedule: Schedule, clock: Clock, first_step: int, n_steps: int) -> Array:
    """Fraction 0..1 of the full rate at each step, the mean over the step, (n_steps).

    The exact integral of the schedule's shape, so that what a schedule adds up to does not depend on the
    length of the steps.
    """
    edges = np.array([clock.year_of_step(s) for s in range(first_step, first_step + n_steps + 1)])
    rise = schedule.ramp_years if schedule.shape == "ramp" else 0.0
    t = np.clip(edges, schedule.start_year, schedule.end_year) - schedule.start_year
    if schedule.pulse_years is not None and schedule.period_years is not None:
        periods = np.floor(t / schedule.period_years)
        rest = t - periods * schedule.period_years
        integral = periods * schedule.pulse_years + np.minimum(rest, schedule.pulse_years)
    else:
        risen = np.minimum(t, rise)  # however short the ramp, no number is larger than it
        integral = 0.5 * risen * (risen / rise) + (t - risen) if rise > 0 else t
    return np.asarray(np.diff(integral) / np.diff(edges))


def region_share(region: Region, grid: Grid) -> Array:
    """(n_lat, n_lon) share 0..1 of each cell that lies inside a region."""
    south, north = np.sin(np.radians([region.south_degree, region.north_degree]))
    edges = np.sin(grid.latitude_edges)
    rows = np.clip(np.minimum(edges[1:], north) - np.maximum(edges[:-1], south), 0, None)
    west, east = region.west_degree, region.east_degree
    while east <= west:  # twice from 180 to -180: all longitudes
        east += 360
    left = np.degrees(grid.longitude) - 180.0 / grid.n_lon
    width = 360.0 / grid.n_lon
    columns = np.zeros(grid.n_lon)
    for shift in (0.0, 360.0):
        columns += np.clip(np.minimum(left + width + shift, east) - np.maximum(left + shift, west), 0, None)
    inside = rows[:, None] * columns[None, :]  # parts of cells, in sin(latitude) x degrees
    return np.asarray(inside / (np.diff(edges)[:, None] * width))


def region_map(region: Region, grid: Grid, area_m2: float) -> Array:
    """(n_lat, n_lon) 1/m2 inside a region, 0 outside; integrates to 1 over the body, partial cells included."""
    share = region_share(region, grid)
    return np.asarray(share / (share * grid.area_weight).sum() / area_m2)


@dataclass(frozen=True)
class Deployment:
    """The interventions of a block of members, ready to be sampled at any steps."""

    bodies: tuple[Body, ...]
    scenarios: tuple[Scenario, ...]
    patch_kind: Kinds  # (patch)
    patch_map: Array  # (patch, row, cell)

    def forcing(self, clock: Clock, first_step: int, n_steps: int, shares: Array | None = None) -> Forcing:
        """Forcing at steps first_step .. first_step + n_steps - 1; shares (member, intervention) of controllers."""
        members, (_, n_lat, width) = len(self.scenarios), self.patch_map.shape
        f = no_forcing(n_steps, width, n_lat, members)._replace(
            patch_kind=self.patch_kind,
            patch_map=self.patch_map,
            patch_rate=np.zeros((n_steps, len(self.patch_kind), members)),
        )
        for b, (body, scenario) in enumerate(zip(self.bodies, self.scenarios, strict=True)):
            where = places(scenario, self.patch_kind.tolist())
            for q, (item, place) in enumerate(zip(scenario.interventions, where, strict=True)):
                share = activity(item.schedule, clock, first_step, n_steps)
                if shares is not None and item.schedule.feedback is not None:
                    share = share * shares[b, q]
                match item:
                    case OrbitalMirror():
                        f.patch_rate[:, place, b] = share * mirror_power(item, body)
                    case DarkDust() | Inoculation():
                        f.patch_rate[:, place, b] = share * item.rate_kg_s
                    case AlbedoPaint():
                        f.patch_rate[:, place, b] = share * item.change
                    case Heater() if item.into == "ground":
                        f.patch_rate[:, place, b] = share * item.power_w
                    case Heater():
                        f.supply[:, OCEAN_HEAT, b] += share * item.power_w
                    case Sunshade():
                        f.shade[:, b] = 1 - (1 - f.shade[:, b]) * (1 - share * item.fraction)
                    case AerosolFactory():
                        f.particles[:, AEROSOLS.index(item.particle), b] += share * item.rate_kg_s
                    case GasExport():
                        f.imports[:, GASES.index(item.gas), b] -= share * item.rate_kg_s
                    case StoreRelease():
                        f.release[:, list(STORES).index(item.store), b] += share * item.rate_kg_s
                    case ChemicalPlant():
                        run_plant(item, share, f, b)
                    case SuperGreenhouseGasFactory():
                        f.emission[:, SUPER_GASES.index(item.gas), b] += share * item.rate_kg_s
                    case VolatileImport():
                        delivered = share * item.rate_kg_s * (1 - item.loss_fraction)
                        for gas, part in item.composition.items():
                            f.imports[:, GASES.index(gas), b] += part * delivered
                        f.import_heat[:, b] += delivered * 0.5 * item.arrival_speed_m_s**2 * item.heat_fraction
        return f


def run_plant(plant: ChemicalPlant, share: Array, f: Forcing, b: int) -> None:
    """A plant's reaction, power and mineral of a member in the forcing; share (step) of its full rate."""
    row = PLANTS.index(plant.reaction)
    f.reaction[:, row, b] += share * plant.rate_kg_s * moles_per_kg(plant.reaction, plant.reactant)
    f.reaction_power[:, row, b] += share * plant.rate_kg_s * plant.taken_j_kg
    for mineral, rate in plant.supply_kg_s.items():
        f.supply[:, list(STORES).index(mineral), b] += share * rate


def patch_of(item: Intervention) -> tuple[int, Region] | None:
    """What an intervention does to a part of the ground, and where, if it does."""
    match item:
        case OrbitalMirror():
            return LIGHT, item.target
        case Heater() if item.into == "ground":
            return HEAT, item.target
        case AlbedoPaint():
            return PAINT, item.target
        case DarkDust():
            return DUST, item.target
        case Inoculation():
            return SEED, item.target
    return None


def places(scenario: Scenario, kinds: list[int]) -> list[int | None]:
    """The place in a list of patches, in order of their kinds, that each intervention has; None: it has no patch."""
    found: list[int | None] = []
    used = dict.fromkeys(kinds, 0)
    for item in scenario.interventions:
        patch = patch_of(item)
        if patch is None:
            found.append(None)
        else:
            found.append(kinds.index(patch[0]) + used[patch[0]])
            used[patch[0]] += 1
    return found


def mirror_power(mirror: OrbitalMirror, body: Body) -> float:
    """Power (W) that a mirror sends to its target: r S A duty."""
    return mirror.reflectivity * body.orbit.solar_constant_w_m2 * mirror.area_m2 * mirror.duty


def deployment(
    bodies: tuple[Body, ...], scenarios: tuple[Scenario, ...], grid: Grid, rows: tuple[int, int]
) -> Deployment:
    """The interventions of members on rows of a grid; patches of a kind are as many as the member with most has."""
    members = len(scenarios)
    kinds: list[int] = []
    for kind in (LIGHT, HEAT, PAINT, DUST, SEED):
        kinds += [kind] * max(sum((patch_of(i) or (None,))[0] == kind for i in s.interventions) for s in scenarios)
    maps = np.zeros((len(kinds), rows[1] - rows[0], grid.n_lon, members))
    for b, (body, scenario) in enumerate(zip(bodies, scenarios, strict=True)):
        for item, place in zip(scenario.interventions, places(scenario, kinds), strict=True):
            patch = patch_of(item)
            if patch is not None and place is not None:
                kind, region = patch
                whole = kind == PAINT  # not an amount that is spread, but a change wherever it is
                there = region_share(region, grid) if whole else region_map(region, grid, body.bulk.area_m2)
                maps[place, :, :, b] = there[slice(*rows)]
    flat = maps.reshape(len(kinds), rows[1] - rows[0], grid.n_lon * members)
    return Deployment(bodies, scenarios, np.array(kinds, dtype=np.int64), flat)


def decay_rates(scenario: Scenario, year_seconds: float) -> Array:
    """(4) 1/s of the super-greenhouse gases: those of the scenario's factories, else of the gas; B11."""
    lifetime, pessimistic = dict(SUPER_GAS_LIFETIME_YEARS), set()
    for item in scenario.interventions:
        if isinstance(item, SuperGreenhouseGasFactory) and item.lifetime_years is not None:
            lifetime[item.gas] = item.lifetime_years
        if isinstance(item, SuperGreenhouseGasFactory) and item.pessimistic_photolysis:
            pessimistic.add(item.gas)
    return np.array([1 / (lifetime[g] * (0.1 if g in pessimistic else 1.0) * year_seconds) for g in SUPER_GASES])


def particle_numbers(scenario: Scenario, year_seconds: float) -> tuple[Array, Array]:
    """(4) extinction (m2 kg-1) and rate of fall-out (1/s) of particles: those of the factories, else the usual."""
    extinction, lifetime = dict(EXTINCTION), dict.fromkeys(AEROSOLS, LIFETIME_YEARS)
    for item in scenario.interventions:
        if isinstance(item, AerosolFactory):
            lifetime[item.particle] = item.lifetime_years
            extinction[item.particle] = item.extinction_m2_kg or extinction[item.particle]
    return np.array([extinction[k] for k in AEROSOLS]), np.array([1 / (lifetime[k] * year_seconds) for k in AEROSOLS])
