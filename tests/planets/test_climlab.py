"""climlab itself, in an environment of its own, has the climates of its body files here; C3."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.planets.peers import (
    CLIMLAB_EQUINOX_DAY,
    CLIMLAB_YEAR_DAYS,
    ROWS,
    YEARS,
    Season,
    after_years,
    at_times,
    body_file,
    season,
)
from twinpipe.grid import Array, Grid

pytestmark = pytest.mark.slow

# climlab asks for its compiled radiation codes, which the energy-balance models do not use; the rest it imports.
CLIMLAB = "climlab==0.9.2"
NEEDED = ("attrs", "future", "numpy>=2", "pooch", "scipy", "six", "xarray")
BAND = 0.05  # K
FINE = 2880  # steps a year that climlab's calendar divides without a rest


@pytest.fixture(scope="module")
def climlab(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What climlab's models say, by name; skipped where climlab cannot be installed."""
    home = tmp_path_factory.mktemp("climlab") / "env"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    for arguments in ((*NEEDED,), ("--no-deps", CLIMLAB)):
        done = subprocess.run([*pip, *arguments], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"climlab cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    script = Path(__file__).with_name("climlab_runs.py")
    done = subprocess.run(
        [str(python), str(script), str(ROWS), str(YEARS), str(FINE)], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def theirs(climlab: dict[str, Any], steps: int) -> Season:
    days = np.array(climlab[f"days_{steps}"])
    return Season((days - CLIMLAB_EQUINOX_DAY) / CLIMLAB_YEAR_DAYS % 1.0, np.array(climlab[f"season_{steps}"]) + 273.15)


@pytest.mark.parametrize("name", ["ebm", "annual"])
def test_models_without_seasons_agree_after_five_years(climlab: dict[str, Any], name: str) -> None:
    apart = after_years(body_file(f"climlab_{name}")) - 273.15 - np.array(climlab[name])
    print(f"climlab {name}: |dT| <= {np.abs(apart).max():.4f} K on {ROWS} rows after {YEARS} years")
    assert np.abs(apart).max() <= BAND


def test_seasons_agree_when_steps_are_short(climlab: dict[str, Any]) -> None:
    body, times = body_file("climlab_seasonal"), np.arange(360) / 360
    sharp = body.model_copy(update={"climate": body.climate.model_copy(update={"second_order": True})})
    exact = at_times(theirs(climlab, FINE), times)

    def largest(field: Array) -> float:
        return float(np.abs(field - exact).max())

    own = largest(at_times(theirs(climlab, 90), times))
    ours = largest(at_times(season(body, 90, YEARS + 1, Grid(ROWS, 1)), times))
    fine = largest(at_times(season(sharp, 360, YEARS + 1, Grid(ROWS, 1)), times))
    print(
        f"climlab seasonal, from {FINE} steps a year: its 90 steps {own:.3f} K, our 90 {ours:.3f} K, fine {fine:.3f} K"
    )
    assert fine <= BAND
    assert ours <= 1.5 * own
