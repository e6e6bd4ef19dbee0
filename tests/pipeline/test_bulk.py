"""Laws of the bulk import of results."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.factories import a_result, make_result, make_running

from twinpipe.db import bulk, ledger
from twinpipe.db.bulk import Imported, bulk_insert_results
from twinpipe.db.statistics import repair_statistics
from twinpipe.errors import BudgetError, Conflict, InvalidInput, NotFound

NAN = float("nan")


def completed_runs(engine: Engine, number: int) -> list[int]:
    """Runs that are completed, but whose results are lost."""
    runs = [make_result(engine).run_id for _ in range(number)]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM simulation_results"))
        connection.execute(text("DELETE FROM run_stats_daily"))
    return runs


def different(i: int) -> dict[str, Any]:
    return a_result(success_metrics={"habitability_score": i / 100}, performance_data={"mass_error": i * 1e-17})


def test_many_results_are_written_once_and_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 3)  # several batches
    runs = completed_runs(engine, 12)
    given = [(run, different(i)) for i, run in enumerate(runs)]
    assert bulk_insert_results(engine, given[:5]) == Imported(5, 0)
    assert bulk_insert_results(engine, iter(given + given[:2])) == Imported(7, 7)
    for run, result in given:
        row = ledger.get_result(engine, run)
        assert {name: getattr(row, name) for name in result} == result
    assert repair_statistics(engine, row.created_at.date()) == 0


def test_it_is_the_same_row_that_the_run_itself_would_have_written(engine: Engine) -> None:
    one = make_result(engine)
    assert bulk_insert_results(engine, [(one.run_id, a_result())]) == Imported(0, 1)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM simulation_results"))
    bulk_insert_results(engine, [(one.run_id, a_result())])
    assert ledger.get_result(engine, one.run_id).payload_sha256 == one.payload_sha256


def test_nothing_of_a_batch_is_written_when_one_is_refused(engine: Engine) -> None:
    first, second = completed_runs(engine, 2)
    unfinished = make_running(engine).id
    kept = make_result(engine).run_id
    refused: list[tuple[type[Exception], str, int, dict[str, Any]]] = [
        (NotFound, "987654", 987654, a_result()),
        (Conflict, "completed", unfinished, a_result()),
        (Conflict, "different", kept, different(3)),
        (InvalidInput, "habitability_score", second, a_result(success_metrics={"habitability_score": 1.2})),
        (InvalidInput, "habitability_score", second, a_result(success_metrics={"habitability_score": NAN})),
        (
            InvalidInput,
            "composition",
            second,
            a_result(start_state={"atmosphere": {"composition_percent": {"x": NAN}}}),
        ),
        (InvalidInput, "gas_mass_kg", second, a_result(start_state={"atmosphere": {"gas_mass_kg": {"a\0b": 1.0}}})),
        (BudgetError, "books", second, a_result(performance_data={"budget_closes": False})),
        (InvalidInput, "exactly", second, {"start_state": {}}),
    ]
    for error, says, run, result in refused:
        with pytest.raises(error, match=says):
            bulk_insert_results(engine, [(first, a_result()), (run, result)])
        with pytest.raises(NotFound):
            ledger.get_result(engine, first)
    assert bulk_insert_results(engine, []) == Imported(0, 0)
