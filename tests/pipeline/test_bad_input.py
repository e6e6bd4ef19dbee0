"""What is wrong is refused with an error that names the field: by the verbs, by the models, and by the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from tests.factories import (
    a_result,
    make_ready_twin,
    make_result,
    make_run,
    make_running,
    make_sweep,
    make_twin,
    run_parameters,
    sweep_design,
)

from twinpipe.db import ledger
from twinpipe.db.models import Base, DigitalTwin, SimulationResult, SimulationRun
from twinpipe.db.refusals import explained
from twinpipe.db.session import transaction
from twinpipe.errors import Conflict, InvalidInput, NotFound, TwinpipeError

NAN = float("nan")
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
LEASE = 60.0


def wrong_metric(engine: Engine) -> None:
    make_result(engine, success_metrics={"habitability_score": 1.2})


def wrong_progress(engine: Engine) -> None:
    run = make_running(engine)
    ledger.report_progress(engine, run.id, run.lease_generation, NAN, LEASE)


def reused_twin_key(engine: Engine) -> None:
    make_twin(engine, "another", key=make_twin(engine).twin_key)


def reused_sweep_key(engine: Engine) -> None:
    make_sweep(engine, key=make_sweep(engine).sweep_key)


def wrong_member(**spec: Any) -> Callable[[Engine], object]:
    """Ask for a sweep of two members of which the second is wrong."""
    members = [run_parameters(), run_parameters(spec=spec)]
    return lambda engine: make_sweep(engine, spec=sweep_design(2), members=members)


def reused_run_key(engine: Engine) -> None:
    make_run(engine, key=make_run(engine).run_key)


def sweep_of(twin_id: int) -> dict[str, Any]:
    members = [run_parameters(spec={"seed": seed}) for seed in range(3)]
    return {"twin_id": twin_id, "name": "sweep", "spec": sweep_design(3), "members": members}


REFUSED: dict[str, tuple[Callable[[Engine], object], type[TwinpipeError], str]] = {
    "score 1.2": (wrong_metric, InvalidInput, "habitability_score"),
    "progress NaN": (wrong_progress, InvalidInput, "progress"),
    "duration 0": (lambda e: make_run(e, years=0), InvalidInput, "duration_years"),
    "duration 1001": (lambda e: make_run(e, years=1001), InvalidInput, "duration_years"),
    "unknown pattern": (lambda e: make_run(e, pattern="moon_cheese"), InvalidInput, "pattern"),
    "blank name": (lambda e: make_twin(e, "   "), InvalidInput, "name"),
    "empty name": (lambda e: make_twin(e, ""), InvalidInput, "name"),
    "name of 10,000 characters": (lambda e: make_twin(e, "x" * 10_000), InvalidInput, "name"),
    "expiry in the past": (lambda e: make_twin(e, ttl_days=None, expires_at=YESTERDAY), InvalidInput, "expires_at"),
    "expiry without zone": (
        *(lambda e: make_twin(e, ttl_days=None, expires_at=datetime(2999, 1, 1)),),
        *(InvalidInput, "expires_at"),
    ),
    "negative time to live": (lambda e: make_twin(e, ttl_days=-1), InvalidInput, "ttl_days"),
    "no such twin": (lambda e: ledger.delete_twin(e, 10**9), NotFound, "twin"),
    "key of another twin": (reused_twin_key, Conflict, "twin_key"),
    "key of another run": (reused_run_key, Conflict, "run_key"),
    "key of another sweep": (reused_sweep_key, Conflict, "sweep_key"),
    "blank name of a sweep": (lambda e: make_sweep(e, name="  "), InvalidInput, "name"),
    "name of a sweep that is no text": (lambda e: make_sweep(e, name="\ud800"), InvalidInput, "name"),
    "sweep of no members": (lambda e: make_sweep(e, spec=sweep_design(0)), InvalidInput, r"spec\.members"),
    "sweep of a member twice": (
        *(lambda e: make_sweep(e, spec=sweep_design(members=[{"spec_digest": "0" * 64}] * 2)),),
        *(InvalidInput, r"spec\.members.* member 1 is member 0 again"),
    ),
    "sweep that lacks a member": (
        *(lambda e: make_sweep(e, spec=sweep_design(2), members=[run_parameters()]),),
        *(InvalidInput, "members: 1 .* names 2"),
    ),
    "member of 1001 years": (wrong_member(years=1001), InvalidInput, r"members\.1\.parameters\.spec\.years"),
    "member of an unknown pattern": (
        *(wrong_member(scenario={"pattern": "moon_cheese"}), InvalidInput),
        r"members\.1\.parameters\.spec\.scenario\.pattern",
    ),
    "member that is not a number": (wrong_member(seed=NAN), InvalidInput, r"members\.1\.parameters\.spec\.seed"),
    "sweep of no twin": (lambda e: ledger.create_sweep(e, **sweep_of(10**9)), NotFound, "twin"),
    "sweep of a twin in creation": (lambda e: make_sweep(e, make_twin(e)), Conflict, "creating"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_verbs_name_the_field_and_write_nothing(engine: Engine, what: str) -> None:
    work, kind, field = REFUSED[what]
    with pytest.raises(kind, match=field) as caught:
        work(engine)
    assert len(str(caught.value)) < 400
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM simulation_results")).scalar_one() == 0


def status(table: str, new: str) -> Callable[[Engine], object]:
    def change(engine: Engine) -> None:
        with transaction(engine) as connection, explained():
            connection.execute(text(f"UPDATE {table} SET status = '{new}'"))

    return change


def test_a_wrong_change_of_status_is_a_conflict_that_tells_both(engine: Engine) -> None:
    run = make_run(engine)
    with pytest.raises(Conflict, match=f"run {run.id} cannot go from queued to completed"):
        status("simulation_runs", "completed")(engine)
    with pytest.raises(Conflict, match=r"twin \d+ cannot go from ready to creating"):
        status("digital_twins", "creating")(engine)
    with pytest.raises(Conflict, match="queued"):
        ledger.complete_run(engine, run.id, 1, a_result())
    ledger.cancel_run(engine, run.id)
    with pytest.raises(Conflict, match="cancelled"):
        ledger.claim_run(engine, run.id, LEASE)


def raw_run(engine: Engine, **values: Any) -> None:
    row = {"pattern": "custom", "duration_years": 1, "run_key": uuid4(), "spec_digest": "0" * 64}
    insert_row(engine, SimulationRun, row | values)


def insert_row(engine: Engine, model: type[Base], values: dict[str, Any]) -> None:
    with transaction(engine) as connection, explained():
        connection.execute(insert(model).values(values))


def test_the_database_refuses_duplicates_and_foreigners_by_name(engine: Engine) -> None:
    run, other = make_running(engine), make_ready_twin(engine)
    with pytest.raises(InvalidInput, match="run_key"):
        raw_run(engine, digital_twin_id=other.id, run_key=run.run_key)
    with pytest.raises(InvalidInput, match="digital_twin_id"):
        raw_run(engine, digital_twin_id=10**9)
    foreign = {"simulation_run_id": run.id, "digital_twin_id": other.id, "payload_sha256": b"0" * 32}
    with pytest.raises(InvalidInput, match="simulation_run_id_digital_twin_id"):
        insert_row(engine, SimulationResult, foreign | a_result())
    with pytest.raises(InvalidInput, match="expires_at"), transaction(engine) as connection, explained():
        connection.execute(text("UPDATE digital_twins SET expires_at = created_at - interval '1 second'"))


def test_a_body_stays_in_its_system(engine: Engine) -> None:
    make_twin(engine)
    with pytest.raises(InvalidInput, match="solar_system"):
        make_twin(engine, solar_system="ELSEWHERE-01")


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (DigitalTwin, "name", " "),
        (DigitalTwin, "name", "x" * 10_000),
        (DigitalTwin, "status", "asleep"),
        (SimulationRun, "status", "asleep"),
        (SimulationRun, "pattern", "moon_cheese"),
        (SimulationRun, "duration_years", 0),
        (SimulationRun, "duration_years", 1001),
        (SimulationRun, "duration_years", 1.5),
        (SimulationRun, "progress", NAN),
        (SimulationRun, "progress", 1.01),
    ],
)
def test_models_validate_as_the_requirement_says(model: type[Any], field: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=field):
        model(**{field: value})


def test_models_know_their_relatives_and_the_two_scopes(engine: Engine) -> None:
    result = make_result(engine)
    gone, eternal = make_ready_twin(engine), make_ready_twin(engine, ttl_days=0)
    ledger.delete_twin(engine, gone.id)
    with Session(engine) as session:
        twin = session.get_one(DigitalTwin, result.twin_id)
        (run,) = twin.simulation_runs
        assert run.simulation_result is not None
        assert (run.simulation_result.id, run.digital_twin) == (result.id, twin)
        assert [r.id for r in twin.simulation_results] == [result.id]
        assert (run.simulation_result.simulation_run, run.simulation_result.digital_twin) == (run, twin)
        assert (twin.celestial_body.identifier, twin.celestial_body.solar_system) == (
            *(ledger.get_twin(engine, twin.id).body, twin.solar_system),
        )
        assert twin.created_by is not None
        assert run.initiated_by == twin.created_by
        later = datetime.now(UTC) + timedelta(days=31)
        assert {t.id for t in session.scalars(DigitalTwin.active())} == {twin.id, eternal.id}
        assert {t.id for t in session.scalars(DigitalTwin.expired(later))} == {twin.id, gone.id}
        assert {t.id for t in session.scalars(DigitalTwin.expired())} == {gone.id}


def test_a_writer_of_a_stale_copy_is_refused(engine: Engine) -> None:
    run = make_running(engine)
    with Session(engine) as session:
        twin = session.get_one(DigitalTwin, run.twin_id)
        version = twin.lock_version
        twin.description = "first"
        session.commit()
        assert twin.lock_version == version + 1  # counted by the trigger, and known here
        with transaction(engine) as connection:
            connection.execute(text("UPDATE digital_twins SET description = 'meanwhile'"))
        twin.description = "second"
        with pytest.raises(StaleDataError):
            session.commit()
        session.rollback()
        assert twin.description == "meanwhile"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=0, max_size=300))
def test_a_name_is_kept_as_it_is_or_refused(engine: Engine, name: str) -> None:
    if 1 <= len(name) <= 200 and name.strip() and "\0" not in name:
        assert make_twin(engine, name).name == name
    elif "\0" in name or not name.strip() or len(name.strip(" ")) > 200:
        with pytest.raises(InvalidInput, match="name"):
            make_twin(engine, name)
