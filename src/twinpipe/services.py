"""Services of our own for a while: commands under a guard, none of which outlives this process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

GUARD = Path(__file__).with_name("guard.py")
LARGEST_LOG = 8_000_000  # bytes, after which a service begins a new log when it starts


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """The wanted port if nobody has it, else one that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no port of {host} is free")


class Service:
    """A command under a guard, with an environment added to ours and a log; use as a context manager.

    patience: seconds that it has to end in order before it is killed with all that it started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, patience: float = 5.0
    ) -> None:
        self.log, self.environment = log, dict(environment)
        self._command, self._patience = list(command), patience
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command, unless it runs."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, str(GUARD), str(self._patience), *self._command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,  # a Ctrl-C is for us, who then end it in order
            )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended; its guard ends last, so that nothing of it is left."""
        return self._guard is not None and self._guard.poll() is None

    def leave(self) -> None:
        """Tell the guard to end the command, and do not wait."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()

    def stop(self) -> None:
        """End the command and all that it started."""
        self.leave()
        if self._guard is not None:
            self._guard.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
