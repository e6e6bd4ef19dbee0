"""The state of a block of members, exactly as it goes on, and its turns into the kernel's layout and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics import budget
from twinpipe.physics.records import Ledger, State, zeros


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


def inward(a: Array) -> Array:
    """(member, ..., lat, lon) to (..., row, cell)."""
    moved = np.moveaxis(a, 0, -1)
    made = zeros(*moved.shape[:-2], moved.shape[-2] * moved.shape[-1])
    made.reshape(moved.shape)[...] = moved
    return made


def outward(a: Array, members: int) -> Array:
    """(..., row, cell) to (member, ..., lat, lon)."""
    return np.ascontiguousarray(np.moveaxis(a.reshape(*a.shape[:-1], a.shape[-1] // members, members), -1, 0))


OF_CELLS = ("T", "ice", "p", "local", "adsorbed", "warming", "ground", "shell", "today")  # of the kernel's state


def kernel_state(b: BlockState) -> tuple[State, Ledger]:
    own = {name: inward(getattr(b, name)) if name in OF_CELLS else getattr(b, name).T.copy() for name in State._fields}
    flows = {name: getattr(b, name).T.copy() for name in Ledger._fields if name != "energy"}
    return State(**own), Ledger(energy=b.energy_flow.T.copy(), **flows)


def block_state(
    step: int, s: State, ledger: Ledger, start: budget.Contents, sums: Array, **own_of_run: Array
) -> BlockState:
    n = len(s.mean_temperature)
    own = {name: outward(a, n) if name in OF_CELLS else a.T.copy() for name, a in s._asdict().items()}
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


def join_members(states: list[State]) -> State:
    """The states of single members as that of a block."""
    parts: dict[str, list[Array]] = {name: [getattr(x, name) for x in states] for name in State._fields}
    return State(**{n: inward(np.stack(a)) if n in OF_CELLS else np.concatenate(a, axis=-1) for n, a in parts.items()})


def join_blocks(parts: list[BlockState]) -> BlockState:
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
