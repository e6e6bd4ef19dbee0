"""The bands of latitude of one planet, as one of them sees the others: what all hold together, in their order.

Each band runs in a thread of its own, and they meet wherever a step needs what the whole planet is.  They hand over
small vectors only: sums, and what the rows at their edges are.  All combine them in the order of the bands, so that
each has the same bits, whoever came first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from twinpipe.grid import Array


class Neighbours(Protocol):
    """All bands of a planet, as seen by one of them."""

    @property
    def band(self) -> int: ...

    def gather(self, own: Array) -> Array:
        """What each band hands over (band, ...), in the order of the bands; all read the same array."""
        ...


def together(neighbours: Neighbours, own: Array) -> Array:
    """The sum over the bands."""
    return added(neighbours.gather(own))


def added(parts: Array) -> Array:
    """The sum of parts (band, ...), in their order."""
    total: Array = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


class Alone:
    """The only band of its planet."""

    band = 0

    def gather(self, own: Array) -> Array:
        """Its own alone."""
        return own[None]


ALONE = Alone()

Swap = Callable[[dict[int, Array]], dict[int, Array]]  # own vectors by band for those of all other bands


@dataclass
class Circle:
    """Where bands of a planet meet that run in threads of one process, at most so many at a time.

    swap: how those that are elsewhere get and give theirs; called by one thread each time that all have come.
    """

    bands: tuple[int, ...]
    threads: int = 0  # 0: all at a time
    swap: Swap | None = None
    _slots: tuple[dict[int, Array], dict[int, Array]] = field(default_factory=lambda: ({}, {}))
    _found: list[Array] = field(default_factory=lambda: [np.empty(0), np.empty(0)])
    _turn: int = 0

    def __post_init__(self) -> None:
        self._barrier = threading.Barrier(len(self.bands), action=self._all_here)
        self.seat: AbstractContextManager[object] = nullcontext()
        if self.threads:
            self.seat = threading.BoundedSemaphore(self.threads)

    def _all_here(self) -> None:
        place = self._turn % 2
        slot = self._slots[place]
        if self.swap is not None:
            slot.update(self.swap({band: slot[band] for band in self.bands}))
        self._found[place] = np.stack([slot[b] for b in sorted(slot)])
        self._turn += 1

    def meet(self, band: int, own: Array) -> Array:
        """Hand over a vector and get those of all, in the order of the bands; BrokenBarrierError when one failed.

        There are two sets of places: nobody fills one again before all have come for the other, and so left it.
        """
        place = self._turn % 2
        self._slots[place][band] = own
        self._barrier.wait()
        return self._found[place]

    def abort(self) -> None:
        """Let nobody wait any longer."""
        self._barrier.abort()


@dataclass(frozen=True)
class Seat:
    """The place of a band in a circle, which leaves its turn at the processor to others while it waits."""

    circle: Circle
    band: int

    def gather(self, own: Array) -> Array:
        """See Neighbours."""
        seat, copy = self.circle.seat, np.array(own)
        seat.__exit__(None, None, None)
        try:
            return self.circle.meet(self.band, copy)
        finally:
            seat.__enter__()
