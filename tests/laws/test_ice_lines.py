"""Ice lines of climlab's energy-balance model: how many climates a sun allows, and where they end; X5."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.optimize import brentq, minimize_scalar

from tests.laws.ice_lines import ENDS, FOLDS, FREEZING, ICE, SUN, TODAY, lines_at, of_rows, of_series
from tests.laws.toy_bodies import clock_of, drive
from tests.planets.peers import body_file
from twinpipe.body import Start, StepIce
from twinpipe.grid import Grid
from twinpipe.physics.model import build, first_guess
from twinpipe.scenario import Scenario

LINE, FLUX = 0.3, 1.0  # accepted, degrees and W m-2


def test_three_ice_lines_share_todays_sun() -> None:
    seen = lines_at(SUN)
    assert len(seen) == 3
    assert tuple(seen[:2]) == pytest.approx(TODAY, abs=LINE)
    # The small unstable cap is printed as 83.0, where both the series and the rows give S = 1365.7, within FLUX.
    assert of_rows(83.0) == pytest.approx(SUN, abs=FLUX)
    assert seen[2] == pytest.approx(brentq(lambda line: of_series(line) - SUN, 80, 88, xtol=0.01), abs=LINE)


def test_curve_of_equilibria_is_that_of_the_series() -> None:
    for line in (5.0, 13.8, 33.0, 55.0, 74.8, 79.3, 83.6):
        assert of_rows(line) == pytest.approx(of_series(line), abs=0.25)


@pytest.mark.parametrize(
    ("lowest", "highest", "sign", "line", "sun"), [(25.0, 45.0, 1, *FOLDS[0]), (74.0, 86.0, -1, *FOLDS[1])]
)
def test_folds_are_where_they_are_printed(lowest: float, highest: float, sign: int, line: float, sun: float) -> None:
    """S is flat there and has the ripple of the rows: the fold is that of a smooth curve through edges of rows."""
    lines = np.arange(lowest, highest + 0.5, 1.0)
    curve = Polynomial.fit(lines, [of_rows(float(x)) for x in lines], 6)
    fold = minimize_scalar(lambda x: sign * curve(x), bounds=(lowest, highest), method="bounded").x
    assert fold == pytest.approx(line, abs=LINE)
    assert curve(fold) == pytest.approx(sun, abs=FLUX)


def test_branches_without_an_ice_line_end_where_they_are_printed() -> None:
    assert of_rows(90.0) == pytest.approx(ENDS[1], abs=FLUX)
    assert of_rows(0.0) == pytest.approx(ENDS[0], abs=FLUX)


WARM, HOT, COLD = Start(mean_k=285.15, p2_k=-40.0), Start(mean_k=300.0, p2_k=-20.0), Start(mean_k=230.0, p2_k=-20.0)


def climates(suns: list[float], start: Start, width: float, years: int) -> list[float]:
    """Ice line (degree) of the compiled step from a start, by solar constant; 0 a snowball, 90 no ice."""
    body, grid = body_file("climlab_ebm"), Grid(180, 1)
    ice = StepIce(threshold_k=FREEZING + 273.15, albedo=ICE, width_k=width)
    climate = body.climate.model_copy(update={"start": start, "step_ice": ice})
    bodies = tuple(
        body.model_copy(
            update={"climate": climate, "orbit": body.orbit.model_copy(update={"solar_constant_w_m2": sun})}
        )
        for sun in suns
    )
    model = build(bodies, (Scenario(),) * len(suns), grid, clock_of(body, 12))
    state = first_guess(model)
    drive(model, state, 0, 12 * years)
    degrees = np.degrees(grid.latitude)[90:]
    found = []
    for T in state.T[0, 90:].T:
        frozen = ice.threshold_k > T
        assert (np.diff(T) < 0).all()
        line = float(np.interp(-ice.threshold_k, -T, degrees))
        found.append(line if frozen.any() and not frozen.all() else 0.0 if frozen.all() else 90.0)
    return found


def test_todays_sun_leaves_the_stable_ice_line() -> None:
    """Whole rows of ice would be stable within some degrees of it; a ramp of 1 K lets the line move between rows."""
    assert climates([SUN], WARM, 1.0, 150) == pytest.approx([74.8], abs=LINE)


def test_branches_of_the_compiled_step_end_where_they_are_printed() -> None:
    assert climates([1835.8, 1833.8], COLD, 0.0, 100) == [90.0, 0.0]
    free, capped = climates([1360.3, 1358.3], HOT, 0.0, 100)
    assert free == 90.0
    assert 60.0 < capped < 80.0


@pytest.mark.slow
def test_folds_of_the_compiled_step_are_where_they_are_printed() -> None:
    """Near a fold the climate takes centuries to leave."""
    falls, holds = climates([1258.0, 1260.0], WARM, 1.0, 800)
    assert falls == 0.0
    assert 32.0 < holds < 40.0
    holds, melts = climates([1366.3, 1368.3], WARM, 1.0, 800)
    assert 74.0 < holds < 80.0
    assert melts == 90.0
