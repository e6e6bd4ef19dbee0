"""Laws of where blocks go: beside their states, evenly, and to nobody who is gone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpipe import placement
from twinpipe.placement import Placement


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 8), min_size=1), st.integers(1, 40))
def test_blocks_are_spread_as_threads_are_and_stay_where_they_are(workers: dict[str, int], blocks: int) -> None:
    made = Placement(lambda: workers)
    at = {block: made.place(block) for block in range(blocks)}
    assert {block: made.place(block) for block in range(blocks)} == at
    loads = {w: Counter(at.values())[w] / n for w, n in workers.items()}
    for one in workers:  # no move of one block would make the fullest worker less full
        assert all(loads[one] <= loads[other] + 1 / workers[other] + 1e-12 for other in workers)


def test_who_joins_gets_blocks_and_who_leaves_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "FRESH", 0.0)
    workers = {"a": 1}
    made = Placement(lambda: dict(workers))
    assert [made.place(block) for block in range(4)] == ["a"] * 4
    workers["b"] = 1
    assert sorted(str(made.place(block)) for block in range(4)) == ["a", "a", "b", "b"]
    del workers["a"]
    assert {made.place(block) for block in range(4)} == {"b"}
    workers["c"] = 2
    made.closed(0)
    assert Counter(made.place(block) for block in range(1, 4)) == {"b": 1, "c": 2}
    made.was_at(1, "c")  # nobody asked, since b was too slow to take it
    assert made.place(1) in ("b", "c")
    workers.clear()
    assert made.place(1) is None
