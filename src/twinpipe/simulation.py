"""Simulation of a block of members over segments: pure functions of states, with no store and no cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from twinpipe.body import Body
from twinpipe.clock import Clock
from twinpipe.errors import SimulationError
from twinpipe.fields import ALL, MAPS, SERIES_FIELDS, ZONALS, Field, active
from twinpipe.grid import Array, Grid
from twinpipe.memory import Memory
from twinpipe.neighbours import ALONE, Neighbours
from twinpipe.physics import budget, controllers, today
from twinpipe.physics.equilibrium import approach, is_slow, lost, runaway
from twinpipe.physics.model import Model, as_today, build, empty_ledger, first_guess
from twinpipe.physics.nitrogen import collapse
from twinpipe.physics.records import Ledger, State, zeros
from twinpipe.plan import Block, Plan, Segment
from twinpipe.scenario import Scenario
from twinpipe.spec import RunSpec
from twinpipe.stepping import call, run_stretch

SERIES_NAMES = [f.name for f in SERIES_FIELDS]
DIMS = {f.name: f.dims for f in ALL}
LANES = 8  # members that one call of the kernel advances together: a vector of them, which stays in the cache
KEPT_MODELS, KEPT_CLIMATES = 64, 16  # that the threads of a worker share


@dataclass(frozen=True)
class BlockState:
    """State of a block at a step, member first; what a restart needs, exactly.

    T (member, layer, lat, lon), ice and p (member, lat, lon), gas (member, gas), mean_temperature (member), local
    (member, field, lat, lon), adsorbed, warming and shell (member, layer, lat, lon), ground and today (member, field,
    lat, lon), orbit (member, number), store, rest and aerosol (member, substance), the ledger since the
    run's start, the contents at the start (energy; stores; mass by element), how many orbits so far had shorter steps,
    what controllers know (member, intervention, 2) and see (member, measure) of the last whole orbit, and the running
    sums (member, window, field, lat, lon) of the windows that are open at this step.
    """

    step: int
    T: Array
    ice: Array
    p: Array
    gas: Array
    mean_temperature: Array
    local: Array
    adsorbed: Array
    store: Array
    rest: Array
    aerosol: Array
    warming: Array
    ground: Array
    orbit: Array
    shell: Array
    today: Array
    energy_flow: Array
    imported: Array
    escaped: Array
    decayed: Array
    supplied: Array
    made: Array
    spread: Array
    condensed: Array
    reacted: Array
    start_energy: Array
    start_store: Array
    start_mass: Array
    refined_orbits: Array
    control: Array
    orbit_means: Array
    sums: Array

    def arrays(self) -> dict[str, Array]:
        """The state as named arrays."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "step"}
        return {**named, "step": np.array(self.step)}

    def contents_at_start(self, area: float) -> budget.Contents:
        """What the members held at the run's start, on a body of an area (m2)."""
        none = np.zeros_like(self.rest.T)
        return budget.Contents(self.start_energy, self.start_store.T, none, self.start_mass.T, area)

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> BlockState:
        return cls(**{**arrays, "step": int(arrays["step"])})  # type: ignore[arg-type]  # an array for each field


@dataclass(frozen=True)
class SegmentOutput:
    """What a block did in a segment: arrays by field name, member first, and its books."""

    state: BlockState
    arrays: dict[str, Array]
    record: dict[str, Any]


def _inward(a: Array) -> Array:
    """(member, ..., lat, lon) to (..., row, cell)."""
    moved = np.moveaxis(a, 0, -1)
    made = zeros(*moved.shape[:-2], moved.shape[-2] * moved.shape[-1])
    made.reshape(moved.shape)[...] = moved
    return made


def _outward(a: Array, members: int) -> Array:
    """(..., row, cell) to (member, ..., lat, lon)."""
    return np.ascontiguousarray(np.moveaxis(a.reshape(*a.shape[:-1], a.shape[-1] // members, members), -1, 0))


OF_CELLS = ("T", "ice", "p", "local", "adsorbed", "warming", "ground", "shell", "today")  # of the kernel's state


def _kernel_state(b: BlockState) -> tuple[State, Ledger]:
    own = {name: _inward(getattr(b, name)) if name in OF_CELLS else getattr(b, name).T.copy() for name in State._fields}
    flows = {name: getattr(b, name).T.copy() for name in Ledger._fields if name != "energy"}
    return State(**own), Ledger(energy=b.energy_flow.T.copy(), **flows)


def _block_state(
    step: int, s: State, ledger: Ledger, start: budget.Contents, sums: Array, **own_of_run: Array
) -> BlockState:
    n = len(s.mean_temperature)
    own = {name: _outward(a, n) if name in OF_CELLS else a.T.copy() for name, a in s._asdict().items()}
    flows = {name: a.T.copy() for name, a in ledger._asdict().items() if name != "energy"}
    return BlockState(
        step=step,
        **own,
        **flows,
        energy_flow=ledger.energy.T.copy(),
        start_energy=start.energy,
        start_store=start.store.T.copy(),
        start_mass=start.mass.T.copy(),
        sums=sums,
        **own_of_run,
    )


@dataclass(frozen=True)
class Climate:
    """The untouched climate of a body on a grid: its state at Ls = 0 and the means of the orbit before."""

    state: State  # of one member
    maps: Array  # (field, lat, lon), means of the last orbit, fields as in fields.MAPS
    series: Array  # (field, step), of the last orbit, fields as in fields.SERIES_FIELDS


def join_members(states: list[State]) -> State:
    """The states of single members as that of a block."""
    parts: dict[str, list[Array]] = {name: [getattr(x, name) for x in states] for name in State._fields}
    return State(**{n: _inward(np.stack(a)) if n in OF_CELLS else np.concatenate(a, axis=-1) for n, a in parts.items()})


def equilibrate(
    body: Body,
    grid: Grid,
    clock: Clock,
    orbits: int,
    rows: tuple[int, int] | None = None,
    neighbours: Neighbours = ALONE,
) -> Climate:
    """Climate of the untouched body after a number of orbits from a first guess.

    A body that takes longer than an orbit to follow its sunlight, C T / 4 OLR > P, would need hundreds of them (Venus
    has 73 orbits to the e-folding).  Its heat is found by Newton's method instead: after each orbit of the first two
    thirds all temperatures move by N / lambda, N the mean imbalance (W m-2), lambda = -dN/dT by the last two orbits.

    What lies below the soil does not take part, and is then in equilibrium with the last orbit's means; nor does the
    interior, so that the air is the body's own.  Ice shells and seas do, and are put back after each
    orbit to what they are today.

    rows: of a band of latitudes, whose neighbours do the same at the same time; None: all.
    """
    whole = build((body,), (Scenario(),), grid, clock, rows=rows)
    model = replace(whole, options=whole.options._replace(regolith=False, buried=False, geosphere=False))
    s, n = first_guess(whole, neighbours), clock.steps_per_orbit
    today.hold(model, s, s.T[0])
    sums = np.zeros((1, model.n_maps, model.n_rows, grid.n_lon))
    known: tuple[float, float] | None = None
    for orbit in range(max(orbits, 1)):
        sums[:] = 0.0
        before = budget.contents(model, s, neighbours)
        _, series = call(model, s, empty_ledger(1), orbit * n, n, sums, n, neighbours=neighbours)
        _check(model, s, series, body.name, 0.0, neighbours, settled=orbit + 1 >= orbits)
        if orbit < 2 * orbits // 3 and is_slow(model, s, series, neighbours):
            imbalance = budget.contents(model, s, neighbours).since(before)[0] / clock.orbit_seconds
            known = approach(s, series, float(imbalance), known)
        today.hold(model, s, sums[0, 0] / n, last=orbit > 2 * orbits // 3)
    s.rest[:] = 0.0
    maps, of_co2 = np.zeros((len(MAPS), model.n_rows, grid.n_lon)), SERIES_NAMES.index("carbon_dioxide_pressure")
    maps[: model.n_maps] = sums[0] / n  # nothing lies on ground that has no process
    return Climate(as_today(whole, s, maps[0], series[of_co2].mean(axis=0)), maps, series[:, :, 0])


def _check(
    model: Model, s: State, series: Array, name: str, year: float, neighbours: Neighbours, *, settled: bool = True
) -> None:
    gone = (lost(model, series) or collapse(model, s, series)) if settled else None
    if gone is not None:
        raise SimulationError(f"the simulation of {name} ends near year {year:.1f}: {gone}.")
    low, high = float(s.T.min()), float(s.T.max())
    hot = runaway(model, s, series, neighbours)
    if hot is not None:
        raise SimulationError(f"the simulation of {name} ends near year {year:.1f} in {hot}.")
    if not (low > 1.0 and high < 1500.0 and float(s.gas.min()) >= 0.0):
        raise SimulationError(
            f"the simulation of {name} left its range near year {year:.1f}: temperatures {low:.4g} to {high:.4g} K."
        )


_models, _climates = Memory(KEPT_MODELS), Memory(KEPT_CLIMATES)


def climate(body: Body, grid: Grid, clock: Clock, orbits: int) -> Climate:
    """Climate of the untouched body, computed once in a process."""
    value: Climate = _climates.get((body.digest, grid, clock, orbits), lambda: equilibrate(body, grid, clock, orbits))
    return value


def _model(plan: Plan, members: tuple[int, ...], rows: tuple[int, int]) -> Model:
    specs = [plan.specs[m] for m in members]
    bodies, scenarios = tuple(s.body for s in specs), tuple(s.scenario for s in specs)
    key = (*(s.digest for s in specs), plan.processes, rows)
    made: Model = _models.get(key, lambda: build(bodies, scenarios, plan.grid, plan.clock, plan.processes, rows))
    return made


def climates_of(plan: Plan, block: Block, neighbours: Neighbours) -> Callable[[RunSpec], Climate]:
    """The climate by spec; a band makes its part with its neighbours, each time and in the same order."""
    if len(plan.bands) == 1:
        return lambda s: climate(s.body, plan.grid, plan.clock, s.spin_up_orbits)
    made: dict[tuple[str, int], Climate] = {}
    for s in plan.specs[slice(*block.members)]:
        key = (s.body.digest, s.spin_up_orbits)
        if key not in made:
            made[key] = equilibrate(s.body, plan.grid, plan.clock, s.spin_up_orbits, block.rows, neighbours)
    return lambda s: made[s.body.digest, s.spin_up_orbits]


def start(
    plan: Plan, block: Block, neighbours: Neighbours = ALONE, members: Sequence[int] | None = None
) -> tuple[BlockState, dict[str, Array]]:
    """State of a block (or some of its members) at step 0, and maps and series of the orbit before, by name."""
    parts: list[BlockState] = []
    climates_of_block: list[Climate] = []
    climate_of = climates_of(plan, block, neighbours)
    for slab in slabs_of(block, members):
        climates = [climate_of(plan.specs[m]) for m in slab]
        states, n = [c.state for c in climates], len(slab)
        model = _model(plan, slab, block.rows)
        joined = join_members(states)
        sums = np.zeros((n, 0, model.n_maps, model.n_rows, plan.grid.n_lon))
        own = {
            "refined_orbits": np.zeros(n),
            "control": np.zeros((n, max(len(s.scenario.interventions) for s in plan.specs), 2)),
            "orbit_means": np.concatenate([controllers.orbit_means(c.series[:, :, None]) for c in climates]),
        }
        contents = budget.contents(model, joined, neighbours)
        parts.append(_block_state(0, joined, empty_ledger(n), contents, sums, **own))
        climates_of_block += climates
    initial = {f.name: np.stack([c.maps[i] for c in climates_of_block]) for i, f in _numbered(plan, MAPS)}
    initial |= {f.name: np.stack([c.series[i] for c in climates_of_block]) for i, f in _numbered(plan, SERIES_FIELDS)}
    return _join(parts), {f"initial_{name}": a for name, a in initial.items()}


def _numbered(plan: Plan, declared: tuple[Field, ...]) -> list[tuple[int, Field]]:
    """The fields of a plan with their places in the kernel's arrays."""
    wanted = active(declared, plan.processes)
    return [(i, f) for i, f in enumerate(declared) if f in wanted]


def slabs_of(block: Block, members: Sequence[int] | None = None) -> list[tuple[int, ...]]:
    """The members of a block, or some of them, as the kernel takes them together."""
    own = tuple(range(*block.members) if members is None else members)
    return [own[i : i + LANES] for i in range(0, len(own), LANES)]


def _join(parts: list[BlockState]) -> BlockState:
    if len(parts) == 1:  # not copied: of a fine grid it is most of a task's memory
        return parts[0]
    arrays = [p.arrays() for p in parts]
    return BlockState.from_arrays(
        {k: np.concatenate([a[k] for a in arrays]) if k != "step" else arrays[0][k] for k in arrays[0]}
    )


def part_of(state: BlockState, which: Sequence[int]) -> BlockState:
    """The state of some members of a block, by their places there; the block's own when they are all of them."""
    if list(which) == list(range(len(state.refined_orbits))):
        return state
    arrays = {k: v[list(which)] for k, v in state.arrays().items() if k != "step"}
    return replace(state, **arrays)  # type: ignore[arg-type]  # an array for each field


def run_segment(
    plan: Plan,
    block: Block,
    segment: Segment,
    state: BlockState,
    neighbours: Neighbours = ALONE,
    members: Sequence[int] | None = None,
) -> SegmentOutput:
    """Advance a block over a segment; a band at the same time as its neighbours.

    members: those of the block whose state it is; None: all.  Raises SimulationError when one leaves the range of
    temperatures in which it means anything.
    """
    outputs: list[SegmentOutput] = []
    for slab in slabs_of(block, members):
        first = sum(len(o.state.refined_orbits) for o in outputs)
        own = part_of(state, range(first, first + len(slab)))
        outputs.append(_run_slab(plan, segment, own, _model(plan, slab, block.rows), slab, neighbours))
    names = outputs[0].arrays
    arrays = {name: np.concatenate([o.arrays[name] for o in outputs]) for name in names}
    record = {key: [x for o in outputs for x in o.record[key]] for key in outputs[0].record}
    return SegmentOutput(_join([o.state for o in outputs]), arrays, record)


def own_outputs(block: Block, arrays: dict[str, Array]) -> dict[str, Array]:
    """Those of the outputs that a block keeps: what is of the whole planet is the first band's."""
    return {n: a for n, a in arrays.items() if block.band == 0 or "lat" in DIMS[n.removeprefix("initial_")]}


def _refined(plan: Plan, member: int, factor: int, rows: tuple[int, int]) -> Model:
    """The model of one member with some times the steps."""
    spec = plan.specs[member]
    clock = Clock(plan.clock.orbit_seconds, plan.clock.steps_per_orbit * factor)
    value: Model = _models.get(
        (spec.digest, factor, plan.processes, rows),
        lambda: build((spec.body,), (spec.scenario,), plan.grid, clock, plan.processes, rows),
    )
    return value


def _run_slab(
    plan: Plan, segment: Segment, state: BlockState, model: Model, slab: tuple[int, ...], neighbours: Neighbours
) -> SegmentOutput:
    every, (first, last) = plan.specs[0].output.zonal_every_steps, segment.steps
    if state.step != first:
        raise SimulationError(f"segment {segment.index} starts at step {first}, but the state is of step {state.step}.")
    s, ledger = _kernel_state(state)
    members, orbit = model.n_members, plan.clock.steps_per_orbit
    windows = plan.windows
    open_windows = [w for w in windows if w[0] < first < w[1]]
    sums: dict[tuple[int, int], Any] = {w: _inward(state.sums[:, i]) for i, w in enumerate(open_windows)}
    refined_orbits, control, means = state.refined_orbits.copy(), state.control.copy(), state.orbit_means
    maps, zonals, series = [], [], []
    for a, b in pairwise(sorted({first, last, *range(-(-first // orbit) * orbit, last, orbit)})):
        cuts = sorted({a, b, *(c for w in windows for c in w if a < c < b)})
        shares = controllers.steer(model.scenarios, plan.clock, a, means, control)
        done, again = run_stretch(
            model,
            lambda m, r: _refined(plan, slab[m], r, model.rows),
            s,
            ledger,
            cuts,
            windows,
            sums,
            every,
            shares,
            neighbours,
        )
        controllers.deliver(model.scenarios, plan.clock, (a, b), shares, control)
        means = controllers.orbit_means(done.series)
        zonals.append(done.zonals)
        series.append(done.series)
        refined_orbits += again
        sums = done.sums
        for w in [w for w in windows if a < w[1] <= b]:
            maps.append(_outward(sums.pop(w) / (w[1] - w[0]), members))
        _check(model, s, done.series, model.bodies[0].name, plan.clock.year_of_step(b), neighbours)
    still = [sums[w] for w in windows if w[0] < last < w[1]]
    kept = np.zeros((members, len(still), model.n_maps, model.n_rows, plan.grid.n_lon))
    for i, total in enumerate(still):
        kept[:, i] = _outward(total, members)
    ending = budget.contents(model, s, neighbours)
    beginning = state.contents_at_start(ending.area)
    books = budget.closure(beginning, ending, ledger)
    record = {
        "mass_error": books.mass.tolist(),
        "energy_error": books.energy.tolist(),
        "transport_error": books.transport.tolist(),
        "refined_orbits": refined_orbits.tolist(),  # since the run's start
    }
    own = {"refined_orbits": refined_orbits, "control": control, "orbit_means": means}
    new = _block_state(last, s, ledger, beginning, kept, **own)
    return SegmentOutput(new, _named(plan, maps, zonals, series, model), record)


def _named(plan: Plan, maps: list[Array], zonals: list[Array], series: list[Array], model: Model) -> dict[str, Array]:
    """Arrays by field name, member first."""
    none = np.zeros((model.n_members, len(MAPS), 0, model.n_rows, plan.grid.n_lon))
    m = np.stack(maps, axis=2) if maps else none
    z = np.moveaxis(np.concatenate(zonals, axis=1), -1, 0)
    x = np.moveaxis(np.concatenate(series, axis=1), -1, 0)
    result = {f.name: m[:, i] for i, f in _numbered(plan, MAPS)}
    result |= {f.name: z[:, i] for i, f in enumerate(ZONALS)}
    return result | {f.name: x[:, i] for i, f in _numbered(plan, SERIES_FIELDS)}
