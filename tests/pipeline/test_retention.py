"""Laws of retention: results two years, runs one, twins 90 days after they expired; never a reference to nothing."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from tests.factories import a_result, make_ready_twin, make_result, make_run, make_running, make_running_sweep
from tests.factories.load import NOW, load

from twinpipe.db import ledger
from twinpipe.db.deletion import expire_twins, unused_outputs
from twinpipe.db.foresight import foresee
from twinpipe.db.outbox import TWIN_DELETED, take
from twinpipe.db.retention import Limits, Purged, in_batches, purge
from twinpipe.db.session import transaction
from twinpipe.db.tables import orphans
from twinpipe.errors import Conflict, DatabaseUnavailable

DAY = timedelta(days=1)
LIMITS = Limits()
DATES = [NOW + days * DAY for days in (0, 120, 400, 730, 1100)]

# one on every third twin, of two of its runs; those that run have lost whoever ran them
SWEEPS = """
INSERT INTO sweeps (digital_twin_id, sweep_key, name, status, spec, spec_digest, members, progress, started_at,
    completed_at, error_message, attempt, lease_until, created_at)
SELECT t.id, gen_random_uuid(), 'sweep', k.status, '{}', md5(t.id::text), 2, (k.status = 'completed')::int,
    CASE WHEN k.status <> 'queued' THEN t.created_at END,
    CASE WHEN k.status IN ('completed', 'failed') THEN t.created_at + interval '1 day' END,
    CASE WHEN k.status = 'failed' THEN 'it froze over' END, (k.status <> 'queued')::int,
    CASE WHEN k.status = 'running' THEN CAST(:now AS timestamptz) - interval '1 hour' END, t.created_at
FROM digital_twins t,
    LATERAL (SELECT (ARRAY['completed', 'failed', 'queued', 'running'])[1 + t.id / 3 % 4] AS status) k
WHERE t.id % 3 = 0"""
MEMBERS = """
UPDATE simulation_runs r SET sweep_id = m.sweep, member = m.n FROM (
    SELECT r.id, s.id AS sweep, row_number() OVER (PARTITION BY s.id ORDER BY r.id) - 1 AS n
    FROM simulation_runs r JOIN sweeps s ON s.digital_twin_id = r.digital_twin_id
) m WHERE m.id = r.id AND m.n < 2"""


def lost_rows(engine: Engine) -> dict[str, int]:
    """Rows that refer to nothing, by reference."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        return orphans(connection)


def number(engine: Engine, query: str, **values: object) -> int:
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        return int(connection.execute(text(query), values).scalar_one())


def expire_all(engine: Engine, now: object) -> list[int]:
    gone = []
    while ended := expire_twins(in_batches(engine), now, LIMITS.results, 1000):  # type: ignore[arg-type]
        gone += [twin.twin_id for twin in ended]
    return gone


def relay_all(engine: Engine) -> None:
    """Say that the bytes are gone, there being none."""
    with transaction(engine) as connection:
        connection.execute(text("UPDATE outbox SET done_at = now(), outcome = '{}' WHERE done_at IS NULL"))


def check_limits(engine: Engine, now: object, limits: Limits = LIMITS) -> None:
    """Nothing refers to nothing, nothing is kept too long, nothing went early."""
    assert lost_rows(engine) == {}
    values = {"r": now - limits.results, "u": now - limits.runs, "t": now - limits.twins}  # type: ignore[operator]
    late = {
        "result": "SELECT count(*) FROM simulation_results WHERE created_at < :r",
        "whole run": "SELECT count(*) FROM simulation_runs WHERE coalesce(completed_at, created_at) < :u "
        "AND status NOT IN ('queued', 'running') AND purged_at IS NULL",
        "stub of a run that nothing needs": "SELECT count(*) FROM simulation_runs r WHERE purged_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM simulation_results s WHERE s.simulation_run_id = r.id)",
        "whole twin": "SELECT count(*) FROM digital_twins WHERE deleted_at IS NOT NULL AND expires_at < :t "
        "AND purged_at IS NULL",
        "stub of a twin that nothing needs": "SELECT count(*) FROM digital_twins t WHERE purged_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM simulation_runs r WHERE r.digital_twin_id = t.id) "
        "AND NOT EXISTS (SELECT FROM sweeps s WHERE s.digital_twin_id = t.id)",
        "whole sweep": "SELECT count(*) FROM sweeps WHERE coalesce(completed_at, created_at) < :u "
        "AND status NOT IN ('queued', 'running') AND purged_at IS NULL",
        "stub of a sweep that nothing needs": "SELECT count(*) FROM sweeps s WHERE purged_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM simulation_runs r WHERE r.sweep_id = s.id)",
        "scrubbed sweep too early": "SELECT count(*) FROM sweeps WHERE purged_at IS NOT NULL "
        "AND coalesce(completed_at, created_at) >= :u",
        "scrubbed run too early": "SELECT count(*) FROM simulation_runs WHERE purged_at IS NOT NULL "
        "AND coalesce(completed_at, created_at) >= :u",
        "scrubbed twin too early": "SELECT count(*) FROM digital_twins WHERE purged_at IS NOT NULL "
        "AND expires_at >= :t",
    }
    for what, query in late.items():
        assert number(engine, query, **{k: v for k, v in values.items() if f":{k}" in query}) == 0, what


def run_dates(engine: Engine, sizes: tuple[int, int, int]) -> None:
    seconds = load(engine, *sizes)
    print("load", {part: round(s, 1) for part, s in seconds.items()})
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        sweeps = connection.execute(text(SWEEPS), {"now": NOW}).rowcount
        assert connection.execute(text(MEMBERS)).rowcount > sweeps > 0
    results = "SELECT count(*) FROM simulation_results WHERE created_at >= :due"
    runs = "SELECT count(*) FROM simulation_runs WHERE coalesce(completed_at, created_at) >= :due"
    twins = "SELECT count(*) FROM digital_twins WHERE expires_at IS NULL OR expires_at >= :due"
    for now in DATES:
        clock, took = time.perf_counter(), {}

        def lap(part: str) -> None:
            nonlocal clock
            took[part] = round(time.perf_counter() - clock, 1)  # noqa: B023
            clock = time.perf_counter()

        kept = [
            number(engine, query, due=now - limit)
            for query, limit in ((results, LIMITS.results), (runs, LIMITS.runs), (twins, LIMITS.twins))
        ]
        lap("count")
        told = foresee(engine, now, now, LIMITS, now)
        lap("foresee")
        reaped = ledger.reap(engine, now)
        lap("reap")
        expired = expire_all(engine, now)
        lap("expire")
        reaped += ledger.reap(engine, now)
        relay_all(engine)
        lap("relay")
        went = purge(in_batches(engine), now, LIMITS)
        lap("purge")
        print(f"{now:%Y-%m-%d}", {"reaped": len(reaped), "expired": len(expired)} | vars_of(went), took)
        assert (told.reaped_runs, told.expired_twins, told.rows) == (sorted(reaped), sorted(expired), went)
        assert number(engine, "SELECT count(*) FROM simulation_results") == kept[0]  # neither more nor less
        assert number(engine, runs, due=now - LIMITS.runs) >= kept[1]  # those that were reaped ended later
        assert number(engine, twins, due=now - LIMITS.twins) == kept[2]
        check_limits(engine, now)
        sweeps -= went["sweeps"].deleted
        assert number(engine, "SELECT count(*) FROM sweeps") == sweeps
        waiting = "SELECT count(*) FROM sweeps WHERE status IN ('queued', 'running') AND created_at < :due"
        assert number(engine, waiting, due=now - DAY) == 0  # younger ones may yet be claimed
        assert sum(p.deleted + p.scrubbed for p in purge(in_batches(engine), now, LIMITS).values()) == 0
        assert expire_all(engine, now) == []
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("RESET statement_timeout"))
    assert number(engine, "SELECT count(*) FROM simulation_runs WHERE status IN ('queued', 'running')") == 0
    assert sweeps == 0


def vars_of(went: dict[str, Purged]) -> dict[str, str]:
    return {table: f"-{p.deleted} ~{p.scrubbed}" for table, p in went.items() if p.deleted or p.scrubbed}


def test_over_the_years_rows_stay_as_long_as_promised_and_no_longer(engine: Engine) -> None:
    run_dates(engine, (300, 3000, 2640))


@pytest.mark.slow
def test_over_the_years_a_million_runs_stay_as_long_as_promised(engine: Engine) -> None:
    run_dates(engine, (100_000, 1_000_000, 880_000))


def test_a_row_that_is_still_referred_to_leaves_a_stub_without_its_contents(engine: Engine) -> None:
    result = make_result(engine)
    expired = ledger.get_twin(engine, result.twin_id).expires_at
    assert expired is not None
    assert expire_all(engine, expired + DAY) == [result.twin_id]
    relay_all(engine)
    later = expired + 366 * DAY
    purge(in_batches(engine), later, LIMITS)
    twin, run = ledger.get_twin(engine, result.twin_id), ledger.get_run(engine, result.run_id)
    assert (twin.status, twin.initial_state_snapshot, twin.simulation_parameters, twin.store_path) == (
        *("deleted", None, None, None),
    )
    assert (run.status, run.parameters, run.initiated_by) == ("completed", None, None)
    assert ledger.get_result(engine, result.run_id).end_state == result.end_state
    went = purge(in_batches(engine), expired + 731 * DAY, LIMITS)
    assert [went[t].deleted for t in ("simulation_results", "simulation_runs", "digital_twins")] == [1, 1, 1]


def test_a_twin_row_stays_until_its_bytes_are_proved_gone(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    assert twin.expires_at is not None
    later = twin.expires_at + 100 * DAY
    expire_all(engine, later)
    assert purge(in_batches(engine), later, LIMITS)["digital_twins"] == Purged(0, 0)
    relay_all(engine)
    assert purge(in_batches(engine), later, LIMITS)["digital_twins"] == Purged(1, 0)


def test_a_twin_that_is_being_simulated_does_not_expire(engine: Engine) -> None:
    run = make_running(engine)
    later = NOW + 1000 * DAY
    assert expire_all(engine, later) == []
    with pytest.raises(Conflict, match="running_simulation"):
        ledger.delete_twin(engine, run.twin_id)
    make_result(engine, run)
    assert expire_all(engine, later) == [run.twin_id]


def test_a_twin_whose_completed_run_has_no_result_in_postgres_keeps_its_bytes(engine: Engine) -> None:
    result = make_result(engine)
    with transaction(engine) as connection:
        connection.execute(text("DELETE FROM simulation_results"))  # somebody lost it
    soon = NOW + 300 * DAY
    assert expire_all(engine, soon) == []
    with pytest.raises(Conflict, match=f"run {result.run_id} is completed .* only copy"):
        ledger.delete_twin(engine, result.twin_id)
    assert ledger.get_twin(engine, result.twin_id).status == "completed"


def test_a_twin_with_a_sweep_is_not_deleted_until_the_sweep_has_ended(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    sweep = make_running_sweep(engine, twin).id
    later = NOW + 1000 * DAY
    assert expire_all(engine, later) == []
    with pytest.raises(Conflict, match=f"sweep {sweep} is running on twin {twin.id}"):
        ledger.delete_twin(engine, twin.id)
    ledger.reap(engine, later)
    assert expire_all(engine, later) == [twin.id]


def test_a_twin_is_held_for_as_long_as_its_bytes_take_to_go(engine: Engine) -> None:
    run = make_running(engine)
    with unused_outputs(engine, run.twin_id, "runs/other.zarr") as (held, unused):
        assert unused
        assert held.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
    with transaction(engine) as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"
    with unused_outputs(engine, 987654, "runs/other.zarr") as (_, unused):
        assert not unused

    def lose() -> None:
        with unused_outputs(engine, run.twin_id, "runs/other.zarr") as (held, _):
            pid = held.scalar(text("SELECT pg_backend_pid()"))
            with transaction(engine) as connection:
                connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            held.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable, match=f"while twin {run.twin_id} was held"):
        lose()


def test_runs_that_end_their_year_while_their_twin_lives_owe_their_outputs(engine: Engine) -> None:
    run = make_result(engine, make_running(engine, make_ready_twin(engine, ttl_days=0)))
    ended = ledger.get_run(engine, run.run_id).completed_at
    assert ended is not None
    purge(in_batches(engine), ended + 366 * DAY, LIMITS)
    (message,) = take(engine, ("run.purged",))
    assert message.payload["folder"] == "runs/0000000000000000.zarr"


def test_a_deleted_twin_is_deleted_once_and_its_queue_with_it(engine: Engine) -> None:
    run = make_run(engine, make_ready_twin(engine, ttl_days=0))
    assert ledger.delete_twin(engine, run.twin_id, actor="ann")
    assert not ledger.delete_twin(engine, run.twin_id)
    assert ledger.get_run(engine, run.id).status == "cancelled"
    twin = ledger.get_twin(engine, run.twin_id)
    assert twin.expires_at == twin.deleted_at  # its retention begins
    assert [m.payload["twin_id"] for m in take(engine, (TWIN_DELETED,))] == [run.twin_id]
    assert number(engine, "SELECT count(*) FROM audit_log WHERE actor = 'ann' AND action = 'delete'") == 1
    with pytest.raises(Conflict, match="deleted"):
        ledger.expire_twin(engine, run.twin_id)


def test_a_twin_made_to_expire_goes_with_the_next_expiry(engine: Engine) -> None:
    twin = make_ready_twin(engine, ttl_days=0)
    assert ledger.expire_twin(engine, twin.id)
    assert not ledger.expire_twin(engine, twin.id)
    assert expire_all(engine, NOW + 9999 * DAY) == [twin.id]


def test_two_purgers_at_once_share_the_work_and_none_fails(engine: Engine) -> None:
    load(engine, 200, 4000, 3520)
    due = number(engine, "SELECT count(*) FROM simulation_results WHERE created_at < :due", due=NOW - LIMITS.results)
    ledger.reap(engine, NOW)
    together = threading.Barrier(2)

    def work(_: int) -> dict[str, Purged]:
        together.wait()
        expire_all(engine, NOW)
        return purge(in_batches(engine), NOW, LIMITS, batch=50)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(work, range(2)))
    assert sum(went["simulation_results"].deleted for went in both) == due > 0
    relay_all(engine)
    purge(in_batches(engine), NOW, LIMITS)  # what one skipped because the other held it
    check_limits(engine, NOW)


def test_finishing_against_expiry_ends_in_one_order_or_the_other(engine: Engine) -> None:
    for _ in range(10):
        run = make_running(engine)
        together = threading.Barrier(2)

        def finish() -> object:
            together.wait()  # noqa: B023
            return make_result(engine, run)  # noqa: B023

        def expire() -> list[int]:
            together.wait()  # noqa: B023
            return expire_all(engine, NOW + 9999 * DAY)

        with ThreadPoolExecutor(2) as pool:
            made, gone = pool.submit(finish), pool.submit(expire)
            made.result()
        twin = ledger.get_twin(engine, run.twin_id)
        assert (twin.status == "deleted") == (run.twin_id in gone.result())
        assert ledger.get_run(engine, run.id).status == "completed"
        assert ledger.get_result(engine, run.id)


def test_finishing_against_purge_leaves_a_result_or_nothing_of_it(engine: Engine) -> None:
    for _ in range(10):
        run = make_running(engine)
        together, finished = threading.Barrier(2), threading.Event()

        def finish() -> object:
            together.wait()  # noqa: B023
            try:
                return ledger.complete_run(engine, run.id, run.lease_generation, a_result())  # noqa: B023
            finally:
                finished.set()  # noqa: B023

        def rival() -> None:
            together.wait()  # noqa: B023
            last = False
            while not last:
                last = finished.is_set()  # noqa: B023
                purge(in_batches(engine), NOW + 9999 * DAY, LIMITS)

        with ThreadPoolExecutor(2) as pool:
            made, gone = pool.submit(finish), pool.submit(rival)
            assert made.result()
            gone.result()
        assert lost_rows(engine) == {}
        left = "SELECT count(*) FROM simulation_{} WHERE {} = :run"
        results = number(engine, left.format("results", "simulation_run_id"), run=run.id)
        assert number(engine, left.format("runs", "id"), run=run.id) == results
        if results:
            assert ledger.get_result(engine, run.id).end_state == a_result()["end_state"]
        assert ledger.get_twin(engine, run.twin_id).status == "completed"
