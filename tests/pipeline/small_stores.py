"""A small store that tests fill: two blocks of three segments, whose bits follow from their places."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpipe.layout import Layout, Variable
from twinpipe.store import RunStore

BLOCKS, SEGMENTS = 2, 3
MEMBERS, MEMBERS_PER_BLOCK = 3, 2  # the last block is short, and so is the last segment
TIMES, TIMES_PER_SEGMENT = 5, 2
STEPS, STEPS_PER_SEGMENT = 50, 24
N_LAT, N_LON = 6, 12
Arrays = dict[tuple[str, str], NDArray[Any]]


def _coordinate(name: str, n: int, dim: str | None = None, **attributes: Any) -> Variable:
    return Variable(name, (dim or name,), (n,), (n,), "f8", attributes, np.linspace(0.5, n - 0.5, n))


def small_layout(
    n_lat: int = N_LAT, n_lon: int = N_LON, times: int = TIMES, per_segment: int = TIMES_PER_SEGMENT
) -> Layout:
    horizontal = (
        _coordinate("lat", n_lat, units="degrees_north", bounds="lat_bnds"),
        Variable("lat_bnds", ("lat", "bnds"), (n_lat, 2), (n_lat, 2), "f8", {}, np.ones((n_lat, 2))),
        _coordinate("lon", n_lon, units="degrees_east"),
    )
    maps = (
        Variable("member", ("member",), (MEMBERS,), (MEMBERS,), "i4", {}, np.arange(MEMBERS, dtype="i4")),
        _coordinate("time", times, units="days", standard_name="time"),
        _coordinate("time_ls", times, "time", units="degree"),
    )
    shape, chunks = (MEMBERS, times, n_lat, n_lon), (MEMBERS_PER_BLOCK, per_segment, n_lat, n_lon)
    dims = ("member", "time", "lat", "lon")
    temperature = Variable("temperature", dims, shape, chunks, "f8", {"units": "K"})
    initial = Variable("initial", ("member", "lat", "lon"), shape[:1] + shape[2:], chunks[:1] + chunks[2:], "f4", {})
    altitude = Variable("altitude", ("lat", "lon"), (n_lat, n_lon), (n_lat, n_lon), "f4", {"units": "m"},
                        np.arange(n_lat * n_lon, dtype="f4").reshape(n_lat, n_lon))  # fmt: skip
    steps = (MEMBERS_PER_BLOCK, STEPS_PER_SEGMENT)
    series = (
        maps[0],
        _coordinate("series_time", STEPS, units="days"),
        Variable("pressure", ("member", "series_time"), (MEMBERS, STEPS), steps, "f8", {"units": "Pa"}),
    )
    return Layout(
        {"Conventions": "CF-1.11", "history": "made by a test", "spec": "a"},
        {
            "atmosphere": (*horizontal, *maps, temperature, initial),
            "geosphere": (*horizontal, altitude),
            "biosphere": (),
            "simulation_state": series,
        },
    )


def arrays_of(block: int, segment: int, layout: Layout | None = None) -> Arrays:
    """What a block owes in a segment; the bits follow from where they go."""
    result: Arrays = {}
    for group, variables in (layout or small_layout()).groups.items():
        for v in variables:
            if v.data is not None or (v.name == "initial" and segment):
                continue
            at = [block if d == "member" else segment if "time" in d else 0 for d in v.dims]
            cut = [min((i + 1) * c, n) - i * c for i, c, n in zip(at, v.chunks, v.shape, strict=True)]
            if min(cut) <= 0:
                continue
            random_ = np.random.default_rng([block, segment, len(v.name)])
            result[group, v.name] = random_.normal(200, 10, cut).astype(v.dtype)
    return result


def state_of(block: int, segment: int) -> dict[str, NDArray[Any]]:
    return {"T": np.random.default_rng([block, segment]).normal(size=(3, 4)), "step": np.array(segment)}


def write(store: RunStore, block: int, segment: int, generation: int = 0, **changed: Any) -> dict[str, Any]:
    arrays = changed.get("arrays", arrays_of(block, segment))
    return store.write_segment(block, segment, arrays, state_of(block, segment), {"mass": 1.5}, generation)


def fill(store: RunStore) -> RunStore:
    store.create(small_layout())
    for block in range(BLOCKS):
        for segment in range(SEGMENTS):
            write(store, block, segment)
    return store


def values_of(tree: xr.DataTree, name: str) -> NDArray[Any]:
    variable = tree[name]
    assert isinstance(variable, xr.DataArray)
    return variable.values


def assert_whole(tree: xr.DataTree) -> None:
    members = [slice(0, 2), slice(2, 3)]
    times, steps = [slice(0, 2), slice(2, 4), slice(4, 5)], [slice(0, 24), slice(24, 48), slice(48, 50)]
    for block in range(BLOCKS):
        for segment in range(SEGMENTS):
            owed, at = arrays_of(block, segment), members[block]
            for (group, name), expected in owed.items():
                index = {"temperature": (at, times[segment]), "pressure": (at, steps[segment])}.get(name, (at,))
                np.testing.assert_array_equal(values_of(tree, f"{group}/{name}")[index], expected, strict=True)
