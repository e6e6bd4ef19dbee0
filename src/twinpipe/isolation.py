"""Members apart: one that fails or is lost ends alone, and those beside it go on with the same bits.

A member that has ended keeps the state in which it did; its outputs from then on are NaN, from the end of the segment
in which it was lost by a rule, and from the beginning of that in which it failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinpipe.block_state import BlockState, part_of
from twinpipe.errors import SimulationError
from twinpipe.fields import MAPS, SERIES_FIELDS, ZONALS, Field, active
from twinpipe.grid import Array
from twinpipe.neighbours import ALONE, Neighbours
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.plan import Block, Plan, Segment
from twinpipe.simulation import SegmentOutput, climates_of, run_segment, slabs_of, start

Ended = list[str | None]  # of each member of a block: why it ended, if it did
CLOSED = ("mass_error", "energy_error", "transport_error")


def apart(plan: Plan) -> bool:
    """Whether members end apart: not the only one, whose end is the run's, nor planets in bands, which go together."""
    return plan.n_members > 1 and len(plan.bands) == 1


def ended_of(seal: dict[str, Any] | None, block: Block) -> Ended:
    """Which members of a block had ended by a segment, from its seal."""
    found: Ended | None = seal["record"].get("ended") if seal else None
    return found or [None] * (block.members[1] - block.members[0])


def start_apart(plan: Plan, block: Block, neighbours: Neighbours = ALONE) -> tuple[BlockState, dict[str, Array], Ended]:
    """What simulation.start gives, and which members have no climate to start from."""
    if not apart(plan):
        state, initial = start(plan, block, neighbours)
        return state, initial, [None] * len(state.refined_orbits)
    climate_of, own = climates_of(plan, block, neighbours), range(*block.members)
    ended: Ended = []
    for m in own:
        try:
            climate_of(plan.specs[m])
            ended.append(None)
        except SimulationError as error:
            ended.append(str(error))
    nothing = _nothing(plan, block, None)
    alive = [i for i, why in enumerate(ended) if why is None]
    if not alive:
        sizes: dict[str, Any] = {name: np.zeros((len(own), 0)) for name in _state_names()}
        return BlockState(step=0, **sizes), nothing, ended
    state, initial = start(plan, block, neighbours, [own[i] for i in alive])
    arrays = {
        k: _placed(a, alive, np.zeros((len(own), *a.shape[1:]))) for k, a in state.arrays().items() if k != "step"
    }
    return BlockState(step=0, **arrays), {k: _placed(initial[k], alive, a) for k, a in nothing.items()}, ended


def run_apart(
    plan: Plan, block: Block, segment: Segment, state: BlockState, ended: Ended, neighbours: Neighbours = ALONE
) -> SegmentOutput:
    """What simulation.run_segment gives, with the reasons of members that have ended in the record."""
    if not apart(plan):
        return run_segment(plan, block, segment, state, neighbours)
    ended, own = list(ended), range(*block.members)
    arrays = _nothing(plan, block, segment)
    states = {k: a.copy() for k, a in state.arrays().items() if k not in ("step", "sums")}
    sums: Array | None = None
    record = {k: [0.0] * len(own) for k in CLOSED} | {"refined_orbits": state.refined_orbits.tolist()}
    for slab in slabs_of(block, [own[i] for i, why in enumerate(ended) if why is None]):
        for members, output in _outputs(plan, block, segment, state, slab, ended):
            for j, m in enumerate(members):
                i = m - own[0]
                ended[i] = _books(output.record, j) or _lost(plan, segment, output.arrays, j)
            places = [m - own[0] for m in members]
            after = output.state.arrays()
            for name, a in arrays.items():
                a[places] = output.arrays[name]
            for name, a in states.items():
                a[places] = after[name]
            sums = np.zeros((len(own), *after["sums"].shape[1:])) if sums is None else sums
            sums[places] = after["sums"]
            for key, values in record.items():
                for i, value in zip(places, output.record[key], strict=True):
                    values[i] = value
    for i, why in enumerate(ended):
        if why is not None:  # the books of what has ended are nobody's
            for key in CLOSED:
                record[key][i] = 0.0
    kept = state.sums[:, :0] if sums is None else sums
    new: dict[str, Any] = {**states, "sums": kept}
    return SegmentOutput(BlockState(step=segment.steps[1], **new), arrays, record | {"ended": ended})


def _outputs(
    plan: Plan, block: Block, segment: Segment, state: BlockState, slab: tuple[int, ...], ended: Ended
) -> list[tuple[tuple[int, ...], SegmentOutput]]:
    """The outputs of members that go together; apart when one of them fails, which is noted."""
    first, done = block.members[0], []
    for members in (slab, *((m,) for m in slab)):
        own = part_of(state, [m - first for m in members])
        try:
            done.append((members, run_segment(plan, block, segment, own, members=members)))
        except SimulationError as error:
            if members == slab and len(slab) > 1:
                continue
            ended[members[0] - first] = str(error)
        if members == slab:
            break
    return done


def _books(record: dict[str, Any], j: int) -> str | None:
    """Why a member ends whose books do not close."""
    mass, energy = record["mass_error"][j], max(record["energy_error"][j], record["transport_error"][j])
    if mass <= MASS_TOLERANCE and energy <= ENERGY_TOLERANCE:
        return None
    return f"its books do not close: mass {mass:.1e}, energy {energy:.1e}."


def _lost(plan: Plan, segment: Segment, arrays: dict[str, Array], j: int) -> str | None:
    """Why a member is lost by a rule, after the first orbit of which that is true; segments do not matter."""
    first, n = segment.steps[0], plan.clock.steps_per_orbit
    for orbit in range((segment.steps[1] - first) // n):
        year = plan.clock.year_of_step(first + (orbit + 1) * n)
        for rule in plan.stops:
            if year < rule.after_year or rule.series not in arrays:
                continue
            value = float(arrays[rule.series][j, orbit * n : (orbit + 1) * n].mean())
            if rule.below is not None and not value >= rule.below:
                return f"lost in year {year:.1f}: {rule.series} was {value:.5g}, below {rule.below:g}."
            if rule.above is not None and not value <= rule.above:
                return f"lost in year {year:.1f}: {rule.series} was {value:.5g}, above {rule.above:g}."
    return None


def _placed(values: Array, places: Sequence[int], into: Array) -> Array:
    into[list(places)] = values
    return into


def _nothing(plan: Plan, block: Block, segment: Segment | None) -> dict[str, Array]:
    """NaN in the shape of a block's outputs of a segment, or of the orbit before year 0."""
    (a, b), (south, north) = block.members, block.rows
    sizes = {"member": b - a, "lat": north - south, "lon": plan.grid.n_lon}

    def made(f: Field, prefix: str = "") -> tuple[str, Array]:
        dims = [d for d in f.dims if not (prefix and d == "time")]
        return prefix + f.name, np.full([sizes[d] for d in dims], np.nan)

    if segment is None:
        sizes["series_time"] = plan.clock.steps_per_orbit
        return dict(made(f, "initial_") for f in active((*MAPS, *SERIES_FIELDS), plan.processes))
    for dim, (begin, end) in {"time": segment.maps, "zonal_time": segment.zonals, "series_time": segment.steps}.items():
        sizes[dim] = end - begin
    return dict(made(f) for f in (*active(MAPS, plan.processes), *ZONALS, *active(SERIES_FIELDS, plan.processes)))


def _state_names() -> list[str]:
    return [name for name in BlockState.__dataclass_fields__ if name != "step"]
