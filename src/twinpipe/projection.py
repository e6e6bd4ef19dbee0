"""What a plan will take before it runs: memory of a worker, bytes in the store, and blocks that fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from twinpipe.errors import InvalidInput
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS, active
from twinpipe.grid import Grid
from twinpipe.isolation import apart
from twinpipe.physics.model import build, first_guess
from twinpipe.physics.records import no_forcing, scratch
from twinpipe.plan import BLOCKS_PER_THREAD, Plan, make_plan
from twinpipe.simulation import KEPT_CLIMATES, KEPT_MODELS, LANES
from twinpipe.spec import RunSpec

FLOAT = 8  # bytes
SMALL = Grid(4, 8)  # on which the sizes of records are counted
# A worker before its first task, with its libraries, Dask, the compiled kernel from the cache and what its allocator
# does not give back; compiling takes more.
PROCESS_BYTES = 370_000_000
LARGEST_BLOCK = 16  # members, beyond which a block gains nothing


@dataclass(frozen=True)
class Projection:
    """Bytes that a plan takes; the peak of a worker is an upper bound that its measured peak comes near."""

    process: int  # of a worker before its first task
    shared: int  # models and climates that the threads of a worker share
    task: int  # peak of one block in one segment
    waiting: int  # state of a block that waits for its next segment
    stored: int  # of a whole run or sweep, before compression
    blocks: int
    bands: int  # of a planet, which are all at work at once
    restart: int  # restart states: the newest of each block, and that which a run of more years begins with

    def worker(self, threads: int = 1) -> int:
        """Peak of a worker with so many threads, each with a block that runs and as many open as Dask has.

        Of a planet in bands, one that has all of them.
        """
        if self.bands > 1:
            return self.process + self.shared + self.bands * self.task
        busy, there = min(threads, self.blocks), min(BLOCKS_PER_THREAD * threads, self.blocks)
        return self.process + self.shared + busy * self.task + there * self.waiting


@dataclass(frozen=True)
class _Sizes:
    """Floats per cell of one member: of its state, of its model and of a call's room."""

    state: float
    model: float
    room: float
    maps: int


def _floats(record: Iterable[NDArray[np.generic]]) -> float:
    return sum(a.size for a in record) / SMALL.n_cells


def _sizes(spec: RunSpec, processes: frozenset[str]) -> _Sizes:
    model = build((spec.body,), (spec.scenario,), SMALL, spec.clock, processes)
    state = first_guess(model)
    of_cells = [a for a in (*model.static, model.deployment.patch_map) if a.shape[-2:] == (SMALL.n_lat, SMALL.n_lon)]
    room = scratch(SMALL.n_lat, SMALL.n_lon, len(state.T), len(state.shell), 1)
    return _Sizes(_floats(state), _floats(of_cells), _floats((room.fields, room.adsorbed)), model.n_maps)


def project(plan: Plan) -> Projection:
    """Memory and bytes of a plan, by the sizes of its records.

    A task holds what it was given and, of each slab of LANES members, what came out, which is then joined: its
    state and outputs are there twice.  Running a slab takes its state three times (in the kernel's layout, as it
    was at the orbit's start, and turned back), the windows' sums twice, and the kernel's room.  Members that end
    apart have what they were and what they gave once more.
    """
    first, cells, bands = plan.specs[0], plan.grid.n_cells, len(plan.bands)
    size, members = _sizes(first, plan.processes), min(plan.members_per_block, plan.n_members)
    segment = max(plan.segments, key=lambda s: s.steps[1] - s.steps[0])
    steps, windows = segment.steps[1] - segment.steps[0], segment.maps[1] - segment.maps[0]
    state = FLOAT * size.state * cells
    zonals = FLOAT * len(ZONALS) * (segment.zonals[1] - segment.zonals[0]) * plan.grid.n_lat
    series = FLOAT * len(SERIES_FIELDS) * steps
    outputs = FLOAT * size.maps * windows * cells + zonals + series
    lanes = min(LANES, members)
    forcing = FLOAT * sum(a.size for a in no_forcing(plan.clock.steps_per_orbit, 0, 0, 1))
    slab = lanes * (3 * state + FLOAT * cells * (2 * size.maps + size.room) + forcing)
    models = min(KEPT_MODELS * lanes, plan.n_members) * FLOAT * cells * size.model
    climates = min(KEPT_CLIMATES, len({s.body.digest for s in plan.specs})) * (state + FLOAT * len(MAPS) * cells)
    table = FLOAT * 2 * plan.clock.steps_per_orbit * plan.grid.n_lat * min(KEPT_MODELS, -(-plan.n_members // lanes))
    hypsometry = FLOAT * 2 * cells * lanes  # shared by the models of the same bodies
    copies = 2 + apart(plan)
    task = members * copies * (state + outputs) + max(slab, members * outputs)
    return Projection(
        process=PROCESS_BYTES,
        shared=int(models + climates + table + hypsometry),
        task=int(task / bands),
        waiting=int(members * state / bands),
        stored=_stored(plan),
        blocks=len(plan.blocks),
        bands=bands,
        restart=int(plan.n_members * state * ((1 if bands == 1 else 2) + (plan.shareable_segments > 0))),
    )


def _stored(plan: Plan) -> int:
    """Bytes of all variables that a plan's segments write, those of the orbit before year 0 among them."""
    sizes = {
        "member": plan.n_members,
        "time": len(plan.windows),
        "zonal_time": plan.n_zonals,
        "series_time": plan.n_steps,
        "lat": plan.grid.n_lat,
        "lon": plan.grid.n_lon,
    }
    fields, before = active((*MAPS, *ZONALS, *SERIES_FIELDS), plan.processes), sizes | {"time": 1}
    before["series_time"] = plan.clock.steps_per_orbit
    written = [(f, sizes) for f in fields] + [(f, before) for f in fields if f not in ZONALS]
    return sum(int(f.kept[1]) * prod(size[d] for d in f.dims) for f, size in written)


def fit(specs: tuple[RunSpec, ...], memory_limit: int, threads: int = 1) -> Plan:
    """The plan with the largest blocks whose worker, with so many threads, stays below a memory limit (bytes).

    A block is a whole number of slabs where there are as many members, at most LARGEST_BLOCK of them, and no more
    than leave a block for each thread.  Raises InvalidInput when not even one member in the shortest segment fits.
    """
    most = min(LARGEST_BLOCK, max(1, -(-len(specs) // threads)))
    sizes = [n for n in range(most, 0, -1) if n % LANES == 0 or n < LANES]
    for size in sizes:
        plan = make_plan(specs, size)
        while True:
            need = project(plan).worker(threads)
            if need <= memory_limit:
                return plan
            every = specs[0].output.maps_every_orbits
            if plan.orbits_per_segment == every:
                break
            plan = replace(plan, orbits_per_segment=max(every, plan.orbits_per_segment // 2 // every * every))
    allowed = f"a worker of {threads} threads takes at least {need / 1e6:,.0f} MB for one member on {specs[0].grid}"
    raise InvalidInput("memory limit", f"{memory_limit / 1e6:,.0f} MB", allowed)
