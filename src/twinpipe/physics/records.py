"""The records that the kernel takes: static fields, options, parameters, state, ledger, forcing."""

from __future__ import annotations

import math
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from twinpipe.grid import Array
from twinpipe.physics.rows import STRIPES
from twinpipe.physics.substances import N_AEROSOLS, N_GASES, N_STORES, SUPER_GASES
from twinpipe.reactions import PlantReaction

# Order of the (flow, member) energies of Ledger.energy, J m-2 of global mean since the run's start.  imports: heat
# that interventions bring; reactions: heat that chemistry frees.
ENERGY_FLOWS = (
    "absorbed_shortwave",
    "outgoing_longwave",
    "geothermal",
    "imports",
    "gas_heat",
    "transport",
    "reactions",
)
IMPORTED_HEAT, REACTION_HEAT = ENERGY_FLOWS.index("imports"), ENERGY_FLOWS.index("reactions")
N_PLANTS = len(get_args(PlantReaction))

# What a patch of Forcing does where its map says: sends light (W), heats (W), changes the albedo (1), spreads dust
# (kg/s), seeds life (kg/s).
LIGHT, HEAT, PAINT, DUST, SEED = range(5)
Kinds = NDArray[np.int64]


class Static(NamedTuple):
    """What never changes in a run; fields are (row, cell)."""

    weight: Array  # (row) area of a cell over that of the sphere
    north: Array
    south: Array
    east: Array  # (row) transport.Geometry
    altitude: Array
    ground_albedo: Array
    inertia: Array
    bottom_heat: Array  # F_g / I
    humidity: Array  # relative humidity over surface water, 0 where there is none
    insolation: Array  # (step of orbit, row) Q, for a solar constant of 1
    harmonic: Array  # (step of orbit, row) Q1, for a solar constant of 1
    table: Array  # flat 1/eps of CO2
    layer_capacity: Array  # soil.Column ...
    layer_conductance: Array
    alpha: Array
    own: Array
    below: Array
    heat: Array
    molar_mass: Array  # (gas)
    deposit: Array  # kg m-2 of surface water ice today, which the albedo map contains
    open_share: Array  # of that deposit's surface, that no lag covers
    lowest_first: Kinds  # (cell of a member, member) runoff.lowest_first
    hypsometry: Array  # (2, cell of a member, member) runoff.hypsometry; of the whole planet, also for a band
    on_the_ground: Kinds  # places in substances.LOCALS, and N_LOCALS for what is adsorbed, of fields that change
    deep_capacity: Array  # (deep layer) J m-2 K-1, ground.Deep ...
    deep_conductance: Array
    deep_alpha: Array
    deep_own: Array
    deep_below: Array
    adsorbing: Array  # (deep layer) share of the CO2 that is adsorbed today
    exchanging: Array  # (deep layer) share of what is missing to equilibrium that comes within an orbit
    buried_cover: Array  # (row) share of the cells that lies over buried CO2
    shell_layers: Array  # (layer) m, of ice below the soil, the last as thick as the shell is
    sea: Array  # (row, cell) share of a cell that its methane sea covers, 1 where there is none; empty without seas
    sea_inflow: Array  # (row, cell) 1/m2, where ethane that falls from the air ends


class Options(NamedTuple):
    """Numbers that are the same for all members of a block."""

    dt: float
    area: float  # m2
    gravity: float
    cp: float  # of the gas, J kg-1 K-1
    skin_root: float  # sqrt(w_d), s-1/2
    geothermal: float
    linear: bool
    a: float
    b: float
    ice_threshold: float  # K; 0: no step ice
    ice_width: float  # K
    ice_albedo: float
    ice_ramp: bool  # whether ice of ice_albedo grows with cold
    planetary_albedo: bool  # whether the albedo is that seen from space
    frost: bool
    liquid: bool  # whether CO2 condenses to liquid above its triple point
    latent: float  # J kg-1 of CO2
    quartic: float  # 3/8 where daily swings are large, else 0; B4
    nitrogen: bool  # whether the column of 1 bar N2 may take over
    haze: bool
    clouds: bool
    humid: bool  # whether water vapour may limit the outgoing radiation
    reference_pressure: float  # Pa; 0: D does not scale
    has_local: bool  # whether any process has fields on the ground
    water: bool
    dust: bool
    chemistry: bool
    bulk_water: bool
    biosphere: bool
    geosphere: bool
    orbit: float  # s
    regolith: bool
    buried: bool
    skin_resistance: float  # from surface to the bottom of the soil, times the thermal inertia; ground.py
    deep_resistance: float  # K m2 W-1, of half of the first deep layer
    lid_conductance: float  # W m-2 K-1
    lid_pressure: float  # Pa
    ice_shell: bool
    soil_resistance: float  # K m2 W-1 times thermal inertia, from the middle of the first soil layer to the shell
    bottom_resistance: float  # of half of the lowest soil layer, times its thermal inertia
    bottom_capacity: float  # of the lowest soil layer, over its thermal inertia
    methane: bool
    first_northern_row: int  # of the rows that there are; of frost that differs between hemispheres
    midpoint: bool  # the balance is that of the middle of the step, from which the end is extrapolated


class Members(NamedTuple):
    """Parameters by member (member)."""

    diffusivity: Array  # W m-2 K-1
    coupling: Array  # W m-2 K-1 between air and ground; 0: the ground itself diffuses
    emissivity_factor: Array
    diurnal_factor: Array
    solar_constant: Array  # W m-2
    visible_depth: Array  # (aerosol, member) prescribed
    extinction: Array  # (aerosol, member) m2 kg-1
    fall_out: Array  # (aerosol, member) 1/s
    frost_albedo: Array  # (2, member): south, north
    frost_emissivity: Array  # (2, member)
    half_cover: Array
    escape: Array  # (gas, member) kg/s
    decay: Array  # (4, member) 1/s, of super-greenhouse gases
    regolith_amount: Array  # kg m-2 that is adsorbed today
    regolith_scale: Array  # K, T_d
    regolith_exponent: Array
    reference_molar_mass: Array  # kg mol-1 of the air at which the diffusivity holds
    collision_depth: Array  # (3, member): nitrogen, methane, hydrogen in Titan's air; -1: trace gases
    haze: Array  # a_h
    cloud_albedo: Array
    cloud_olr: Array  # W m-2
    vapour_mixing: Array  # 1/s, diffusivity of water vapour over the square of the radius
    vapour_height: Array  # m
    vapour_wind: Array  # m/s, C_E U
    snow_albedo: Array
    snow_half_cover: Array  # kg m-2
    bare_albedo: Array  # of ground that surface ice uncovers
    liquid_hold: Array  # kg m-2 that does not run off
    bulk_water: Array  # 1 where vapour and ocean exchange water as a whole
    life: Array  # (member, number), biosphere.numbers
    interior: Array  # (number, member), geosphere.numbers
    outgassing: Array  # (gas, member) kg/s
    shell_conductivity: Array  # kappa_0, W m-1
    shell_base: Array  # T_b, K
    ocean_exchange: Array  # W m-2 K-1
    methane_exchange: Array  # C_E U, m s-1
    photolysis: Array  # kg/s of CH4


class State(NamedTuple):
    """What a step reads and writes; restart state, exact."""

    T: Array  # (layer, row, cell) K
    ice: Array  # (row, cell) kg m-2
    p: Array  # (row, cell) Pa, of the last step
    gas: Array  # (gas, member) kg in the air
    mean_temperature: Array  # (member) K, global mean of the last step
    local: Array  # (substances.LOCALS, row, cell) kg m-2
    adsorbed: Array  # (deep layer, row, cell) kg m-2 of CO2 in the ground
    store: Array  # (substances.STORES, member) kg, and J
    rest: Array  # (substances.STORES, member) kg, and J, that the last digit of a store does not hold
    aerosol: Array  # (substances.AEROSOLS, member) kg in the air
    warming: Array  # (deep layer, row, cell) K since today
    ground: Array  # (N_GROUND, row, cell)
    orbit: Array  # (N_ORBIT, member)
    shell: Array  # (layer, row, cell) J kg-1, specific enthalpy of the ice below the soil
    today: Array  # (N_TODAY, row, cell) what keeps the untouched body as it is


# Fields of State.ground: heat that comes up into the soil (over the thermal inertia), the mean surface temperature
# of this orbit so far and of the orbit before today, W m-2 that go down to buried CO2.  There are none where neither
# regolith nor buried CO2 run.
BOTTOM_HEAT, SURFACE_MEAN, SURFACE_TODAY, LID_FLUX = range(4)
N_GROUND = 4
# Rows of State.orbit: the mean CO2 pressure (Pa) likewise, seconds that the deep ground is ahead, kg/s of buried CO2
# that sublimate.
CO2_MEAN, CO2_TODAY, AHEAD, SUBLIMATION = range(4)
N_ORBIT = 4
# Fields of State.today: heat (W m-2) that the ocean gives the shell; activity of methane in a sea over its share there.
FROM_BELOW, ACTIVITY = range(2)
N_TODAY = 2


class Ledger(NamedTuple):
    """What each process moved since the run's start."""

    energy: Array  # (flow, member) J m-2
    imported: Array  # (gas, member) kg; exports are negative
    escaped: Array  # (gas, member) kg
    decayed: Array  # (4, member) kg
    supplied: Array  # (substances.STORES, member) kg, and J, that a store got from outside the books
    made: Array  # (substances.AEROSOLS, member) kg of particles made
    spread: Array  # (substances.LOCALS, member) kg that patches brought to the ground
    condensed: Array  # (member) kg of CO2, net
    reacted: Array  # (plant reaction, member) mol


class Forcing(NamedTuple):
    """Interventions at each step of the call, (step, ..., member)."""

    patch_kind: Kinds  # (patch) LIGHT, HEAT, PAINT, DUST or SEED
    patch_rate: Array  # (step, patch, member) W or kg/s; change of albedo
    patch_map: Array  # (patch, row, cell) 1/m2, integrates to 1 over the sphere; PAINT: share of the cell
    shade: Array  # (step, member) share of the sunlight that is kept away
    emission: Array  # (step, 4, member) kg/s
    particles: Array  # (step, aerosol, member) kg/s
    imports: Array  # (step, gas, member) kg/s; negative: exports, of what there is
    import_heat: Array  # (step, member) W
    supply: Array  # (step, store, member) kg/s that a store gets from elsewhere
    release: Array  # (step, store, member) kg/s from a store into the air, of what there is
    reaction: Array  # (step, plant reaction, member) mol/s that plants turn over, of what there is
    reaction_power: Array  # (step, plant reaction, member) W that they take for that, which end as heat


def no_forcing(n_steps: int, width: int, n_lat: int, members: int) -> Forcing:
    """Forcing without interventions, to be filled in."""
    return Forcing(
        patch_kind=np.zeros(0, dtype=np.int64),
        patch_rate=np.zeros((n_steps, 0, members)),
        patch_map=np.zeros((0, n_lat, width)),
        shade=np.zeros((n_steps, members)),
        emission=np.zeros((n_steps, len(SUPER_GASES), members)),
        particles=np.zeros((n_steps, N_AEROSOLS, members)),
        imports=np.zeros((n_steps, N_GASES, members)),
        import_heat=np.zeros((n_steps, members)),
        supply=np.zeros((n_steps, N_STORES, members)),
        release=np.zeros((n_steps, N_STORES, members)),
        reaction=np.zeros((n_steps, N_PLANTS, members)),
        reaction_power=np.zeros((n_steps, N_PLANTS, members)),
    )


class Outputs(NamedTuple):
    """What a call writes; fields in the order of fields.py."""

    sums: Array  # (window, field, row, cell), gain every step
    zonal_every: int
    zonals: Array  # (field, time, row, member), at the steps that zonal_every divides
    series: Array  # (field, step, member)


# What a step hands from one process to the next.  Fields of Scratch.fields (field, row, cell):
WEIGHT, LOG_P = 0, 1  # barometric w; ln of the surface pressure
ABSORBED, K, AMPLITUDE2 = 2, 3, 4  # W m-2; OLR = K T^4; A_d^2
FROST, CAPACITY, BASE = 5, 6, 7  # frost point; C/dt, W m-2 K-1; what drives the surface, W m-2
A, DRIVE, UPPER, SOURCE = 8, 9, 10, 11  # of the transport; W m-2 that it brings
LIFE = 12  # W m-2 that life and its water set free
SHELL_HEAT = 13  # what an ice shell sends into the soil, over its thermal inertia
N_FIELDS = 14
# Rows of Scratch.rows (row, cell): parameters of members and of the mixed air, repeated along a row, ...
HALF_COVER, FROST_ALBEDO, FROST_EMISSIVITY, EMISSIVITY_FACTOR = 0, 1, 3, 5  # two of each frost: south, north
SUNLIGHT, AEROSOL_ALBEDO, INVERSE_HEIGHT, SCALE, LOG_SCALE = 6, 7, 8, 9, 10
LOG_CO2, HALF_LOG_CO2, CO2_SHARE, GAS_DEPTH, REFLECTANCE = 11, 12, 13, 14, 15
DIURNAL, D, COUPLING, IMPACTS = 16, 17, 18, 19
NITROGEN, HAZE, CLOUDS = 20, 21, 22
METHANE, METHANE_COLUMN, METHANE_WIND = 23, 24, 25  # Pa and kg m-2 over Pa of all air; m s-1
SNOW_ALBEDO, SNOW_HALF_COVER, BARE_ALBEDO, VAPOUR_HEIGHT = 26, 27, 28, 29
WORK = 30  # ... and ten for whatever a process needs within a row
N_ROWS = 40
N_PACKED = 15  # of Scratch.packed, the cells that cold_water.py packs
N_COLUMNS, N_ENDS = 8, 8  # of Scratch.columns and .ends, for the ice of shell_base.py
# Rows of Scratch.moved: ice (kg m-2) that froze to the shell, that sublimated; the cold it took (J m-2); ocean's heat
# that found no ice (J m-2); methane (kg m-2) that condensed
FROZEN, SUBLIMATED, COLD, UNUSED, CONDENSED = range(5)


OVERDRAWN = 13  # row of Scratch.by_member, 1 for a member that overdraft.py carries again

# Heat of a step in Scratch.heat, W m-2: what goes evenly to all cells; all that comes from within, not with imports.
EVEN, OWN = range(2)


# Stages of a step: after each the rows of a planet need what they are together, before the next.
WANT, TAKE, AIR, BALANCE, CARRY, MEND, CARRY_AGAIN, VAPOUR, MIX, SETTLE, CLOSE = range(11)
N_STAGES = 11


class Scratch(NamedTuple):
    """Room for what a step hands from one process to the next."""

    fields: Array  # (N_FIELDS, row, cell)
    rows: Array  # (N_ROWS, cell)
    beta: Array  # (layer, cell) of the soil
    by_member: Array  # (14, member)
    totals: Array  # (12, member) of the step
    moved: Array  # (5, member) of the step, by the processes of moons
    line: Array  # (rows.STRIPES members)
    packed: Array  # (N_PACKED, cell)
    places: Kinds  # (cell) where the packed cells come from
    columns: Array  # (N_COLUMNS, shell layer + 1, cell) of an ice shell
    ends: Array  # (N_ENDS, cell)
    layers: Array  # (shell layer)
    super_pressure: Array  # (4) Pa
    adsorbed: Array  # (row, cell) kg m-2, of all layers
    adsorbed_mass: Array  # (member) kg
    heat: Array  # (2, member)
    held: Array  # (gas and store) kg
    life: Array  # (8, member)
    turn: Kinds  # (3) first stage and end of the stages of a call, and its first step in Forcing and Outputs
    edges: Array  # (first or last row, 4, cell) transport.eliminate; of a band only
    beyond: Array  # (4, cell) transport.meet; 0 where there is nothing beyond


def zeros(*shape: int) -> Array:
    """Zeros that start on a line of the cache: vectors of 64 bytes then never cross one."""
    size = math.prod(shape)
    room = np.zeros(size + 7)
    start = -room.ctypes.data % 64 // 8
    return room[start : start + size].reshape(shape)


def aligned(a: Array) -> Array:
    """A copy that starts on a line of the cache."""
    made = zeros(*a.shape)
    made[...] = a
    return made


def scratch(
    n_lat: int, width: int, n_layers: int, n_shell_layers: int, members: int, *, banded: bool = False
) -> Scratch:
    """Room for a block, for whole steps; the frost point of a body without frost is one that no surface reaches."""
    fields = zeros(N_FIELDS, n_lat, width)
    fields[FROST] = -1.0
    return Scratch(
        fields,
        zeros(N_ROWS, width),
        zeros(max(n_layers, 2), width),
        np.empty((14, members)),
        np.zeros((12, members)),
        np.zeros((5, members)),
        zeros(STRIPES * members),
        np.empty((N_PACKED, width)),
        np.empty(width, dtype=np.int64),
        zeros(N_COLUMNS, n_shell_layers + 1, width if n_shell_layers else 0),
        zeros(N_ENDS, width if n_shell_layers else 0),
        np.empty(n_shell_layers),
        np.empty(4),
        np.zeros((n_lat, width)),
        np.zeros(members),
        np.zeros((2, members)),
        np.empty(N_GASES + N_STORES),
        np.empty((8, members)),
        np.array([0, N_STAGES, 0]),
        np.zeros((2, 4, width if banded else 0)),
        np.zeros((4, width)),
    )
