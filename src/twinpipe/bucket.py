"""Objects of a bucket: each write is whole or absent, and a conditional one is refused where there is an object."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from twinpipe.errors import StoreError
from twinpipe.place import Place

if TYPE_CHECKING:
    from upath import UPath

ROOT = "zarr.json"  # says what a prefix is, so that it goes last


def refusals() -> tuple[type[Exception], ...]:
    """What a client of a bucket raises beside OSError."""
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError
    from botocore.exceptions import ClientError as Refused

    return ClientError, BotoCoreError, Refused


def create_once(path: UPath, content: bytes) -> bool:
    """Put a new object; False, and no change, when it exists."""
    try:
        path.fs.pipe_file(path.path, content, mode="create")  # If-None-Match: *
    except FileExistsError:
        return False
    return True


def read(path: UPath) -> bytes:
    """An object, in one request; FileNotFoundError."""
    content: bytes = path.fs.cat_file(path.path)
    return content


def copy(source: Place, path: UPath) -> None:
    """Copy an object within the endpoint."""
    path.fs.cp_file(str(source), path.path)


def sizes(path: UPath) -> dict[str, int]:
    """Bytes of every object below a prefix, by name relative to it."""
    start = len(path.path.rstrip("/")) + 1
    return {name[start:]: info["size"] for name, info in path.fs.find(path.path, detail=True).items()}


def touched(path: UPath) -> float:
    """When the newest object below a prefix was put (seconds since 1970); FileNotFoundError when there is none."""
    found = path.fs.find(path.path, detail=True).values()
    if not found:
        raise FileNotFoundError(str(path))
    return float(max(info["LastModified"].timestamp() for info in found))


def remove(path: UPath) -> None:
    """Delete every object below a prefix, that which says what it is last: one cut short can be ended."""
    names = [f"{path.path.rstrip('/')}/{name}" for name in sizes(path)]
    root = f"{path.path.rstrip('/')}/{ROOT}"
    for some in ([n for n in names if n != root], [n for n in names if n == root]):
        if some:
            path.fs.rm(some)


def check_conditions(folder: UPath) -> None:
    """Put a probe twice on condition that there is none; StoreError when the endpoint ignores that.

    Such an endpoint would let two writers seal one segment and tell both that they did.
    """
    probe = folder / f"probe-{uuid.uuid4().hex}"
    created = create_once(probe, b"twinpipe")
    try:
        again = create_once(probe, b"again")
    finally:
        probe.unlink(missing_ok=True)
    if not created or again:
        raise StoreError(f"the endpoint of {folder} ignores If-None-Match, without which seals are not safe there.")
