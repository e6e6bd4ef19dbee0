"""Everything that operators need, up on one machine for as long as this process lives.

Database, Prefect's server with its pages, a worker for all deployments and their schedules, a Dask cluster, one page
of links.  What dies is started again; what a dead worker left behind is ended; nothing outlives us.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from twinpipe.cluster import QUIET
from twinpipe.db import ledger
from twinpipe.errors import Failure, InvalidInput, TwinpipeError
from twinpipe.links import links_page, served
from twinpipe.prefect_runs import TERMINAL, deployment_ids, flow_states, live_flow_runs, missed_flow_runs, set_state
from twinpipe.prefect_server import EVERYWHERE, PrefectServer
from twinpipe.services import Service, free_port
from twinpipe.settings import Settings
from twinpipe.shared import shared_folder
from twinpipe.workplace import Workplace, open_workplace

LOOPBACK = ("127.0.0.1", "localhost")
POOL = "twinpipe"
TURN = 1.0  # seconds between looks at the services
REAP = 5.0  # seconds between looks for runs whose process is gone
CANCELLATION = 45.0  # seconds: Prefect kills what it cancels after 30
# Prefect's server asks the web for its catalogue of workers and has a copy of it; a closed door makes it take that.
CLOSED = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
CLOSED |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
Say = Callable[[str], None]


@dataclass
class Up:
    """What is up, and where."""

    w: Workplace
    server: PrefectServer
    worker: Service
    dask: tuple[Service, ...]
    url: str
    page: str
    _restarts: dict[str, list[float]] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, Service]:
        named = {"Prefect's server": self.server, "the worker": self.worker}
        return named | dict(zip(("Dask's scheduler", "Dask's worker"), self.dask, strict=False))

    def look(self, say: Say) -> None:
        """Start again what has ended; raises Failure when it keeps on ending."""
        for name, service in self.services.items():
            if service.running:
                continue
            began = self._restarts.setdefault(name, [])
            began[:] = [t for t in began if time.monotonic() - t < 600] + [time.monotonic()]
            if len(began) > 5:
                raise Failure(f"{name} ends again and again; {service.log} says why.")
            say(f"{name} has ended and is started again; {service.log} says why")
            if service is self.worker:  # its guard ended every flow that it ran
                end_what_is_left(self.server.url, say)
            service.start()
            if service is self.server:
                self.server.ready()

    def watch(self, say: Say) -> None:
        """Look after the services and the runs until interrupted."""
        reaped, broken = 0.0, False
        while True:
            self.look(say)
            if time.monotonic() - reaped > REAP:
                reaped = time.monotonic()
                try:
                    for run in ledger.reap(self.w.engine):
                        say(f"run {run} had lost its process; `twinpipe run why {run}` says what to do")
                    broken = False
                except TwinpipeError as error:  # a rollback takes the tables away
                    if not broken:
                        say(f"the ledger does not answer: {error}")
                    broken = True
            time.sleep(TURN)

    def drain(self, say: Say) -> None:
        """Cancel the flows that run, so that their rows say so and what is sealed stays."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            alive = live_flow_runs(self.server.url, POOL)
            for flow_run, name in alive.items():
                say(f"cancelling {name}")
                set_state(self.server.url, flow_run, "CANCELLING", "twinpipe up was stopped")
            until = time.monotonic() + CANCELLATION
            while alive and time.monotonic() < until:
                states, _ = flow_states(list(alive))
                if all(states.get(i, TERMINAL[0]) in TERMINAL for i in alive):
                    break
                time.sleep(0.5)


def end_what_is_left(url: str, say: Say) -> None:
    """Tell Prefect that the flow runs of a worker which is gone have crashed; nobody else runs flows of the pool."""
    try:
        for flow_run, name in live_flow_runs(url, POOL).items():
            say(f"{name} lost its process")
            set_state(
                url, flow_run, "CRASHED", "its process is gone; the deployment resume goes on with it", force=True
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        say(f"Prefect could not be told which runs have ended: {error}")


def skip_missed_nights(url: str, say: Say) -> None:
    """Of each schedule only the newest missed run is made up for."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        missed = missed_flow_runs(url, POOL)
        for flow_run in missed:
            why = "missed: a later run of the schedule does the same"
            set_state(url, flow_run, "CANCELLED", why, name="Skipped", force=True)
        if missed:
            say(f"{len(missed)} runs that schedules missed are skipped, the newest of each is made up for")


@contextmanager
def everything(settings: Settings, host: str, port: int, say: Say) -> Iterator[Up]:
    """All services, up and ready; raises InvalidInput for a host that others reach, Failure, and as open_workplace."""
    check_host(host)
    with ExitStack() as stack:
        folder = settings.home / "prefect"
        keeper = _keeper(settings)
        stack.callback(keeper.stop)  # after all other users of the database
        w = stack.enter_context(open_workplace(settings, migrate_first=True))
        if settings.database_url is None:
            keeper.start()
        server = PrefectServer(folder, {}, host=host, port=port)
        near, login = server.url.removesuffix("/api"), os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
        links_port = free_port(host, port + 10)
        page = f"http://{'127.0.0.1' if host == EVERYWHERE else host}:{links_port}/"
        common = _environment(settings, folder, near, f"{page}reports")
        flows = server.environment | common
        server.environment |= common | ({} if os.environ.get("TWINPIPE_NOTIFY_URL") else CLOSED)
        os.environ.update(
            {
                k: server.environment[k]
                for k in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
                if k in server.environment
            }
        )
        stack.enter_context(server)
        dask, address, dashboard = _dask(settings, folder.with_name("dask"))
        for service in dask:
            stack.enter_context(service)
        server.ready()
        end_what_is_left(server.url, say)
        flows["TWINPIPE_DASK_SCHEDULER"] = address
        _apply(flows, folder)
        skip_missed_nights(server.url, say)
        scratch = folder / "tmp"  # where a worker that is killed leaves what its flows were given
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        worker = Service(
            [*command, "--name", "up"], flows | {"TMPDIR": str(scratch)}, folder / "worker.log", patience=10.0
        )
        stack.enter_context(worker)
        up = Up(w, server, worker, dask, near, page)
        stack.enter_context(served(_page(up, dashboard), w.reports, host, links_port, login))
        try:
            yield up
        finally:
            worker_left = worker.running
            if worker_left:
                up.drain(say)
            for service in reversed(list(up.services.values())):
                service.leave()  # all at once, and each is waited for


def check_host(host: str) -> None:
    """Refuse a host that is not this machine's, or that others reach while anybody who does may start flows."""
    try:
        free_port(host)
    except OSError:
        raise InvalidInput("--host", host, "it is an address of this machine") from None
    if host not in LOOPBACK and not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        allowed = f"it is {LOOPBACK[0]} unless PREFECT_SERVER_API_AUTH_STRING asks for a name and a password"
        raise InvalidInput("--host", host, allowed)


def _environment(settings: Settings, folder: Path, near: str, reports: str) -> dict[str, str]:
    """What server, worker and flows have in common."""
    root = str(shared_folder("flows").parent)
    environment = {
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # V2 asks a service outside for its configuration, whatever is set
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "ui"),
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": near,
        "PREFECT_SERVER_ENCRYPTION_KEY": _encryption_key(folder),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_CLIENT_MAX_RETRIES": "7",  # four minutes without the server
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "TWINPIPE_HOME": str(settings.home),
        "TWINPIPE_REPORT_URL": reports,
        "TWINPIPE_SHARE": root,
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    if login := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        environment["PREFECT_API_AUTH_STRING"] = login
    return environment


def _keeper(settings: Settings) -> Service:
    """Who stops the embedded database though we were killed."""
    command = [sys.executable, "-m", "twinpipe.db.keeper", str(settings.home / "postgres")]
    return Service(command, {}, settings.home / "prefect" / "keeper.log", patience=90.0)


def _encryption_key(folder: Path) -> str:
    """The key of the server's secrets, kept beside its database and not in it."""
    if key := os.environ.get("PREFECT_SERVER_ENCRYPTION_KEY"):
        return key
    file = folder / "encryption.key"
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(urlsafe_b64encode(os.urandom(32)))
    return file.read_text(encoding="ascii")


def _dask(settings: Settings, folder: Path) -> tuple[tuple[Service, ...], str, str | None]:
    """Scheduler and one worker process of threads, their address and the scheduler's page; none where one is set."""
    if settings.dask_scheduler:
        return (), settings.dask_scheduler, None
    port, page = free_port(), free_port(wanted=8787)
    address = f"tcp://127.0.0.1:{port}"
    quiet = {
        f"DASK_{k.replace('.', '__').replace('-', '_').upper()}": str(v) for k, v in QUIET.items() if "environ" not in k
    }
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    scheduler = Service([*command, "--dashboard-address", f"127.0.0.1:{page}"], quiet, folder / "scheduler.log")
    threads = settings.workers or os.cpu_count() or 1
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "1", "--no-nanny"]
    command += ["--nthreads", str(threads), "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    command += ["--memory-limit", "0", "--local-directory", str(folder), "--death-timeout", "60"]
    worker = Service(command, quiet | {"TWINPIPE_HOME": str(settings.home)}, folder / "worker.log")
    return (scheduler, worker), address, f"http://127.0.0.1:{page}/status"


def _apply(environment: dict[str, str], folder: Path) -> None:
    """Pool, deployments, schedules and automations, as deploy/ says."""
    done = subprocess.run(
        [sys.executable, str(shared_folder("deploy") / "apply.py")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "apply.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise Failure(f"the deployments could not be applied; {folder / 'apply.log'} says why.")


def _page(up: Up, dashboard: str | None) -> str:
    flows = {
        "Simulate: clone a body, run a pattern, keep the result": "simulate",
        "Create a twin": "create",
        "Resume a run": "resume",
        "Sweep a plan": "sweep",
        "Learn a pattern": "learn",
        "Verify a run": "verify",
        "Cleanup": "cleanup",
        "Audit": "audit",
        "Export results": "export",
        "Rollback": "rollback",
    }
    see = {"Runs": f"{up.url}/runs", "Artifacts": f"{up.url}/artifacts", "Reports": f"{up.page}reports/"}
    see |= {"Deployments and their schedules": f"{up.url}/deployments"}
    if dashboard:
        see["Dask"] = dashboard
    ids = deployment_ids(up.server.url)
    start = {text: f"{up.url}/deployments/deployment/{ids[name]}/run" for text, name in flows.items() if name in ids}
    commands = {
        "twins, newest first": "twinpipe twin list",
        "runs, newest first": "twinpipe run list",
        "how a run stands or why it ended": "twinpipe run why RUN",
    }
    return links_page({"Watch": see, "Start": start}, commands)
