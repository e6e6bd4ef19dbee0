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

from platformdirs import user_cache_path

from twinpipe.digest import source_digest

CODE_FINGERPRINT = source_digest(Path(__file__).parent)
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


def compiled(function: F) -> F:
    """Compile a kernel function."""
    made = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=False, pipeline_class=NoAlias)
    return cast("F", made(function))


def inlined(function: F) -> F:
    """Compile a small scalar function that other kernels use."""
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def part(function: F) -> F:
    """A part of a kernel that is written apart for people, and compiled only where it is called."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", inline="always")(function))
