"""The template of a store: what a layout fixes, and where each segment of each block goes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import ceil
from typing import Any

from twinpipe.digest import array_digest, digest
from twinpipe.layout import Layout, Variable
from twinpipe.seals import Record

SHARD_BYTES = 8_000_000  # larger chunks become shards, so that a point does not cost a whole chunk
Region = tuple[Record, tuple[slice, ...]]  # a variable, and its part that a segment of a block writes
INNER_CELLS = {"lat": 24, "lon": 48}


def layout_digest(layout: Layout) -> str:
    """Digest of all that a layout fixes; not of the root's history, which tells when."""
    groups = {
        group: [
            [v.name, v.dims, v.shape, v.chunks, v.dtype, v.attributes, None if v.data is None else array_digest(v.data)]
            for v in variables
        ]
        for group, variables in layout.groups.items()
    }
    return digest([{k: v for k, v in layout.attributes.items() if k != "history"}, groups])


def template_of(layout: Layout) -> Record:
    """Variables that segments write, and how many blocks and segments that is."""
    variables = [
        {"group": g, "name": v.name, "dims": v.dims, "shape": v.shape, "chunks": v.chunks, "dtype": v.dtype}
        for g, vs in layout.groups.items()
        for v in vs
        if v.data is None
    ]
    owed = [v for vs in layout.groups.values() for v in vs if v.data is None]
    axes = [(d, ceil(n / c)) for v in owed for d, n, c in zip(v.dims, v.shape, v.chunks, strict=True)]
    slabs = max((n for d, n in axes if d == "member"), default=1 if owed else 0)
    bands = max((n for d, n in axes if d == "lat"), default=1)
    segments = max((n for d, n in axes if _is_time(d)), default=1 if owed else 0)
    return {"variables": variables, "blocks": slabs * bands, "bands": bands, "segments": segments}


def chunking(template: Record) -> list[Any]:
    """What must agree for a chunk of one store to be one of another."""
    return [[v["group"], v["name"], v["dims"], v["chunks"], v["dtype"]] for v in template["variables"]]


def _is_time(dim: str) -> bool:
    return dim.endswith("time")


def _index(dim: str, slab: int, band: int, segment: int) -> int | None:
    return segment if _is_time(dim) else {"member": slab, "lat": band}.get(dim)


def _range(index: int | None, chunk: int, size: int) -> slice:
    return slice(0, size) if index is None else slice(min(index * chunk, size), min((index + 1) * chunk, size))


def regions_of(template: Record, block: int, segment: int) -> dict[tuple[str, str], Region]:
    """Variables with records in a segment of a block, by group and name, and where they go."""
    result = {}
    slab, band = divmod(block, template["bands"])
    for v in template["variables"]:
        if band and "lat" not in v["dims"]:  # of the whole planet, which the first band writes
            continue
        region = tuple(
            _range(_index(d, slab, band, segment), c, n)
            for d, c, n in zip(v["dims"], v["chunks"], v["shape"], strict=True)
        )
        timeless = not any(map(_is_time, v["dims"]))
        if all(s.start < s.stop for s in region) and not (timeless and segment):
            result[v["group"], v["name"]] = (v, region)
    return result


def chunk_names(region: tuple[slice, ...], chunks: list[int]) -> Iterator[str]:
    """File names of the chunks in a region that begins at a chunk's edge."""
    ranges = (range(s.start // c, ceil(s.stop / c)) for s, c in zip(region, chunks, strict=True))
    return (".".join(["c", *map(str, index)]) for index in product(*ranges))


def inner_chunks(v: Variable, chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Inner chunks of a shard: one member, all times, a tile of cells that divides the shard."""

    def tile(dim: str, n: int) -> int:
        if dim == "member":
            return 1
        return next(k for k in range(min(n, INNER_CELLS.get(dim, n)), 0, -1) if n % k == 0)

    return tuple(tile(d, n) for d, n in zip(v.dims, chunks, strict=True))


def auxiliary(variables: tuple[Variable, ...], v: Variable) -> list[str]:
    """Coordinates such as time_ls, which readers find by an attribute of the variables that have them."""
    if (len(v.dims) == 1 and v.data is not None) or v.name.endswith("_bnds"):
        return []
    return [
        c.name
        for c in variables
        if c.data is not None and len(c.dims) == 1 and c.dims != (c.name,) and c.dims[0] in v.dims
    ]
