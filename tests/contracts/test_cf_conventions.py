"""What analysts copy for other tools follows the CF conventions, by the judgement of the IOOS compliance checker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import xarray as xr

import twinpipe as tp
from twinpipe.export import export


def complaints(path: Path) -> list[str]:
    """What the checker finds wrong with a NetCDF file."""
    report = path.with_suffix(".json")
    checker = Path(sys.executable).with_name("compliance-checker")
    options = ["--test=cf:1.11", "--criteria=lenient", "--format=json", f"--output={report}"]
    subprocess.run([checker, *options, path], capture_output=True, timeout=300, check=False)
    found = json.loads(report.read_text())["cf:1.11"]
    assert found["scored_points"] > 0
    return [message for item in found["high_priorities"] for message in item["msgs"]]


def test_a_copy_of_a_run_is_cf_compliant_and_its_times_decode(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    export(tp.simulate("mars", "mars_terraform", years=4, grid="6x8", members=2), path)
    assert complaints(path) == []
    with xr.open_dataset(path) as copy:
        assert copy["time"].values[0].year == 1  # half way through the first orbit
        assert copy["series_time"].values[-1].year == 4  # its last day
        assert copy.sizes["member"] == 2
        for name, variable in copy.variables.items():
            known = {"standard_name", "long_name"} & set(variable.attrs)
            dated = variable.dtype == object  # whose units went into decoding it
            assert str(name).endswith("_bnds") or (known and (dated or "units" in variable.attrs)), name
