"""Simulation of a block of members over segments: pure functions of states, with no store and no cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from twinpipe.block_state import (
    BlockState,
    block_state,
    inward,
    join_blocks,
    join_members,
    kernel_state,
    outward,
    part_of,
)
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
from twinpipe.physics.records import State
from twinpipe.plan import Block, Plan, Segment
from twinpipe.scenario import Scenario
from twinpipe.spec import RunSpec
from twinpipe.stepping import call, run_stretch

SERIES_NAMES = [f.name for f in SERIES_FIELDS]
DIMS = {f.name: f.dims for f in ALL}
LANES = 8  # members that one call of the kernel advances together: a vector of them, which stays in the cache
KEPT_MODELS, KEPT_CLIMATES = 64, 16  # that the threads of a worker share


@dataclass(frozen=True)
class SegmentOutput:
    """What a block did in a segment: arrays by field name, member first, and its books."""

    state: BlockState
    arrays: dict[str, Array]
    record: dict[str, Any]


@dataclass(frozen=True)
class Climate:
    """The untouched climate of a body on a grid: its state at Ls = 0 and the means of the orbit before."""

    state: State  # of one member
    maps: Array  # (field, lat, lon), means of the last orbit, fields as in fields.MAPS
    series: Array  # (field, step), of the last orbit, fields as in fields.SERIES_FIELDS


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
        parts.append(block_state(0, joined, empty_ledger(n), contents, sums, **own))
        climates_of_block += climates
    initial = {f.name: np.stack([c.maps[i] for c in climates_of_block]) for i, f in _numbered(plan, MAPS)}
    initial |= {f.name: np.stack([c.series[i] for c in climates_of_block]) for i, f in _numbered(plan, SERIES_FIELDS)}
    return join_blocks(parts), {f"initial_{name}": a for name, a in initial.items()}


def _numbered(plan: Plan, declared: tuple[Field, ...]) -> list[tuple[int, Field]]:
    """The fields of a plan with their places in the kernel's arrays."""
    wanted = active(declared, plan.processes)
    return [(i, f) for i, f in enumerate(declared) if f in wanted]


def slabs_of(block: Block, members: Sequence[int] | None = None) -> list[tuple[int, ...]]:
    """The members of a block, or some of them, as the kernel takes them together."""
    own = tuple(range(*block.members) if members is None else members)
    return [own[i : i + LANES] for i in range(0, len(own), LANES)]


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
    return SegmentOutput(join_blocks([o.state for o in outputs]), arrays, record)


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
    s, ledger = kernel_state(state)
    members, orbit = model.n_members, plan.clock.steps_per_orbit
    windows = plan.windows
    open_windows = [w for w in windows if w[0] < first < w[1]]
    sums: dict[tuple[int, int], Any] = {w: inward(state.sums[:, i]) for i, w in enumerate(open_windows)}
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
            maps.append(outward(sums.pop(w) / (w[1] - w[0]), members))
        _check(model, s, done.series, model.bodies[0].name, plan.clock.year_of_step(b), neighbours)
    still = [sums[w] for w in windows if w[0] < last < w[1]]
    kept = np.zeros((members, len(still), model.n_maps, model.n_rows, plan.grid.n_lon))
    for i, total in enumerate(still):
        kept[:, i] = outward(total, members)
    ending = budget.contents(model, s, neighbours)
    beginning = state.contents_at_start(ending.area)
    books = budget.closure(beginning, ending, ledger, segment.steps[1])
    record = {
        "mass_error": books.mass.tolist(),
        "energy_error": books.energy.tolist(),
        "transport_error": books.transport.tolist(),
        "refined_orbits": refined_orbits.tolist(),  # since the run's start
    }
    own = {"refined_orbits": refined_orbits, "control": control, "orbit_means": means}
    new = block_state(last, s, ledger, beginning, kept, **own)
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
