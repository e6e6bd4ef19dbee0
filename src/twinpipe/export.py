"""Copies of outputs for other tools: one NetCDF file, or a Zarr store whose chunks suit another way of reading."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from twinpipe import durable
from twinpipe.errors import Conflict, InvalidInput

Reading = Literal["series", "ensemble"]
READINGS: dict[str, str] = {"series": "whole series at a few places", "ensemble": "all members at a few times"}
CHUNK_BYTES, SHARD_BYTES = 4_000_000, 32_000_000
ROWS, COLUMNS = 12, 24  # of a chunk, at most
# of this store alone: a copy is not sealed, and has another layout
OWN = ("sealed", "layout_digest")
TIMES = ("time", "zonal_time", "series_time", "initial_time")
DATED = TIMES[:3]  # the orbit before year 0 lies before the year 1, where calendars disagree
# The Julian calendar has years of 365.25 days, as the runs have.
EPOCH, CALENDAR = "days since 0001-01-01 00:00:00", "julian"


def export(tree: xr.DataTree, path: Path, reading: Reading = "series") -> None:
    """Copy an opened tree to a file .nc, or to a folder .zarr laid out for a way of reading.

    Raises InvalidInput when the name ends otherwise, Conflict when there is something already, StoreError when the
    disk refuses.  What is written is whole or not there.
    """
    write: dict[str, Callable[[Path], None]] = {
        ".nc": lambda to: write_netcdf(tree, to),
        ".zarr": lambda to: write_zarr(tree, to, reading),
    }
    if path.suffix not in write:
        raise InvalidInput("--to", path.name, "it ends in .nc, for NetCDF, or in .zarr")
    if path.exists():
        raise Conflict(f"{path} exists already; delete it first.")
    with durable.disk(path), _aside(path) as aside:
        write[path.suffix](aside)


def write_netcdf(tree: xr.DataTree, path: Path) -> None:
    """One NetCDF-4 file of all groups, which CF checkers and tools that know no groups read.

    Times count from the year 1 of a nominal Julian calendar, so that they decode; *_year and *_ls are beside them.
    """
    flat = xr.Dataset(attrs=_attributes(tree))
    for group in tree.children.values():
        flat = flat.merge(group.to_dataset(), compat="identical", join="exact")
    flat.attrs["comment"] = (
        "Times are days of 86400 s since the run's start, which is given the nominal date 0001-01-01 of the Julian "
        "calendar, whose years have 365.25 days as those of the run have; they are no dates of anybody's calendar."
    )
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in flat.variables.items():
        flat[name] = variable = _lazily(variable, _stored_chunks(variable))
        if name in DATED:
            flat[name].attrs |= {"units": EPOCH, "calendar": CALENDAR, "standard_name": "time", "axis": "T"}
        encoding[str(name)] = {"_FillValue": None}  # everything has a value, and CF allows coordinates nothing else
        if variable.ndim > 1 and variable.chunks:
            chunks = tuple(c[0] for c in variable.chunks)
            encoding[str(name)] |= {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": chunks}
    flat.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def write_zarr(tree: xr.DataTree, path: Path, reading: Reading) -> None:
    """A Zarr store of the same groups; its chunks are whole series at a few places, or all members at a few times."""
    datasets: dict[str, xr.Dataset] = {}
    encoding: dict[str, dict[str, Any]] = {}
    for name, group in tree.children.items():
        data = group.to_dataset()
        encoding[f"/{name}"] = {}
        for key, variable in data.variables.items():
            chunks, shards = _chunks(variable, reading)
            data[key] = _lazily(variable, shards or chunks)
            kept = {k: v for k, v in variable.encoding.items() if k in ("compressors", "fill_value")}
            encoding[f"/{name}"][str(key)] = kept | {"chunks": chunks} | ({"shards": shards} if shards else {})
        datasets[f"/{name}"] = data
    copy = xr.DataTree.from_dict(datasets)
    copy.attrs = _attributes(tree)
    copy.to_zarr(path, zarr_format=3, consolidated=True, encoding=encoding)


def _chunks(variable: xr.Variable, reading: Reading) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Chunks, and shards of many where one file for each would be too many."""
    sizes = {str(d): n for d, n in variable.sizes.items()}
    time = next((d for d in sizes if d in TIMES), None)
    inner = {d: max(1, n) for d, n in sizes.items()}
    if time is None or len(sizes) == 1:
        return tuple(inner.values()), None
    for dim, most in (("lat", ROWS), ("lon", COLUMNS)):
        if dim in inner:
            inner[dim] = _divisor(inner[dim], most)
    if reading == "ensemble":
        one = variable.dtype.itemsize * _product(n for d, n in inner.items() if d != time)
        inner[time] = max(1, min(inner[time], CHUNK_BYTES // one))
        return tuple(inner.values()), None
    outer = inner | {"member": 1} if "member" in inner else dict(inner)
    inner = dict(outer)
    for dim in ("lon", "lat"):
        if dim in outer:
            bytes_each = variable.dtype.itemsize * _product(outer.values())
            outer[dim] *= _divisor(sizes[dim] // outer[dim], max(1, SHARD_BYTES // bytes_each))
    return tuple(inner.values()), tuple(outer.values()) if outer != inner else None


def _divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is not above most."""
    return next(d for d in range(min(number, most), 0, -1) if number % d == 0)


def _product(numbers: Any) -> int:
    result = 1
    for n in numbers:
        result *= n
    return result


def _stored_chunks(variable: xr.Variable) -> tuple[int, ...]:
    found: tuple[int, ...] = variable.encoding.get("shards") or variable.encoding.get("chunks") or variable.shape
    return found


def _lazily(variable: xr.Variable, chunks: tuple[int, ...]) -> xr.Variable:
    """The variable to be read chunk by chunk, not whole; without how the store that it is from encodes it."""
    if variable.ndim == 0 or isinstance(variable, xr.IndexVariable):
        return variable.drop_encoding()
    return variable.chunk(dict(zip(variable.dims, chunks, strict=True))).drop_encoding()


def _attributes(tree: xr.DataTree) -> dict[str, Any]:
    return {str(k): int(v) if isinstance(v, bool) else v for k, v in tree.attrs.items() if k not in OWN}


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A name beside path that becomes path at the end, or goes when there is an error."""
    aside = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        yield aside
        aside.rename(path)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside)
        aside.unlink(missing_ok=True)
