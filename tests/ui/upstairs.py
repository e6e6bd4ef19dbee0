"""`twinpipe up` for tests: everything in a home of its own, what its API says, and what is left of it afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
from tests.pipeline.terminal import environment

from twinpipe.prefect_runs import deployment_ids, post

COMMAND = str(Path(sys.executable).with_name("twinpipe"))


@dataclass
class Upstairs:
    """A process of `twinpipe up` that is up."""

    home: Path
    process: subprocess.Popen[bytes]
    links: str
    prefect: str

    @property
    def api(self) -> str:
        return f"{self.prefect}/api"

    def start(self, deployment: str, job_variables: dict[str, Any] | None = None, **params: Any) -> str:
        """Id of a flow run that a deployment's form would make."""
        content = {"parameters": {"params": params}, "job_variables": job_variables or {}}
        path = f"deployments/{deployment_ids(self.api)[deployment]}/create_flow_run"
        return str(post(self.api, path, content | {"state": {"type": "SCHEDULED"}})["id"])

    def flow_run(self, number: str) -> Any:
        """What Prefect says of a flow run."""
        return post(self.api, "flow_runs/filter", {"flow_runs": {"id": {"any_": [number]}}})[0]

    def until(self, number: str, *states: str, seconds: float = 60.0) -> Any:
        """The flow run once its state has one of some names."""
        found: dict[str, Any] = {}

        def arrived() -> bool:
            found.update(self.flow_run(number))
            return found["state_name"] in states

        within(seconds, arrived, lambda: f"{found.get('state_name')}: {found.get('state', {}).get('message')}")
        return found

    def until_simulating(self, number: str) -> None:
        """Wait until a flow run has told how far its simulation is."""
        within(90, lambda: "%" in self.flow_run(number)["state_name"], lambda: self.flow_run(number)["state"])

    def command(self, *arguments: str) -> Any:
        """What a command in the same home says as JSON."""
        done = subprocess.run(
            [COMMAND, *arguments, "--json"], env=environment(self.home), capture_output=True, timeout=120, check=True
        )
        return orjson.loads(done.stdout)


def within(seconds: float, happened: Callable[[], bool], otherwise: Callable[[], object]) -> None:
    """Wait until something has happened; fail with what is the case otherwise."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.25)


def go_up(home: Path, *before: str) -> Upstairs:
    """Start it, by a command before it or by itself, and wait for its links."""
    with (home.parent / f"{home.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*before, COMMAND, "up", "--json", "--port", "5200"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    assert process.stdout is not None
    said = b""
    while not said.rstrip().endswith(b"}"):
        line = process.stdout.readline()
        assert line, (home.parent / f"{home.name}.log").read_text()
        said += line
    links = orjson.loads(said)
    return Upstairs(home, process, links["links"], links["prefect"])


def come_down(upstairs: Upstairs) -> int:
    """End it as Ctrl-C does; its exit code."""
    upstairs.process.send_signal(signal.SIGINT)
    code = upstairs.process.wait(timeout=90)
    if upstairs.process.stdout is not None:
        upstairs.process.stdout.close()
    return code


@contextmanager
def brought_up(home: Path) -> Iterator[Upstairs]:
    """Everything, up meanwhile; nothing of it is left, however the tests end."""
    upstairs = go_up(home)
    try:
        yield upstairs
    finally:
        if upstairs.process.poll() is None:
            come_down(upstairs)
        for pid in processes(home):
            psutil.Process(pid).kill()


def processes(home: Path) -> dict[int, str]:
    """Command lines by id of the processes whose command or environment names a home."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            surroundings = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if command and int(process.name) != os.getpid() and f"{home}" in command + surroundings:
            found[int(process.name)] = command.strip()
    return found
