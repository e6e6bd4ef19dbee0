"""A member whose pressure leaps takes shorter steps, alone, and nobody else notices; B18."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.test_restart import identical, simulate, spec
from tests.laws.toy_bodies import MARS
from twinpipe import stepping
from twinpipe.body import Body
from twinpipe.scenario import Scenario
from twinpipe.simulation import climate
from twinpipe.spec import RunSpec

YEARS = 14


def far_from_the_sun(share: float) -> Body:
    orbit = MARS.orbit.model_copy(update={"solar_constant_w_m2": 586.2 * share})
    return MARS.model_copy(update={"orbit": orbit})


def collapsing(share: float = 0.7, steps: int = 24) -> RunSpec:
    """Mars that a single orbit at a darker Sun has not yet frozen."""
    made = spec(0, YEARS)
    fields = {name: getattr(made, name) for name in RunSpec.model_fields}
    changes = {"body": far_from_the_sun(share), "scenario": Scenario(), "spin_up_orbits": 1, "steps_per_orbit": steps}
    return RunSpec(**{**fields, **changes})


def test_air_that_collapses_does_not_feel_blocks_or_segments() -> None:
    specs = [spec(0, YEARS), collapsing(), collapsing(0.6), spec(3, YEARS), collapsing(0.8), spec(1, YEARS)]
    together = simulate(specs, 6, 8)
    refined = together.records["refined_orbits"]
    assert min(refined[1], refined[2]) >= 1
    assert refined[0] <= 1  # the run's last orbit is not a whole one, in which the seasons would cancel
    identical(simulate(specs, 6, 1), together)
    identical(simulate(specs, 1, 3), together)
    identical(simulate(specs, 4, 2), together)


def test_books_close_over_shorter_steps() -> None:
    records = simulate([collapsing()], 1, 2).records
    assert records["refined_orbits"][0] >= 1
    assert records["mass_error"][0] <= 1e-12
    assert max(records["energy_error"][0], records["transport_error"][0]) <= 1e-9


def test_shorter_steps_come_closer_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = climate(collapsing().body, collapsing().grid_shape, collapsing(steps=384).clock, 1)

    def pressure(steps: int) -> np.typing.NDArray[np.float64]:
        monkeypatch.setattr("twinpipe.simulation.climate", lambda *_: shared)  # the same state at year 0
        return np.asarray(simulate([collapsing(steps=steps)], 1, 8).outputs["global_surface_pressure"][0])

    refined = pressure(24)
    monkeypatch.setattr(stepping, "FACTORS", ())
    plain, fine = pressure(24), pressure(384)[15::16]
    n = min(len(plain), len(fine))
    assert not np.array_equal(refined, plain)

    def error(p: np.typing.NDArray[np.float64]) -> float:
        return float(np.abs(p[:n] / fine[:n] - 1)[:24].max())

    assert error(refined) < 0.1 * error(plain)
