"""The store: plain Zarr v3 folders whose every byte is sealed; the only module that knows zarr.

A chunk is one variable of one block in one segment: one file with one writer.  A segment is written in the
order chunks, receipts, restart state, seal; what has no seal is written again.  zarr reads a missing file as
NaN, so nothing is opened before every file that the seals name was found.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
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
from twinpipe.digest import array_digest, canonical_json
from twinpipe.errors import StoreError
from twinpipe.layout import Layout, Variable
from twinpipe.place import BUCKET_OPTIONS, Place, place
from twinpipe.seals import Record, Seals, State, read_json, seal_digest, state_digest
from twinpipe.template import (
    SHARD_BYTES,
    Region,
    auxiliary,
    chunk_names,
    chunking,
    inner_chunks,
    layout_digest,
    regions_of,
    template_of,
)

Arrays = Mapping[tuple[str, str], NDArray[Any]]

# Two remarks of zarr, for good, since filters that come and go are not safe between threads: consolidated metadata
# is an extension (readers that do not know it ignore it), and the folders of seals, states and claims are no part of
# the Zarr hierarchy (on purpose).
warnings.filterwarnings("ignore", "Consolidated metadata is currently not part", ZarrUserWarning)
warnings.filterwarnings("ignore", "Object at .* is not recognized", ZarrUserWarning)


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
            template = template_of(layout) | {
                "layout_digest": name,
                "files": durable.receipts(self.path, sorted(files)),
            }
            durable.sync(self.path / "zarr.json")
            durable.sync(self.path)
            durable.create_once(self._template_path, canonical_json(template))

    def exists(self) -> bool:
        """Whether it was created, where this process looks."""
        return self._template_path.exists()

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
        digested = durable.beside(_digests, data, state)
        with durable.disk(self.path):
            if (standing := self.seals.read(block, segment)) is not None:
                self.seals.agree(standing, digested.result(), generation)
                return standing
            self.seals.check_fence(generation)

            def put(key: tuple[str, str]) -> None:
                variable, region = regions[key]
                chunks = ["/".join([*key, chunk]) for chunk in chunk_names(region, variable["chunks"])]
                self._put(*key, region, data[key], chunks)
                receipts.take(chunks)

            receipts, saved = durable.Receipts(self.path), durable.beside(self.seals.save_state, block, segment, state)
            durable.for_each(self.path, put, data)
            seal = {
                "block": block,
                "segment": segment,
                "generation": generation,
                "digests": digested.result(),
                "files": receipts.given(),
                "state": saved.result(),
                "record": record,
            }
            self.seals.check_fence(generation)
            return self.seals.write(seal)

    def share(self, other: RunStore, segments: int, generation: int) -> None:
        """Begin every block with the first segments of another store that has the same chunks, by reference.

        Files get a second name, or are copied within a bucket; seals keep all but their generation.  StoreError when
        the other has not sealed them, has lost some, or has other chunks.
        """
        if chunking(self._template) != chunking(other._template):
            raise StoreError(f"{other.path} has other chunks than {self.path}.")
        with durable.disk(self.path):
            for block, segment in product(range(self._template["blocks"]), range(segments)):
                if self.seals.read(block, segment) is not None:
                    continue
                seal = other.seals.read(block, segment)
                if seal is None:
                    raise StoreError(f"segment {segment} of block {block} of {other.path} is not sealed.")
                durable.check_files(other.path, seal["files"])
                names = [*seal["files"], *([seal["state"]["file"]] if segment + 1 == segments else [])]
                durable.for_each(self.path, lambda name: durable.share(other.path / name, self.path / name), names)
                for folder in {(self.path / name).parent for name in names}:
                    durable.sync(folder)
                self.seals.check_fence(generation)
                self.seals.write(seal | {"generation": generation})

    def sealed_segments(self, block: int) -> int:
        """Contiguous sealed segments of a block, from the first."""
        return self.seals.count(block)

    def load_state(self, block: int, segment: int) -> dict[str, NDArray[Any]]:
        """Restart state at the end of a sealed segment; StoreError when missing or damaged."""
        return self.seals.load_state(block, segment)

    def verify(self, *, contents: bool = False, blocks: Collection[int] | None = None) -> str:
        """Check that all segments are sealed and all files there, or those of some blocks; the digest of all seals.

        contents: read these files and compare checksums too.  StoreError names what is missing or damaged.
        """
        template, seals = self._template, self.seals.all()
        owed = list(product(range(template["blocks"]), range(template["segments"])))
        sealed = {(s["block"], s["segment"]) for s in seals}
        for block, segment in owed:
            if (block, segment) not in sealed:
                raise StoreError(f"segment {segment} of block {block} of {self.path} is not sealed.")
        looked_at = [s for s in seals if blocks is None or s["block"] in blocks]
        files = {name: receipt for seal in (template, *looked_at) for name, receipt in seal["files"].items()}
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
                self._create_array(group, v, auxiliary(variables, v))

    def _copy(self, other: RunStore, names: list[str]) -> None:
        """Take files from another store, but not its root."""

        def take(name: str) -> None:
            durable.replace(self.path / name, lambda f: f.write(durable.read(other.path / name)))

        durable.for_each(self.path, take, [name for name in names if name != "zarr.json"])

    def _create_array(self, group: str, v: Variable, auxiliary: list[str]) -> None:
        dtype = np.dtype(v.dtype)
        chunks: tuple[int, ...] = v.chunks if v.data is None else tuple(max(1, n) for n in v.shape)
        inner = inner_chunks(v, chunks) if dtype.itemsize * int(np.prod(chunks)) > SHARD_BYTES else None
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

    def _regions(self, block: int, segment: int) -> dict[tuple[str, str], Region]:
        if not (0 <= block < self._template["blocks"] and 0 <= segment < self._template["segments"]):
            raise StoreError(f"{self.path} has no place for segment {segment} of block {block}.")
        return regions_of(self._template, block, segment)


def _digests(data: Arrays, state: State) -> dict[str, str]:
    return {"/".join(key): array_digest(a) for key, a in data.items()} | {"state": state_digest(state)}


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


def open_run(path: Place | str, verify: bool = False, chunks: dict[str, int] | None = None) -> xr.DataTree:
    """Open a finished run, sweep or twin store lazily, at a path or URL; chunks as xarray takes them.

    StoreError when it is not finished, or a file is missing or has another size; with verify, also when
    contents differ from what was sealed.
    """
    path = place(path)
    store = RunStore(path)
    attributes = store._attributes()
    if store.verify(contents=verify) != attributes.get("seal_digest"):
        raise StoreError(f"{path} is not finished, or its seals are not those that it was finished with.")
    return xr.open_datatree(zarr_place(path), engine="zarr", chunks=chunks, decode_timedelta=False)


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


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = orjson.loads(canonical_json(dict(attributes)))
    return result
