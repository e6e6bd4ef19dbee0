"""States that a process keeps between segments of its blocks: no more than it may be at work on."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
S = TypeVar("S")


class Kept(Generic[K, S]):
    """States by block, each after a segment; the one that nobody asked for longest goes first.

    A run that was cancelled never asks for its own again, and one whose state went takes it from its last seal.
    """

    def __init__(self) -> None:
        self._states: OrderedDict[K, tuple[int, S]] = OrderedDict()
        self._lock = Lock()

    def take(self, block: K, segment: int) -> S | None:
        """The state of a block after a segment, which is not kept any longer; None when that is not here."""
        with self._lock:
            held = self._states.pop(block, None)
        return held[1] if held is not None and held[0] == segment else None

    def keep(self, block: K, segment: int, state: S, most: int) -> None:
        """Keep a state, and of all the newest `most`."""
        with self._lock:
            self._states[block] = (segment, state)
            while len(self._states) > most:
                self._states.popitem(last=False)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._states.clear()

    def __len__(self) -> int:
        return len(self._states)
