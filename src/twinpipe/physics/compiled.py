"""How kernels are compiled: numba, nogil, cached, strict IEEE arithmetic, arguments that never overlap.

No fastmath: without contraction a vector lane and a scalar remainder round alike, so that the bits do not
depend on how members are blocked.  The cache lives in a folder named by the digest of the physics sources:
numba itself looks only at the file of the outermost function, not at those that it calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from platformdirs import user_cache_path

from twinpipe.digest import digest, source_digest

CODE_FINGERPRINT = source_digest(Path(__file__).parent)
# by module, so that it can be told later which process has changed
MODULE_FINGERPRINTS = {p.stem: digest(p.read_text())[:16] for p in sorted(Path(__file__).parent.glob("[a-z]*.py"))}
os.environ.setdefault("NUMBA_CACHE_DIR", str(user_cache_path("twinpipe") / "kernels" / CODE_FINGERPRINT[:16]))

import numba  # noqa: E402  (reads NUMBA_CACHE_DIR when imported)
from numba.core.compiler import CompilerBase, DefaultPassBuilder  # noqa: E402

# numba may have been imported before, and then looks elsewhere
numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]  # type: ignore[attr-defined]  # set at run time

F = TypeVar("F", bound=Callable[..., Any])


class NoAlias(CompilerBase):
    """The default pipeline with the promise that array arguments do not overlap, which lets loops vectorise."""

    def define_pipelines(self) -> list[Any]:
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]  # type: ignore[no-untyped-call]  # of numba


_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}
# A function that can make no arrays does not count references to those that it is given.
_WITHOUT_ARRAYS: dict[str, Any] = {**_EXACT, "_nrt": False}


def compiled(function: F) -> F:
    """Compile a kernel function, which makes no arrays."""
    return cast("F", numba.njit(cache=True, pipeline_class=NoAlias, **_WITHOUT_ARRAYS)(function))


def making_arrays(function: F) -> F:
    """Compile a function that needs arrays of its own, which a step must not."""
    return cast("F", numba.njit(cache=True, pipeline_class=NoAlias, **_EXACT)(function))


def inlined(function: F) -> F:
    """Compile a small scalar function that other kernels use."""
    return cast("F", numba.njit(cache=True, **_WITHOUT_ARRAYS)(function))


@inlined
def at(place: int) -> int:
    """An index that is not negative: numba then does not look whether it counts from the end, and loops vectorise."""
    return np.uint64(place)  # type: ignore[return-value]  # an index like any other


def part(function: F) -> F:
    """A part of a kernel that is written apart for people, and compiled only where it is called."""
    return cast("F", numba.njit(inline="always", **_WITHOUT_ARRAYS)(function))
