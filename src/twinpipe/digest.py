"""Canonical JSON and its sha256: the same content has the same name, everywhere and for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces; numbers in their shortest exact form."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def digest(value: Any) -> str:
    """sha256 (64 hexadecimal digits) of the canonical JSON of value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def array_digest(*arrays: NDArray[Any]) -> str:
    """sha256 of the bits, shapes and types of arrays."""
    h = hashlib.sha256()
    for a in arrays:
        h.update(f"{a.dtype.str}{a.shape}".encode())
        h.update(np.ascontiguousarray(a).tobytes())
    return h.hexdigest()


def source_digest(*folders: Path) -> str:
    """sha256 of every Python source below folders: two runs with equal digests ran the same code."""
    h = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            h.update(path.relative_to(folder).as_posix().encode())
            h.update(path.read_bytes())
    return h.hexdigest()
