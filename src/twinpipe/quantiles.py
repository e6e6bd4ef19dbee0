"""Quantiles over the members of a sweep, as variables below its own store, with the groups of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray import DataTree

from twinpipe.errors import StoreError
from twinpipe.fields import GROUPS, MAPS, SERIES_FIELDS, Field, Group, active
from twinpipe.layout import ROOT_ATTRIBUTES, Layout, Variable, attributes_of, coordinates
from twinpipe.place import place
from twinpipe.plan import Plan
from twinpipe.store import RunStore, create_twin_store, drop, open_run

log = logging.getLogger("twinpipe")

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
FOLDER = "statistics"
MOST_BYTES = 200_000_000  # of all members that are in memory at once


def write_quantiles(store: RunStore, plan: Plan, members: Sequence[tuple[str, int]]) -> None:
    """Write quantiles of maps and series over members, each a store and a place in it; none without members.

    Interpolated linearly between members (Hyndman and Fan's type 7, doi:10.2307/2684934).  Members of a store before
    this one that is lost are left out, with a word.  Raises StoreError.
    """
    target = store.path / FOLDER
    drop(target)
    levels = np.array(LEVELS)
    coordinate = Variable(
        "quantile", ("quantile",), levels.shape, levels.shape, "f8", {"long_name": "quantile", "units": "1"}, levels
    )
    by_dim, fields = coordinates(plan), active((*MAPS, *SERIES_FIELDS), plan.processes)
    with ExitStack() as opened:
        trees = {}
        for path in sorted({p for p, _ in members}):
            try:
                trees[path] = opened.enter_context(open_run(place(path)))
            except StoreError as lost:
                if place(path) == store.path:
                    raise
                log.warning("members are left out of the quantiles: %s", lost)
        members = [m for m in members if m[0] in trees]
        if not members:
            return
        groups: dict[Group, tuple[Variable, ...]] = {}
        for group in GROUPS:
            own = [f for f in fields if f.group == group and all(f.name in t[group] for t in trees.values())]
            made = [_variable(f, _quantiles(trees, members, f)) for f in own]
            used = {d for v in made for d in v.dims}
            axes = [c for dim in by_dim if dim in used for c in by_dim[dim]]
            groups[group] = tuple([coordinate, *axes, *made] if made else ())
    attributes = {"title": "Quantiles over the members of a sweep", "members": len(members)}
    create_twin_store(target, Layout({**ROOT_ATTRIBUTES, **attributes}, groups))


def _variable(f: Field, data: NDArray[Any]) -> Variable:
    dims = ("quantile", *f.dims[1:])
    told = attributes_of(replace(f, long_name=f"{f.long_name}, quantile over members"))
    told["cell_methods"] = f"{told.get('cell_methods', '')} realization: quantile".strip()
    return Variable(f.name, dims, data.shape, data.shape, f.kept, told, data)


def _quantiles(trees: dict[str, DataTree], members: Sequence[tuple[str, int]], f: Field) -> NDArray[Any]:
    """(quantile, record, ...) of a field, some records at a time."""
    places = {path: sorted(i for p, i in members if p == path) for path in trees}
    shape = next(iter(trees.values()))[f.group][f.name].shape[1:]
    result = np.empty((len(LEVELS), *shape))
    for records in _pieces(shape[0], len(members) * 8 * prod(shape[1:])):
        parts = [t[f.group][f.name].isel({f.dims[1]: records}).to_numpy()[places[path]] for path, t in trees.items()]
        result[:, records] = np.quantile(np.concatenate(parts).astype(float), LEVELS, axis=0)
    return result


def _pieces(records: int, bytes_each: int) -> Iterator[slice]:
    step = max(1, MOST_BYTES // bytes_each)
    return (slice(a, min(a + step, records)) for a in range(0, records, step))
