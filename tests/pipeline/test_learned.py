"""Laws of learned patterns: kept once, counted once for each run, and never with numbers that mean nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.factories import a_payload, make_ready_twin, make_result, make_run, make_running

from twinpipe.db import ledger
from twinpipe.db.learned import PatternRow, apply_pattern, get_pattern, learn_pattern, list_patterns
from twinpipe.db.retention import Limits, in_batches, purge
from twinpipe.errors import Conflict, InvalidInput, NotFound


def a_pattern(engine: Engine, name: str = "warm-mars", **changes: Any) -> PatternRow:
    values: dict[str, Any] = {
        column: a_payload("learned_patterns", column)
        for column in ("required_conditions", "deployment_sequence", "optimizations")
    }
    return learn_pattern(engine, name, **({**values, "success_score": 0.9} | changes))


def test_the_same_pattern_is_learned_once(engine: Engine) -> None:
    first = a_pattern(engine)
    assert a_pattern(engine) == first
    assert (first.times_applied, first.success_rate, first.created_by) == (0, 0.0, "system")
    with pytest.raises(Conflict, match="pattern_id"):
        a_pattern(engine, optimizations=[])
    assert [p.pattern_id for p in list_patterns(engine)] == ["warm-mars"]
    assert list_patterns(engine, first.required_conditions) == [first]
    assert list_patterns(engine, {"celestial_body_type": "gas_giant"}) == []


def test_each_run_counts_once_and_the_counters_are_those_of_the_applications(engine: Engine) -> None:
    a_pattern(engine)
    runs = [make_result(engine).run_id for _ in range(4)]
    work = [(run, i != 0) for i, run in enumerate(runs)] * 3
    with ThreadPoolExecutor(6) as pool:
        new = pool.map(lambda w: apply_pattern(engine, "warm-mars", w[0], succeeded=w[1], score=0.5), work)
        assert sum(new) == 4
    pattern = get_pattern(engine, "warm-mars")
    assert (pattern.times_applied, pattern.success_rate) == (4, 0.75)
    with pytest.raises(Conflict, match="another outcome"):
        apply_pattern(engine, "warm-mars", runs[0], succeeded=True, score=0.5)


def test_an_application_outlives_its_run(engine: Engine) -> None:
    a_pattern(engine)
    run = make_run(engine, make_ready_twin(engine))
    ledger.cancel_run(engine, run.id)
    assert apply_pattern(engine, "warm-mars", run.id, succeeded=False, score=0.0)
    purge(in_batches(engine), datetime.now(UTC) + timedelta(days=400), Limits())
    with pytest.raises(NotFound):
        ledger.get_run(engine, run.id)
    assert get_pattern(engine, "warm-mars").times_applied == 1


def test_what_is_not_allowed_is_named(engine: Engine) -> None:
    for score in (1.2, float("nan")):
        with pytest.raises(InvalidInput, match="success_score"):
            a_pattern(engine, success_score=score)
    with pytest.raises(InvalidInput, match="pattern_id"):
        a_pattern(engine, "  ")
    with pytest.raises(InvalidInput, match="required_conditions"):
        a_pattern(engine, required_conditions={"atmosphere_present": "yes"})
    a_pattern(engine)
    with pytest.raises(Conflict, match="running"):
        apply_pattern(engine, "warm-mars", make_running(engine).id, succeeded=True, score=0.5)
    with pytest.raises(NotFound, match="cool-venus"):
        apply_pattern(engine, "cool-venus", 1, succeeded=True, score=0.5)
    with pytest.raises(InvalidInput, match="score"):
        apply_pattern(engine, "warm-mars", 1, succeeded=True, score=-0.1)
