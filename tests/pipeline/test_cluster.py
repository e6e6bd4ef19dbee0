"""Laws of clusters: the same bits whoever works, joins or dies; strangers and open doors are refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.pipeline.external_cluster import Certificates, Cluster, certificates, processes
from tests.pipeline.test_engine import bits, plan

from twinpipe import cluster as clusters
from twinpipe.cluster import check_workers, executor
from twinpipe.engine import Serial, Work, prepare, run_plan, task
from twinpipe.errors import Cancelled, Failure, InvalidInput, StoreError
from twinpipe.layout import run_layout
from twinpipe.makeup import makeup
from twinpipe.settings import Settings
from twinpipe.store import RunStore


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return bits(plan(2), tmp_path_factory.mktemp("reference") / "run.zarr", Serial())


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def after_a_token(do: Callable[[], object]) -> Callable[[float], bool]:
    """A progress that does something once, when the first segment is sealed."""
    done = threading.Event()

    def progress(fraction: float) -> bool:
        if fraction > 0 and not done.is_set():
            done.set()
            do()
        return True

    return progress


def test_an_external_cluster_with_tls_changes_nothing(
    tmp_path: Path, tls: Certificates, reference: dict[str, str]
) -> None:
    with Cluster(tmp_path, tls) as cluster:
        cluster.join(2)
        with executor(cluster.settings) as how:
            assert {how.client.scheduler_info()["address"].partition(":")[0]} == {"tls"}
            assert bits(plan(1), tmp_path / "run.zarr", how) == reference


def test_workers_that_join_and_die_change_nothing(tmp_path: Path, reference: dict[str, str]) -> None:
    made, path = plan(1), tmp_path / "run.zarr"
    with Cluster(tmp_path) as cluster:
        (first,) = cluster.join()

        def replace_the_worker() -> None:
            cluster.join()
            first.kill()

        with executor(cluster.settings) as how:
            prepare(made, RunStore(path), run_layout(made, {"title": "test"}))
            tokens = run_plan(made, path, 0, how, after_a_token(replace_the_worker))
    assert {t.worker for t in tokens if t.worker} > {tokens[0].worker}
    assert bits(made, path, Serial()) == reference  # nothing is owed


def test_a_scheduler_that_dies_is_one_sentence_and_the_run_goes_on_with_the_next(
    tmp_path: Path, reference: dict[str, str]
) -> None:
    made, path = plan(1), tmp_path / "run.zarr"
    with Cluster(tmp_path) as cluster:
        (only,) = cluster.join()
        prepare(made, RunStore(path), run_layout(made, {"title": "test"}))
        assert cluster.scheduler is not None
        kill = after_a_token(cluster.scheduler.kill)
        with executor(cluster.settings) as how, pytest.raises(Failure, match="is gone; what is sealed stays"):
            run_plan(made, path, 0, how, kill)
        only.kill()  # which may go on by itself for a while
        only.wait()
        cluster.scheduler.wait()
        sealed = len(RunStore(path).seals.all())
        assert 0 < sealed < len(made.blocks) * len(made.segments)
        cluster.start_scheduler()
        cluster.join()
        with executor(cluster.settings) as how:
            tokens = run_plan(made, path, 0, how)
    assert len(tokens) == len(made.blocks) * len(made.segments) - sealed
    assert bits(made, path, Serial()) == reference


def test_a_run_without_workers_can_be_cancelled(tmp_path: Path) -> None:
    made, path = plan(5), tmp_path / "run.zarr"
    prepare(made, RunStore(path), run_layout(made, {"title": "test"}))
    with Cluster(tmp_path) as cluster:
        (only,) = cluster.join()
        with executor(cluster.settings) as how:
            only.kill()
            only.wait()
            until = time.monotonic() + 3
            with pytest.raises(Cancelled):
                run_plan(made, path, 0, how, lambda _: time.monotonic() < until)


def test_a_cluster_that_adapts_changes_nothing(tmp_path: Path, reference: dict[str, str]) -> None:
    with processes(0, minimum=0, maximum=2) as how:
        assert bits(plan(1), tmp_path / "run.zarr", how) == reference


def test_strangers_are_refused_in_one_sentence(tmp_path: Path) -> None:
    made, path = plan(5), tmp_path / "run.zarr"
    with Cluster(tmp_path) as cluster:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clusters, "PATIENCE", 0.5)
            with pytest.raises(Failure, match="has no workers"), executor(cluster.settings):
                pass
        cluster.join()
        other = makeup() | {"numpy": "1.0", "physics": "0" * 16}
        stranger = pytest.raises(Failure, match=r"is not like this process: numpy 2.* where we have 1.0, physics")
        with executor(cluster.settings) as how, stranger:
            check_workers(how.client, "elsewhere", other)
    with pytest.raises(Failure, match="is not like this process"):  # as one that joins later finds out by itself
        task(Work(made, path, 0, makeup() | {"numba": "0.1"}), made.blocks[0], 0)
    with pytest.raises(StoreError, match="does not see"):
        task(Work(made, path, 0, makeup()), made.blocks[0], 0)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("tcp://10.0.0.1:8786", "tls:// unless on this machine"),
        ("tls://127.0.0.1:8786", "TWINPIPE_DASK_TLS_CA"),
        ("http://127.0.0.1:8786", "tls:// or tcp://"),
        ("127.0.0.1:8786", "tls:// or tcp://"),
    ],
)
def test_an_open_door_is_refused(address: str, allowed: str) -> None:
    with pytest.raises(InvalidInput, match=allowed), executor(Settings(dask_scheduler=address)):
        pass


def test_a_client_without_the_right_certificate_is_refused(tmp_path: Path, tls: Certificates) -> None:
    (tmp_path / "other").mkdir()
    other = certificates(tmp_path / "other")
    with Cluster(tmp_path, tls) as cluster:
        cluster.tls = other
        with pytest.raises(Failure, match="does not answer"), executor(cluster.settings):
            pass
