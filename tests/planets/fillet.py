"""The untuned benchmarks of the FILLET intercomparison, and where its planet freezes over and thaws; C2.6."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from tests.laws.toy_bodies import clock_of
from tests.planets.bodies_today import within
from tests.planets.mars_today import Row
from tests.planets.peers import body_file
from twinpipe.body import Body, Start
from twinpipe.errors import SimulationError
from twinpipe.grid import Grid
from twinpipe.simulation import equilibrate

TODAY: Final = 1361.0  # W m-2
WARM, COLD = Start(mean_k=288.0, p2_k=-28.0), Start(mean_k=225.0, p2_k=-28.0)
FROZEN_K: Final = 250.0  # of the global mean, below which it is a snowball
ORBITS: Final = 150
OBLIQUITY: Final = {"Ben2": 23.5, "Ben3": 60.0}  # degree


@cache
def benchmark() -> Body:
    return body_file("fillet_ben2")


def mean_temperature(
    sun: float = 1.0, start: Start = WARM, obliquity: float = 23.5, grid: str = "36x12", steps: int = 48
) -> float:
    """Global annual mean (K) under so many of today's suns from a warm or a cold start; infinite where it runs away."""
    body = benchmark()
    orbit = body.orbit.model_copy(update={"solar_constant_w_m2": sun * TODAY, "obliquity_degree": obliquity})
    body = body.model_copy(update={"orbit": orbit, "climate": body.climate.model_copy(update={"start": start})})
    where = Grid.parse(grid)
    try:
        return float(where.mean(equilibrate(body, where, clock_of(body, steps), ORBITS).maps[0]))
    except SimulationError as end:
        if "runaway" in str(end) or "left its range" in str(end):
            return float("inf")
        raise


def fold(warm_at: float, frozen_at: float, is_warm: Callable[[float], bool], width: float = 0.005) -> float:
    """The solar constant (of today's) between a warm and a frozen climate, by halving."""
    assert is_warm(warm_at)
    assert not is_warm(frozen_at)
    while abs(warm_at - frozen_at) > width:
        middle = 0.5 * (warm_at + frozen_at)
        warm_at, frozen_at = (middle, frozen_at) if is_warm(middle) else (warm_at, middle)
    return 0.5 * (warm_at + frozen_at)


def fillet_rows(grid: str = "36x12", steps: int = 48) -> Iterator[Row]:
    """The same prescription as for every code, and no tuning."""
    for (name, obliquity), low in zip(OBLIQUITY.items(), (276.0, 278.0), strict=True):
        yield within(
            f"{name}: mean surface temperature",
            *(low, 303.0, mean_temperature(obliquity=obliquity, grid=grid, steps=steps)),
            *("K", f"{low:.0f}-303, two codes leave the climate"),
        )

    def warm_from(start: Start) -> Callable[[float], bool]:
        return lambda sun: mean_temperature(sun, start, grid=grid, steps=steps) > FROZEN_K

    freezes = fold(1.0, 0.88, warm_from(WARM))
    thaws = fold(1.5, 1.0, warm_from(COLD))
    yield within("warm planet freezes over", 0.90, 0.99, freezes, "of today's sun", ".925-.9875", 3)
    yield within("snowball thaws", 1.10, 1.45, thaws, "of today's sun", "1.16-1.32", 3)
