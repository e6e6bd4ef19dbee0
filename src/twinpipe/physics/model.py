"""The model of a body: its processes with their numbers, as arrays for the kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinpipe.body import Body, LinearLongwave, SemiGrey
from twinpipe.clock import Clock
from twinpipe.constants import LATENT_HEAT_CO2, YEAR
from twinpipe.errors import InvalidInput
from twinpipe.fields import MAPS
from twinpipe.grid import Array, Grid
from twinpipe.maps import bare_albedo, second_legendre
from twinpipe.neighbours import ALONE, Neighbours, together
from twinpipe.physics import biosphere, geosphere, ground, soil
from twinpipe.physics.interventions import Deployment, decay_rates, deployment, particle_numbers
from twinpipe.physics.processes import GROUND, living, processes
from twinpipe.physics.records import ENERGY_FLOWS, N_ORBIT, N_PLANTS, N_TODAY, Ledger, Members, Options, State, Static
from twinpipe.physics.static import humidity_of, of_unit_star, static_of
from twinpipe.physics.substances import (
    AEROSOLS,
    CO2,
    GASES,
    LIVING_MATTER,
    N_AEROSOLS,
    N_GASES,
    N_LOCALS,
    N_STORES,
    SUPER_GASES,
    WATER_ICE,
)
from twinpipe.scenario import Scenario
from twinpipe.spheres import IceShell, MethaneCycle, WaterCycle


@dataclass(frozen=True)
class Model:
    """A block of members on a grid, ready to run."""

    grid: Grid
    clock: Clock
    bodies: tuple[Body, ...]
    scenarios: tuple[Scenario, ...]
    static: Static
    options: Options
    members: Members
    deployment: Deployment
    rows: tuple[int, int]  # of the grid, all or those of a band

    @property
    def n_members(self) -> int:
        return len(self.bodies)

    @property
    def n_rows(self) -> int:
        return self.rows[1] - self.rows[0]

    @property
    def is_band(self) -> bool:
        """Whether there are rows of the grid that it does not have."""
        return self.n_rows < self.grid.n_lat

    @property
    def n_maps(self) -> int:
        """How many maps the kernel accumulates: those of the ground only where a process has any."""
        return sum(f.process is None or self.options.has_local for f in MAPS)


class _Any(NamedTuple):
    """What runs in a block when it does for any of its members; for the others its numbers are 0."""

    has_local: bool
    dust: bool
    chemistry: bool
    bulk_water: bool
    biosphere: bool
    geosphere: bool
    haze: bool
    clouds: bool
    humid: bool


def _options(body: Body, clock: Clock, some: _Any, first_northern_row: int) -> Options:
    longwave, ice, ramp, frost = body.climate.longwave, body.climate.step_ice, body.climate.ice_ramp, body.co2_ice
    below, lid = ground.deep(body, clock.orbit_seconds), ground.lid_of(body)
    linear, grey = isinstance(longwave, LinearLongwave), _grey(body)
    lowest, root = soil.lowest_layer(body), math.sqrt(body.orbit.sidereal_year_s / math.pi)
    return Options(
        dt=clock.step_seconds,
        area=body.bulk.area_m2,
        gravity=body.bulk.gravity_m_s2,
        cp=body.atmosphere.heat_capacity_j_kg_k,
        skin_root=math.sqrt(2 * math.pi / body.orbit.solar_day_s),
        geothermal=body.surface.geothermal_flux_w_m2 if body.ice_shell is None else 0.0,  # a shell has its own
        linear=linear,
        a=longwave.a_w_m2 if isinstance(longwave, LinearLongwave) else 0.0,
        b=longwave.b_w_m2_k if isinstance(longwave, LinearLongwave) else 0.0,
        ice_threshold=ice.threshold_k if ice else 0.0,
        ice_width=ice.width_k if ice else 0.0,
        ice_albedo=ice.albedo if ice else ramp.albedo if ramp else 0.0,
        ice_ramp=ramp is not None,
        planetary_albedo=body.climate.albedo_of == "planet",
        frost=frost is not None,
        liquid=frost is not None and frost.condensation == "frost_or_liquid",
        latent=frost.latent_j_kg if frost else LATENT_HEAT_CO2,
        quartic=0.375 if grey.large_diurnal else 0.0,
        nitrogen=grey.nitrogen_column,
        reference_pressure=body.climate.diffusivity_reference_pa or 0.0,
        water=body.water_cycle is not None,
        orbit=clock.orbit_seconds,
        regolith=ground.regolith_of(body) is not None,
        buried=lid is not None,
        skin_resistance=below.skin_resistance,
        deep_resistance=below.top_resistance,
        lid_conductance=lid.lid_conductivity_w_m_k / lid.lid_thickness_m if lid else 0.0,
        lid_pressure=lid.lid_density_kg_m3 * lid.lid_thickness_m * body.bulk.gravity_m_s2 if lid else 0.0,
        ice_shell=body.ice_shell is not None,
        soil_resistance=soil.resistance(body),
        bottom_resistance=0.5 * root * lowest,
        bottom_capacity=root * lowest,
        methane=body.methane_cycle is not None,
        first_northern_row=first_northern_row,
        midpoint=body.climate.second_order,
        **some._asdict(),
    )


def _grey(body: Body) -> SemiGrey:
    """The body's semi-grey law; one of no effect where another holds."""
    longwave = body.climate.longwave
    return longwave if isinstance(longwave, SemiGrey) else SemiGrey(diurnal_factor=0.0)


def _collision_depth(body: Body) -> tuple[float, float, float]:
    depth = _grey(body).collision_depth
    return (depth.nitrogen, depth.methane, depth.hydrogen) if depth is not None else (-1.0, -1.0, -1.0)


def _members(bodies: tuple[Body, ...], scenarios: tuple[Scenario, ...], grid: Grid) -> Members:
    grey = [_grey(b) for b in bodies]
    particles = [particle_numbers(s, YEAR) for s in scenarios]
    depths = [{str(k): v for k, v in s.aerosol_optical_depth.items()} for s in scenarios]
    frost = [b.co2_ice for b in bodies]
    water = [b.water_cycle or WaterCycle() for b in bodies]
    shells = [b.ice_shell or IceShell() for b in bodies]
    cycles = [b.methane_cycle or MethaneCycle() for b in bodies]
    escape = np.zeros((N_GASES, len(bodies)))
    for m, body in enumerate(bodies):
        for gas, rate in body.atmosphere.escape_kg_s.items():
            escape[GASES.index(gas), m] = rate
    return Members(
        diffusivity=np.array([b.climate.diffusivity_w_m2_k for b in bodies]),
        coupling=np.array([b.climate.air_coupling_w_m2_k for b in bodies]),
        emissivity_factor=np.array([g.emissivity_factor for g in grey]),
        diurnal_factor=np.array([g.diurnal_factor for g in grey]),
        solar_constant=np.array([b.orbit.solar_constant_w_m2 * (1 - b.orbit.eclipse_fraction) for b in bodies]),
        visible_depth=np.array([[depth.get(k, 0.0) for depth in depths] for k in AEROSOLS], dtype=np.float64),
        extinction=np.stack([extinction for extinction, _ in particles], axis=1),
        fall_out=np.stack([rate for _, rate in particles], axis=1),
        frost_albedo=np.array(
            [[f.albedo_south if f else 0.0 for f in frost], [f.albedo_north if f else 0.0 for f in frost]]
        ),
        frost_emissivity=np.array(
            [[f.emissivity_south if f else 1.0 for f in frost], [f.emissivity_north if f else 1.0 for f in frost]]
        ),
        half_cover=np.array([f.half_cover_kg_m2 if f else 1.0 for f in frost]),
        escape=escape,
        decay=np.stack([decay_rates(s, YEAR) for s in scenarios], axis=1),
        bulk_water=np.array([float("bulk_water" in processes(b, s)) for b, s in zip(bodies, scenarios, strict=True)]),
        life=np.stack([biosphere.numbers(living(b, s)) for b, s in zip(bodies, scenarios, strict=True)]),
        interior=np.stack([geosphere.numbers(b.interior) for b in bodies], axis=1),
        outgassing=np.stack([geosphere.outgassing(b.interior) for b in bodies], axis=1),
        regolith_amount=np.array([b.regolith.inventory_kg / b.bulk.area_m2 if b.regolith else 0.0 for b in bodies]),
        regolith_scale=np.array([b.regolith.temperature_scale_k if b.regolith else 1.0 for b in bodies]),
        regolith_exponent=np.array([b.regolith.exponent if b.regolith else 0.0 for b in bodies]),
        reference_molar_mass=np.array([b.mean_molar_mass_kg_mol for b in bodies]),
        collision_depth=np.array([_collision_depth(b) for b in bodies]).T.copy(),
        haze=np.array([g.haze_absorption for g in grey]),
        cloud_albedo=np.array([b.climate.cloud_albedo for b in bodies]),
        cloud_olr=np.array([b.climate.cloud_olr_w_m2 for b in bodies]),
        vapour_mixing=np.array(
            [w.vapour_diffusivity_m2_s / b.bulk.mean_radius_m**2 for w, b in zip(water, bodies, strict=True)]
        ),
        vapour_height=np.array([w.vapour_height_m for w in water]),
        vapour_wind=np.array([w.exchange_velocity_m_s for w in water]),
        snow_albedo=np.array([w.snow_albedo for w in water]),
        snow_half_cover=np.array([w.half_cover_kg_m2 for w in water]),
        bare_albedo=np.array([bare_albedo(b, grid) for b in bodies]),
        liquid_hold=np.array([w.hold_kg_m2 for w in water]),
        shell_conductivity=np.array([i.conductivity_w_m for i in shells]),
        shell_base=np.array([i.base_temperature_k for i in shells]),
        ocean_exchange=np.array([i.ocean_exchange_w_m2_k for i in shells]),
        methane_exchange=np.array([c.exchange_velocity_m_s for c in cycles]),
        photolysis=np.array([c.photolysis_kg_s for c in cycles]),
    )


def _shared_laws(body: Body) -> tuple[object, ...]:
    layers = body.ice_shell.layers_m if body.ice_shell is not None else ()
    return body.climate.column, body.climate.zonal_mixing, layers


def build(
    bodies: tuple[Body, ...],
    scenarios: tuple[Scenario, ...],
    grid: Grid,
    clock: Clock,
    elsewhere: Iterable[str] = (),
    rows: tuple[int, int] | None = None,
) -> Model:
    """The model of a block of members, one (body, scenario) each.

    elsewhere: processes of the other members of a sweep, which the kernel then runs here too, on nothing.
    rows: of the grid, [first, last), where the block is a band of latitudes; None: all.

    Raises InvalidInput if the members differ in what a block shares (orbit, size, gravity, laws).
    """
    first, unit = bodies[0], of_unit_star(bodies[0])
    running = frozenset(elsewhere).union(*(processes(b, s) for b, s in zip(bodies, scenarios, strict=True)))
    some = _Any(
        has_local=bool(GROUND & running),
        dust="dust" in running,
        chemistry="chemistry" in running,
        bulk_water="bulk_water" in running,
        biosphere="biosphere" in running,
        geosphere="geosphere" in running,
        haze=any(_grey(b).haze_absorption > 0 for b in bodies),
        clouds=any(b.climate.cloud_olr_w_m2 != 0 for b in bodies),
        humid=any(_grey(b).nitrogen_column for b in bodies) or any(humidity_of(b, grid).any() for b in bodies),
    )
    rows = rows or (0, grid.n_lat)
    first_northern_row = max(grid.n_lat // 2 - rows[0], 0)
    options = _options(first, clock, some, first_northern_row)
    for body in bodies[1:]:
        if _options(body, clock, some, first_northern_row) != options or _shared_laws(body) != _shared_laws(first):
            raise InvalidInput("members", body.name, "members of a block share size, gravity, orbit and laws")
        if ground.shared(body) != ground.shared(first):
            allowed = "members of a block share the ground below the soil, its inventories and isotherms apart"
            raise InvalidInput("members", body.name, allowed)
        if of_unit_star(body).orbit != unit.orbit or body.climate.insolation != first.climate.insolation:
            raise InvalidInput("members", body.name, "members of a block share the orbit, solar constant apart")
    static = static_of(bodies, grid, clock, options, running, rows)
    return Model(
        grid,
        clock,
        bodies,
        scenarios,
        static,
        options,
        _members(bodies, scenarios, grid),
        deployment(bodies, scenarios, grid, rows),
        rows,
    )


def first_guess(model: Model, neighbours: Neighbours = ALONE) -> State:
    """A state to spin up from: as the body says, else in balance with its annual sunlight; all CO2 in the air."""
    members, n_lat = model.n_members, model.n_rows
    width = model.grid.n_lon * members
    annual = model.static.insolation.mean(axis=0)[:, None] * np.tile(model.members.solar_constant, model.grid.n_lon)
    net = annual * (1 - model.static.ground_albedo)
    if model.options.linear:
        surface = (net - model.options.a) / model.options.b + 273.15
    else:
        surface = np.maximum((net / 5.670374e-8) ** 0.25, 150.0)
    gas = np.zeros((N_GASES, members))
    for b, body in enumerate(model.bodies):
        if body.climate.start is not None:
            surface[:, b::members] = (
                body.climate.start.mean_k + body.climate.start.p2_k * second_legendre(model.grid)[slice(*model.rows)]
            )
        for name, mass in body.atmosphere.mass_kg.items():
            gas[GASES.index(name), b] = mass
    cells = surface.reshape(n_lat, model.grid.n_lon, members).transpose(2, 0, 1)
    mean = together(neighbours, np.einsum("...ij,i->...", cells, model.static.weight))
    n_layers = len(model.static.layer_capacity)
    pressure = np.repeat(
        gas.sum(axis=0)[None, :] * model.options.gravity / model.options.area, model.grid.n_lon, axis=0
    )
    local = np.zeros((N_LOCALS, n_lat, width))
    alive = [body.biosphere.living_kg_m2 if body.biosphere else 0.0 for body in model.bodies]
    local[LIVING_MATTER] = np.tile(alive, model.grid.n_lon)
    if model.options.water:
        local[WATER_ICE] = model.static.deposit
    shells, anchored = len(model.static.shell_layers), model.options.ice_shell or model.options.methane
    state = State(
        T=np.ascontiguousarray(np.repeat(surface[None], n_layers, axis=0)),
        ice=np.zeros((n_lat, width)),
        p=np.ascontiguousarray(np.repeat(pressure.reshape(1, width), n_lat, axis=0)),
        gas=gas,
        mean_temperature=np.ascontiguousarray(mean),
        local=local,
        adsorbed=np.zeros((0, n_lat, width)),
        store=np.zeros((N_STORES, members)),
        rest=np.zeros((N_STORES, members)),
        aerosol=np.zeros((N_AEROSOLS, members)),
        warming=np.zeros((0, n_lat, width)),
        ground=np.zeros((0, n_lat, width)),
        orbit=np.zeros((N_ORBIT, members)),
        shell=np.zeros((shells, n_lat, width)),
        today=np.zeros((N_TODAY if anchored else 0, n_lat, width)),
    )
    air = gas[CO2] * model.options.gravity / model.options.area
    return as_today(model, state, surface, air)


def as_today(model: Model, s: State, surface: Array, co2_pressure: Array) -> State:
    """A state whose deep ground, regolith and buried CO2 are those of today.

    surface (row, cell) K and co2_pressure (member) Pa: today's means over an orbit.
    """
    if not (model.options.regolith or model.options.buried):
        return s
    buried = np.array([b.buried_co2.mass_kg if b.buried_co2 else 0.0 for b in model.bodies])
    return ground.today(model.static, s, surface, co2_pressure, model.members.regolith_amount, buried)


def empty_ledger(members: int) -> Ledger:
    """A ledger in which nothing has moved yet."""

    def nothing(n: int) -> Array:
        return np.zeros((n, members))

    return Ledger(
        energy=nothing(len(ENERGY_FLOWS)),
        imported=nothing(N_GASES),
        escaped=nothing(N_GASES),
        decayed=nothing(len(SUPER_GASES)),
        supplied=nothing(N_STORES),
        made=nothing(N_AEROSOLS),
        spread=nothing(N_LOCALS),
        condensed=np.zeros(members),
        reacted=nothing(N_PLANTS),
    )
