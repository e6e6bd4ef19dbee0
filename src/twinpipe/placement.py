"""Where the blocks of a run are advanced: beside their states, and as evenly as the workers have threads.

Left to itself, Dask's scheduler sends a task to a worker that has what it depends on, and all tasks of a run depend on
the same plan; work stealing, which would mend that, is off since it would part blocks from their states.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

FRESH = 1.0  # seconds for which the workers that there were are taken for those that there are


class Placement:
    """The worker of each open block, of workers that may come and go; threads: of each worker, by its address."""

    def __init__(self, threads: Callable[[], dict[str, int]]) -> None:
        self._ask = threads
        self._known: dict[str, int] = {}
        self._asked = float("-inf")
        self._worker: dict[int, str] = {}

    @property
    def threads(self) -> dict[str, int]:
        """Threads of each worker, as of no longer than a moment ago."""
        if time.monotonic() - self._asked > FRESH:
            self._known, self._asked = self._ask(), time.monotonic()
        return self._known

    def place(self, block: int) -> str | None:
        """The worker for a block's next segment: the one that has its state, unless a move makes the load more even."""
        threads, others = self.threads, Counter(w for b, w in self._worker.items() if b != block)
        if not threads:
            return None

        def load(worker: str) -> float:
            return (others[worker] + 1) / threads[worker]

        best, last = min(sorted(threads), key=load), self._worker.get(block)
        chosen = last if last in threads and load(last) <= load(best) else best
        self._worker[block] = chosen
        return chosen

    def was_at(self, block: int, worker: str | None) -> None:
        """A block's segment was advanced by a worker, which may be another than the one that was meant."""
        if worker is not None:
            self._worker[block] = worker

    def closed(self, block: int) -> None:
        """A block has reached its end."""
        self._worker.pop(block, None)
