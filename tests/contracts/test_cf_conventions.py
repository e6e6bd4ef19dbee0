"""What analysts open follows the CF conventions, by the judgement of the IOOS compliance checker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import twinpipe as tp

# CF asks a variable called time for a calendar date of origin; a run has none, and xarray refuses to open the
# calendars ("none", user-defined) that CF has for that, so `time` is a plain number of days.
KNOWN = {"Coordinate variable 'time' should have standard_name='time', found: 'None'"}


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    made: xr.DataTree = tp.simulate("mars", "mars_terraform", years=4, grid="6x8")
    return made


@pytest.mark.parametrize("group", ["atmosphere", "hydrosphere", "biosphere", "geosphere", "simulation_state"])
def test_a_group_is_cf_compliant(tree: xr.DataTree, group: str, tmp_path: Path) -> None:
    dataset = tree[group].to_dataset()
    dataset.attrs.update(tree.attrs)
    path, report = tmp_path / f"{group}.nc", tmp_path / "report.json"
    bare = [v for v in dataset.variables if v in dataset.coords]  # CF: coordinates have no missing values
    dataset.to_netcdf(path, encoding={v: {"_FillValue": None} for v in bare})
    checker = Path(sys.executable).with_name("compliance-checker")
    command = [str(checker), "--test=cf:1.11", "--criteria=lenient", "--format=json", f"--output={report}", str(path)]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    found = json.loads(report.read_text())["cf:1.11"]
    complaints = {m for item in found["high_priorities"] for m in item["msgs"]}
    assert found["scored_points"] > 0
    assert complaints <= KNOWN
