"""Laws of what analysts open, list, copy and draw: it is what the store holds, and anybody can read it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from packaging.requirements import Requirement
from PIL import Image
from tests.contracts.test_cf_conventions import complaints
from tests.pipeline.terminal import Terminal

import twinpipe as tp
from twinpipe.engine import Serial, run_plan
from twinpipe.errors import Conflict, InvalidInput, NotFound
from twinpipe.export import export
from twinpipe.grid import Grid
from twinpipe.layout import run_layout
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore

YEARS = 12
# Opens a store, reads all of it, and prints what it found.
PLAIN_READER = """
import json, sys
import xarray as xr
bare, times = [], set()
with xr.open_datatree(sys.argv[1], engine="zarr") as tree:
    for group in tree.subtree:
        for name, v in group.to_dataset().variables.items():
            v.load()
            told = "units" in v.attrs and {"standard_name", "long_name"} & set(v.attrs)
            if not str(name).endswith("_bnds") and not told:
                bare.append(name)
            if str(name).endswith("time"):
                times.add(str(v.dtype))
    print(json.dumps({"groups": sorted(tree.children), "bare": bare, "times": sorted(times)}))
assert not {"twinpipe", "dask", "cftime", "netCDF4"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with xarray, zarr and what these need, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    wanted, names = ["xarray", "zarr"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in names:
            continue
        names.add(name)
        package = distribution(name)
        for file in package.files or ():
            top, place = file.parts[0], folder / file.parts[0]
            if top not in ("..", "__pycache__") and not place.exists():
                place.symlink_to(Path(str(package.locate_file(top))))
        needs = [Requirement(text) for text in package.requires or ()]
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return folder


@pytest.fixture(scope="module")
def run(terminal: Terminal) -> int:
    """A completed run on a small twin of Mars; its number, and that of its twin, is 1."""
    assert terminal("twin", "create", "mars", "--grid", "6x8", "--json").json["id"] == 1
    number: int = terminal("run", "1", "--years", str(YEARS), "--set", "factory_rate=2e5", "--json").json["run_id"]
    return number


@pytest.fixture
def here(terminal: Terminal, run: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The run, where the terminal's home is that of this process."""
    monkeypatch.setenv("TWINPIPE_HOME", str(terminal.home))
    return run


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of three members."""
    mars, pattern = tp.load_body("mars"), load_pattern("mars_terraform")
    specs = tuple(
        RunSpec(body=mars, scenario=pattern.scenario(mars, {"factory_rate": r}), years=4, grid="6x8", spin_up_orbits=2)
        for r in (1e5, 2e5, 3e5)
    )
    plan, path = make_plan(specs, members_per_block=2), tmp_path_factory.mktemp("sweep") / "three.zarr"
    RunStore(path).create(run_layout(plan, {"title": "three members"}))
    run_plan(plan, path, 0, Serial())
    RunStore(path).finish({})
    return path


def read_plainly(path: Path, site: Path) -> dict[str, list[str]]:
    start = f"import sys; sys.path.append({str(site)!r})\n"
    command = [sys.executable, "-I", "-S", "-c", start + PLAIN_READER, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_a_number_opens_what_its_path_opens(here: int, terminal: Terminal) -> None:
    path = tp.catalog().set_index("run").loc[here, "path"]
    with tp.open_run(here, verify=True) as by_number, tp.open_run(path) as by_path, tp.open_twin(1) as twin:
        assert by_number.identical(by_path)
        assert by_number.attrs["twin"] == twin.attrs["twin"] == 1
        assert dict(by_number["atmosphere"].sizes)["member"] == 1
        assert float(twin["atmosphere"]["surface_temperature"].min()) > 100
    for call in (tp.open_run, tp.open_twin, tp.open_sweep):
        with pytest.raises(NotFound):
            call(99)
        with pytest.raises(InvalidInput, match="number in the ledger"):
            call(0)


def test_what_is_not_there_is_told_in_a_sentence(here: int, terminal: Terminal) -> None:
    other = terminal("twin", "create", "mars", "--grid", "4x8", "--json").json["id"]
    cut_short = terminal("run", other, "--years", "1", "--json").json["run_id"]
    assert terminal("twin", "delete", other, "--json").code == 0
    with pytest.raises(Conflict, match=f"twin {other} is deleted"):
        tp.open_run(cut_short)
    with pytest.raises(Conflict, match="nothing to open"):
        tp.open_twin(other)
    assert f"twin {other} is deleted" in terminal("run", "verify", cut_short, "--json").refusal(1)
    listed = tp.catalog().set_index("run")
    assert listed.loc[cut_short, "path"] is None or listed.isna().loc[cut_short, "path"]


def test_the_catalogue_holds_every_run_with_its_parameters_and_scores(here: int, terminal: Terminal) -> None:
    row = tp.catalog().set_index("run").loc[here]
    result = terminal("result", "show", str(here), "--json").json
    assert (row["twin"], row["status"], row["pattern"], row["years"]) == (1, "completed", "mars_terraform", YEARS)
    assert row["parameter_factory_rate"] == 2e5
    for score in ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency"):
        assert row[score] == result["success_metrics"][score]
    assert row["overall_score"] == result["overall_score"]
    assert row["end_temperature_k"] == result["end_state"]["atmosphere"]["surface_temperature_k"]


@pytest.fixture
def stores(here: int, sweep: Path, terminal: Terminal, tmp_path: Path) -> dict[str, Path]:
    """A store of each kind that there is, by what it is."""
    longer = terminal("run", "extend", str(here), "--years", "2", "--json").json["run_id"]
    paths = tp.catalog().set_index("run")["path"]
    spec = RunSpec(body=tp.load_body("mars"), scenario=Scenario(), years=4, grid="8x12", spin_up_orbits=2)
    banded, bands = make_plan((spec,), rows=3), tmp_path / "bands.zarr"
    assert len(banded.bands) == 3
    RunStore(bands).create(run_layout(banded, {"title": "bands"}))
    run_plan(banded, bands, 0, Serial())
    RunStore(bands).finish({})
    with tp.open_run(sweep) as tree:
        for reading in ("series", "ensemble"):
            export(tree, tmp_path / f"{reading}.zarr", reading)
    made = {"twin": Path(paths[here]).parents[1], "run": Path(paths[here]), "extended run": Path(paths[longer])}
    copies = {f"copy for {reading}": tmp_path / f"{reading}.zarr" for reading in ("series", "ensemble")}
    return made | {"sweep": sweep, "bands": bands} | copies


def test_every_kind_of_store_opens_with_xarray_and_zarr_alone(stores: dict[str, Path], plain_site: Path) -> None:
    for kind, path in stores.items():
        found = read_plainly(path, plain_site)
        assert len(found["groups"]) == 5, kind
        assert found["bare"] == [], kind
        assert set(found["times"]) <= {"float64"}, kind


def test_a_copy_of_every_kind_of_store_follows_cf(stores: dict[str, Path], tmp_path: Path) -> None:
    for kind, path in stores.items():
        copy = tmp_path / f"{kind}.nc"
        with xr.open_datatree(path, engine="zarr", decode_timedelta=False) as tree:
            export(tree, copy)
        assert complaints(copy) == [], kind
        with xr.open_dataset(copy) as flat:
            members = 0 if kind == "twin" else 3 if kind == "sweep" or kind.startswith("copy") else 1
            assert flat.sizes.get("member", 0) == members, kind


def test_copies_hold_the_same_bits_and_follow_cf(here: int, terminal: Terminal, tmp_path: Path) -> None:
    for what, number in (("twin", 1), ("run", here)):
        said = terminal("export", what, str(number), "--to", tmp_path / f"{what}.nc", "--json").json
        assert said == {"exported": str(tmp_path / f"{what}.nc")}
    assert complaints(tmp_path / "twin.nc") == []  # of a run the contract sees to
    with tp.open_run(here) as tree, xr.open_dataset(tmp_path / "run.nc", decode_times=False) as flat:
        assert "sealed" not in flat.attrs
        copied = set()
        for group in tree.children.values():
            for field, stored in group.data_vars.items():
                np.testing.assert_array_equal(flat[field].values, stored.values)
                assert flat[field].dtype == stored.dtype
                copied.add(field)
        assert copied == set(flat.data_vars)


@pytest.mark.parametrize("reading", ["series", "ensemble"])
def test_a_zarr_copy_is_laid_out_for_its_reader(sweep: Path, terminal: Terminal, tmp_path: Path, reading: str) -> None:
    with tp.open_run(sweep) as tree:
        export(tree, tmp_path / "copy.zarr", "series" if reading == "series" else "ensemble")
        with xr.open_datatree(tmp_path / "copy.zarr", engine="zarr", decode_timedelta=False) as copy:
            for name, group in tree.children.items():
                xr.testing.assert_identical(copy[str(name)].to_dataset().load(), group.to_dataset().load())
            field = copy["atmosphere"].to_dataset()["surface_temperature"]
            sizes = field.sizes
            member, time = field.encoding["chunks"][:2]
        assert time == sizes["time"]  # small enough here
        assert member == (1 if reading == "series" else sizes["member"])
        assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
        with pytest.raises(Conflict, match="exists already"):
            export(tree, tmp_path / "copy.zarr")
        with pytest.raises(InvalidInput, match=r"\.nc"):
            export(tree, tmp_path / "copy.csv")


def test_every_kind_of_picture_is_drawn(here: int, terminal: Terminal) -> None:
    kinds = ("hero", "maps", "series", "hovmoeller", "seasons", "events")
    asked = [word for kind in (*kinds, "animation") for word in ("--kind", kind)]
    files = terminal("plot", str(here), *asked, "--against", str(here), "--json").json
    assert set(files) == {*kinds, "animation", "comparison"}
    for kind in (*kinds, "comparison"):
        pixels = matplotlib.image.imread(files[kind])
        assert pixels.std() > 0.02
    with Image.open(files["animation"]) as film:
        assert getattr(film, "n_frames", 1) == 1 + round(YEARS / 1.881 + 0.5)  # and the orbit before year 0
    assert "kind" in terminal("plot", str(here), "--kind", "pie").refusal(2)


def test_weights_are_those_of_the_sphere() -> None:
    grid = Grid(12, 24)
    lat = np.degrees(grid.latitude)
    generator = np.random.default_rng(0)
    field = xr.DataArray(generator.normal(size=(3, 12, 24)), {"lat": lat}, ("time", "lat", "lon"))
    assert float(tp.area_weights(field).sum()) == pytest.approx(1, abs=1e-15)
    assert tp.area_mean(field).values == pytest.approx(grid.mean(field.values), rel=1e-13)
    band = field.sel(lat=slice(-30, 30))
    assert float(tp.area_weights(band).sum()) == pytest.approx(0.5, abs=1e-15)
    # the sine of latitude is uniform over the area, so that its quantiles are known
    sine = xr.DataArray(np.sin(grid.latitude)[:, None] * np.ones(24), {"lat": lat}, ("lat", "lon"))
    edges = np.sin(grid.latitude_edges)
    for q in (0.1, 0.5, 0.83):
        row = np.searchsorted(edges, 2 * q - 1, side="left") - 1
        assert float(tp.area_quantile(sine, q)) == pytest.approx(np.sin(grid.latitude)[row])
    holes = field.where(field > 0)
    assert tp.area_quantile(holes, [0.0, 1.0]).values == pytest.approx(
        np.stack([holes.min(("lat", "lon")).values, holes.max(("lat", "lon")).values], axis=1)
    )
    with pytest.raises(InvalidInput, match="equally wide"):
        tp.area_weights(field.isel(lat=[0, 1, 5]))
    with pytest.raises(InvalidInput, match="0 to 1"):
        tp.area_quantile(field, 1.5)
