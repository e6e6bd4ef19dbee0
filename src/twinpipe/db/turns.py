"""Turns: a number of holders at a time, in the order in which they asked.

The pool of connections has no such order: a thread that gives its connection back and asks again has it before
one that waits has woken up, so that with many threads some wait for seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from sqlalchemy.exc import TimeoutError as PoolTimeout


class Turns:
    """So many may hold a turn at once; who waits longer than so many seconds gets PoolTimeout."""

    def __init__(self, number: int, seconds: float) -> None:
        self._free = number
        self._seconds = seconds
        self._waiting: deque[Lock] = deque()  # each held until its turn comes
        self._lock = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a turn; raises PoolTimeout."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            if turn.acquire(timeout=self._seconds):
                return
        except BaseException:  # an interrupt: what was or will be handed over is the next one's
            if not self._left(turn):
                self._give()
            raise
        if self._left(turn):
            raise PoolTimeout(f"no connection became free within {self._seconds:g} s")

    def _left(self, turn: Lock) -> bool:
        """Wait no longer; False when the turn came this moment."""
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()  # handed over, so that nobody comes between
            else:
                self._free += 1
