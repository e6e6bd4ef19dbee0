"""A replay: a run again from its row alone, in memory, each segment's digests compared with its seal.

A member of a sweep is replayed with the members of its block, from the rows of its sweep, since its seals are theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from twinpipe.db import ledger
from twinpipe.db.rows import RunRow
from twinpipe.digest import array_digest
from twinpipe.errors import NotFound, StoreError
from twinpipe.fields import ALL
from twinpipe.gang import side_by_side
from twinpipe.grid import Array
from twinpipe.isolation import run_apart, start_apart
from twinpipe.lifecycle import run_plan_of, run_spec, twin_body
from twinpipe.makeup import versions
from twinpipe.neighbours import Neighbours, together
from twinpipe.physics.compiled import CODE_FINGERPRINT, MODULE_FINGERPRINTS
from twinpipe.plan import Block, Plan
from twinpipe.seals import state_digest
from twinpipe.simulation import own_outputs
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore
from twinpipe.sweep_places import outputs_of
from twinpipe.sweeping import asked, plan_of
from twinpipe.workplace import Workplace

DECLARED = {f.name: f for f in ALL}


@dataclass(frozen=True)
class Replay:
    """What a replay found: segments that agree, what differs in the first that does not, and why that may be."""

    run_id: int
    segments: int
    agreeing: int
    differing: list[str] = field(default_factory=list)  # variables of the first segment that differs
    reasons: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        return self.agreeing == self.segments and not self.reasons

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"identical": self.identical}

    def sentences(self) -> list[str]:
        """The verdict in words."""
        said = [f"run {self.run_id}: {self.agreeing} of {self.segments} segments are the same bits"]
        if self.differing:
            said.append(f"segment {self.agreeing} differs in {', '.join(self.differing)}")
        return said + self.reasons


def verify_run(w: Workplace, run_id: int, on_progress: Callable[[float], object] | None = None) -> Replay:
    """Replay a completed run by its row (spec, snapshot of its twin), and compare with its seals.

    Nothing is written.  A member of a sweep takes those of its block with it, and of its store only their files are
    read.  A difference is explained where it can be: data damaged since, other physics (which modules), other versions
    or another kind of machine.  Raises NotFound, and Conflict when the run is not completed, its row or its twin's was
    scrubbed, or the twin is deleted.
    """
    run = ledger.get_run(w.engine, run_id)
    store, spec = RunStore(outputs_of(w, run)), run_spec(w, run)
    plan, slab = _planned(w, run, spec)
    reasons: list[str] = []
    try:
        store.verify(contents=True, blocks={block.index for block in slab})
    except StoreError as damage:
        reasons.append(f"its store is not what was sealed: {damage}")

    def replay(block: Block, neighbours: Neighbours) -> tuple[int, list[str]]:
        """Segments of a block that agree, and what differs in the first that does not."""
        agreeing = 0
        state, arrays, ended = start_apart(plan, block, neighbours)
        for segment in plan.segments:
            output = run_apart(plan, block, segment, state, ended, neighbours)
            seal, ended = store.seals.read(block.index, segment.index), output.record.get("ended", ended)
            own = own_outputs(block, output.arrays | arrays)
            differing = _differing(seal["digests"], own, output.state.arrays()) if seal else []
            if together(neighbours, np.array([float(seal is None or bool(differing))]))[0] > 0:
                return agreeing, differing
            state, arrays, agreeing = output.state, {}, agreeing + 1
            if on_progress is not None and block.band == 0:
                on_progress(agreeing / len(plan.segments))
        return agreeing, []

    found = side_by_side(slab, replay)
    agreeing, differing = found[0][0], sorted({name for _, names in found for name in names})
    if differing:
        reasons += _reasons(w, run_id, spec.code_fingerprint)
    return Replay(run_id, len(plan.segments), agreeing, differing, reasons)


def _planned(w: Workplace, run: RunRow, spec: RunSpec) -> tuple[Plan, tuple[Block, ...]]:
    """The plan that a run was part of, and the blocks of it that made its bits."""
    if run.sweep_id is None:
        plan = run_plan_of(spec)
        return plan, plan.slabs[0]
    members = ledger.list_members(w.engine, run.sweep_id)
    body, sweep = twin_body(ledger.get_twin(w.engine, run.twin_id)), ledger.get_sweep(w.engine, run.sweep_id)
    plan = plan_of(members, body, asked(sweep).stop)
    place = [m.id for m in members].index(run.id)
    return plan, next(slab for slab in plan.slabs if slab[0].members[0] <= place < slab[0].members[1])


def _differing(sealed: dict[str, str], arrays: dict[str, Array], state: dict[str, Array]) -> list[str]:
    """Names of variables, and 'state', whose bits as stored are not those that were sealed."""
    found = {"state": state_digest(state)}
    for name, a in arrays.items():
        declared = DECLARED[name.removeprefix("initial_")]
        if a.size:
            found[f"{declared.group}/{name}"] = array_digest(np.asarray(a, declared.kept))
    return sorted(k for k in sealed.keys() | found.keys() if sealed.get(k) != found.get(k))


def _reasons(w: Workplace, run_id: int, fingerprint: str) -> list[str]:
    """What may have changed the bits since the run."""
    try:
        performance = ledger.get_result(w.engine, run_id).performance_data or {}
    except NotFound:
        performance = {}
    said = []
    if fingerprint != CODE_FINGERPRINT:
        then = performance.get("modules", {})
        changed = sorted(m for m in then.keys() | MODULE_FINGERPRINTS if then.get(m) != MODULE_FINGERPRINTS.get(m))
        which = ", ".join(changed) if then else "it is not known which modules"
        said.append(f"the physics has changed since: {which}")
    then, now = performance.get("versions", {}), versions()
    other = [f"{k} was {then[k]} and is {now.get(k, 'gone')}" for k in sorted(then) if then[k] != now.get(k)]
    if other:
        said.append(f"the platform has changed since: {', '.join(other)}")
    return said or ["neither physics nor versions have changed since: this difference is not explained"]
