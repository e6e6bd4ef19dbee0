"""The ledger under load: results written, twins created by many at once, the dashboard on years of use."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import psycopg
from sqlalchemy import Engine, text

from tests.factories import a_result, make_ready_twin, make_twin, merged
from tests.factories.load import load
from tests.pipeline.databases import database
from twinpipe.db import ledger
from twinpipe.db.bulk import bulk_insert_results
from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.encoding import PAYLOADS, encode_result, insert_encoded
from twinpipe.db.migrate import migrate
from twinpipe.db.queries import ActiveTwin, active_twins
from twinpipe.db.session import close, engine, transaction

Results = list[tuple[int, int, dict[str, Any]]]  # run, twin, payloads

TWINS = """
    INSERT INTO digital_twins (name, celestial_body_id, solar_system_id, status, simulation_parameters,
        initial_state_snapshot, twin_key, body_digest, content_digest)
    SELECT 'bench ' || i, celestial_body_id, solar_system_id, 'running_simulation', simulation_parameters,
        initial_state_snapshot, gen_random_uuid(), body_digest, md5(i::text)
    FROM digital_twins, generate_series(1, :number) i WHERE id = :model RETURNING id"""
RUNS = """
    INSERT INTO simulation_runs (digital_twin_id, status, pattern, duration_years, parameters, started_at, run_key,
        spec_digest, attempt, lease_generation, lease_until, completed_at, progress)
    SELECT id, :status, 'mars_terraform', 100, '{}', now(), gen_random_uuid(), md5(id::text), 1, 1,
        CASE WHEN :status = 'running' THEN now() + interval '1 hour' END,
        CASE WHEN :status = 'completed' THEN now() END, CASE WHEN :status = 'completed' THEN 1 ELSE 0 END
    FROM digital_twins WHERE id = ANY (:twins) ORDER BY id RETURNING id, digital_twin_id"""


@dataclass(frozen=True)
class Writing:
    """Seconds of a row by the clock, and of client and server by CPU, for each way of writing and each round."""

    kilobytes: float
    clock: dict[str, list[float]]
    work: dict[str, list[float]]

    def share(self, way: str) -> float:
        """Rate as a part of that of the bare COPY in the same round; the median of the rounds."""
        return median(bare / own for bare, own in zip(self.clock["copied"], self.clock[way], strict=True))

    def told(self, way: str) -> str:
        """Rate, and its part of that of the bare COPY by the clock and by the work, which noise moves less."""
        rate, own = 1 / median(self.clock[way]), median(self.work[way])
        by_work = f", {100 * median(self.work['copied']) / own:.0f} % by CPU" if own else ""
        return f"{rate:,.0f} rows/s, {100 * self.share(way):.0f} %{by_work}"


@contextmanager
def durable_server() -> Iterator[str]:
    """A server as users have it, safe against power failure."""
    folder = Path(tempfile.mkdtemp(prefix="twinpipe-bench-"))
    folder.chmod(0o711)  # as root the server runs as another account
    try:
        with EmbeddedPostgres(folder / "postgres") as url:
            yield url
            close(url)
    finally:
        shutil.rmtree(folder)


def time_writing(server: str, number: int, kilobytes: float, rounds: int) -> Writing:
    """Write the same rows by bare COPY and by the ledger's verbs, in turn and there and back.

    What is compared was measured in the same short round, since a machine is seldom quiet for long.
    """
    payloads = [_payloads(kilobytes, seed) for seed in range(number)]
    size = sum(len(orjson.dumps(p)) for p in payloads) / number / 1000
    clock: dict[str, list[float]] = {way: [] for way in WAYS}
    work: dict[str, list[float]] = {way: [] for way in WAYS}
    with database(server) as url:
        migrate(url)
        model = make_ready_twin(engine(url))
        ended = _runs(engine(url), model.id, payloads, "completed")
        for number_of_round in range(rounds):
            for way in list(WAYS)[:: -1 if number_of_round % 2 else 1]:
                rows = ended
                if way == "completed":  # a run completes once; and slowly, so that fewer do
                    rows = _runs(engine(url), model.id, payloads[:100], "running")
                with engine(url).begin() as connection:
                    connection.execute(text("TRUNCATE simulation_results, run_stats_daily"))
                used, began = _cpu(url), time.perf_counter()
                WAYS[way](url, rows)
                clock[way].append((time.perf_counter() - began) / len(rows))
                work[way].append((_cpu(url) - used) / len(rows))
                with engine(url).connect() as connection:
                    found = connection.execute(text("SELECT count(*) FROM simulation_results")).scalar_one()
                assert found == len(rows), f"{way} wrote {found} of {len(rows)} results"
    return Writing(size, clock, work)


def _cpu(url: str) -> float:
    """CPU seconds of this process and of the server with all its processes so far; 0 where /proc is missing."""
    with engine(url).connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    try:
        postmaster = _stat(backend)[1]
        children = [_stat(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    except OSError:
        return 0.0
    ticks = sum(own for parent, own in ((c[1], c[2]) for c in children) if parent == postmaster)
    return time.process_time() + (ticks + _stat(postmaster)[3]) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> tuple[int, int, int, int]:
    """Process, its parent, ticks of its own, and ticks of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return pid, 0, 0, 0
    return pid, int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def _copied(url: str, rows: Results) -> None:
    """Bare psycopg: nothing checked, nothing idempotent, one transaction."""
    columns = ", ".join(("simulation_run_id", "digital_twin_id", *PAYLOADS, "payload_sha256"))
    statement = f"COPY simulation_results ({columns}) FROM STDIN"
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor().copy(statement) as copy:
        for run, twin, result in rows:
            values = [orjson.dumps(result[name]).decode() for name in PAYLOADS]
            copy.write_row((run, twin, *values, hashlib.sha256("".join(values).encode()).digest()))


def _single(url: str, rows: Results) -> None:
    """The ledger's idempotent insert statement alone, one for each row in one transaction, as the COPY is."""
    with transaction(engine(url)) as connection:
        for run, twin, result in rows:
            insert_encoded(connection, run, twin, encode_result(result))


def _completed(url: str, rows: Results) -> None:
    """The whole verb: run, twin, statistics and outbox in the result's transaction; four writers, as in a sweep."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: ledger.complete_run(engine(url), row[0], 1, row[2]), rows))


def _bulk(url: str, rows: Results) -> None:
    bulk_insert_results(engine(url), ((run, result) for run, _, result in rows))


WAYS: dict[str, Callable[[str, Results], None]] = {
    "copied": _copied,
    "single": _single,
    "completed": _completed,
    "bulk": _bulk,
}


def _payloads(kilobytes: float, seed: int) -> dict[str, Any]:
    """A valid result of about that size: a large one has tables of measures, as profiles by latitude are."""
    chance = random.Random(seed)
    least = a_result(success_metrics={"habitability_score": chance.random()})
    many = max(1, round((kilobytes * 1000 - len(orjson.dumps(least))) / 2 / 28))
    tables = [{f"band_{i}": chance.uniform(150.0, 300.0) for i in range(many)} for _ in range(2)]
    made: dict[str, Any] = merged(
        least,
        {
            "start_state": {"atmosphere": {"temperature_by_latitude_k": tables[0]}},
            "end_state": {"atmosphere": {"temperature_by_latitude_k": tables[1]}},
        },
    )
    return made


def _runs(made: Engine, model: int, payloads: list[dict[str, Any]], status: str) -> Results:
    """A run on a twin of its own for each result."""
    with made.begin() as connection:
        twins = list(connection.scalars(text(TWINS), {"number": len(payloads), "model": model}))
        rows = connection.execute(text(RUNS.replace(":status", f"'{status}'")), {"twins": twins}).all()
    return [(run, twin, result) for (run, twin), result in zip(rows, payloads, strict=True)]


@dataclass(frozen=True)
class Creating:
    """Twins created by many threads at once."""

    number: int
    seconds: float
    p50: float
    p99: float


def time_creating(server: str, number: int, threads: int, rounds: int) -> Creating:
    """Create twins concurrently, in some rounds; the one whose p99 is in the middle."""
    made = [_creating(server, number, threads) for _ in range(rounds)]
    return sorted(made, key=lambda creating: creating.p99)[rounds // 2]


def _creating(server: str, number: int, threads: int) -> Creating:
    """Create twins concurrently; raises AssertionError when one is lost or doubled."""
    with database(server) as url:
        migrate(url)
        make_twin(engine(url))  # connections and statements are warm

        def create(i: int) -> tuple[int, float]:
            began = time.perf_counter()
            twin = make_twin(engine(url), f"twin {i}")
            return twin.id, time.perf_counter() - began

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(create, range(number)))
        seconds = time.perf_counter() - began
        with engine(url).connect() as connection:
            names = connection.scalars(text("SELECT name FROM digital_twins WHERE name LIKE 'twin %'")).all()
        assert sorted(names) == sorted(f"twin {i}" for i in range(number)), "a twin was lost or doubled"
        assert len({twin for twin, _ in done}) == number, "two creations returned the same twin"
    return Creating(number, seconds, *_percentiles([s for _, s in done]))


def time_dashboard(server: str, twins: int, runs: int, calls: int) -> tuple[float, float]:
    """p50 and p99 of a page of active twins with body and latest run, in seconds, over all systems and pages."""
    with database(server) as url:
        migrate(url)
        load(engine(url), twins, runs, int(0.88 * runs))
        with engine(url).connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("CHECKPOINT"))  # of the load: years of use would not leave it for this moment
        taken: list[float] = []
        page: list[ActiveTwin] = []
        for call in range(calls + 20):
            system = f"LOAD-{1 + call // 3 % 100}"
            after = page[-1].key if call % 3 and page else None
            began = time.perf_counter()
            page = active_twins(engine(url), system, after)
            taken.append(time.perf_counter() - began)
        p50, p99 = _percentiles(taken[20:])
        return p50, p99


def _percentiles(taken: list[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return ordered[len(ordered) // 2], ordered[int(0.99 * len(ordered))]


def ledger_rows(tiny: bool) -> Iterator[tuple[str, str, str, str]]:
    """What was measured, its goal, and whether that was met."""
    with durable_server() as server:
        for kilobytes, number in ((5, 40), (50, 10)) if tiny else ((5, 1000), (50, 200)):
            timing = time_writing(server, number, kilobytes, rounds=1 if tiny else 11)
            of = f"{timing.kilobytes:.0f} KB"
            yield f"bare COPY, {of}", f"{1 / median(timing.clock['copied']):,.0f} rows/s", "", ""
            yield f"bulk import, {of}", timing.told("bulk"), ">= 85 %", verdict(timing.share("bulk") >= 0.85)
            single = verdict(timing.share("single") >= 0.25)
            yield f"insert statement alone, {of}", timing.told("single"), ">= 25 %", single
            yield f"whole verb that completes a run, {of}", timing.told("completed"), "", ""
        creating = time_creating(server, *((32, 8, 1) if tiny else (1000, 32, 3)))
        many = f"{creating.number} twins at once"
        yield f"{many}: all", f"{creating.seconds:.2f} s", "none lost, none doubled", verdict(True)
        yield f"{many}: p99", f"{creating.p99 * 1e3:.0f} ms", "", ""
        twins, runs = (200, 2000) if tiny else (100_000, 1_000_000)
        p50, p99 = time_dashboard(server, twins, runs, 50 if tiny else 1000)
        yield f"dashboard at {runs:,} runs: p50", f"{p50 * 1e3:.2f} ms", "< 2 ms", verdict(p50 < 2e-3)
        yield f"dashboard at {runs:,} runs: p99", f"{p99 * 1e3:.2f} ms", "", ""


def verdict(met: bool) -> str:
    """Whether a goal was met, in a word."""
    return "met" if met else "missed"
