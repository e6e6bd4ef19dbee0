"""The untuned benchmarks of the FILLET intercomparison, and where its planet freezes over and thaws; C2.6.

Its longwave is the polynomial of Kadoya and Tajika alone: 1 bar of N2 gives that its full weight; B3.2, B3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from tests.laws.toy_bodies import clock_of
from tests.planets.bodies_today import within
from tests.planets.mars_today import Row
from tests.planets.peers import body_file
from tests.planets.worlds import World
from twinpipe.body import Body, Start
from twinpipe.errors import SimulationError
from twinpipe.grid import Grid
from twinpipe.simulation import equilibrate

TODAY: Final = 1361.0  # W m-2
WARM, COLD = Start(mean_k=288.0, p2_k=-28.0), Start(mean_k=225.0, p2_k=-28.0)
FROZEN_K: Final = 250.0  # of the global mean, below which it is a snowball
ORBITS: Final = 150
OBLIQUITY: Final = {"Ben2": 23.5, "Ben3": 60.0}  # degree
ENVELOPE: Final = {"Ben2": (276.0, 303.0), "Ben3": (278.0, 303.0)}  # K, of the codes that keep their climate
# Of the same codes in Ben2: latitude (degree) -> lowest and highest annual mean (K); outgoing longwave (W m-2).
ZONAL: Final = {0: (293.8, 316.8), 60: (252.0, 285.0), 85: (240.0, 274.0)}
OUTGOING: Final = (235.0, 266.0)
# Suns (of today's) at which HEXTOR, POISE and ESTM without clouds freeze over and thaw, and what is accepted.
FREEZES, THAWS = (0.96, 0.925, 0.9875), (1.16, 1.32, 1.2625)
FREEZING_BAND, THAWING_BAND = (0.90, 0.99), (1.10, 1.45)


@cache
def benchmark() -> Body:
    return body_file("fillet_ben2")


def settled(sun: float, start: Start, obliquity: float, grid: str, steps: int) -> World | None:
    """The climate under so many of today's suns from a warm or a cold start; None where it runs away."""
    body = benchmark()
    orbit = body.orbit.model_copy(update={"solar_constant_w_m2": sun * TODAY, "obliquity_degree": obliquity})
    body = body.model_copy(update={"orbit": orbit, "climate": body.climate.model_copy(update={"start": start})})
    where, clock = Grid.parse(grid), clock_of(body, steps)
    try:
        return World(body, where, clock, equilibrate(body, where, clock, ORBITS))
    except SimulationError as end:
        if "runaway" in str(end) or "left its range" in str(end):
            return None
        raise


def mean_temperature(
    sun: float = 1.0, start: Start = WARM, obliquity: float = 23.5, grid: str = "36x12", steps: int = 48
) -> float:
    """Global annual mean (K); infinite where it runs away."""
    w = settled(sun, start, obliquity, grid, steps)
    return float("inf") if w is None else w.mean("global_surface_temperature")


def fold(warm_at: float, frozen_at: float, is_warm: Callable[[float], bool], width: float = 0.005) -> float:
    """The solar constant (of today's) between a warm and a frozen climate, by halving."""
    assert is_warm(warm_at)
    assert not is_warm(frozen_at)
    while abs(warm_at - frozen_at) > width:
        middle = 0.5 * (warm_at + frozen_at)
        warm_at, frozen_at = (middle, frozen_at) if is_warm(middle) else (warm_at, middle)
    return 0.5 * (warm_at + frozen_at)


def benchmark_rows(grid: str = "36x12", steps: int = 48) -> Iterator[Row]:
    """The same prescription as for every code, and no tuning."""
    for name, obliquity in OBLIQUITY.items():
        w = settled(1.0, WARM, obliquity, grid, steps)
        low, high = ENVELOPE[name]
        mean = float("inf") if w is None else w.mean("global_surface_temperature")
        codes = f"{low:.0f}-{high:.0f}, two codes leave the climate"
        yield within(f"{name}: mean surface temperature", low, high, mean, "K", codes)
        if w is not None and name == "Ben2":
            for latitude, (cold, warm) in ZONAL.items():
                where = f"{latitude} N" if latitude else "equator"
                yield within(f"{name}: {where}", cold, warm, w.at(latitude), "K", f"codes differ by {warm - cold:.0f}")
            sent = w.mean("global_outgoing_longwave_flux")
            yield within(f"{name}: outgoing longwave radiation", *OUTGOING, sent, "W m-2", "codes differ by 31")


def fold_rows(grid: str = "36x12", steps: int = 48) -> Iterator[Row]:
    """The suns at which the warm climate ends and at which the frozen one does, and how far these are apart."""

    def warm_from(start: Start) -> Callable[[float], bool]:
        return lambda sun: mean_temperature(sun, start, grid=grid, steps=steps) > FROZEN_K

    freezes = fold(1.0, 0.88, warm_from(WARM))
    thaws = fold(1.5, 1.0, warm_from(COLD))
    for what, band, found, codes in (
        ("warm planet freezes over", FREEZING_BAND, freezes, FREEZES),
        ("snowball thaws", THAWING_BAND, thaws, THAWS),
    ):
        yield within(what, *band, found, "of today's sun", f"{min(codes)}-{max(codes)}", 3)
    widths = [b - a for a, b in zip(FREEZES, THAWS, strict=True)]
    least, most = THAWING_BAND[0] - FREEZING_BAND[1], THAWING_BAND[1] - FREEZING_BAND[0]
    models = f"{min(widths):.2f}-{max(widths):.2f}, OPS none"
    yield within("width between the two", least, most, thaws - freezes, "of today's sun", models, 3)


def fillet_rows(grid: str = "36x12", steps: int = 48) -> Iterator[Row]:
    """Every comparison with the intercomparison but the tuned one, which is Earth's."""
    yield from benchmark_rows(grid, steps)
    yield from fold_rows(grid, steps)
