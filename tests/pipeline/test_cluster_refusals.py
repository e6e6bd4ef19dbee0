"""What a cluster refuses, each in one sentence: strangers, workers that see no stores, open doors, poison."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.pipeline.elsewhere import blind_to
from tests.pipeline.external_cluster import Cluster, certificates
from tests.pipeline.test_cluster import after_a_token
from tests.pipeline.test_engine import plan

from twinpipe import cluster as clusters
from twinpipe.cluster import check_workers, executor
from twinpipe.engine import prepare, run_plan
from twinpipe.errors import Failure, InvalidInput, StoreError
from twinpipe.layout import run_layout
from twinpipe.makeup import makeup
from twinpipe.plan import Plan
from twinpipe.settings import Settings
from twinpipe.store import RunStore

OTHER_PHYSICS = "from twinpipe import makeup; makeup.CODE_FINGERPRINT = '0' * 16"
NO_TWINPIPE = "import sys; sys.modules['twinpipe'] = None"
POISON = "import os; from twinpipe import isolation; isolation.run_segment = lambda *_, **__: os._exit(1)"


def preload(folder: Path, what: str) -> str:
    """The option of a worker that runs a line of Python first."""
    path = folder / "preloaded.py"
    path.write_text(what, encoding="utf-8")
    return f"--preload={path}"


@pytest.fixture
def made(tmp_path: Path) -> tuple[Plan, Path]:
    """A plan and a store for it."""
    made, path = plan(1), tmp_path / "stores" / "run.zarr"
    prepare(made, RunStore(path), run_layout(made, {"title": "test"}))
    return made, path


def test_strangers_are_refused_in_one_sentence(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("what", "sentence"),
    [(OTHER_PHYSICS, "is not like this process: physics 0000000000000000 where"), (NO_TWINPIPE, "cannot run twinpipe")],
    ids=["other physics", "no twinpipe"],
)
def test_a_worker_that_would_make_other_bits_is_named_before_a_run(tmp_path: Path, what: str, sentence: str) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.join(1, preload(tmp_path, what))
        named = pytest.raises(Failure, match=rf"^the Dask worker at tcp://127.0.0.1:\d+ {sentence}")
        with named, executor(cluster.settings):
            pass


def test_a_worker_with_other_physics_that_joins_later_refuses_its_task(tmp_path: Path, made: tuple[Plan, Path]) -> None:
    with Cluster(tmp_path) as cluster:
        (first,) = cluster.join()

        def replace_the_worker() -> None:
            cluster.join(1, preload(tmp_path, OTHER_PHYSICS))
            first.kill()

        refused = pytest.raises(Failure, match="is not like this process: physics")
        with executor(cluster.settings) as how, refused:
            run_plan(*made, 0, how, after_a_token(replace_the_worker))


def test_a_worker_that_does_not_see_the_stores_says_so(tmp_path: Path, made: tuple[Plan, Path]) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.join(within=blind_to(made[1].parent))
        blind = pytest.raises(
            StoreError, match=rf"^the Dask worker at .* does not see {made[1]}: stores are to be shared"
        )
        with executor(cluster.settings) as how, blind:
            run_plan(*made, 0, how)


def test_a_task_that_kills_its_workers_is_one_sentence(
    tmp_path: Path, made: tuple[Plan, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
    with Cluster(tmp_path) as cluster:
        cluster.join(2, preload(tmp_path, POISON))
        poisoned = pytest.raises(Failure, match="a task took 2 Dask workers with it")
        with executor(cluster.settings) as how, poisoned:
            run_plan(*made, 0, how)


def test_a_scheduler_that_dies_before_it_has_a_worker_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "PATIENCE", 5)
    with Cluster(tmp_path) as cluster:
        assert cluster.scheduler is not None
        dies = threading.Timer(2, cluster.scheduler.kill)
        dies.start()
        with pytest.raises(Failure, match=r"is gone|has no workers"), executor(cluster.settings):
            pass
        dies.join()


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


def test_a_client_without_the_right_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = certificates(tmp_path / "other")
    with Cluster(tmp_path, certificates(tmp_path)) as cluster:
        cluster.tls = other
        with pytest.raises(Failure, match="does not answer"), executor(cluster.settings):
            pass


def test_files_of_tls_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    mine, other = certificates(tmp_path), certificates(tmp_path / "other")
    own = Settings(
        dask_scheduler="tls://127.0.0.1:9", dask_tls_ca=mine.ca, dask_tls_cert=mine.cert, dask_tls_key=other.key
    )
    with pytest.raises(InvalidInput, match=r"TWINPIPE_DASK_TLS_CERT.* belong together"), executor(own):
        pass
