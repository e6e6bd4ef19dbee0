"""Laws of stores in a bucket, against an S3 endpoint: the same bits, the same refusals, and the whole job there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr
from tests.pipeline.external_cluster import processes
from tests.pipeline.s3_endpoint import endpoint
from tests.pipeline.terminal import Terminal
from tests.pipeline.test_engine import bits
from tests.pipeline.test_engine import plan as larger_plan

from twinpipe.durable import check_writable, sizes
from twinpipe.engine import Serial, prepare, run_plan
from twinpipe.errors import Cancelled, StoreError
from twinpipe.layout import run_layout
from twinpipe.place import Place, place
from twinpipe.plan import Plan, make_plan
from twinpipe.store import RunStore, drop, open_run

BUCKET = "s3://planets"


def plan(members_per_block: int = 1) -> Plan:
    """Two members over two segments: each request of this endpoint takes its time."""
    specs = tuple(spec.model_copy(update={"years": 4}) for spec in larger_plan(1).specs[:2])
    return make_plan(specs, members_per_block, orbits_per_segment=1)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """An endpoint with a bucket, to which this process and those that it starts are led."""
    with endpoint() as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        bucket = place(BUCKET)
        assert not isinstance(bucket, Path)
        bucket.fs.mkdir("planets")
        yield variables


@pytest.fixture
def there(s3: dict[str, str], request: pytest.FixtureRequest) -> Place:
    """A place of the test's own."""
    return place(f"{BUCKET}/{request.node.name}/run.zarr")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return bits(plan(), tmp_path_factory.mktemp("reference") / "run.zarr", Serial())


def listed(folder: Place) -> list[str]:
    assert not isinstance(folder, Path)
    return sorted(folder.fs.find(folder.path))


def test_workers_write_to_a_bucket_by_themselves(there: Place, reference: dict[str, str]) -> None:
    with processes(2) as how:
        assert bits(plan(), there, how) == reference


def test_a_run_goes_on_from_its_seals_in_a_bucket(there: Place, reference: dict[str, str]) -> None:
    made = plan()
    prepare(made, RunStore(there), run_layout(made, {"title": "test"}))
    budget = iter([False])
    with pytest.raises(Cancelled):
        run_plan(made, there, 0, Serial(), lambda _: next(budget))
    assert RunStore(there).sealed_segments(0) == 1
    assert bits(made, there, Serial()) == reference


def test_what_is_sealed_in_a_bucket_is_checked_and_never_rewritten(there: Place) -> None:
    made = plan(2)
    bits(made, there, Serial())
    store = RunStore(there)
    seal = store.seals.all()[0]
    with pytest.raises(StoreError, match="never rewritten"):
        store.seals.write(seal | {"digests": {}})
    store.claim(7)
    with pytest.raises(StoreError, match="fenced off"):
        store.claim(6)
    chunk = there / next(iter(seal["files"]))
    content = chunk.read_bytes()
    chunk.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    open_run(there).close()
    with pytest.raises(StoreError, match="damaged"):
        open_run(there, verify=True)
    chunk.unlink()
    with pytest.raises(StoreError, match="missing"):
        open_run(there)


def test_a_deletion_in_a_bucket_can_be_cut_short_and_ended(there: Place) -> None:
    RunStore(there).create(run_layout(plan(2), {"title": "test"}))
    assert not isinstance(there, Path)
    there.fs.rm([name for name in listed(there)[5:] if not name.endswith("run.zarr/zarr.json")])
    drop(there)
    drop(there)
    assert listed(there.parent) == []
    (there.parent / "thesis.tex").write_bytes(b"mine")
    with pytest.raises(StoreError, match="not a store"):
        drop(there.parent)


def test_an_endpoint_that_ignores_conditions_is_refused(tmp_path: Path, s3: dict[str, str], open_folder: Path) -> None:
    with endpoint(deaf=True) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        from upath import UPath

        deaf = UPath(f"{BUCKET}/stores", endpoint_url=variables["AWS_ENDPOINT_URL"])
        deaf.fs.mkdir("planets")
        with pytest.raises(StoreError, match="ignores If-None-Match"):
            check_writable(deaf)
        assert deaf.fs.find(deaf.path) == []


def test_a_bucket_that_is_not_there_is_one_sentence(s3: dict[str, str], terminal: Terminal) -> None:
    said = terminal("twin", "create", "mars", "--grid", "6x8", TWINPIPE_STORE_URL="s3://nowhere/stores")
    assert "s3://nowhere/stores" in said.refusal(1)
    gone = terminal.spawn("twin", "create", "mars", TWINPIPE_STORE_URL=BUCKET, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert BUCKET in gone.refusal(1)
    assert "planner" not in gone.err
    wrong = terminal("twin", "list", TWINPIPE_STORE_URL="s3:///stores")
    assert "TWINPIPE_STORE_URL" in wrong.refusal(2)


def test_the_whole_job_in_a_bucket(s3: dict[str, str], terminal: Terminal) -> None:
    here = {"TWINPIPE_STORE_URL": f"{BUCKET}/stores"}
    twin = terminal("twin", "create", "mars", "--grid", "6x8", "--name", "far away", "--json", **here).json
    run = terminal("run", str(twin["id"]), "--years", "3", "--json", **here).json
    store = run["performance_data"]["store"]
    assert store.startswith(f"{BUCKET}/stores/twin-{twin['id']}.zarr/runs/")
    verified = terminal("run", "verify", str(run["run_id"]), "--json", **here).json
    assert verified["identical"]
    assert terminal("audit", "--json", **here).json["drifts"] == []
    with xr.open_datatree(store, engine="zarr", chunks=None, decode_timedelta=False) as plain:  # as an analyst does
        assert float(plain["simulation_state"]["global_surface_temperature"].to_numpy()[0, -1]) > 200
    terminal("report", str(run["run_id"]), "--json", **here)
    bytes_there = sum(n for n in sizes(place(f"{BUCKET}/stores")).values())
    terminal("twin", "expire", str(twin["id"]), **here)
    cleaned = terminal("cleanup", "--json", **here).json
    assert cleaned["failures"] == []
    assert sum(cleaned["dropped_stores"].values()) == bytes_there > 100_000
    assert listed(place(f"{BUCKET}/stores")) == []
    assert terminal("audit", "--json", **here).json["drifts"] == []
