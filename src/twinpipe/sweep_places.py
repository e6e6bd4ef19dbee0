"""Where the outputs of runs and of a sweep's members are: in its own store, and in those of runs and sweeps before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinpipe.db import ledger
from twinpipe.db.rows import RunRow, SweepRow
from twinpipe.errors import Conflict
from twinpipe.lifecycle import run_path
from twinpipe.place import Place
from twinpipe.workplace import Workplace


@dataclass(frozen=True)
class Placed:
    """A member's run, and its place among the members of its store."""

    run: RunRow
    index: int
    own: bool  # whether the sweep computed it, or found it

    def path(self, w: Workplace) -> Place:
        return run_path(w, self.run)


def members_of(w: Workplace, sweep: SweepRow) -> list[Placed]:
    """The runs that stand for a sweep's members, in the order of its design, whatever became of them."""
    own = {run.member: run for run in ledger.list_members(w.engine, sweep.id)}
    places = {sweep.id: _places(w, sweep)}
    found = []
    for number, member in enumerate((sweep.spec or {}).get("members", ())):
        if not member.get("run"):
            if number in own:  # retention may have taken the row of one that failed
                found.append(Placed(own[number], places[sweep.id][number], own=True))
            continue
        run = ledger.get_run(w.engine, member["run"])
        if run.sweep_id is not None and run.sweep_id not in places:
            places[run.sweep_id] = _places(w, ledger.get_sweep(w.engine, run.sweep_id))
        found.append(Placed(run, places.get(run.sweep_id or 0, {}).get(run.member, 0), own=False))
    return found or [Placed(run, places[sweep.id][number], own=True) for number, run in own.items()]


def _places(w: Workplace, sweep: SweepRow) -> dict[int | None, int]:
    """Places in a sweep's own store by the numbers of the members that it computed; by its rows once it is scrubbed."""
    computed: list[int | None]
    if sweep.spec is not None:
        computed = [number for number, member in enumerate(sweep.spec["members"]) if not member.get("run")]
    else:
        computed = [run.member for run in ledger.list_members(w.engine, sweep.id)]
    return {number: place for place, number in enumerate(computed)}


def kept(w: Workplace, sweep: SweepRow) -> list[tuple[str, int]]:
    """The store of each completed member whose outputs are there, and its place in it."""
    placed = members_of(w, sweep)
    there = [p for p in placed if p.run.status == "completed" and p.run.parameters is not None]
    return [(str(p.path(w)), p.index) for p in there]


def check_there(sweep: SweepRow, placed: Sequence[Placed]) -> None:
    """Raises Conflict, with what can be done, when outputs of members are gone."""
    gone = [str(p.run.id) for p in placed if p.run.parameters is None]
    if gone:
        some = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        raise Conflict(
            f"of sweep {sweep.id} the outputs of run{'s' if len(gone) > 1 else ''} {some} were taken by retention; "
            "the same sweep again computes them anew."
        )


def place_in_store(w: Workplace, run: RunRow) -> int:
    """Which member of its store a run is."""
    if run.sweep_id is None:
        return 0
    return _places(w, ledger.get_sweep(w.engine, run.sweep_id))[run.member]


def outputs_of(w: Workplace, run: RunRow) -> Place:
    """Where a completed run's outputs are; raises Conflict when they cannot be there."""
    if run.status != "completed":
        raise Conflict(f"run {run.id} is {run.status}; only a completed run has outputs.")
    if run.parameters is None:
        raise Conflict(f"run {run.id} was scrubbed; its outputs are gone.")
    if ledger.get_twin(w.engine, run.twin_id).status == "deleted":
        raise Conflict(f"twin {run.twin_id} is deleted, and with it the outputs of run {run.id}.")
    return run_path(w, run)
