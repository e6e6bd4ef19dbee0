"""Laws of the store: what is sealed is whole and stays; what is missing or damaged is an error, never NaN."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.pipeline.folders import folder
from tests.pipeline.small_stores import BLOCKS, SEGMENTS, arrays_of, assert_whole, fill, small_layout, state_of, write

from twinpipe.errors import StoreError
from twinpipe.layout import Layout
from twinpipe.store import RunStore, create_twin_store, drop, open_run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "twin-1.zarr" / "runs" / "k.zarr")


@pytest.fixture
def finished(store: RunStore) -> RunStore:
    fill(store).finish({"closed": True})
    return store


def test_what_is_written_is_read_back_bit_for_bit(finished: RunStore) -> None:
    tree = open_run(finished.path, verify=True)
    assert_whole(tree)
    np.testing.assert_array_equal(tree["geosphere/altitude"].values, small_layout().groups["geosphere"][-1].data)


def test_plain_xarray_opens_a_finished_run_with_coordinates_in_every_group(finished: RunStore) -> None:
    tree = xr.open_datatree(str(finished.path))
    assert_whole(tree)
    assert tree.attrs["Conventions"] == "CF-1.11"
    assert tree.attrs["sealed"] is True
    assert tree.attrs["closed"] is True
    temperature = xr.open_dataset(str(finished.path), group="atmosphere")["temperature"]
    assert {"member", "time", "time_ls", "lat", "lon"} == set(temperature.coords)
    assert temperature.attrs == {"units": "K"}
    assert temperature.time.dtype == np.dtype("f8")
    assert temperature.lat.attrs["units"] == "degrees_north"
    assert tree["geosphere/altitude"].lat.equals(temperature.lat)
    assert tree["simulation_state/pressure"].dims == ("member", "series_time")


def test_plain_xarray_opens_a_twin_that_has_runs(finished: RunStore) -> None:
    twin, geosphere = finished.path.parent.parent, small_layout().groups["geosphere"]
    digest = create_twin_store(twin, Layout({"title": "twin"}, {"geosphere": geosphere}))
    assert create_twin_store(twin, Layout({"title": "twin"}, {"geosphere": geosphere})) == digest
    for tree in (xr.open_datatree(str(twin)), open_run(twin, verify=True)):
        assert tree.attrs["title"] == "twin"
        np.testing.assert_array_equal(tree["geosphere/altitude"].values, geosphere[-1].data)
    assert_whole(open_run(finished.path))


def test_seals_name_every_file_of_the_run(finished: RunStore) -> None:
    named = {name for seal in finished.seals.all() for name in seal["files"]} | set(finished._template["files"])
    private = ("simulation_state/seals/", "simulation_state/states/", "simulation_state/claims/")
    root = folder(finished.path)
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert named == {name for name in there if not name.startswith(private)} - {"zarr.json"}


@pytest.mark.parametrize(
    "name", ["atmosphere/temperature/c.1.2.0.0", "geosphere/lat/c.0", "simulation_state/pressure/zarr.json"]
)
def test_missing_truncated_or_flipped_files_are_errors(finished: RunStore, name: str) -> None:
    path = finished.path / name
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    path.write_bytes(bytes(flipped))
    with pytest.raises(StoreError, match="damaged"):
        open_run(finished.path, verify=True)
    for damaged in (content[:-1], b""):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=path.name):
            open_run(finished.path)
    path.unlink()
    with pytest.raises(StoreError, match=r"missing"):
        open_run(finished.path)
    path.write_bytes(bytes(content))
    open_run(finished.path, verify=True)


@pytest.mark.parametrize("name", ["atmosphere/temperature/c.0.1.0.0", "geosphere/altitude/c.0.0"])
def test_zarr_itself_refuses_a_flipped_byte(finished: RunStore, name: str) -> None:
    path = finished.path / name
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 12)):
        flipped = bytearray(content)
        flipped[at] ^= 4
        path.write_bytes(bytes(flipped))
        with pytest.raises(ValueError, match="checksum"):
            _ = open_run(finished.path)[name.rpartition("/")[0]].values


def test_a_lost_or_edited_seal_is_an_error(finished: RunStore) -> None:
    path = finished.seals.path(1, 2)
    content = path.read_bytes()
    for damaged, message in ((content.replace(b"1.5", b"1.6"), "finished"), (content[:-9], "damaged")):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=message):
            open_run(finished.path)
    path.unlink()
    with pytest.raises(StoreError, match=r"segment 2 of block 1 .* not sealed"):
        open_run(finished.path)


def test_restart_state_is_exact_and_checked(store: RunStore) -> None:
    store.create(small_layout())
    write(store, 0, 0)
    state = pickle.loads(pickle.dumps(store)).load_state(0, 0)
    assert state.keys() == state_of(0, 0).keys()
    for name, expected in state_of(0, 0).items():
        np.testing.assert_array_equal(state[name], expected, strict=True)
    with pytest.raises(StoreError, match="not sealed"):
        store.load_state(0, 1)
    path = store.seals.state_path(0, 0)
    content = path.read_bytes()
    for at in range(0, len(content) - 1, 37):
        flipped = bytearray(content)
        flipped[at] ^= 1
        path.write_bytes(bytes(flipped))
        try:
            same = store.load_state(0, 0)  # a flip in what zip keeps beside the data need not matter
        except StoreError:
            continue
        assert all(np.array_equal(same[name], a) for name, a in state_of(0, 0).items())
    store.seals.drop_states(0, before=1)
    with pytest.raises(StoreError, match="missing"):
        store.load_state(0, 0)


def test_an_unfinished_run_does_not_open(store: RunStore) -> None:
    with pytest.raises(StoreError, match="no outputs"):
        open_run(store.path)
    store.create(small_layout())
    write(store, 0, 0)
    with pytest.raises(StoreError, match=r"segment 1 of block 0 .* not sealed"):
        store.finish({})
    fill(store)
    with pytest.raises(StoreError, match="not finished"):
        open_run(store.path)


def test_the_digest_tells_content_and_not_attempts(tmp_path: Path) -> None:
    digests = set()
    for generation in (1, 2):
        store = RunStore(tmp_path / f"{generation}.zarr")
        store.create(small_layout())
        for block in reversed(range(BLOCKS)):
            for segment in range(SEGMENTS):
                write(store, block, segment, generation)
        digests.add(store.finish({}))
    assert len(digests) == 1


def test_large_chunks_become_shards_that_hold_to_the_same_laws(tmp_path: Path) -> None:
    layout = small_layout(n_lat=96, n_lon=192, times=50, per_segment=40)
    store = RunStore(tmp_path / "large.zarr")
    store.create(layout)
    owed = {(b, s): arrays_of(b, s, layout) for b in range(BLOCKS) for s in range(SEGMENTS)}
    for (block, segment), arrays in owed.items():
        if segment == 1:  # and there are maps in two segments only
            arrays["atmosphere", "temperature"][:] = np.nan
            left = store.path / "atmosphere" / "temperature" / f"c.{block}.1.0.0"
            left.write_bytes(b"half a shard")
        seal = store.write_segment(block, segment, arrays, {}, {})
        assert len(seal["files"]) == len(arrays)
    store.finish({})
    temperature = open_run(store.path, verify=True)["atmosphere/temperature"]
    assert isinstance(temperature, xr.DataArray)
    assert temperature.encoding["shards"] == (2, 40, 96, 192)
    assert temperature.encoding["chunks"] == (1, 40, 24, 48)
    expected = owed[1, 0]["atmosphere", "temperature"]
    np.testing.assert_array_equal(temperature.isel(member=[2], time=slice(0, 40)).values, expected)
    assert np.isnan(temperature.isel(member=0, time=slice(40, 50)).values).all()
    path = store.path / "atmosphere" / "temperature" / "c.0.0.0.0"
    flipped = bytearray(path.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    path.write_bytes(bytes(flipped))
    with pytest.raises(ValueError, match="checksum"):
        _ = temperature.isel(member=slice(0, 2), time=slice(0, 40)).values


def test_drop_removes_a_store_and_nothing_else(finished: RunStore, tmp_path: Path) -> None:
    drop(finished.path)
    drop(finished.path)
    assert not list(finished.path.parent.glob("*k.zarr*"))
    cut_short = finished.path.with_name(".k.zarr.0.dropped")
    cut_short.mkdir()
    drop(finished.path)
    assert not cut_short.exists()
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("mine")
    for path in (other, other / "chapter.txt"):
        with pytest.raises(StoreError, match="not a store"):
            drop(path)
    assert (other / "chapter.txt").read_text() == "mine"
