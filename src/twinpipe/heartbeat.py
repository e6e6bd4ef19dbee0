"""The heartbeat of a run or sweep: keeps its lease, tells its progress once a second, and hears of cancellation."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from twinpipe.db.ledger import report_progress
from twinpipe.db.session import Engine
from twinpipe.errors import TwinpipeError

# A dead process is found out after this long; calls to the ledger outlive a database that is away for as long.
LEASE_SECONDS = 30.0
# From the end of the simulation to the insertion, which may be a task of its own, nobody beats.
HANDOVER_SECONDS = 120.0


class Heartbeat:
    """Reports in a thread of its own, so that the lease lives however long a segment takes."""

    def __init__(
        self,
        engine: Engine,
        number: int,
        generation: int,
        done: float = 0.0,
        interval: float = 1.0,
        report: Callable[[Engine, int, int, float, float], bool] = report_progress,
    ) -> None:
        self._engine, self._number, self._generation, self._interval = engine, number, generation, interval
        self._progress, self._alive, self._stop, self._report = done, True, Event(), report
        self._thread = Thread(target=self._beat, name=f"heartbeat of {number}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def progress(self, fraction: float) -> bool:
        """Note the progress; False when the run was cancelled or taken over."""
        self._progress = max(self._progress, fraction)
        return self._alive

    def _beat(self) -> None:
        while self._alive and not self._stop.wait(self._interval):
            try:
                done = min(self._progress, 0.999)
                self._alive = self._report(self._engine, self._number, self._generation, done, LEASE_SECONDS)
            except TwinpipeError:
                # The database may be back before the lease runs out; if not, the insert is refused.
                continue
