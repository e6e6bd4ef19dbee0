"""Files that survive a crash: each write is whole or absent, and on disk before anything refers to it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from google_crc32c import value as crc32c

from twinpipe.errors import StoreError

# name of a file relative to a run's folder -> (bytes, crc32c)
Files = Mapping[str, tuple[int, int]]


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a StoreError of one sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write {error.filename or path}: {error.strerror or error}.") from error


def sync(path: Path) -> None:
    """Force a file or the entries of a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def receipt(path: Path) -> tuple[int, int]:
    """Size and crc32c of a file as read back, after forcing it to disk."""
    with path.open("rb") as f:
        content = f.read()
        os.fsync(f.fileno())
    return len(content), crc32c(content)


def receipts(root: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Receipts of files below root, with their folders forced to disk as well."""
    ordered = list(names)
    # together, since a journaling file system commits many at once as fast as one
    with ThreadPoolExecutor(16) as pool:
        result = dict(zip(ordered, pool.map(lambda name: receipt(root / name), ordered), strict=True))
        list(pool.map(sync, {(root / name).parent for name in result}))
    return result


def check_files(root: Path, files: Files, *, contents: bool = False) -> None:
    """Compare files below root with their receipts; StoreError names the first that differs."""
    for name, (size, crc) in files.items():
        path = root / name
        try:
            found = path.stat().st_size
        except OSError:
            raise StoreError(f"{path} is missing, though it was sealed.") from None
        if found != size:
            raise StoreError(f"{path} has {found} bytes, but was sealed with {size}.")
        if contents and crc32c(path.read_bytes()) != crc:
            raise StoreError(f"{path} is damaged: its checksum is not the sealed one.")


def _temporary(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    with aside.open("wb") as f:
        write(f)
        f.flush()
        os.fsync(f.fileno())
    return aside


def replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, over what was there."""
    _temporary(path, write).replace(path)
    sync(path.parent)


def create_once(path: Path, content: bytes) -> bool:
    """Write a new file whole or not at all; False, and no change, when it exists."""
    aside = _temporary(path, lambda f: f.write(content))
    try:
        # a link fails when the name is taken, where a rename would replace it
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    for folder in (path.parent, path.parent.parent):
        sync(folder)
    return True


def remove_strays(folder: Path, keep: str) -> int:
    """Delete what interrupted writers left below folder, except in keep; the number of files."""
    found = (p for pattern in ("*.partial", "*.tmp") for p in folder.rglob(pattern))
    strays = [p for p in found if folder / keep not in p.parents]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(strays)


def check_writable(folder: Path) -> None:
    """Make folder and write to it; StoreError when that is not possible."""
    probe = folder / f"{uuid.uuid4().hex}.tmp"
    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"twinpipe")
        probe.unlink()
