"""The outputs of twins, runs and sweeps by their number in the ledger, as lazy trees of checked files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import xarray as xr

from twinpipe import store
from twinpipe.db import ledger
from twinpipe.errors import Conflict
from twinpipe.sweep_places import Placed, check_there, members_of, outputs_of, place_in_store
from twinpipe.workplace import Workplace

OF_A_STORE = ("sealed", "seal_digest", "layout_digest", "spec_digest", "history")


def twin_tree(w: Workplace, twin_id: int, verify: bool = False) -> xr.DataTree:
    """The climate that the runs of a twin start from; raises NotFound, Conflict, StoreError."""
    twin = ledger.get_twin(w.engine, twin_id)
    if twin.status in ("creating", "failed", "deleted"):
        raise Conflict(f"twin {twin_id} is {twin.status}; there is nothing to open.")
    return store.open_run(w.twin_path(twin_id), verify)


def run_tree(w: Workplace, run_id: int, verify: bool = False) -> xr.DataTree:
    """The outputs of a completed run, of a member those of it alone; raises NotFound, Conflict, StoreError."""
    run = ledger.get_run(w.engine, run_id)
    tree = store.open_run(outputs_of(w, run), verify)
    if run.sweep_id is None:
        return tree
    return tree.isel(member=[place_in_store(w, run)], missing_dims="ignore")


def sweep_tree(w: Workplace, sweep_id: int, verify: bool = False) -> xr.DataTree:
    """The outputs of the members of a completed sweep, also of those that were computed before it, in its order.

    Raises NotFound, Conflict, StoreError.
    """
    sweep = ledger.get_sweep(w.engine, sweep_id)
    if sweep.status != "completed":
        raise Conflict(f"sweep {sweep_id} is {sweep.status}; only a completed sweep can be opened.")
    if sweep.spec is None:
        raise Conflict(f"sweep {sweep_id} was scrubbed; its outputs are gone.")
    placed = members_of(w, sweep)
    check_there(sweep, placed)
    completed = [p.run for p in placed if p.run.status == "completed"]
    if not completed:
        raise Conflict(f"no member of sweep {sweep_id} completed; there is nothing to open.")
    if all(p.own for p in placed):
        return store.open_run(outputs_of(w, completed[0]), verify)
    tree = _joined(w, placed, verify)
    tree.attrs |= {"title": f"Sweep {sweep.id}: {sweep.name}", "sweep": sweep.id, "sweep_key": sweep.sweep_key}
    return tree


def _joined(w: Workplace, placed: Sequence[Placed], verify: bool) -> xr.DataTree:
    """Members of several stores as one tree, which reads of each store what is asked for when it is asked for.

    Of their attributes it has those in which they agree, but for what is said of a store as a whole.
    """
    others, own = (outputs_of(w, p.run) for p in placed if not p.own), (p.path(w) for p in placed if p.own)
    stores = {path: store.open_run(path, verify, {}) for path in dict.fromkeys([*others, *own])}
    # members that follow each other in one store are taken from it together
    parts = [(path, [p.index for p in group]) for path, group in groupby(placed, lambda p: p.path(w))]
    groups = {}
    for name, first in next(iter(stores.values())).children.items():
        shared = [v for v in first.data_vars if all(v in tree[name].data_vars for tree in stores.values())]
        pieces = [stores[path][name].to_dataset()[shared].isel(member=at, missing_dims="ignore") for path, at in parts]
        if "member" not in pieces[0].dims:  # of the planet, the same for all
            groups[name] = pieces[0]
            continue
        whole = xr.concat(pieces, "member", "minimal", "minimal", "override", join="override")
        numbers = np.arange(len(placed), dtype=whole["member"].dtype)
        groups[name] = whole.assign_coords(member=("member", numbers, pieces[0]["member"].attrs))
    joined = xr.DataTree.from_dict(groups)
    told, *more = [tree.attrs for tree in stores.values()]
    joined.attrs = {k: v for k, v in told.items() if k not in OF_A_STORE and all(also.get(k) == v for also in more)}
    return joined
