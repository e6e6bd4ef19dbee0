"""Bands of a planet that advance together, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from twinpipe.neighbours import ALONE, Circle, Neighbours, Seat
from twinpipe.plan import Block

T = TypeVar("T")


def side_by_side(
    blocks: tuple[Block, ...], work: Callable[[Block, Neighbours], T], circle: Circle | None = None
) -> list[T]:
    """What work gives for each block, all at the same time if they are bands of a planet.

    circle: where they meet; by default all of them in this process.  The first error of a band ends the others.
    """
    if circle is None and len(blocks) == 1:
        return [work(blocks[0], ALONE)]
    where = circle or Circle(tuple(b.band for b in blocks))

    def at_its_seat(block: Block) -> T:
        with where.seat:
            try:
                return work(block, Seat(where, block.band))
            except BaseException:
                where.abort()
                raise

    with ThreadPoolExecutor(len(blocks)) as pool:
        futures = [pool.submit(at_its_seat, block) for block in blocks]
    errors = [e for f in futures if (e := f.exception()) is not None]
    if errors:  # what went wrong, and not that the others waited in vain
        raise min(errors, key=lambda e: isinstance(e, threading.BrokenBarrierError))
    return [f.result() for f in futures]
