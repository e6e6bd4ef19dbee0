"""Every factory makes a row that a real Postgres accepts, everywhere in its space; what is wrong is refused inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, bindparam, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from tests.factories import a_payload, bookkeeping, make_result, make_run, make_running
from tests.factories.row_spaces import SPACES, rows_of
from tests.factories.rows import make_whole_result
from tests.factories.spaces import columns

from twinpipe.db import ledger
from twinpipe.db.models import Base, LearnedPattern, SimulationResult
from twinpipe.errors import InvalidInput
from twinpipe.payloads import COLUMNS

RESULTS = [column for table, column in COLUMNS if table == "simulation_results"]
GENERATED = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_every_table_that_is_written_has_a_factory() -> None:
    made_along = {"celestial_bodies", "solar_systems", "users", "status_transition"}
    assert set(SPACES) == {t.name for t in Base.metadata.sorted_tables} - made_along - {"ledger_pause"}


@pytest.mark.parametrize("table", SPACES)
def test_a_factory_makes_a_row_without_being_told_anything(engine: Engine, table: str) -> None:
    make, _ = SPACES[table]
    make(engine)
    make(engine)


@pytest.mark.parametrize("table", SPACES)
@GENERATED
@given(data=st.data())
def test_every_generated_row_is_accepted(engine: Engine, data: st.DataObject, table: str) -> None:
    data.draw(rows_of(table))(engine)


@GENERATED
@given(payloads=st.fixed_dictionaries({c: columns("simulation_results", c) for c in RESULTS}))
def test_what_is_stored_is_what_was_given(engine: Engine, payloads: dict[str, Any]) -> None:
    stored = make_whole_result(engine, **payloads)
    for column in RESULTS:
        assert _as_floats(getattr(stored, column)) == _as_floats(payloads[column]), column


@GENERATED
@given(values=st.lists(st.floats(1e18, 1e21) | st.floats(allow_nan=False, allow_infinity=False), min_size=30))
def test_numbers_come_back_as_they_were_given(engine: Engine, values: list[float]) -> None:
    with engine.connect() as connection:
        sent = connection.execute(select(bindparam("values", values, JSONB))).scalar_one()
    assert [float(value) for value in sent] == values


@pytest.mark.parametrize("column", RESULTS)
@pytest.mark.parametrize("value", ["text", 1.0, True, None])
def test_a_payload_of_the_wrong_shape_is_refused_before_and_inside_the_database(
    engine: Engine, column: str, value: object
) -> None:
    run = make_running(engine)
    with pytest.raises(InvalidInput, match=f"result.{column}"):
        ledger.complete_run(engine, run.id, run.lease_generation, {**_payloads(), column: value})
    assert ledger.get_run(engine, run.id).status == "running"
    values = {"simulation_run_id": run.id, "digital_twin_id": run.twin_id, "payload_sha256": b"5" * 32}
    with pytest.raises(DBAPIError) as caught:
        bookkeeping.insert_row(engine, SimulationResult, {**values, **_payloads(), column: value})
    assert str(getattr(caught.value.orig, "sqlstate", None)).startswith("23")


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (bookkeeping.insert_sweep, {"members": 0}),
        (bookkeeping.insert_sweep, {"name": " "}),
        (bookkeeping.insert_sweep, {"progress": float("nan")}),
        (bookkeeping.make_segment, {"bytes": -1}),
        (bookkeeping.make_segment, {"digest": "5"}),
        (bookkeeping.make_outbox, {"attempts": -1}),
        (bookkeeping.make_outbox, {"payload": []}),
        (bookkeeping.make_audit_entry, {"detail": []}),
        (bookkeeping.make_stats, {"best_overall": 1.2}),
        (bookkeeping.make_stats, {"pattern": "moon_cheese"}),
        (bookkeeping.make_learned_pattern, {"success_score": float("nan")}),
        (bookkeeping.make_learned_pattern, {"deployment_sequence": {}}),
        (bookkeeping.make_learned_pattern, {"times_applied": -1}),
        (bookkeeping.make_application, {"score": 1.01}),
    ],
)
def test_a_row_with_one_wrong_value_is_refused_by_a_check_that_names_it(
    engine: Engine, make: Callable[..., Any], changes: dict[str, Any]
) -> None:
    with pytest.raises(DBAPIError) as caught:
        make(engine, **changes)
    assert getattr(caught.value.orig, "sqlstate", None) == "23514"


def test_runs_and_twins_refuse_payloads_by_name(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match=r"parameters\.spec\.years"):
        make_run(engine, parameters={"spec": {"years": 0}, "store": "runs/0000000000000000.zarr"})
    with pytest.raises(InvalidInput, match=r"parameters\.store"):
        make_run(engine, parameters={**a_payload("simulation_runs", "parameters"), "store": "../../etc"})
    assert make_result(engine).overall_score <= 1
    assert LearnedPattern.__tablename__ in SPACES


def _payloads() -> dict[str, Any]:
    return {column: a_payload("simulation_results", column) for column in RESULTS}


def _as_floats(value: Any) -> Any:
    """The value with whole numbers as floats: jsonb does not tell 2e17 from 200000000000000000."""
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
