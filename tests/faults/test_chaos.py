"""Exactly once, while connections are cut, replies to commits are lost and backends are ended."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from tests.factories import a_result, make_ready_twin, make_run, run_parameters
from tests.faults.proxy import Proxy
from twinpipe.db import ledger
from twinpipe.db.outbox import RUN_COMPLETED, settle, take
from twinpipe.db.session import close, retried, transaction
from twinpipe.db.session import engine as engine_of
from twinpipe.errors import Conflict, DatabaseUnavailable

END_HALF = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND client_addr IS NULL AND random() < 0.5"
)
LEASE = 600.0


@contextmanager
def chaos(proxy: Proxy, direct: Engine, every: float = 0.2) -> Iterator[Counter[str]]:
    """Every so often one of three misfortunes."""
    done, dice, seen = threading.Event(), random.Random(7), Counter[str]()

    def strike() -> None:
        with direct.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
            while not done.wait(every):
                fate = dice.choice(["cut", "swallow", "end"])
                seen[fate] += 1
                if fate == "cut":
                    proxy.cut()
                elif fate == "swallow":
                    proxy.swallow(2)
                else:
                    admin.execute(END_HALF)

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        proxy.swallow(0)  # what it had still in store would strike when chaos is over


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    made = Proxy(server)
    yield made
    close(made.url)
    made.close()


def run_once(through: Engine, twin_id: int, key: UUID, spec: str) -> str:
    """Enqueue, claim, and send the result twice; what the caller believes."""
    try:
        run, _ = ledger.create_run(
            through, twin_id=twin_id, pattern="custom", years=10, parameters=run_parameters(), spec_digest=spec, key=key
        )
        generation = ledger.claim_run(through, run.id, LEASE)
        sent = a_result()
        first = ledger.complete_run(through, run.id, generation, sent)
        assert ledger.complete_run(through, run.id, generation, sent) == first
    except Conflict:
        return "somebody else has it"
    except DatabaseUnavailable:
        return "gave up"
    return "wrote it"


def exactly_once(direct: Engine, proxy: Proxy, runs: int) -> None:
    through = engine_of(proxy.url)
    twins = [make_ready_twin(direct) for _ in range(runs)]
    work = [(twin.id, uuid4(), f"{i:064x}") for i, twin in enumerate(twins)] * 2
    random.Random(1).shuffle(work)
    delivered: Counter[int] = Counter()
    stop = threading.Event()

    def deliver(now: datetime | None = None) -> int:
        messages = take(through, (RUN_COMPLETED,), limit=10, now=now)
        for message in messages:
            delivered[message.payload["run_id"]] += 1

            @retried
            def prove(number: int = message.id) -> None:
                with transaction(through) as connection:
                    settle(connection, number, bytes=0, stores=[])

            prove()
        return len(messages)

    def relay() -> None:
        while not stop.is_set():
            if not deliver():
                time.sleep(0.05)

    began = time.perf_counter()
    with chaos(proxy, direct) as struck, ThreadPoolExecutor(9) as pool:
        relayer = pool.submit(relay)
        try:
            believed = Counter(pool.map(lambda item: run_once(through, *item), work))
        finally:
            stop.set()
        relayer.result()
    while deliver(datetime.now(UTC) + timedelta(hours=1)):  # what was taken, and the taker did not hear of it
        pass
    seconds = time.perf_counter() - began
    print(f"{runs} runs in {seconds:.1f} s; {dict(struck)}, {proxy.swallowed} replies lost; callers: {dict(believed)}")
    count = {
        "results": "SELECT count(*) FROM simulation_results",
        "runs": "SELECT count(*) FROM simulation_runs",
        "completed": "SELECT count(*) FROM simulation_runs WHERE status = 'completed' AND attempt = 1",
        "twins completed": "SELECT count(*) FROM digital_twins WHERE status = 'completed'",
        "statistics": "SELECT sum(n) FROM run_stats_daily",
        "messages": "SELECT count(*) FROM outbox WHERE topic = 'run.completed' AND done_at IS NOT NULL",
    }
    with transaction(direct) as connection:
        found = {name: int(connection.execute(text(query)).scalar_one()) for name, query in count.items()}
    assert found == dict.fromkeys(count, runs)
    assert (len(delivered), set(delivered.values())) == (runs, {1})
    assert believed["wrote it"] == runs
    assert proxy.swallowed


def test_each_result_is_written_counted_and_told_once(engine: Engine, proxy: Proxy) -> None:
    exactly_once(engine, proxy, 40)


@pytest.mark.slow
def test_each_of_300_results_is_written_counted_and_told_once(engine: Engine, proxy: Proxy) -> None:
    exactly_once(engine, proxy, 300)


def test_a_commit_whose_reply_was_lost_is_found_and_not_repeated(engine: Engine, proxy: Proxy) -> None:
    run = make_run(engine)
    through = engine_of(proxy.url)
    with transaction(through) as connection:  # connected before the fault
        connection.execute(text("SELECT 1"))
    proxy.swallow(1)
    generation = ledger.claim_run(through, run.id, LEASE)
    assert (generation, proxy.swallowed) == (1, 1)
    assert ledger.get_run(engine, run.id).attempt == 1
    proxy.swallow(1)
    assert ledger.complete_run(through, run.id, generation, a_result())
    assert proxy.swallowed == 2
    assert ledger.get_run(engine, run.id).status == "completed"
