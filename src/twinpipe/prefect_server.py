"""A Prefect server of our own for a while: on loopback, silent towards the outside, and never left behind.

Prefect's own ephemeral server outlives a parent that is killed; ours is under a guard.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from twinpipe.errors import Failure
from twinpipe.services import Service, free_port

EVERYWHERE = "0.0.0.0"  # as a host to listen on; one of ourselves is then reached by loopback

# Nothing is told to anybody outside.
SILENT = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

# No UI, and none of the services that a single run has no use for.
BARE = {
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


class PrefectServer(Service):
    """A server whose history is kept in folder; use as a context manager.

    It starts in the background: ready() waits for it and returns its API's URL.  Bare unless settings are given.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] = BARE, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        port = free_port(host, port)
        near = "127.0.0.1" if host == EVERYWHERE else host
        self.url = f"http://{near}:{port}/api"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = [sys.executable, "-m", "uvicorn", "--factory", "twinpipe.prefect_app:create_app"]
        command += ["--host", host, "--port", str(port), "--log-level", "error", "--lifespan", "on"]
        environment = {**SILENT, **settings, "PREFECT_HOME": str(folder), "PREFECT_API_URL": self.url}
        super().__init__(command, environment, folder / "server.log")

    def ready(self, seconds: float = 180.0) -> str:
        """The URL of the API once it answers; raises Failure when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running:
            if answers(self.url):
                return self.url
            time.sleep(0.1)
        raise Failure(f"the Prefect server did not start; {self.log} says why.")
