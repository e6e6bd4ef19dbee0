"""The yardsticks do the kernel's step: after forty steps everything that they and the kernel wrote is equal."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from tests.bench.yardsticks.in_c import InC
from tests.bench.yardsticks.job import Kernel, Version, job
from tests.bench.yardsticks.step_numpy import InNumpy
from tests.bench.yardsticks.step_xarray import InXarray
from twinpipe.grid import Array
from twinpipe.physics.model import Model
from twinpipe.physics.records import State


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(InC, marks=pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")),
        InNumpy,
        InXarray,
    ],
)
def test_yardsticks_are_the_kernels_step(make: Callable[[Model, State], Version]) -> None:
    model, start = job("10x12")
    kernel, yardstick = Kernel(model, start), make(model, start)
    for _ in range(2):
        kernel.advance(20)
        yardstick.advance(20)
    expected, found = kernel.result(), yardstick.result()
    assert np.abs(expected.T - found.T).max() <= 1e-9
    assert 0.0 < (expected.ice > 0.0).mean() < 0.5, "some ground is frosted, and some is not"
    for name, a, b in zip(expected._fields, expected, found, strict=True):
        assert relative(a, b) <= 1e-9, name
    for a, b in zip(
        (*expected.sums, *expected.series, *expected.zonals), (*found.sums, *found.series, *found.zonals), strict=True
    ):
        assert relative(a, b) <= 1e-9


def relative(a: Array, b: Array) -> float:
    """Largest difference over the largest number; 0 where all is 0."""
    scale = float(np.abs(a).max())
    return float(np.abs(a - b).max()) / scale if scale > 0.0 else float(np.abs(b).max())


def test_frost_comes_and_goes_in_a_year_alike() -> None:
    model, start = job("6x8")
    kernel, yardstick = Kernel(model, start), InNumpy(model, start)
    for version in (kernel, yardstick):
        version.advance(model.clock.steps_per_orbit)
    assert np.allclose(kernel.result().ice, yardstick.result().ice, rtol=1e-9, atol=1e-7)
