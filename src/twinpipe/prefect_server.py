"""A Prefect server of our own for a while: on loopback, silent towards the outside, and never left behind.

Prefect's own ephemeral server outlives a parent that is killed.  Here a guard stands between: it holds the
read end of a pipe from us, and when that closes, however we ended, it ends the server.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from twinpipe.errors import Failure

_GUARD = """
import os, subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: os._exit(server.wait()), daemon=True).start()
sys.stdin.buffer.read()
server.terminate()
try:
    server.wait(5)
except subprocess.TimeoutExpired:
    server.kill()
"""

# No UI, no analytics, and none of the services that a single run has no use for.
_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",  # its thread would outlive the server, and complain
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # what went wrong is said by us, in one sentence
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


def answers(url: str) -> bool:
    """Whether a Prefect API answers at a URL."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


class PrefectServer:
    """A server whose history is kept in folder; use as a context manager.

    It starts in the background: ready() waits for it and returns its API's URL.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        self.environment = {**_QUIET, "PREFECT_HOME": str(folder), "PREFECT_API_URL": self.url}
        self._folder, self._port = folder, port
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--log-level", "error", "--lifespan", "on"]
        with (self._folder / "server.log").open("wb") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-c", _GUARD, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,  # a Ctrl-C is for us, who then end it in order
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()

    def ready(self, seconds: float = 180.0) -> str:
        """The URL of the API once it answers; raises Failure when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._guard is not None and self._guard.poll() is None:
            if answers(self.url):
                return self.url
            time.sleep(0.1)
        raise Failure(f"the Prefect server did not start; {self._folder / 'server.log'} says why.")
