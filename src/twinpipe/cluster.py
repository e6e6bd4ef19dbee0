"""Clusters: this process's threads, or a scheduler elsewhere whose workers are like us."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import dask
from distributed import Client, LocalCluster, Security, performance_report

from twinpipe.engine import Dask
from twinpipe.errors import Failure, InvalidInput
from twinpipe.makeup import check_alike, makeup
from twinpipe.settings import Settings

# Quiet: no sampling profiler, no work stealing (blocks stay where their state is), slow heartbeats.
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "2s",
    "distributed.scheduler.allowed-failures": 10,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1_000_000_000,
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PATIENCE = 30  # seconds for the first worker


@contextmanager
def executor(settings: Settings | None = None, *, workers: int = 0) -> Iterator[Dask]:
    """A Dask executor on the scheduler that the settings name, or on a local cluster of this process's threads.

    workers: threads of the local cluster, one per core when 0.  Raises InvalidInput when the address is not safe,
    Failure when the scheduler does not answer, has no worker, or has one that is not like this process.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)  # its own configuration is read at import only
    with dask.config.set(QUIET):
        if settings is not None and settings.dask_scheduler:
            with _connected(settings.dask_scheduler, settings) as client:
                yield Dask(client)
            return
        threads = workers or (settings.workers if settings is not None else 0) or os.cpu_count() or 1
        with _threads(threads) as client:
            yield Dask(client)


def check_scheduler(settings: Settings) -> None:
    """Find out whether the scheduler that the settings name, if any, answers; raises what executor raises."""
    if settings.dask_scheduler:
        with executor(settings):
            pass


@contextmanager
def _connected(address: str, settings: Settings) -> Iterator[Client]:
    security = _security(address, settings)
    try:
        client = Client(address, timeout="10s", set_as_default=False, security=security)
    except (OSError, ValueError, TimeoutError, TypeError) as error:
        raise Failure(f"the Dask scheduler at {address} does not answer: {error}.") from None
    with client:
        check_workers(client, address, makeup())
        yield client


def _security(address: str, settings: Settings) -> Security | None:
    """TLS of both sides; raises InvalidInput for an address that anyone could reach without it."""
    url, field = urlsplit(address), "TWINPIPE_DASK_SCHEDULER"
    if url.scheme not in ("tcp", "tls") or not url.hostname:
        raise InvalidInput(field, address, "it is tls:// or tcp://, a host and a port")
    if url.scheme == "tcp":
        if url.hostname not in LOOPBACK:
            raise InvalidInput(
                field, address, "it is tls:// unless on this machine, since whoever reaches it runs code"
            )
        return None
    if settings.dask_tls_ca is None or settings.dask_tls_cert is None or settings.dask_tls_key is None:
        raise InvalidInput(field, address, "tls:// needs TWINPIPE_DASK_TLS_CA, _CERT and _KEY too")
    security = Security(
        require_encryption=True,
        tls_ca_file=str(settings.dask_tls_ca),
        tls_client_cert=str(settings.dask_tls_cert),
        tls_client_key=str(settings.dask_tls_key),
    )
    try:
        security.get_connection_args("client")  # reads the files, which else looks like a scheduler that is silent
    except OSError as error:
        allowed = f"it, its key and its authority are PEM files that belong together ({error.strerror or error})"
        raise InvalidInput("TWINPIPE_DASK_TLS_CERT", str(settings.dask_tls_cert), allowed) from None
    return security


def check_workers(client: Client, address: str, ours: dict[str, str]) -> None:
    """Failure when there is no worker after a while, one that would make other bits, or no scheduler any more."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        makeups = client.run(makeup, on_error="return")
    except TimeoutError:
        raise Failure(f"the Dask scheduler at {address} has no workers.") from None
    except OSError:  # of which a comm that closes is one
        raise Failure(f"the Dask scheduler at {address} is gone.") from None
    for worker, found in makeups.items():
        if isinstance(found, BaseException):
            raise Failure(f"the Dask worker at {worker} cannot run twinpipe: {found}.")
        check_alike(ours, found, f"the Dask worker at {worker}")


def forward_logs(how: Dask, settings: Settings, level: int = logging.INFO) -> None:
    """Let what twinpipe says on the workers of a scheduler elsewhere be said by the logger here too.

    The workers go on with it when this client is closed: another one that listens has asked for the same.
    """
    if settings.dask_scheduler is not None:  # else they are threads of this process
        how.client.forward_logging("twinpipe", level=level)
        how.client.run(_set_level, level, on_error="ignore")


def _set_level(level: int) -> None:
    logging.getLogger("twinpipe").setLevel(level)  # on a worker, whose forwarding leaves the logger as it is


@contextmanager
def _threads(threads: int) -> Iterator[Client]:
    """One process with a thread per core: the kernel releases the GIL, and nothing has to be sent."""
    with (
        _off_the_network(),
        LocalCluster(
            n_workers=1,
            threads_per_worker=threads,
            processes=False,
            memory_limit=0,
            # their web servers start anyhow: on loopback only, at ports that no other cluster has
            dashboard_address=None,
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0", "dashboard": False},
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _off_the_network() -> Iterator[None]:
    """Without the remark that a machine has no address to the outside, which threads of a process do not need."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Couldn't detect a suitable IP address", category=RuntimeWarning)
        yield


@contextmanager
def performance_report_of(how: Dask, path: Path) -> Iterator[None]:
    """Write what Dask saw meanwhile as a page that needs no network; needs bokeh."""
    with how.client.as_current(), performance_report(str(path), mode="inline"):
        yield
