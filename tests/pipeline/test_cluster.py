"""Laws of clusters: the same bits whoever works, joins or dies."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.pipeline.elsewhere import network
from tests.pipeline.external_cluster import Certificates, Cluster, certificates, processes
from tests.pipeline.terminal import Terminal
from tests.pipeline.test_engine import bits, plan, sixteen

from twinpipe import cluster as clusters
from twinpipe.cluster import executor, forward_logs
from twinpipe.engine import Serial, prepare, run_plan
from twinpipe.errors import Cancelled, Failure
from twinpipe.layout import run_layout
from twinpipe.plan import make_plan
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


def test_what_workers_say_is_heard_by_whoever_still_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two clients of a cluster listen; the first that leaves takes nothing from the other."""
    with Cluster(tmp_path) as cluster:
        cluster.join(1)
        with executor(cluster.settings) as staying:
            forward_logs(staying, cluster.settings)
            with executor(cluster.settings) as leaving:
                forward_logs(leaving, cluster.settings)
            caplog.clear()
            staying.client.submit(logging.getLogger("twinpipe").warning, "said on a worker").result()
            until = time.monotonic() + 10
            while "said on a worker" not in caplog.messages and time.monotonic() < until:
                time.sleep(0.05)
    assert caplog.messages.count("said on a worker") == 1


def test_a_run_from_the_command_line_on_a_cluster_with_tls_has_the_seals_of_one_here(
    tmp_path: Path, tls: Certificates, terminal: Terminal
) -> None:
    twin = terminal("twin", "create", "mars", "--grid", "6x8", "--name", "on a cluster", "--json").json
    run = ("run", str(twin["id"]), "--years", "3", "--json")
    here = terminal(*run).json
    before = terminal.traces()
    with Cluster(tmp_path, tls) as cluster:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clusters, "PATIENCE", 0.5)
            assert "has no workers" in terminal(*run, "--again", **cluster.environment).refusal(1)
        assert terminal.traces() == before
        cluster.join()
        there = terminal(*run, "--again", **cluster.environment).json
    assert there["run_id"] != here["run_id"]
    assert there["performance_data"]["seal_digest"] == here["performance_data"]["seal_digest"]


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


@pytest.mark.slow
def test_any_slab_on_an_external_cluster_has_the_bits_and_the_seals_of_this_thread(
    tmp_path: Path, tls: Certificates
) -> None:
    whole = bits(make_plan(sixteen(), 16, 2), tmp_path / "whole.zarr", Serial())
    seals: dict[int, str] = {}
    for slab in (1, 4, 7, 16):
        path = tmp_path / f"{slab} here.zarr"
        assert bits(make_plan(sixteen(), slab, 2), path, Serial()) == whole
        seals[slab] = RunStore(path).verify(contents=True)
    with Cluster(tmp_path, tls) as cluster:
        for workers in (1, 2, 3):
            cluster.join()
            with executor(cluster.settings) as how:
                how.client.wait_for_workers(workers, timeout=60)
                for slab, sealed in seals.items():
                    path = tmp_path / f"{slab} on {workers}.zarr"
                    assert bits(make_plan(sixteen(), slab, 2), path, how) == whole
                    assert RunStore(path).verify(contents=True) == sealed


@pytest.mark.slow
def test_a_worker_in_another_network_changes_nothing(tmp_path: Path, reference: dict[str, str]) -> None:
    with network() as net, Cluster(tmp_path, certificates(tmp_path, net.here), net.here) as cluster:
        cluster.join(host=net.there, within=net.within)
        with executor(cluster.settings) as how:
            (address,) = how.client.scheduler_info()["workers"]
            assert address.startswith(f"tls://{net.there}:")
            assert bits(plan(2), tmp_path / "run.zarr", how) == reference
