"""What a process keeps between segments is bounded, and never the state of another segment."""

from __future__ import annotations

from twinpipe.states import Kept


def test_a_state_is_given_once_and_only_after_its_own_segment() -> None:
    kept: Kept[str, str] = Kept()
    kept.keep("a", 3, "state", most=2)
    assert kept.take("a", 3) == "state"
    assert kept.take("a", 3) is None
    kept.keep("a", 3, "state", most=2)
    assert kept.take("a", 2) is None
    assert len(kept) == 0


def test_states_that_nobody_asks_for_go_first() -> None:
    kept: Kept[int, str] = Kept()
    for run in range(50):  # all cancelled after their first segment
        kept.keep(run, 0, f"run {run}", most=4)
    assert len(kept) == 4
    assert [kept.take(run, 0) is not None for run in (45, 46, 49)] == [False, True, True]
