"""What analysts open: twins, runs and sweeps by their number in the ledger, as lazy trees of checked files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import xarray as xr

from twinpipe import store
from twinpipe.errors import InvalidInput
from twinpipe.place import Place


def open_twin(twin: int, verify: bool = False) -> xr.DataTree:
    """The climate that the runs of a twin start from, lazily; verify: read every file and compare checksums.

    Raises NotFound, Conflict when the twin is deleted or not ready, StoreError when a file is missing or damaged.
    """
    return _open("twin", twin, verify)


def open_run(run: int | str | Path | Place, verify: bool = False) -> xr.DataTree:
    """The outputs of a run lazily, by its number in the ledger or at the path or URL of a store.

    A member of a sweep has the dimension member with itself alone.  verify: read every file and compare checksums.
    Raises NotFound, Conflict when the run is not completed, StoreError when a file is missing or damaged.
    """
    if isinstance(run, int):
        return _open("run", run, verify)
    return store.open_run(run, verify)


def open_sweep(sweep: int, verify: bool = False) -> xr.DataTree:
    """The outputs of all members of a sweep lazily; verify: read every file and compare checksums.

    Raises NotFound, Conflict when the sweep is not completed, StoreError when a file is missing or damaged.
    """
    return _open("sweep", sweep, verify)


def _open(what: Literal["twin", "run", "sweep"], number: int, verify: bool) -> xr.DataTree:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < 2**63:
        raise InvalidInput(what, number, "it is its number in the ledger, from 1")
    from twinpipe import lookup  # a path needs no ledger
    from twinpipe.workplace import open_workplace

    with open_workplace(reap=False) as w:
        return {"twin": lookup.twin_tree, "run": lookup.run_tree, "sweep": lookup.sweep_tree}[what](w, number, verify)
