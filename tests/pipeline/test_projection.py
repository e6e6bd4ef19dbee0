"""The projected peak memory of a worker is an upper bound that the measured one comes near; blocks fit in a limit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pipeline.measure_memory import job, measured

from twinpipe.errors import InvalidInput
from twinpipe.layout import run_layout
from twinpipe.plan import make_plan
from twinpipe.projection import fit, project

JOBS: dict[str, dict[str, Any]] = {
    "one member": {"grid": "36x72", "members": 1, "members_per_block": 1, "orbits": 4, "orbits_per_segment": 4},
    "a block": {"grid": "36x72", "members": 16, "members_per_block": 16, "orbits": 6, "orbits_per_segment": 3},
    "many blocks": {"grid": "18x36", "members": 64, "members_per_block": 8, "orbits": 4, "orbits_per_segment": 2},
    "a fine grid": {"grid": "180x360", "members": 1, "members_per_block": 1, "orbits": 2, "orbits_per_segment": 1},
    "bands": {"grid": "360x720", "members": 1, "members_per_block": 1, "orbits": 1, "orbits_per_segment": 1},
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux' /proc")
@pytest.mark.parametrize("threads", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", [n if n != "bands" else pytest.param(n, marks=pytest.mark.slow) for n in JOBS])
def test_measured_memory_is_near_the_projection_and_never_above(name: str, threads: int) -> None:
    work = JOBS[name] | {"body": "mars", "maps_every": 1}
    measured({"body": "mars", "grid": "4x8", "maps_every": 1} | JOBS["one member"] | {"grid": "4x8"}, 0)  # compiles
    projected, found = project(job(**work)).worker(max(1, threads)), measured(work, threads)
    assert found <= projected <= 1.5 * found


@pytest.mark.parametrize("body", ["mars", "titan", "luna"])
def test_the_bytes_of_a_plan_are_those_that_its_layout_owes(body: str) -> None:
    plan = job(body, "6x8", 3, 2, 4, 2, 1)
    owed = [v for variables in run_layout(plan, {}).groups.values() for v in variables if v.data is None]
    assert project(plan).stored == sum(np.dtype(v.dtype).itemsize * math.prod(v.shape) for v in owed)


SPECS = job("mars", "36x72", 40, 4, 60, 5, 5).specs


@given(limit=st.integers(300_000_000, 2_000_000_000), threads=st.integers(1, 16), members=st.integers(1, 40))
@settings(max_examples=25)
def test_a_plan_fits_its_memory_limit_or_is_refused(limit: int, threads: int, members: int) -> None:
    try:
        plan = fit(SPECS[:members], limit, threads)
    except InvalidInput:
        least = project(make_plan(SPECS[:members], 1, SPECS[0].output.maps_every_orbits))
        assert least.worker(threads) > limit
    else:
        assert project(plan).worker(threads) <= limit
        assert plan.orbits_per_segment % SPECS[0].output.maps_every_orbits == 0


def test_more_memory_never_makes_smaller_blocks() -> None:
    limits = [760_000_000, 560_000_000, 480_000_000, 410_000_000]
    plans = [fit(SPECS, limit, 2) for limit in limits]
    sizes = [(p.members_per_block, p.orbits_per_segment) for p in plans]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0][0] > sizes[-1][0]
