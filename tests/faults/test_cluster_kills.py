"""An ensemble survives the death of a worker, of its client and of the scheduler."""

from __future__ import annotations

import pytest

from tests.faults.cluster_kills import WORKERS, play


@pytest.mark.slow
def test_a_killed_ensemble_ends_with_the_same_seals_and_little_work_done_again() -> None:
    outcome = play(members=24, years=40, grid="12x24", per_block=2)
    assert outcome.kills == ("worker", "client", "scheduler")
    assert outcome.disturbed == outcome.undisturbed
    assert outcome.again <= len(outcome.kills) * WORKERS  # a block in flight for each worker's thread
