"""Laws of the store: what is sealed is whole and stays; what is missing or damaged is an error, never NaN."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from tests.pipeline.folders import folder

from twinpipe.durable import check_files, check_writable
from twinpipe.errors import StoreError
from twinpipe.layout import Layout, Variable
from twinpipe.store import RunStore, create_twin_store, drop, open_run

BLOCKS, SEGMENTS = 2, 3
MEMBERS, MEMBERS_PER_BLOCK = 3, 2  # the last block is short, and so is the last segment
TIMES, TIMES_PER_SEGMENT = 5, 2
STEPS, STEPS_PER_SEGMENT = 50, 24
N_LAT, N_LON = 6, 12
Arrays = dict[tuple[str, str], NDArray[Any]]


def _coordinate(name: str, n: int, dim: str | None = None, **attributes: Any) -> Variable:
    return Variable(name, (dim or name,), (n,), (n,), "f8", attributes, np.linspace(0.5, n - 0.5, n))


def _layout(n_lat: int = N_LAT, n_lon: int = N_LON, times: int = TIMES, per_segment: int = TIMES_PER_SEGMENT) -> Layout:
    horizontal = (
        _coordinate("lat", n_lat, units="degrees_north", bounds="lat_bnds"),
        Variable("lat_bnds", ("lat", "bnds"), (n_lat, 2), (n_lat, 2), "f8", {}, np.ones((n_lat, 2))),
        _coordinate("lon", n_lon, units="degrees_east"),
    )
    maps = (
        Variable("member", ("member",), (MEMBERS,), (MEMBERS,), "i4", {}, np.arange(MEMBERS, dtype="i4")),
        _coordinate("time", times, units="days", standard_name="time"),
        _coordinate("time_ls", times, "time", units="degree"),
    )
    shape, chunks = (MEMBERS, times, n_lat, n_lon), (MEMBERS_PER_BLOCK, per_segment, n_lat, n_lon)
    dims = ("member", "time", "lat", "lon")
    temperature = Variable("temperature", dims, shape, chunks, "f8", {"units": "K"})
    initial = Variable("initial", ("member", "lat", "lon"), shape[:1] + shape[2:], chunks[:1] + chunks[2:], "f4", {})
    altitude = Variable("altitude", ("lat", "lon"), (n_lat, n_lon), (n_lat, n_lon), "f4", {"units": "m"},
                        np.arange(n_lat * n_lon, dtype="f4").reshape(n_lat, n_lon))  # fmt: skip
    steps = (MEMBERS_PER_BLOCK, STEPS_PER_SEGMENT)
    series = (
        maps[0],
        _coordinate("series_time", STEPS, units="days"),
        Variable("pressure", ("member", "series_time"), (MEMBERS, STEPS), steps, "f8", {"units": "Pa"}),
    )
    return Layout(
        {"Conventions": "CF-1.11", "history": "made by a test", "spec": "a"},
        {
            "atmosphere": (*horizontal, *maps, temperature, initial),
            "geosphere": (*horizontal, altitude),
            "biosphere": (),
            "simulation_state": series,
        },
    )


def _arrays(block: int, segment: int, layout: Layout | None = None) -> Arrays:
    """What a block owes in a segment; the bits follow from where they go."""
    result: Arrays = {}
    for group, variables in (layout or _layout()).groups.items():
        for v in variables:
            if v.data is not None or (v.name == "initial" and segment):
                continue
            at = [block if d == "member" else segment if "time" in d else 0 for d in v.dims]
            cut = [min((i + 1) * c, n) - i * c for i, c, n in zip(at, v.chunks, v.shape, strict=True)]
            if min(cut) <= 0:
                continue
            random_ = np.random.default_rng([block, segment, len(v.name)])
            result[group, v.name] = random_.normal(200, 10, cut).astype(v.dtype)
    return result


def _state(block: int, segment: int) -> dict[str, NDArray[Any]]:
    return {"T": np.random.default_rng([block, segment]).normal(size=(3, 4)), "step": np.array(segment)}


def _write(store: RunStore, block: int, segment: int, generation: int = 0, **changed: Any) -> dict[str, Any]:
    arrays = changed.get("arrays", _arrays(block, segment))
    return store.write_segment(block, segment, arrays, _state(block, segment), {"mass": 1.5}, generation)


def _fill(store: RunStore) -> RunStore:
    store.create(_layout())
    for block in range(BLOCKS):
        for segment in range(SEGMENTS):
            _write(store, block, segment)
    return store


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "twin-1.zarr" / "runs" / "k.zarr")


@pytest.fixture
def finished(store: RunStore) -> RunStore:
    _fill(store).finish({"closed": True})
    return store


def _values(tree: xr.DataTree, name: str) -> NDArray[Any]:
    variable = tree[name]
    assert isinstance(variable, xr.DataArray)
    return variable.values


def _assert_whole(tree: xr.DataTree) -> None:
    members = [slice(0, 2), slice(2, 3)]
    times, steps = [slice(0, 2), slice(2, 4), slice(4, 5)], [slice(0, 24), slice(24, 48), slice(48, 50)]
    for block in range(BLOCKS):
        for segment in range(SEGMENTS):
            owed, at = _arrays(block, segment), members[block]
            for (group, name), expected in owed.items():
                index = {"temperature": (at, times[segment]), "pressure": (at, steps[segment])}.get(name, (at,))
                np.testing.assert_array_equal(_values(tree, f"{group}/{name}")[index], expected, strict=True)


def test_what_is_written_is_read_back_bit_for_bit(finished: RunStore) -> None:
    tree = open_run(finished.path, verify=True)
    _assert_whole(tree)
    np.testing.assert_array_equal(tree["geosphere/altitude"].values, _layout().groups["geosphere"][-1].data)


def test_plain_xarray_opens_a_finished_run_with_coordinates_in_every_group(finished: RunStore) -> None:
    tree = xr.open_datatree(str(finished.path))
    _assert_whole(tree)
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
    twin, geosphere = finished.path.parent.parent, _layout().groups["geosphere"]
    digest = create_twin_store(twin, Layout({"title": "twin"}, {"geosphere": geosphere}))
    assert create_twin_store(twin, Layout({"title": "twin"}, {"geosphere": geosphere})) == digest
    for tree in (xr.open_datatree(str(twin)), open_run(twin, verify=True)):
        assert tree.attrs["title"] == "twin"
        np.testing.assert_array_equal(tree["geosphere/altitude"].values, geosphere[-1].data)
    _assert_whole(open_run(finished.path))


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


def test_a_sealed_segment_is_never_rewritten(store: RunStore) -> None:
    store.create(_layout())
    first = _write(store, 0, 0, generation=1)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in store.path.rglob("*") if p.is_file()}
    assert _write(store, 0, 0, generation=1) == first
    assert _write(store, 0, 0, generation=2) == first  # the same content again is success
    other = _arrays(0, 0)
    other["simulation_state", "pressure"][0, 0] += 1
    with pytest.raises(StoreError, match="never rewritten"):
        _write(store, 0, 0, generation=2, arrays=other)
    with pytest.raises(StoreError, match="fenced"):
        _write(store, 0, 0, generation=0, arrays=other)
    assert before == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in store.path.rglob("*") if p.is_file()}


def test_an_older_generation_is_refused(store: RunStore) -> None:
    store.create(_layout())
    store.claim(1)
    _write(store, 0, 0, generation=1)
    store.claim(2)
    with pytest.raises(StoreError, match="fenced"):
        _write(store, 0, 1, generation=1)
    with pytest.raises(StoreError, match="fenced"):
        store.claim(1)
    assert store.sealed_segments(0) == 1
    store.claim(2)
    _write(store, 0, 1, generation=2)
    assert store.sealed_segments(0) == 2


def test_racing_writers_leave_one_seal(store: RunStore) -> None:
    store.create(_layout())
    with ThreadPoolExecutor(4) as pool:
        seals = list(pool.map(lambda generation: _write(store, 0, 0, generation), range(4)))
    assert all(seal == store.seals.read(0, 0) for seal in seals)
    assert not list(store.path.rglob("*.tmp"))


def test_arrays_must_be_those_of_the_layout(store: RunStore) -> None:
    store.create(_layout())
    missing, extra, misshapen = _arrays(0, 0), _arrays(0, 0), _arrays(0, 0)
    del missing["atmosphere", "initial"]
    extra["geosphere", "altitude"] = np.zeros((N_LAT, N_LON))
    misshapen["simulation_state", "pressure"] = np.zeros((MEMBERS_PER_BLOCK, 1))
    for arrays, name in ((missing, "initial"), (extra, "altitude"), (misshapen, "pressure")):
        with pytest.raises(StoreError, match=name):
            _write(store, 0, 0, arrays=arrays)
    with pytest.raises(StoreError, match="no place"):
        store.write_segment(BLOCKS, 0, {}, {}, {})
    assert store.sealed_segments(0) == 0


def test_a_chunk_of_nothing_but_nan_has_a_file(store: RunStore) -> None:
    store.create(_layout())
    arrays = {key: np.full_like(a, np.nan) for key, a in _arrays(0, 0).items()}
    seal = _write(store, 0, 0, arrays=arrays)
    assert len(seal["files"]) == len(arrays)


def test_restart_state_is_exact_and_checked(store: RunStore) -> None:
    store.create(_layout())
    _write(store, 0, 0)
    state = pickle.loads(pickle.dumps(store)).load_state(0, 0)
    assert state.keys() == _state(0, 0).keys()
    for name, expected in _state(0, 0).items():
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
        assert all(np.array_equal(same[name], a) for name, a in _state(0, 0).items())
    store.seals.drop_states(0, before=1)
    with pytest.raises(StoreError, match="missing"):
        store.load_state(0, 0)


def test_creating_again_keeps_what_is_sealed(store: RunStore) -> None:
    store.create(_layout())
    _write(store, 0, 0)
    stray = store.path / "atmosphere" / "temperature" / "c.0.1.0.ab.partial"
    stray.write_bytes(b"half")
    again = RunStore(store.path)
    again.create(_layout())
    assert not stray.exists()
    assert again.sealed_segments(0) == 1
    _fill(again).finish({})
    _assert_whole(open_run(store.path, verify=True))


def test_a_damaged_chunk_without_a_seal_is_written_again(store: RunStore) -> None:
    store.create(_layout())
    name = "atmosphere/temperature/c.1.2.0.0"
    for left in (b"", b"half a chunk"):
        (store.path / name).write_bytes(left)
        _fill(store)
        store.seals.path(1, 2).unlink()
    _fill(store).finish({})
    _assert_whole(open_run(store.path, verify=True))


def test_another_layout_is_refused_but_not_another_history(store: RunStore) -> None:
    layout = _layout()
    store.create(layout)
    store.create(replace(layout, attributes=layout.attributes | {"history": "later"}))
    with pytest.raises(StoreError, match="another"):
        store.create(replace(layout, attributes=layout.attributes | {"spec": "b"}))
    with pytest.raises(StoreError, match="another"):
        store.create(_layout(n_lat=8))


def test_an_unfinished_run_does_not_open(store: RunStore) -> None:
    with pytest.raises(StoreError, match="no outputs"):
        open_run(store.path)
    store.create(_layout())
    _write(store, 0, 0)
    with pytest.raises(StoreError, match=r"segment 1 of block 0 .* not sealed"):
        store.finish({})
    _fill(store)
    with pytest.raises(StoreError, match="not finished"):
        open_run(store.path)


def test_the_digest_tells_content_and_not_attempts(tmp_path: Path) -> None:
    digests = set()
    for generation in (1, 2):
        store = RunStore(tmp_path / f"{generation}.zarr")
        store.create(_layout())
        for block in reversed(range(BLOCKS)):
            for segment in range(SEGMENTS):
                _write(store, block, segment, generation)
        digests.add(store.finish({}))
    assert len(digests) == 1


def test_large_chunks_become_shards_that_hold_to_the_same_laws(tmp_path: Path) -> None:
    layout = _layout(n_lat=96, n_lon=192, times=50, per_segment=40)
    store = RunStore(tmp_path / "large.zarr")
    store.create(layout)
    owed = {(b, s): _arrays(b, s, layout) for b in range(BLOCKS) for s in range(SEGMENTS)}
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


def test_kill_9_leaves_only_whole_sealed_segments(store: RunStore) -> None:
    """A writer in a loop is killed at random moments until the run is complete."""
    pause, kills = random.Random(1), 0
    args = [sys.executable, "-W", "error", "-m", "tests.pipeline.test_store", str(store.path)]
    while kills < 10:
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
            assert writer.stdout is not None
            for _ in range(1 + (kills % 3 > 0)):  # one in three dies while it makes the arrays
                assert writer.stdout.readline()
            time.sleep(pause.uniform(0, 0.15))
            os.kill(writer.pid, signal.SIGKILL)
        assert writer.returncode == -signal.SIGKILL
        kills += 1
        for seal in store.seals.all():
            expected = _arrays(seal["block"], seal["segment"])
            check_files(store.path, seal["files"], contents=True)
            assert store.load_state(seal["block"], seal["segment"]).keys() == {"T", "step"}
            assert seal["digests"].keys() == {"/".join(key) for key in expected} | {"state"}
        if len(store.seals.all()) == BLOCKS * SEGMENTS:
            store.finish({})
            _assert_whole(open_run(store.path, verify=True))
            drop(store.path)
    _fill(RunStore(store.path)).finish({})
    _assert_whole(open_run(store.path, verify=True))
    assert not [p for p in store.path.rglob("*") if p.suffix in (".tmp", ".partial")]


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


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/twinpipe")):
        with pytest.raises(StoreError, match="cannot write"):
            check_writable(place)
        with pytest.raises(StoreError, match="cannot write"):
            RunStore(place).create(_layout())


if __name__ == "__main__":
    target = RunStore(Path(sys.argv[1]))
    print("started", flush=True)
    target.create(_layout())
    print("created", flush=True)
    _fill(target)
    time.sleep(60)
