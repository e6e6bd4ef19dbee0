"""A Dask scheduler and workers in processes of their own, with TLS or without, that can be killed."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

import dask
import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed import Client, LocalCluster

from twinpipe import cluster as clusters
from twinpipe.engine import Dask
from twinpipe.settings import Settings

QUIET = {"DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False", "DASK_LOGGING__DISTRIBUTED": "error"}


@contextmanager
def processes(n: int, **adapt: int) -> Iterator[Dask]:
    """A local cluster of n processes of one thread each, or of as many as it sees fit."""
    web = {"dashboard_address": "127.0.0.1:0", "dashboard": False}
    with (
        dask.config.set(clusters.QUIET),
        LocalCluster(
            n_workers=n, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, scheduler_kwargs=web
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        if adapt:
            cluster.adapt(**adapt)
        yield Dask(client)


@dataclass(frozen=True)
class Certificates:
    """An authority, and a certificate of it with its key."""

    ca: Path
    cert: Path
    key: Path

    @property
    def options(self) -> list[str]:
        return [f"--tls-ca-file={self.ca}", f"--tls-cert={self.cert}", f"--tls-key={self.key}"]


def certificates(folder: Path, host: str = "127.0.0.1") -> Certificates:
    """Make an authority and a certificate for a host."""
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "planets")])
    now = dt.datetime.now(dt.UTC)

    def signed(name: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    made.ca.write_bytes(signed(issuer, authority, ca=True))
    made.cert.write_bytes(signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")]), own, ca=False))
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    made.key.write_bytes(own.private_bytes(pem, pkcs8, plain))
    return made


@dataclass
class Cluster:
    """A scheduler on loopback or another address of this machine, and workers of one thread each."""

    folder: Path
    tls: Certificates | None = None
    host: str = "127.0.0.1"
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self.start_scheduler()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                process.kill()
                process.wait()

    @property
    def settings(self) -> Settings:
        """Settings of a client."""
        scheme = "tls" if self.tls else "tcp"
        files = {"ca": self.tls.ca, "cert": self.tls.cert, "key": self.tls.key} if self.tls else {}
        tls = {f"dask_tls_{name}": path for name, path in files.items()}
        return Settings(dask_scheduler=f"{scheme}://{self.host}:{self.port}", **tls)  # type: ignore[arg-type]  # by name

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a client as variables."""
        given = self.settings.model_dump(exclude_unset=True, exclude_none=True)
        return {f"TWINPIPE_{name.upper()}": str(value) for name, value in given.items() if name.startswith("dask_")}

    def start_scheduler(self) -> None:
        """Start one, at the same port as before."""
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        options = [f"--host={self.host}", f"--port={self.port}", f"--scheduler-file={told}", "--no-dashboard"]
        self.scheduler = self._spawn("dask_scheduler", [*options, "--dashboard-address=127.0.0.1:0"])
        for _ in range(600):
            if told.exists() and told.stat().st_size:
                self.port = int(orjson.loads(told.read_bytes())["address"].rsplit(":", 1)[1])
                return
            time.sleep(0.05)
        raise AssertionError("the scheduler did not start")

    def lose_scheduler(self) -> None:
        """Kill the scheduler, and start another that knows of nothing."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()
        self.start_scheduler()

    def join(
        self, n: int = 1, *more: str, host: str = "127.0.0.1", within: Sequence[str] = ()
    ) -> list[subprocess.Popen[bytes]]:
        """Let workers join, with more options; within: a command that runs them elsewhere, where they have a host."""
        options = ["--nthreads=1", "--no-nanny", "--no-dashboard", f"--host={host}", "--memory-limit=0"]
        options += [f"--local-directory={self.folder}", "--death-timeout=60"]
        address = str(self.settings.dask_scheduler)
        joined = [self._spawn("dask_worker", [address, *options, *more], within) for _ in range(n)]
        self.workers += joined
        return joined

    def _spawn(self, command: str, options: Sequence[str], within: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        secured = self.tls.options if self.tls else []
        run = [*within, sys.executable, "-W", "ignore", "-m", f"distributed.cli.{command}", *options, *secured]
        with (self.folder / f"{command}.log").open("ab") as log:
            return subprocess.Popen(run, env=os.environ | QUIET, stdout=log, stderr=log)
