"""What was committed survives the death of a backend and of the server, and what was not leaves no trace."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from tests.factories import a_result, make_ready_twin, make_running
from twinpipe.db import ledger
from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.session import engine, retried, transaction

COUNT = text("SELECT count(*) FROM solar_systems")
ADD = text("INSERT INTO solar_systems (identifier, name) VALUES (:name, 'x')")


def postmaster(server: EmbeddedPostgres) -> int:
    (pid_file,) = Path(server.cluster).glob("pg*/postmaster.pid")
    return int(pid_file.read_text().split()[0])


def backend(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def add_and_kill(made: Engine, victim: Callable[[Connection], int]) -> None:
    """Add a row, and kill a process of the server before it is committed."""
    with transaction(made) as connection:
        connection.execute(ADD, {"name": "lost"})
        os.kill(victim(connection), signal.SIGKILL)
        for _ in range(1000):
            connection.execute(COUNT)
            time.sleep(0.01)


def test_a_killed_backend_undoes_its_transaction_and_the_others_go_on_by_themselves(durable: EmbeddedPostgres) -> None:
    made = engine(durable.start())
    run = make_running(made)
    with pytest.raises(DBAPIError):
        add_and_kill(made, backend)
    began = time.perf_counter()  # the server ends all sessions and recovers
    assert ledger.complete_run(made, run.id, run.lease_generation, a_result())
    print(f"a result {time.perf_counter() - began:.1f} s after a backend was killed")
    with transaction(made) as connection:
        assert connection.execute(text("SELECT count(*) FROM solar_systems WHERE identifier = 'lost'")).scalar() == 0


def test_results_on_their_way_survive_a_killed_backend_once_each(durable: EmbeddedPostgres) -> None:
    made = engine(durable.start())
    runs = [make_running(made, make_ready_twin(made)) for _ in range(12)]
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(ledger.complete_run, made, run.id, run.lease_generation, a_result()) for run in runs]
        with made.connect() as connection:
            os.kill(backend(connection), signal.SIGKILL)
            connection.invalidate()
        assert len({future.result() for future in done}) == 12
    with transaction(made) as connection:
        assert connection.execute(text("SELECT sum(n) FROM run_stats_daily")).scalar_one() == 12


def test_a_killed_postmaster_loses_nothing_that_was_committed(durable: EmbeddedPostgres) -> None:
    made = engine(durable.start())
    for i in range(100):
        with transaction(made) as connection:
            connection.execute(ADD, {"name": f"kept {i}"})
    with pytest.raises(DBAPIError):
        add_and_kill(made, lambda _: postmaster(durable))
    began = time.perf_counter()
    other = EmbeddedPostgres(durable.home)  # as the next process would
    try:
        other.start()
        print(f"the server is back {time.perf_counter() - began:.1f} s after it was killed")

        @retried
        def count() -> int:
            with transaction(made) as connection:
                return int(connection.execute(COUNT).scalar_one())

        assert count() == 100
    finally:
        other.stop()


def test_a_restart_below_a_pool_is_not_noticed(durable: EmbeddedPostgres) -> None:
    made = engine(durable.start())
    run = make_running(made)
    data = next(Path(durable.cluster).glob("pg*"))
    stopped = durable._binaries.run(*("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w"), account=durable.account)
    assert stopped.returncode == 0
    other = EmbeddedPostgres(durable.home)
    try:
        other.start()
        assert ledger.report_progress(made, run.id, run.lease_generation, 0.5, 60)
    finally:
        other.stop()
