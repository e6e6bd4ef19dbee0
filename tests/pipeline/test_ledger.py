"""Laws of the ledger, on a real Postgres."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from tests.factories import a_result, make_ready_twin, make_run, make_running, make_twin, run_parameters

from twinpipe.db import ledger
from twinpipe.db.ledger import RunRow, TwinRow
from twinpipe.errors import BudgetError, Busy, Conflict, InvalidInput, NotFound, TwinpipeError

T = TypeVar("T")
LEASE = 60.0


def a_run(engine: Engine, twin: TwinRow, spec: str = "spec", again: bool = False) -> RunRow:
    return make_run(engine, twin, spec_digest=spec, again=again)


def outcomes(work: Callable[[], T], times: int) -> tuple[list[T], list[TwinpipeError]]:
    """What times concurrent calls returned, and what they raised."""

    def call(_: int) -> T | TwinpipeError:
        try:
            return work()
        except TwinpipeError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        got = list(pool.map(call, range(times)))
    errors = [item for item in got if isinstance(item, TwinpipeError)]
    return [item for item in got if not isinstance(item, TwinpipeError)], errors


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_twin_lives_from_creating_to_ready_and_keeps_its_words(engine: Engine) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    twin = make_twin(engine, ttl_days=30, now=now)
    assert (twin.status, twin.body, twin.solar_system, twin.created_by) == (
        *("creating", "MARS-01", "SOL-01", "system"),
    )
    assert twin.expires_at == now + timedelta(days=30)
    assert make_twin(engine, ttl_days=0).expires_at is None
    ledger.mark_twin_ready(engine, twin.id, "stores/x")
    ledger.mark_twin_ready(engine, twin.id, "stores/x")  # a repetition changes nothing
    assert ledger.get_twin(engine, twin.id).store_path == "stores/x"
    with pytest.raises(Conflict):
        ledger.mark_twin_failed(engine, twin.id)
    assert len(ledger.list_twins(engine, 10)) == 2
    json.dumps(ledger.get_twin(engine, twin.id).as_dict())


def test_a_body_is_one_row_under_concurrent_creation(engine: Engine) -> None:
    ids, errors = outcomes(lambda: ledger.ensure_body(engine, "MARS-01", "Mars", "SOL-01"), 8)
    assert len(set(ids)) == 1
    assert not errors
    with pytest.raises(InvalidInput, match="another system"):
        ledger.ensure_body(engine, "MARS-01", "Mars", "AC-01")


def test_what_does_not_exist_is_not_found(engine: Engine) -> None:
    for look in (ledger.get_twin, ledger.get_run, ledger.get_result, ledger.cancel_run):
        with pytest.raises(NotFound):
            look(engine, 987654)
    with pytest.raises(NotFound):
        ledger.claim_run(engine, 987654, LEASE)


def test_the_same_spec_is_the_same_run(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    runs, errors = outcomes(lambda: a_run(engine, twin), 8)
    assert len({run.id for run in runs}) == 1
    assert not errors
    assert a_run(engine, twin, again=True).id != runs[0].id
    other = a_run(engine, twin, "other")
    ledger.cancel_run(engine, other.id)
    assert a_run(engine, twin, "other").id != other.id  # a cancelled run does not stand for its spec


def test_runs_need_a_twin_that_is_ready(engine: Engine) -> None:
    with pytest.raises(Conflict, match="creating"):
        a_run(engine, make_twin(engine))
    twin = make_ready_twin(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE digital_twins SET status = 'deleted', deleted_at = now()"))
    with pytest.raises(Conflict, match="deleted"):
        a_run(engine, twin)


def test_a_claim_is_exclusive(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    run = a_run(engine, twin)
    generations, errors = outcomes(lambda: ledger.claim_run(engine, run.id, LEASE), 8)
    assert generations == [1]
    assert len(errors) == 7
    assert {type(error) for error in errors} == {Busy}
    assert ledger.get_twin(engine, twin.id).status == "running_simulation"
    second = a_run(engine, twin, "second")
    with pytest.raises(Conflict, match="one at a time"):
        ledger.claim_run(engine, second.id, LEASE)


def test_one_of_many_queued_runs_gets_the_twin(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    waiting = [a_run(engine, twin, f"spec {i}").id for i in range(6)]
    got, errors = outcomes(lambda: ledger.claim_run(engine, waiting.pop(), LEASE), 6)
    assert (got, len(errors)) == ([1], 5)


def test_a_result_is_written_exactly_once(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    run = a_run(engine, twin)
    generation = ledger.claim_run(engine, run.id, LEASE)
    ids, errors = outcomes(lambda: ledger.complete_run(engine, run.id, generation, a_result()), 8)
    assert not errors
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert count(engine, "simulation_results") == 1
    done = ledger.get_run(engine, run.id)
    assert (done.status, done.progress, done.lease_until) == ("completed", 1.0, None)
    assert ledger.get_twin(engine, twin.id).status == "completed"
    result = ledger.get_result(engine, run.id)
    assert result.end_state == a_result()["end_state"]
    assert result.overall_score == pytest.approx((0.78 + 0.92 + 0.85 + 0.76) / 4)
    with pytest.raises(Conflict, match="different result"):
        ledger.complete_run(engine, run.id, generation, a_result(end_state={"years": [1.0, 2.0]}))
    assert a_run(engine, twin).id == run.id


def test_a_lost_connection_in_the_middle_is_repeated_and_still_once(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    run = a_run(engine, twin)
    generation = ledger.claim_run(engine, run.id, LEASE)
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with ThreadPoolExecutor(9) as pool:
        writers = [pool.submit(ledger.complete_run, engine, run.id, generation, a_result()) for _ in range(8)]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for _ in range(5):
                connection.execute(others)
        assert len({writer.result() for writer in writers}) == 1
    assert count(engine, "simulation_results") == 1


def test_who_waited_for_a_run_sees_it_as_it_is_by_then(engine: Engine) -> None:
    run = make_running(engine)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor(1) as pool, engine.connect() as looker:
        with engine.begin() as holder:
            holder.execute(text("SELECT FROM digital_twins WHERE id = :id FOR UPDATE"), {"id": run.twin_id})
            writer = pool.submit(ledger.complete_run, engine, run.id, run.lease_generation, a_result())
            while not looker.execute(waiting).scalar_one():
                assert not writer.done(), "it did not wait for the twin"
            holder.execute(text("UPDATE simulation_runs SET lease_generation = 7 WHERE id = :id"), {"id": run.id})
        with pytest.raises(Conflict, match="no longer held"):
            writer.result()
    assert count(engine, "simulation_results") == 0


def test_completion_is_all_or_nothing(engine: Engine) -> None:
    run = make_running(engine)
    with engine.begin() as connection:  # what the last part of the completion runs into
        connection.execute(text("ALTER TABLE run_stats_daily ADD CONSTRAINT ck_of_a_test CHECK (n < 0) NOT VALID"))
    try:
        with pytest.raises(InvalidInput):
            ledger.complete_run(engine, run.id, run.lease_generation, a_result())
        tables = ("simulation_results", "outbox", "run_stats_daily")
        assert [count(engine, table) for table in tables] == [0, 0, 0]
        assert ledger.get_run(engine, run.id).status == "running"
        assert ledger.get_twin(engine, run.twin_id).status == "running_simulation"
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE run_stats_daily DROP CONSTRAINT ck_of_a_test"))
    ledger.complete_run(engine, run.id, run.lease_generation, a_result())
    assert [count(engine, table) for table in tables] == [1, 1, 1]


def test_an_expired_lease_is_taken_over_and_the_old_generation_is_fenced(engine: Engine) -> None:
    run = a_run(engine, make_ready_twin(engine))
    old = ledger.claim_run(engine, run.id, LEASE)
    later = datetime.now(UTC) + timedelta(minutes=5)
    new = ledger.claim_run(engine, run.id, LEASE, later)
    assert (old, new) == (1, 2)
    assert ledger.get_run(engine, run.id).attempt == 2
    assert not ledger.report_progress(engine, run.id, old, 0.5, LEASE)
    assert ledger.report_progress(engine, run.id, new, 0.25, LEASE)
    assert ledger.get_run(engine, run.id).progress == 0.25
    assert not ledger.fail_run(engine, run.id, old, "late")
    with pytest.raises(Conflict, match="no longer held"):
        ledger.complete_run(engine, run.id, old, a_result())
    assert ledger.complete_run(engine, run.id, new, a_result())


def test_a_dead_run_does_not_keep_its_twin_from_the_next_one(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    dead, next_one = a_run(engine, twin), a_run(engine, twin, "next")
    ledger.claim_run(engine, dead.id, LEASE)
    ledger.claim_run(engine, next_one.id, LEASE, datetime.now(UTC) + timedelta(minutes=5))
    assert ledger.get_run(engine, dead.id).status == "failed"
    assert ledger.get_twin(engine, twin.id).status == "running_simulation"


def test_an_ended_run_gives_its_twin_back(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    run = a_run(engine, twin)
    generation = ledger.claim_run(engine, run.id, LEASE)
    assert ledger.cancel_run(engine, run.id)
    assert not ledger.cancel_run(engine, run.id)
    assert not ledger.report_progress(engine, run.id, generation, 0.5, LEASE)
    assert ledger.get_twin(engine, twin.id).status == "ready"
    run = a_run(engine, twin)
    ledger.complete_run(engine, run.id, ledger.claim_run(engine, run.id, LEASE), a_result())
    run = a_run(engine, twin, "second")
    assert ledger.fail_run(engine, run.id, ledger.claim_run(engine, run.id, LEASE), "no\0 sun")
    assert ledger.get_run(engine, run.id).error_message == "no sun"
    assert ledger.get_twin(engine, twin.id).status == "completed"
    assert [row.status for row in ledger.list_runs(engine, twin.id)] == ["failed", "completed", "cancelled"]


def test_the_reaper_ends_what_nobody_ended(engine: Engine) -> None:
    silent, idle, half_made = make_ready_twin(engine), make_ready_twin(engine), make_twin(engine)
    running, queued = a_run(engine, silent), a_run(engine, idle)
    ledger.claim_run(engine, running.id, LEASE)
    assert ledger.reap(engine) == []
    assert ledger.reap(engine, datetime.now(UTC) + timedelta(days=2)) == [running.id, queued.id]
    ended = ledger.get_run(engine, running.id)
    assert (ended.status, ended.error_message) == (*("failed", "the process that ran it ended without saying so"),)
    assert ledger.get_run(engine, queued.id).status == "cancelled"
    assert ledger.get_twin(engine, silent.id).status == "ready"
    assert ledger.get_twin(engine, half_made.id).status == "failed"


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE simulation_runs SET status = 'queued'", "TP001"),
        ("UPDATE simulation_runs SET status = 'failed', error_message = 'x'", "TP001"),
        ("UPDATE digital_twins SET status = 'creating'", "TP001"),
        ("UPDATE simulation_results SET end_state = '{}'", "TP002"),
        ("UPDATE simulation_runs SET progress = 'NaN'", "23514"),
        ("UPDATE simulation_runs SET duration_years = 1001", "23514"),
        ("UPDATE digital_twins SET deleted_at = now()", "23514"),
        ("DELETE FROM digital_twins", "23"),
        ("DELETE FROM simulation_runs", "23"),
    ],
)
def test_the_database_itself_refuses_what_must_not_be(engine: Engine, statement: str, state: str) -> None:
    run = a_run(engine, make_ready_twin(engine))
    ledger.complete_run(engine, run.id, ledger.claim_run(engine, run.id, LEASE), a_result())
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        connection.execute(text(statement))
    assert caught.value.orig is not None
    assert str(getattr(caught.value.orig, "sqlstate", "")).startswith(state)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "a\0b", 2**70, {1, 2}, {1: "x"}])
def test_what_json_cannot_hold_is_refused_and_named(engine: Engine, value: object) -> None:
    run = a_run(engine, make_ready_twin(engine))
    generation = ledger.claim_run(engine, run.id, LEASE)
    with pytest.raises(InvalidInput, match=r"result\.end_state\.deep\[0\]"):
        ledger.complete_run(engine, run.id, generation, a_result(end_state={"deep": [value]}))
    assert ledger.get_run(engine, run.id).status == "running"


@pytest.mark.parametrize("value", [1.01, -0.1, None, "high"])
def test_a_metric_outside_its_range_is_refused(engine: Engine, value: object) -> None:
    run = a_run(engine, make_ready_twin(engine))
    generation = ledger.claim_run(engine, run.id, LEASE)
    for metric in a_result()["success_metrics"]:
        with pytest.raises(InvalidInput):
            ledger.complete_run(engine, run.id, generation, a_result(success_metrics={metric: value}))
    assert count(engine, "simulation_results") == 0
    assert ledger.get_run(engine, run.id).status == "running"


@pytest.mark.parametrize("value", [False, None])
def test_a_result_whose_books_do_not_close_is_refused(engine: Engine, value: object) -> None:
    run = a_run(engine, make_ready_twin(engine))
    generation = ledger.claim_run(engine, run.id, LEASE)
    with pytest.raises(BudgetError):
        ledger.complete_run(engine, run.id, generation, a_result(performance_data={"budget_closes": value}))
    with pytest.raises(InvalidInput):
        ledger.complete_run(engine, run.id, generation, {"end_state": {}})


def test_values_that_are_not_allowed_are_named(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="name"):
        make_twin(engine, "  ")
    twin = make_ready_twin(engine)
    common: dict[str, Any] = {"twin_id": twin.id, "parameters": run_parameters(), "spec_digest": "x"}
    with pytest.raises(InvalidInput, match="pattern"):
        ledger.create_run(engine, pattern="moon_cheese", years=1, **common)
    with pytest.raises(InvalidInput, match="duration_years"):
        ledger.create_run(engine, pattern="custom", years=0, **common)
    run = a_run(engine, twin)
    with pytest.raises(InvalidInput, match="progress"):
        ledger.report_progress(engine, run.id, 1, float("nan"), LEASE)
