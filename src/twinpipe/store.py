"""The store: plain Zarr v3 folders whose every byte is sealed; the only module that knows zarr.

A chunk is one variable of one block in one segment: one file with one writer.  A segment is written in the
order chunks, receipts, restart state, seal; what has no seal is written again.  zarr reads a missing file as
NaN, so nothing is opened before every file that the seals name was found.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec
from zarr.errors import ZarrUserWarning
from zarr.storage import FsspecStore

from twinpipe import durable
from twinpipe.digest import array_digest, canonical_json, digest
from twinpipe.errors import StoreError
from twinpipe.layout import Layout, Variable
from twinpipe.place import BUCKET_OPTIONS, Place, place
from twinpipe.seals import Record, Seals, State, read_json, seal_digest, state_digest

Arrays = Mapping[tuple[str, str], NDArray[Any]]

SHARD_BYTES = 8_000_000  # larger chunks become shards, so that a point does not cost a whole chunk
INNER_CELLS = {"lat": 24, "lon": 48}


@dataclass(frozen=True)
class RunStore:
    """The folder of one run or sweep, or of a twin's own state."""

    path: Place

    @property
    def seals(self) -> Seals:
        return Seals(self.path / "simulation_state")

    @property
    def _template_path(self) -> Place:
        return self.path / "simulation_state" / "seals" / "template.json"

    @cached_property
    def _zarr(self) -> Any:
        """The place in zarr's words."""
        return zarr_place(self.path)

    @cached_property
    def _template(self) -> Record:
        """What was created: digest of the layout, blocks, segments, variables, receipts of static files."""
        template = read_json(self._template_path)
        if template is None:
            raise StoreError(f"there are no outputs at {self.path}.")
        return template

    def create(self, layout: Layout) -> None:
        """Make groups and arrays and write what is static; doing it again keeps what is sealed.

        StoreError when the folder holds another layout or cannot be written.
        """
        name = layout_digest(layout)
        with durable.disk(self.path):
            durable.remove_strays(self.path, keep="runs")
            found = self._attributes().get("layout_digest")
            if found not in (None, name):
                raise StoreError(f"{self.path} holds outputs of another run or layout.")
            if self._template_path.exists():
                return
            self._create_groups(layout, name)
            if isinstance(self.path, Path):
                self._create_arrays(layout)
            else:  # each file in one request, where zarr would ask many times whether there is one
                with TemporaryDirectory() as folder:
                    made = RunStore(Path(folder, self.path.name))
                    made._create_groups(layout, name)
                    made._create_arrays(layout)
                    self._copy(made, made._written())
            # the root changes once more when the run is finished; nothing else that is here now does
            files = [name for name in self._written() if name != "zarr.json"]
            template = _template_of(layout) | {
                "layout_digest": name,
                "files": durable.receipts(self.path, sorted(files)),
            }
            durable.sync(self.path / "zarr.json")
            durable.sync(self.path)
            durable.create_once(self._template_path, canonical_json(template))

    def claim(self, generation: int) -> None:
        """Fence writers of older generations; StoreError when a newer one has claimed the run."""
        with durable.disk(self.path):
            self.seals.claim(generation)

    def write_segment(
        self, block: int, segment: int, arrays: Arrays, state: State, record: Record, generation: int = 0
    ) -> Record:
        """Write and seal a segment of a block; its seal.

        arrays: the block's data of each variable that has records in the segment.  A segment that is sealed
        with the same content is left alone.  StoreError when it is sealed with other content, when a newer
        generation has claimed the run, when arrays are not those of the layout, or the disk refuses.
        """
        regions = self._regions(block, segment)
        data = {key: np.asarray(arrays[key], v["dtype"]) for key, (v, _) in regions.items() if key in arrays}
        wrong = sorted("/".join(k) for k in set(arrays) ^ set(regions))
        wrong += ["/".join(k) for k, a in data.items() if a.shape != tuple(s.stop - s.start for s in regions[k][1])]
        if wrong:
            raise StoreError(f"segment {segment} of block {block} is missing or has no place for {', '.join(wrong)}.")
        digests = {"/".join(key): array_digest(a) for key, a in data.items()} | {"state": state_digest(state)}
        with durable.disk(self.path):
            if (standing := self.seals.read(block, segment)) is not None:
                self.seals.agree(standing, digests, generation)
                return standing
            self.seals.check_fence(generation)
            chunks = {
                (group, name): [f"{group}/{name}/{chunk}" for chunk in _chunks(region, v["chunks"])]
                for (group, name), (v, region) in regions.items()
            }

            def put(key: tuple[str, str]) -> None:
                self._put(*key, regions[key][1], data[key], chunks[key])

            durable.for_each(self.path, put, data)
            files = [name for key in data for name in chunks[key]]
            seal = {
                "block": block,
                "segment": segment,
                "generation": generation,
                "digests": digests,
                "files": durable.receipts(self.path, files),
                "state": self.seals.save_state(block, segment, state),
                "record": record,
            }
            self.seals.check_fence(generation)
            return self.seals.write(seal)

    def sealed_segments(self, block: int) -> int:
        """Contiguous sealed segments of a block, from the first."""
        return self.seals.count(block)

    def load_state(self, block: int, segment: int) -> dict[str, NDArray[Any]]:
        """Restart state at the end of a sealed segment; StoreError when missing or damaged."""
        return self.seals.load_state(block, segment)

    def verify(self, *, contents: bool = False) -> str:
        """Check that all segments are sealed and all files there; the digest of all seals.

        contents: read every file and compare checksums too.  StoreError names what is missing or damaged.
        """
        template, seals = self._template, self.seals.all()
        owed = list(product(range(template["blocks"]), range(template["segments"])))
        sealed = {(s["block"], s["segment"]) for s in seals}
        for block, segment in owed:
            if (block, segment) not in sealed:
                raise StoreError(f"segment {segment} of block {block} of {self.path} is not sealed.")
        files = {name: receipt for seal in (template, *seals) for name, receipt in seal["files"].items()}
        durable.check_files(self.path, files, contents=contents)
        return seal_digest(template, seals)

    def finish(self, attributes: dict[str, Any]) -> str:
        """Mark a complete store sealed, add root attributes, consolidate; the digest of all seals.

        StoreError when a segment is not sealed or a file is missing.
        """
        name = self.verify()
        with durable.disk(self.path):
            root = zarr.open_group(self._zarr, mode="r+", use_consolidated=False)
            root.attrs.update(_plain(attributes) | {"sealed": True, "seal_digest": name})
            with _quiet():
                zarr.consolidate_metadata(self._zarr, zarr_format=3)
            durable.sync(self.path / "zarr.json")
            durable.sync(self.path)
        return name

    def _attributes(self) -> dict[str, Any]:
        root = read_json(self.path / "zarr.json")
        return root.get("attributes", {}) if root else {}

    def _create_groups(self, layout: Layout, name: str) -> None:
        own = _plain(layout.attributes) | {"layout_digest": name, "sealed": False}
        folders = {self.path: own} | {self.path / group: {} for group in layout.groups}
        if self.path.parent.name == "runs":
            twin = {k: v for k, v in own.items() if k in ("twin", "twin_key")}
            folders = {self.path.parent.parent: twin, self.path.parent: {}} | folders
        for folder, attributes in folders.items():
            # not by zarr, which would replace what another process has just written; with whose it is from the first
            if not (folder / "zarr.json").exists():
                group = {"attributes": attributes, "zarr_format": 3, "node_type": "group"}
                durable.create_once(folder / "zarr.json", canonical_json(group))
        root = zarr.open_group(self._zarr, mode="r+", use_consolidated=False)
        root.attrs.update(own)

    def _create_arrays(self, layout: Layout) -> None:
        for group, variables in layout.groups.items():
            for v in variables:
                self._create_array(group, v, _auxiliary(variables, v))

    def _copy(self, other: RunStore, names: list[str]) -> None:
        """Take files from another store, but not its root."""

        def take(name: str) -> None:
            durable.replace(self.path / name, lambda f: f.write(durable.read(other.path / name)))

        durable.for_each(self.path, take, [name for name in names if name != "zarr.json"])

    def _create_array(self, group: str, v: Variable, auxiliary: list[str]) -> None:
        dtype = np.dtype(v.dtype)
        chunks: tuple[int, ...] = v.chunks if v.data is None else tuple(max(1, n) for n in v.shape)
        inner = _inner(v, chunks) if dtype.itemsize * int(np.prod(chunks)) > SHARD_BYTES else None
        if not (self.path / group / v.name / "zarr.json").exists():
            zarr.create_array(
                self._zarr,
                name=f"{group}/{v.name}",
                shape=v.shape,
                dtype=dtype,
                chunks=inner or chunks,
                shards=chunks if inner else None,
                compressors=[
                    BloscCodec(typesize=dtype.itemsize, cname="zstd", clevel=3, shuffle=BloscShuffle.shuffle),
                    Crc32cCodec(),
                ],
                fill_value=np.nan if dtype.kind == "f" else 0,
                attributes=_plain(v.attributes | ({"coordinates": " ".join(auxiliary)} if auxiliary else {})),
                # chunks side by side: a seal has one folder to force to disk, not one for each dimension
                chunk_key_encoding={"name": "default", "separator": "."},
                dimension_names=v.dims,
            )
        if v.data is not None and v.data.size:
            _array(self.path, f"{group}/{v.name}")[...] = np.asarray(v.data, dtype)

    def _put(self, group: str, name: str, region: tuple[slice, ...], data: NDArray[Any], chunks: list[str]) -> None:
        array = _known_array(self.path, f"{group}/{name}", self._template["layout_digest"])
        try:
            array[region] = data
        except ValueError:
            # zarr reads a last, partial shard before it writes; one without a seal may be damaged
            for chunk in chunks:
                (self.path / chunk).unlink(missing_ok=True)
            array[region] = data

    def _written(self) -> list[str]:
        """Names of metadata and chunks, without seals, states and claims."""
        other = ("runs/", *(f"simulation_state/{name}/" for name in ("seals", "states", "claims")))
        return [name for name in durable.sizes(self.path) if not name.startswith(other)]

    def _regions(self, block: int, segment: int) -> dict[tuple[str, str], tuple[Record, tuple[slice, ...]]]:
        """Variables with records in a segment of a block, and where they go."""
        if not (0 <= block < self._template["blocks"] and 0 <= segment < self._template["segments"]):
            raise StoreError(f"{self.path} has no place for segment {segment} of block {block}.")
        result = {}
        for v in self._template["variables"]:
            region = tuple(
                _range(_index(d, block, segment), c, n)
                for d, c, n in zip(v["dims"], v["chunks"], v["shape"], strict=True)
            )
            timeless = not any(map(_is_time, v["dims"]))
            if all(s.start < s.stop for s in region) and not (timeless and segment):
                result[v["group"], v["name"]] = (v, region)
        return result


def _array(path: Place, name: str) -> zarr.Array[Any]:
    array = zarr.open_array(zarr_place(path), path=name, mode="r+", zarr_format=3)
    # else a missing file would mean either nothing but NaN or lost; open_array(config=...) has no effect
    return array.with_config({"write_empty_chunks": True})


@lru_cache(1024)
def _known_array(path: Place, name: str, layout: str) -> zarr.Array[Any]:
    """An array whose metadata this process has read before: they stay while the layout does."""
    return _array(path, name)


def zarr_place(path: Place) -> Any:
    """A place as zarr takes it: a folder as it is, a bucket as a store with its own connections."""
    return path if isinstance(path, Path) else _bucket(str(path))


@lru_cache(8)
def _bucket(url: str) -> FsspecStore:
    return FsspecStore.from_url(url, storage_options=BUCKET_OPTIONS)


def create_twin_store(path: Place, layout: Layout) -> str:
    """Make a twin's own groups, with data for every variable; the digest of what was sealed.

    StoreError when the folder holds another twin or cannot be written.
    """
    store = RunStore(path)
    store.create(layout)
    return store.finish({})


def open_run(path: Place | str, verify: bool = False) -> xr.DataTree:
    """Open a finished run, sweep or twin store lazily, at a path or URL.

    StoreError when it is not finished, or a file is missing or has another size; with verify, also when
    contents differ from what was sealed.
    """
    path = place(path)
    store = RunStore(path)
    attributes = store._attributes()
    if store.verify(contents=verify) != attributes.get("seal_digest"):
        raise StoreError(f"{path} is not finished, or its seals are not those that it was finished with.")
    with _quiet():
        return xr.open_datatree(zarr_place(path), engine="zarr", chunks=None, decode_timedelta=False)


def check_writable(folder: Place) -> None:
    """Make folder and write to it; StoreError when that is not possible, or writes there are not safe."""
    durable.check_writable(folder)


def drop(path: Place) -> None:
    """Delete the store at path; again, or when there is none, does nothing.

    StoreError when path is no store or cannot be deleted.
    """
    with durable.disk(path):
        if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / "zarr.json").is_file()):
            raise StoreError(f"{path} is not a store.")
        if not isinstance(path, Path):
            durable.remove(path)
            return
        if path.exists():
            # at once for readers, and a deletion cut short is found and ended by the next call
            path.rename(path.with_name(f".{path.name}.{uuid.uuid4().hex}.dropped"))
            durable.sync(path.parent)
        for aside in path.parent.glob(f".{path.name}.*.dropped"):
            durable.remove(aside)


def drop_aside(path: Place) -> None:
    """Delete what a drop that was cut short left aside; StoreError when path is no such folder."""
    with durable.disk(path):
        if not path.name.endswith(".dropped"):
            raise StoreError(f"{path} was not left by a deletion.")
        durable.remove(path)


def drop_own(path: Place) -> None:
    """Delete what a twin's store holds of the twin itself, and leave the outputs of its runs."""
    with durable.disk(path):
        for item in path.iterdir() if path.is_dir() else ():
            if item.is_dir() and item.name != "runs":
                durable.remove(item)
            elif item.is_file():
                item.unlink()


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


def _template_of(layout: Layout) -> Record:
    variables = [
        {"group": g, "name": v.name, "dims": v.dims, "shape": v.shape, "chunks": v.chunks, "dtype": v.dtype}
        for g, vs in layout.groups.items()
        for v in vs
        if v.data is None
    ]
    owed = [v for vs in layout.groups.values() for v in vs if v.data is None]
    axes = [(d, ceil(n / c)) for v in owed for d, n, c in zip(v.dims, v.shape, v.chunks, strict=True)]
    blocks = max((n for d, n in axes if d == "member"), default=1 if owed else 0)
    segments = max((n for d, n in axes if _is_time(d)), default=1 if owed else 0)
    return {"variables": variables, "blocks": blocks, "segments": segments}


def _is_time(dim: str) -> bool:
    return dim.endswith("time")


def _index(dim: str, block: int, segment: int) -> int | None:
    return block if dim == "member" else segment if _is_time(dim) else None


def _range(index: int | None, chunk: int, size: int) -> slice:
    return slice(0, size) if index is None else slice(min(index * chunk, size), min((index + 1) * chunk, size))


def _chunks(region: tuple[slice, ...], chunks: list[int]) -> Iterator[str]:
    """File names of the chunks in a region that begins at a chunk's edge."""
    ranges = (range(s.start // c, ceil(s.stop / c)) for s, c in zip(region, chunks, strict=True))
    return (".".join(["c", *map(str, index)]) for index in product(*ranges))


def _inner(v: Variable, chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Inner chunks of a shard: one member, all times, a tile of cells that divides the shard."""

    def tile(dim: str, n: int) -> int:
        if dim == "member":
            return 1
        return next(k for k in range(min(n, INNER_CELLS.get(dim, n)), 0, -1) if n % k == 0)

    return tuple(tile(d, n) for d, n in zip(v.dims, chunks, strict=True))


def _auxiliary(variables: tuple[Variable, ...], v: Variable) -> list[str]:
    """Coordinates such as time_ls, which readers find by an attribute of the variables that have them."""
    if (len(v.dims) == 1 and v.data is not None) or v.name.endswith("_bnds"):
        return []
    return [
        c.name
        for c in variables
        if c.data is not None and len(c.dims) == 1 and c.dims != (c.name,) and c.dims[0] in v.dims
    ]


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = orjson.loads(canonical_json(dict(attributes)))
    return result


@contextmanager
def _quiet() -> Iterator[None]:
    """Without two remarks of zarr: consolidated metadata is an extension (readers that do not know it ignore
    it), and the folders of seals, states and claims are no part of the Zarr hierarchy (on purpose)."""
    with warnings.catch_warnings():
        for text in ("Consolidated metadata is currently not part", "Object at .* is not recognized"):
            warnings.filterwarnings("ignore", message=text, category=ZarrUserWarning)
        yield
