"""The best compromises of score and cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def pareto_front(items: Iterable[T], score_and_cost: Callable[[T], tuple[float, float]]) -> list[T]:
    """Items that no other beats, cheapest first: none has at least the score for at most the cost, and one better.

    Equal ones are on the front together, in the order in which they are given.
    """
    front: list[T] = []
    best = (float("-inf"), float("inf"))  # score and cost of the last of the front
    for score, cost, item in sorted(
        ((*score_and_cost(item), item) for item in items), key=lambda row: (row[1], -row[0])
    ):
        if score > best[0] or (score, cost) == best:
            front.append(item)
            best = (score, cost)
    return front
