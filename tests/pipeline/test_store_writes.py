"""Laws of writing to a store: a sealed segment is never rewritten, and who is killed leaves whole ones only."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.pipeline.small_stores import (
    BLOCKS,
    MEMBERS_PER_BLOCK,
    N_LAT,
    N_LON,
    SEGMENTS,
    arrays_of,
    assert_whole,
    fill,
    small_layout,
    write,
)

from twinpipe.durable import check_files, check_writable
from twinpipe.errors import StoreError
from twinpipe.store import RunStore, drop, open_run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "twin-1.zarr" / "runs" / "k.zarr")


def test_a_sealed_segment_is_never_rewritten(store: RunStore) -> None:
    store.create(small_layout())
    first = write(store, 0, 0, generation=1)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in store.path.rglob("*") if p.is_file()}
    assert write(store, 0, 0, generation=1) == first
    assert write(store, 0, 0, generation=2) == first  # the same content again is success
    other = arrays_of(0, 0)
    other["simulation_state", "pressure"][0, 0] += 1
    with pytest.raises(StoreError, match="never rewritten"):
        write(store, 0, 0, generation=2, arrays=other)
    with pytest.raises(StoreError, match="fenced"):
        write(store, 0, 0, generation=0, arrays=other)
    assert before == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in store.path.rglob("*") if p.is_file()}


def test_an_older_generation_is_refused(store: RunStore) -> None:
    store.create(small_layout())
    store.claim(1)
    write(store, 0, 0, generation=1)
    store.claim(2)
    with pytest.raises(StoreError, match="fenced"):
        write(store, 0, 1, generation=1)
    with pytest.raises(StoreError, match="fenced"):
        store.claim(1)
    assert store.sealed_segments(0) == 1
    store.claim(2)
    write(store, 0, 1, generation=2)
    assert store.sealed_segments(0) == 2


def test_racing_writers_leave_one_seal(store: RunStore) -> None:
    store.create(small_layout())
    with ThreadPoolExecutor(4) as pool:
        seals = list(pool.map(lambda generation: write(store, 0, 0, generation), range(4)))
    assert all(seal == store.seals.read(0, 0) for seal in seals)
    assert not list(store.path.rglob("*.tmp"))


def test_arrays_must_be_those_of_the_layout(store: RunStore) -> None:
    store.create(small_layout())
    missing, extra, misshapen = arrays_of(0, 0), arrays_of(0, 0), arrays_of(0, 0)
    del missing["atmosphere", "initial"]
    extra["geosphere", "altitude"] = np.zeros((N_LAT, N_LON))
    misshapen["simulation_state", "pressure"] = np.zeros((MEMBERS_PER_BLOCK, 1))
    for arrays, name in ((missing, "initial"), (extra, "altitude"), (misshapen, "pressure")):
        with pytest.raises(StoreError, match=name):
            write(store, 0, 0, arrays=arrays)
    with pytest.raises(StoreError, match="no place"):
        store.write_segment(BLOCKS, 0, {}, {}, {})
    assert store.sealed_segments(0) == 0


def test_a_chunk_of_nothing_but_nan_has_a_file(store: RunStore) -> None:
    store.create(small_layout())
    arrays = {key: np.full_like(a, np.nan) for key, a in arrays_of(0, 0).items()}
    seal = write(store, 0, 0, arrays=arrays)
    assert len(seal["files"]) == len(arrays)


def test_creating_again_keeps_what_is_sealed(store: RunStore) -> None:
    store.create(small_layout())
    write(store, 0, 0)
    stray = store.path / "atmosphere" / "temperature" / "c.0.1.0.ab.partial"
    stray.write_bytes(b"half")
    again = RunStore(store.path)
    again.create(small_layout())
    assert not stray.exists()
    assert again.sealed_segments(0) == 1
    fill(again).finish({})
    assert_whole(open_run(store.path, verify=True))


def test_a_damaged_chunk_without_a_seal_is_written_again(store: RunStore) -> None:
    store.create(small_layout())
    name = "atmosphere/temperature/c.1.2.0.0"
    for left in (b"", b"half a chunk"):
        (store.path / name).write_bytes(left)
        fill(store)
        store.seals.path(1, 2).unlink()
    fill(store).finish({})
    assert_whole(open_run(store.path, verify=True))


def test_another_layout_is_refused_but_not_another_history(store: RunStore) -> None:
    layout = small_layout()
    store.create(layout)
    store.create(replace(layout, attributes=layout.attributes | {"history": "later"}))
    with pytest.raises(StoreError, match="another"):
        store.create(replace(layout, attributes=layout.attributes | {"spec": "b"}))
    with pytest.raises(StoreError, match="another"):
        store.create(small_layout(n_lat=8))


def test_kill_9_leaves_only_whole_sealed_segments(store: RunStore) -> None:
    """A writer in a loop is killed at random moments until the run is complete."""
    pause, kills = random.Random(1), 0
    args = [sys.executable, "-W", "error", "-m", "tests.pipeline.test_store_writes", str(store.path)]
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
            expected = arrays_of(seal["block"], seal["segment"])
            check_files(store.path, seal["files"], contents=True)
            assert store.load_state(seal["block"], seal["segment"]).keys() == {"T", "step"}
            assert seal["digests"].keys() == {"/".join(key) for key in expected} | {"state"}
        if len(store.seals.all()) == BLOCKS * SEGMENTS:
            store.finish({})
            assert_whole(open_run(store.path, verify=True))
            drop(store.path)
    fill(RunStore(store.path)).finish({})
    assert_whole(open_run(store.path, verify=True))
    assert not [p for p in store.path.rglob("*") if p.suffix in (".tmp", ".partial")]


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/twinpipe")):
        with pytest.raises(StoreError, match="cannot write"):
            check_writable(place)
        with pytest.raises(StoreError, match="cannot write"):
            RunStore(place).create(small_layout())


if __name__ == "__main__":
    target = RunStore(Path(sys.argv[1]))
    print("started", flush=True)
    target.create(small_layout())
    print("created", flush=True)
    fill(target)
    time.sleep(60)
