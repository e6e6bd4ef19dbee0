"""Files that survive a crash: each write is whole or absent, and on disk before anything refers to it.

In a bucket that is what a put does; what a folder needs beside that falls away there.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from google_crc32c import value as crc32c

from twinpipe import bucket
from twinpipe.errors import StoreError
from twinpipe.place import Place

T = TypeVar("T")
R = TypeVar("R")
# name of a file relative to a run's folder -> (bytes, crc32c)
Files = Mapping[str, tuple[int, int]]


@contextmanager
def disk(path: Place) -> Iterator[None]:
    """Turn what the disk or the bucket refuses into a StoreError of one sentence."""
    try:
        yield
    except refusals(path) as error:
        raise StoreError(f"cannot write {getattr(error, 'filename', None) or path}: {reason(error)}.") from error


def refusals(path: Place) -> tuple[type[Exception], ...]:
    """What reading and writing at a place may raise."""
    return (OSError,) if isinstance(path, Path) else (OSError, *bucket.refusals())


def reason(error: Exception) -> str:
    """Why a place refused, without a full stop."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def sync(path: Place) -> None:
    """Force a file or the entries of a folder to disk."""
    if not isinstance(path, Path):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Place) -> bytes:
    """The content of a file; FileNotFoundError."""
    return path.read_bytes() if isinstance(path, Path) else bucket.read(path)


def receipt(path: Place) -> tuple[int, int]:
    """Size and crc32c of a file as read back, after forcing it to disk."""
    content = read(path)
    sync(path)
    return len(content), crc32c(content)


@cache
def _hands() -> ThreadPoolExecutor:
    """Threads that wait for disks and buckets."""
    return ThreadPoolExecutor(16, thread_name_prefix="durable")


def for_each(where: Place, do: Callable[[T], object], items: Iterable[T]) -> None:
    """Do something with each item, many at once where each waits for a bucket's answer."""
    if isinstance(where, Path):
        for item in items:
            do(item)
        return
    list(_hands().map(do, items))


class Receipts:
    """Receipts of files below root, taken while the next ones are written."""

    def __init__(self, root: Place) -> None:
        self._root, self._taken = root, dict[str, Future[tuple[int, int]]]()

    def take(self, names: Iterable[str]) -> None:
        """Begin with files that are written."""
        for name in names:
            self._taken[name] = _hands().submit(receipt, self._root / name)

    def given(self) -> dict[str, tuple[int, int]]:
        """All receipts by name, with the files' folders forced to disk as well."""
        result = {name: self._taken[name].result() for name in sorted(self._taken)}
        list(_hands().map(sync, {(self._root / name).parent for name in result}))
        return result


def beside(do: Callable[..., R], *arguments: object) -> Future[R]:
    """Begin something that mostly waits."""
    return _hands().submit(do, *arguments)


def receipts(root: Place, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Receipts of files below root, with their folders forced to disk as well."""
    # together, since a journaling file system commits many at once as fast as one
    taken = Receipts(root)
    taken.take(names)
    return taken.given()


def check_files(root: Place, files: Files, *, contents: bool = False) -> None:
    """Compare files below root with their receipts; StoreError names the first that differs."""
    listed = bucket.sizes(root) if not isinstance(root, Path) and len(files) > 1 else None
    for name, (size, crc) in files.items():
        path = root / name
        try:
            found = path.stat().st_size if listed is None else listed[name]
        except (OSError, KeyError):
            raise StoreError(f"{path} is missing, though it was sealed.") from None
        if found != size:
            raise StoreError(f"{path} has {found} bytes, but was sealed with {size}.")
        if contents and crc32c(read(path)) != crc:
            raise StoreError(f"{path} is damaged: its checksum is not the sealed one.")


def _temporary(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    with aside.open("wb") as f:
        write(f)
        f.flush()
        os.fsync(f.fileno())
    return aside


def replace(path: Place, write: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all, over what was there."""
    if not isinstance(path, Path):
        content = BytesIO()
        write(content)
        path.write_bytes(content.getvalue())
        return
    _temporary(path, write).replace(path)
    sync(path.parent)


def create_once(path: Place, content: bytes) -> bool:
    """Write a new file whole or not at all; False, and no change, when it exists."""
    if not isinstance(path, Path):
        return bucket.create_once(path, content)
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


def create_folder(path: Path, files: Mapping[str, bytes]) -> bool:
    """Write a new folder with these files whole or not at all; False, and no change, when it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        aside.mkdir()
        for name, content in files.items():
            (aside / name).write_bytes(content)
            sync(aside / name)
        sync(aside)
        if path.exists():
            return False
        aside.rename(path)  # fails over a folder that has something in it
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    sync(path.parent)
    return True


def share(source: Place, path: Place) -> None:
    """Give a file a second name at path, by a copy where it cannot have one; what is there is replaced."""
    if not isinstance(path, Path):
        bucket.copy(source, path)
        return
    assert isinstance(source, Path)  # a store's runs are in one place
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        os.link(source, aside)
    except OSError:  # other file systems, or one that has no links
        shutil.copyfile(source, aside)
        sync(aside)
    aside.replace(path)


def remove_strays(folder: Place, keep: str) -> int:
    """Delete what interrupted writers left below folder, except in keep; the number of files."""
    if not isinstance(folder, Path):
        return 0
    found = (p for pattern in ("*.partial", "*.tmp") for p in folder.rglob(pattern))
    strays = [p for p in found if folder / keep not in p.parents]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(strays)


def sizes(folder: Place) -> dict[str, int]:
    """Bytes of every file below a folder, which may be going meanwhile, by name; none when there is no folder."""
    if not isinstance(folder, Path):
        return bucket.sizes(folder)
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return found


def touched(folder: Place) -> float:
    """When a folder changed (seconds since 1970), not counting what is deeper; FileNotFoundError."""
    if not isinstance(folder, Path):
        return bucket.touched(folder)
    status = folder.stat()
    return max(status.st_mtime, status.st_ctime)


def folders(folder: Place) -> list[Place]:
    """The folders in a folder, by name; none when it is not there."""
    try:
        return sorted((item for item in folder.iterdir() if item.is_dir()), key=lambda item: item.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove(folder: Place) -> None:
    """Delete a folder and all that is in it."""
    if isinstance(folder, Path):
        shutil.rmtree(folder)
    else:
        bucket.remove(folder)


def is_mounted(folder: Place) -> bool:
    """Whether a folder could be looked into: a bucket has no empty folders."""
    return folder.is_dir() if isinstance(folder, Path) else bool(folder.fs.exists(folder.drive))


def check_writable(folder: Place) -> None:
    """Make folder and write to it; StoreError when that is not possible or a bucket's writes are not safe."""
    with disk(folder):
        if not isinstance(folder, Path):
            bucket.check_conditions(folder)
            return
        probe = folder / f"{uuid.uuid4().hex}.tmp"
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"twinpipe")
        probe.unlink()
