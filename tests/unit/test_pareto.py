"""Laws of the Pareto front: what it has nobody beats, and what it leaves out somebody does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twinpipe.pareto import pareto_front

POINTS = st.lists(st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)), max_size=30)


@given(POINTS)
def test_the_front_is_what_nobody_beats(points: list[tuple[float, float]]) -> None:
    named = list(enumerate(points))

    def beaten(score: float, cost: float) -> bool:
        return any(s >= score and c <= cost and (s, c) != (score, cost) for s, c in points)

    front = pareto_front(named, lambda item: item[1])
    assert {i for i, _ in front} == {i for i, p in named if not beaten(*p)}
    assert [cost for _, (_, cost) in front] == sorted(cost for _, (_, cost) in front)
