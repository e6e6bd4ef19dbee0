"""Laws of the heartbeat: progress is told at most once an interval, however fast it comes."""

from __future__ import annotations

import time

from sqlalchemy import Engine, event
from tests.factories import make_running

from twinpipe.db import ledger
from twinpipe.heartbeat import Heartbeat


def test_progress_is_written_once_an_interval_and_not_once_a_call(engine: Engine) -> None:
    run = make_running(engine)
    writes = 0

    def count(*arguments: object) -> None:
        nonlocal writes
        writes += "UPDATE simulation_runs" in str(arguments[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        with Heartbeat(engine, run.id, run.lease_generation, interval=0.1) as heart:
            until = time.monotonic() + 1.0
            calls = 0
            while time.monotonic() < until:
                assert heart.progress(0.5)
                calls += 1
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert 1 <= writes <= 10 < calls
    assert ledger.get_run(engine, run.id).progress == 0.5


def test_a_cancelled_run_is_told_so_at_the_next_beat(engine: Engine) -> None:
    run = make_running(engine)
    with Heartbeat(engine, run.id, run.lease_generation, interval=0.05) as heart:
        assert ledger.cancel_run(engine, run.id)
        until = time.monotonic() + 10
        while heart.progress(0.5) and time.monotonic() < until:
            time.sleep(0.02)
        assert not heart.progress(0.5)
