"""The makeup of a process: the versions and the physics that decide the bits of a run."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

from twinpipe.errors import Failure
from twinpipe.physics.compiled import CODE_FINGERPRINT

PACKAGES = ("twinpipe", "numpy", "numba", "zarr", "xarray", "distributed")


@cache
def versions() -> dict[str, str]:
    """Versions of what decides the bits of a run."""
    return {"python": platform.python_version(), "machine": platform.machine(), **{p: version(p) for p in PACKAGES}}


def makeup() -> dict[str, str]:
    """Versions and the fingerprint of the physics."""
    return {**versions(), "physics": CODE_FINGERPRINT[:16]}


def check_alike(ours: dict[str, str], theirs: dict[str, str], who: str) -> None:
    """Failure when another process would make other bits, or cannot take our tasks."""
    other = [f"{k} {theirs.get(k, 'missing')} where we have {ours[k]}" for k in ours if theirs.get(k) != ours[k]]
    if other:
        raise Failure(f"{who} is not like this process: {', '.join(other)}; install the same twinpipe on both.")
