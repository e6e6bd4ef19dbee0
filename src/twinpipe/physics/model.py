"""The model of a body: which processes, in which order, with which numbers, as arrays for the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twinpipe.body import Body, LinearLongwave, SemiGrey, Slab
from twinpipe.clock import Clock
from twinpipe.constants import MOLAR_MASS, YEAR
from twinpipe.errors import InvalidInput
from twinpipe.grid import Array, Grid
from twinpipe.maps import evaluate, land_share, seas, surface_ice
from twinpipe.physics import soil, transport
from twinpipe.physics.emissivity import inverse_emissivity_table
from twinpipe.physics.interventions import Deployment, decay_rates, deployment, particle_numbers
from twinpipe.physics.orbit import insolation_table
from twinpipe.physics.records import ENERGY_FLOWS, N_TODAY, Ledger, Members, Options, State, Static
from twinpipe.physics.substances import AEROSOLS, GASES, N_AEROSOLS, N_GASES, N_LOCALS, N_STORES, SUPER_GASES
from twinpipe.scenario import Scenario
from twinpipe.spheres import IceShell, MethaneCycle

# Every process, in the order in which a step runs them; B18.
ORDER = (
    "interventions",
    "particles",
    "stores",
    "escape",
    "pressure",
    "shortwave",
    "longwave",
    "diurnal",
    "soil",
    "transport",
    "co2_ice",
    "methane",
    "ice_shell",
)
GROUND = frozenset({"water", "dust", "biosphere", "methane", "ice_shell", "regolith"})  # have fields on the ground


def processes(body: Body, scenario: Scenario) -> tuple[str, ...]:
    """The processes that run on a body under a scenario, in their order."""
    running = {"shortwave", "longwave", "soil", "transport"}
    kinds = {i.kind for i in scenario.interventions}
    if kinds:
        running.add("interventions")
    if "aerosol" in kinds:
        running.add("particles")
    if kinds & {"aerosol", "store_release"}:
        running.add("stores")
    if isinstance(body.climate.longwave, SemiGrey):
        running |= {"escape", "pressure", "diurnal"}
    if body.co2_ice is not None:
        running.add("co2_ice")
    if body.methane_cycle is not None:
        running.add("methane")
    if body.ice_shell is not None:
        running |= {"ice_shell", "stores"}
    return tuple(p for p in ORDER if p in running)


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

    @property
    def n_members(self) -> int:
        return len(self.bodies)


def _cells(per_member: list[Array]) -> Array:
    """(row, cell) from one (n_lat, n_lon) field per member."""
    stacked = np.stack(per_member, axis=-1)
    return np.ascontiguousarray(stacked.reshape(stacked.shape[0], -1))


def _p2(grid: Grid) -> Array:
    """(row, 1) mean of P2(sin latitude) over each row."""
    x = np.sin(grid.latitude_edges)
    return np.asarray(np.diff(0.5 * (x**3 - x)) / np.diff(x))[:, None]


def _albedo(body: Body, grid: Grid) -> Array:
    bare = evaluate(body.surface.albedo, grid)
    if body.surface.land is not None:
        bare = bare + land_share(body, grid) * (body.surface.land.albedo - bare)
    return bare + body.climate.albedo_p2 * _p2(grid)


def _inertia(body: Body, grid: Grid) -> Array:
    """Thermal inertia of a soil column; of a slab its heat capacity over that of Slab."""
    column, land = body.climate.column, body.surface.land
    if not isinstance(column, Slab):
        return evaluate(body.surface.thermal_inertia_j_m2_k_s12, grid)
    ratio = land.heat_capacity_j_m2_k / column.heat_capacity_j_m2_k if land is not None else 1.0
    return 1 + land_share(body, grid) * (ratio - 1)


def _options(body: Body, clock: Clock, has_local: bool) -> Options:
    longwave, ice = body.climate.longwave, body.climate.step_ice
    linear = isinstance(longwave, LinearLongwave)
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
        ice_albedo=ice.albedo if ice else 0.0,
        frost=body.co2_ice is not None,
        reference_pressure=body.climate.diffusivity_reference_pa or 0.0,
        has_local=has_local,
        ice_shell=body.ice_shell is not None,
        soil_resistance=soil.resistance(body),
        bottom_resistance=0.5 * root * lowest,
        bottom_capacity=root * lowest,
        methane=body.methane_cycle is not None,
        midpoint=body.climate.second_order,
    )


def _members(bodies: tuple[Body, ...], scenarios: tuple[Scenario, ...]) -> Members:
    grey = [
        b.climate.longwave if isinstance(b.climate.longwave, SemiGrey) else SemiGrey(diurnal_factor=0.0) for b in bodies
    ]
    particles = [particle_numbers(s, YEAR) for s in scenarios]
    depths = [{str(k): v for k, v in s.aerosol_optical_depth.items()} for s in scenarios]
    frost = [b.co2_ice for b in bodies]
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
        solar_constant=np.array([b.orbit.solar_constant_w_m2 for b in bodies]),
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
        shell_conductivity=np.array([i.conductivity_w_m for i in shells]),
        shell_base=np.array([i.base_temperature_k for i in shells]),
        ocean_exchange=np.array([i.ocean_exchange_w_m2_k for i in shells]),
        methane_exchange=np.array([c.exchange_velocity_m_s for c in cycles]),
        photolysis=np.array([c.photolysis_kg_s for c in cycles]),
    )


def _inflow(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) 1/m2 where ethane from the air ends: in the seas, evenly over them, or all over a body without."""
    methane, ethane, _ = seas(body, grid)
    wet = np.where(methane + ethane > 0, 1.0, 0.0)
    wet = wet if wet.any() else np.ones_like(wet)
    return np.asarray(wet / ((wet * grid.area_weight).sum() * body.bulk.area_m2))


def _of_unit_star(body: Body) -> Body:
    """The body at a solar constant of 1 W m-2: what it shares with other members, to the bit."""
    return body.model_copy(update={"orbit": body.orbit.model_copy(update={"solar_constant_w_m2": 1.0})})


def _shared_laws(body: Body) -> tuple[object, ...]:
    layers = body.ice_shell.layers_m if body.ice_shell is not None else ()
    return body.climate.column, body.climate.zonal_mixing, layers


def build(bodies: tuple[Body, ...], scenarios: tuple[Scenario, ...], grid: Grid, clock: Clock) -> Model:
    """The model of a block of members, one (body, scenario) each.

    Raises InvalidInput if the members differ in what a block shares (orbit, size, gravity, laws).
    """
    first, unit = bodies[0], _of_unit_star(bodies[0])
    running = [frozenset(processes(b, s)) for b, s in zip(bodies, scenarios, strict=True)]
    has_local = any(GROUND & names for names in running)
    options = _options(first, clock, has_local)
    for body in bodies[1:]:
        if _options(body, clock, has_local) != options or _shared_laws(body) != _shared_laws(first):
            raise InvalidInput("members", body.name, "members of a block share size, gravity, orbit and laws")
        if _of_unit_star(body).orbit != unit.orbit or body.climate.insolation != first.climate.insolation:
            raise InvalidInput("members", body.name, "members of a block share the orbit, solar constant apart")
    column, faces = soil.column(first, clock.step_seconds), transport.geometry(grid)
    q, q1 = insolation_table(unit, grid, clock.steps_per_orbit)
    inertia = _cells([_inertia(b, grid) for b in bodies])
    static = Static(
        weight=grid.row_weight,
        north=faces.north,
        south=faces.south,
        east=faces.east * first.climate.zonal_mixing,
        altitude=_cells([evaluate(b.surface.elevation_m, grid) for b in bodies]),
        ground_albedo=_cells([_albedo(b, grid) for b in bodies]),
        inertia=inertia,
        bottom_heat=options.geothermal / inertia,
        humidity=_cells([np.where(surface_ice(b, grid) > 0, b.climate.relative_humidity, 0.0) for b in bodies]),
        insolation=q,
        harmonic=q1,
        table=inverse_emissivity_table().ravel(),
        layer_capacity=column.capacity,
        layer_conductance=column.conductance,
        alpha=column.alpha,
        own=column.own,
        below=column.below,
        heat=column.heat,
        molar_mass=np.array([MOLAR_MASS[g] for g in GASES]),
        shell_layers=np.array(first.ice_shell.layers_m if first.ice_shell is not None else ()),
        sea=_cells([seas(b, grid)[2] for b in bodies]),
        sea_inflow=_cells([_inflow(b, grid) for b in bodies]),
    )
    return Model(
        grid,
        clock,
        bodies,
        scenarios,
        static,
        options,
        _members(bodies, scenarios),
        deployment(bodies, scenarios, grid),
    )


def first_guess(model: Model) -> State:
    """A state to spin up from: as the body says, else in balance with its annual sunlight; all CO2 in the air."""
    members, n_lat = model.n_members, model.grid.n_lat
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
            surface[:, b::members] = body.climate.start.mean_k + body.climate.start.p2_k * _p2(model.grid)
        for name, mass in body.atmosphere.mass_kg.items():
            gas[GASES.index(name), b] = mass
    mean = model.grid.mean(surface.reshape(n_lat, model.grid.n_lon, members).transpose(2, 0, 1))
    n_layers = len(model.static.layer_capacity)
    pressure = np.repeat(
        gas.sum(axis=0)[None, :] * model.options.gravity / model.options.area, model.grid.n_lon, axis=0
    )
    shells, anchored = len(model.static.shell_layers), model.options.ice_shell or model.options.methane
    return State(
        T=np.ascontiguousarray(np.repeat(surface[None], n_layers, axis=0)),
        ice=np.zeros((n_lat, width)),
        p=np.ascontiguousarray(np.repeat(pressure.reshape(1, width), n_lat, axis=0)),
        gas=gas,
        mean_temperature=np.ascontiguousarray(mean),
        local=np.zeros((N_LOCALS, n_lat, width)),
        adsorbed=np.zeros((0, n_lat, width)),
        store=np.zeros((N_STORES, members)),
        aerosol=np.zeros((N_AEROSOLS, members)),
        shell=np.zeros((shells, n_lat, width)),
        today=np.zeros((N_TODAY if anchored else 0, n_lat, width)),
    )


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
    )
