"""Laws of sensitivity: the indices of functions whose indices are known, by the designs of sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from twinpipe.design import unit_points
from twinpipe.grid import Array
from twinpipe.sensitivity import Indices, of_points, of_saltelli
from twinpipe.sweep_spec import Design

# of sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on (-pi, pi)^3 (Ishigami and Homma 1990)
FIRST, TOTAL = np.array([0.31390519, 0.44241114, 0.0]), np.array([0.55758886, 0.44241114, 0.24368366])


def ishigami(u: Array) -> Array:
    x = np.pi * (2 * u - 1)
    made: Array = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return made


def found(kind: str, points: int) -> Indices:
    u = unit_points(Design.model_validate({"kind": kind, "points": points}), 3)
    y = ishigami(u)
    made = of_saltelli(y.reshape(points, 5)) if kind == "saltelli" else of_points(u, y)
    assert made is not None
    return made


@pytest.mark.parametrize("kind", ["saltelli", "sobol", "latin_hypercube"])
def test_the_indices_of_ishigami_are_found_at_4096_points(kind: str) -> None:
    made = found(kind, 4096)
    assert np.abs(made.first - FIRST).max() < 0.02
    assert np.abs(made.total - TOTAL).max() < 0.02
    for value, interval, exact in ((made.first, made.first_interval, FIRST), (made.total, made.total_interval, TOTAL)):
        assert (interval[0] <= value).all()
        assert (value <= interval[1]).all()
        assert (np.abs(interval - value) < 0.05).all()
        assert (interval[0] - 0.01 <= exact).all()
        assert (exact <= interval[1] + 0.01).all()


def test_the_estimators_are_those_of_scipy() -> None:
    from scipy.stats import sobol_indices

    y = ishigami(unit_points(Design(kind="saltelli", points=256), 3)).reshape(256, 5)
    theirs = sobol_indices(func={"f_A": y[:, 0], "f_B": y[:, 1], "f_AB": y[:, 2:].T[:, None]}, n=256)
    made = of_saltelli(y)
    assert made is not None
    assert made.first == pytest.approx(np.ravel(theirs.first_order), abs=1e-12)
    assert made.total == pytest.approx(np.ravel(theirs.total_order), abs=1e-12)


def test_members_that_are_missing_cost_points_and_nothing_else() -> None:
    u = unit_points(Design(kind="sobol", points=1024), 2)
    y = u[:, 0] + 2 * u[:, 1]
    y[::7] = np.nan
    made = of_points(u, y)
    assert made is not None
    assert made.points == np.isfinite(y).sum()
    assert made.first == pytest.approx([0.2, 0.8], abs=1e-9)
    assert made.explained == pytest.approx(1.0, abs=1e-9)
    assert of_points(u, np.ones(1024)) is None
    assert of_points(u[:4], y[:4]) is None


@pytest.mark.parametrize("kind", ["saltelli", "sobol"])
def test_a_design_of_twice_the_points_begins_with_those_of_the_smaller(kind: str) -> None:
    few, many = (unit_points(Design.model_validate({"kind": kind, "points": n, "seed": 3}), 2) for n in (16, 32))
    assert np.array_equal(many[: len(few)], few)
