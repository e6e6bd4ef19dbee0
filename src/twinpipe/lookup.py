"""The outputs of twins, runs and sweeps by their number in the ledger, as lazy trees of checked files."""

from __future__ import annotations

import xarray as xr

from twinpipe import lifecycle, store
from twinpipe.db import ledger
from twinpipe.db.rows import RunRow
from twinpipe.errors import Conflict
from twinpipe.place import Place
from twinpipe.sweeping import place_in_store
from twinpipe.workplace import Workplace


def twin_tree(w: Workplace, twin_id: int, verify: bool = False) -> xr.DataTree:
    """The climate that the runs of a twin start from; raises NotFound, Conflict, StoreError."""
    twin = ledger.get_twin(w.engine, twin_id)
    if twin.status in ("creating", "failed", "deleted"):
        raise Conflict(f"twin {twin_id} is {twin.status}; there is nothing to open.")
    return store.open_run(w.twin_path(twin_id), verify)


def run_tree(w: Workplace, run_id: int, verify: bool = False) -> xr.DataTree:
    """The outputs of a completed run, of a member those of it alone; raises NotFound, Conflict, StoreError."""
    run = ledger.get_run(w.engine, run_id)
    tree = store.open_run(_place(w, run), verify)
    if run.sweep_id is None:
        return tree
    return tree.isel(member=[place_in_store(w, run)], missing_dims="ignore")


def sweep_tree(w: Workplace, sweep_id: int, verify: bool = False) -> xr.DataTree:
    """The outputs of the members of a completed sweep; raises NotFound, Conflict, StoreError."""
    sweep = ledger.get_sweep(w.engine, sweep_id)
    if sweep.status != "completed":
        raise Conflict(f"sweep {sweep_id} is {sweep.status}; only a completed sweep can be opened.")
    completed = [run for run in ledger.list_members(w.engine, sweep_id) if run.status == "completed"]
    if not completed:  # all that it asked for had been computed before
        raise Conflict(f"sweep {sweep_id} computed no member of its own; open the runs that `sweep show` names.")
    return store.open_run(_place(w, completed[0]), verify)


def _place(w: Workplace, run: RunRow) -> Place:
    """Where a completed run's outputs are; Conflict when they cannot be there."""
    if run.status != "completed":
        raise Conflict(f"run {run.id} is {run.status}; only a completed run can be opened.")
    if run.parameters is None:
        raise Conflict(f"run {run.id} was scrubbed; its outputs are gone.")
    if (twin := ledger.get_twin(w.engine, run.twin_id)).status == "deleted":
        raise Conflict(f"twin {twin.id} is deleted, and with it the outputs of run {run.id}.")
    return lifecycle.run_path(w, run)
