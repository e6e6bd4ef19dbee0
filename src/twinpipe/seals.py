"""Seals: the receipts of finished segments, and the restart state that goes with each.

A seal is written last, once, and never rewritten.  Claims fence writers: whoever starts or resumes a run
claims a generation, and a writer with an older one is refused at its seal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinpipe import durable
from twinpipe.digest import array_digest, canonical_json, digest
from twinpipe.errors import StoreError
from twinpipe.place import Place

State = Mapping[str, NDArray[Any]]
Record = dict[str, Any]


@dataclass(frozen=True)
class Seals:
    """The seals, states and claims in a run's simulation_state folder."""

    folder: Place

    def path(self, block: int, segment: int) -> Place:
        return self.folder / "seals" / str(block) / f"{segment}.json"

    def state_path(self, block: int, segment: int) -> Place:
        return self.folder / "states" / str(block) / f"{segment}.npz"

    @property
    def generation(self) -> int:
        """The newest generation claimed; 0 when none was."""
        try:
            return max((int(p.name) for p in (self.folder / "claims").iterdir() if p.name.isdigit()), default=0)
        except (FileNotFoundError, NotADirectoryError):  # the latter is a prefix without objects
            return 0

    def claim(self, generation: int) -> None:
        """Fence writers of older generations; StoreError when a newer one has claimed the run."""
        # one file for each generation: two claims at once cannot overwrite each other
        durable.create_once(self.folder / "claims" / str(generation), b"")
        self.check_fence(generation)

    def check_fence(self, generation: int) -> None:
        """StoreError when a newer generation has claimed the run."""
        newest = self.generation
        if generation < newest:
            raise StoreError(f"writer of generation {generation} is fenced off: generation {newest} has taken over.")

    def read(self, block: int, segment: int) -> Record | None:
        """The seal of a segment, None when there is none; StoreError when it is damaged."""
        return read_json(self.path(block, segment))

    def all(self) -> list[Record]:
        """Every seal, by block and segment; StoreError when one is damaged."""
        found = [(int(p.parent.name), int(p.stem)) for p in (self.folder / "seals").glob("*/*.json")]
        return [seal for key in sorted(found) if (seal := self.read(*key)) is not None]

    def count(self, block: int) -> int:
        """Contiguous sealed segments of a block."""
        n = 0
        while self.path(block, n).exists():
            n += 1
        return n

    def write(self, seal: Record) -> Record:
        """Write a seal and return the one that stands; StoreError when another content was sealed before."""
        block, segment = seal["block"], seal["segment"]
        durable.create_once(self.path(block, segment), canonical_json(seal))
        standing = self.read(block, segment)
        if standing is None:
            raise StoreError(f"{self.path(block, segment)} vanished as it was written.")
        self.agree(standing, seal["digests"], seal["generation"])
        return standing

    def agree(self, standing: Record, digests: dict[str, str], generation: int) -> None:
        """StoreError when a standing seal holds other content than digests tell."""
        if standing["digests"] == digests:
            return
        where = f"segment {standing['segment']} of block {standing['block']}"
        if generation < standing["generation"]:
            raise StoreError(
                f"writer of generation {generation} is fenced off: {where} was sealed by"
                f" generation {standing['generation']} with other content."
            )
        raise StoreError(f"{where} is sealed with other content and is never rewritten.")

    def save_state(self, block: int, segment: int, state: State) -> Record:
        """Write restart state at full precision; its receipt."""
        path = self.state_path(block, segment)
        durable.replace(path, lambda f: np.savez(f, allow_pickle=False, **dict(sorted(state.items()))))
        durable.sync(path.parent.parent)
        size, crc = durable.receipt(path)
        return {"file": f"{self.folder.name}/states/{block}/{segment}.npz", "bytes": size, "crc32c": crc}

    def load_state(self, block: int, segment: int) -> dict[str, NDArray[Any]]:
        """Restart state at the end of a sealed segment; StoreError when missing or not what was sealed."""
        seal, path = self.read(block, segment), self.state_path(block, segment)
        if seal is None:
            raise StoreError(f"segment {segment} of block {block} is not sealed in {self.folder.parent}.")
        kept = seal["state"]
        durable.check_files(self.folder.parent, {kept["file"]: (kept["bytes"], kept["crc32c"])}, contents=True)
        with np.load(BytesIO(durable.read(path)), allow_pickle=False) as stored:
            state = {name: stored[name] for name in stored.files}
        if state_digest(state) != seal["digests"]["state"]:
            raise StoreError(f"{path} is damaged: its digest is not the sealed one.")
        return state

    def drop_states(self, block: int, before: int, keep: int = -1) -> None:
        """Delete the states of a block's segments before one, but for one to keep."""
        for segment in range(before):
            if segment != keep:
                self.state_path(block, segment).unlink(missing_ok=True)


def read_json(path: Place) -> Record | None:
    """A JSON file, None when it does not exist; StoreError when it is damaged."""
    try:
        content: Record = orjson.loads(durable.read(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except durable.refusals(path) as error:
        raise StoreError(f"cannot read {path}: {durable.reason(error)}.") from error
    except orjson.JSONDecodeError as error:
        raise StoreError(f"{path} is damaged: {error}.") from error
    return content


def state_digest(state: State) -> str:
    """Digest of the names and bits of restart state."""
    return digest({name: array_digest(np.asarray(a)) for name, a in state.items()})


def seal_digest(template: Record, seals: list[Record]) -> str:
    """Digest of all that was sealed; the generation that sealed it does not count."""
    return digest([template, [{k: v for k, v in s.items() if k != "generation"} for s in seals]])
