"""Laws of sweeps: their members are created, held and ended together, and each has its result exactly once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from tests.factories import (
    a_result,
    make_ready_twin,
    make_run,
    make_running,
    make_running_sweep,
    make_sweep,
    sweep_design,
)

from twinpipe.db import ledger
from twinpipe.db.census import take_census
from twinpipe.db.deletion import expire_twins
from twinpipe.db.foresight import foresee
from twinpipe.db.ledger import RunRow, SweepRow
from twinpipe.db.outbox import RUN_PURGED, take
from twinpipe.db.pause import paused
from twinpipe.db.retention import Limits, in_batches, purge
from twinpipe.db.session import transaction
from twinpipe.errors import Busy, Conflict, NotFound, TwinpipeError

T = TypeVar("T")
LEASE = 60.0


def silent_runs(engine: Engine, now: datetime | None = None) -> list[int]:
    """The runs that a cleanup foretells to reap."""
    moment = now or datetime.now(UTC)
    return foresee(engine, datetime.now(UTC), moment, Limits(), moment).reaped_runs


LATER = timedelta(minutes=5)


def members(engine: Engine, sweep: SweepRow) -> list[RunRow]:
    return ledger.list_members(engine, sweep.id)


def statuses(engine: Engine, sweep: SweepRow) -> tuple[str, list[str], str]:
    """Of the sweep, of its members and of its twin."""
    runs = [run.status for run in members(engine, sweep)]
    return ledger.get_sweep(engine, sweep.id).status, runs, ledger.get_twin(engine, sweep.twin_id).status


def complete(engine: Engine, sweep: SweepRow, *numbers: int) -> None:
    for run in members(engine, sweep):
        if run.member in numbers:
            ledger.complete_run(engine, run.id, sweep.lease_generation, a_result())


def count(engine: Engine, query: str) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {query}")).scalar_one())


def outcomes(work: list[Callable[[], T]]) -> tuple[list[T], list[TwinpipeError]]:
    """What concurrent calls returned, and what they raised."""

    def call(one: Callable[[], T]) -> T | TwinpipeError:
        try:
            return one()
        except TwinpipeError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        got = list(pool.map(call, work))
    errors = [item for item in got if isinstance(item, TwinpipeError)]
    return [item for item in got if not isinstance(item, TwinpipeError)], errors


def test_a_sweep_is_made_with_its_members_or_not_at_all(engine: Engine) -> None:
    sweep = make_sweep(engine, number=4)
    assert (sweep.status, sweep.members, sweep.progress, sweep.initiated_by) == ("queued", 4, 0.0, "system")
    runs = members(engine, sweep)
    assert [run.member for run in runs] == [0, 1, 2, 3]
    assert {(run.sweep_id, run.status, run.duration_years) for run in runs} == {(sweep.id, "queued", 3)}
    assert sweep.spec is not None
    assert [run.spec_digest for run in runs] == [m["spec_digest"] for m in sweep.spec["members"]]
    assert [run.parameters["spec"]["seed"] for run in runs if run.parameters] == [0, 1, 2, 3]
    with engine.begin() as connection:
        connection.execute(
            text("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$")
        )
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE INSERT ON simulation_runs FOR EACH ROW WHEN (NEW.member = 2) "
                "EXECUTE FUNCTION refuse()"
            )
        )
    try:
        with pytest.raises(DBAPIError, match="refused"):
            make_sweep(engine)
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION refuse CASCADE"))
    assert (count(engine, "sweeps"), count(engine, "simulation_runs")) == (1, 4)


def test_the_same_design_is_the_same_sweep_under_concurrent_creation(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    asked, errors = outcomes([lambda: make_sweep(engine, twin, again=False, name="whatever")] * 8)
    assert not errors
    assert len({sweep.id for sweep in asked}) == 1
    assert count(engine, "simulation_runs") == 3
    again = make_sweep(engine, twin)
    assert again.id != asked[0].id
    assert make_sweep(engine, twin, again=False) == again
    assert make_sweep(engine, twin, number=4, again=False).id not in (again.id, asked[0].id)
    other = sweep_design(3, base={"seed": 9})
    assert make_sweep(engine, twin, spec=other, again=False).id not in (again.id, asked[0].id)
    ledger.cancel_sweep(engine, again.id)
    ledger.cancel_sweep(engine, asked[0].id)
    assert make_sweep(engine, twin, again=False).id > again.id  # cancelled ones do not stand for it


def test_a_claim_holds_sweep_members_and_twin_for_one(engine: Engine) -> None:
    sweep = make_sweep(engine)
    generations, errors = outcomes([lambda: ledger.claim_sweep(engine, sweep.id, LEASE)] * 8)
    assert generations == [1]
    assert {type(error) for error in errors} == {Busy}
    assert len(errors) == 7
    assert statuses(engine, sweep) == ("running", ["running"] * 3, "running_simulation")
    runs = members(engine, sweep)
    assert {(run.lease_generation, run.attempt) for run in runs} == {(1, 1)}
    with pytest.raises(Conflict, match=f"run {runs[0].id} is a member of sweep {sweep.id}"):
        ledger.claim_run(engine, runs[0].id, LEASE)


def test_one_run_or_sweep_of_a_twin_runs_at_a_time(engine: Engine) -> None:
    twin = make_ready_twin(engine)
    runs, sweeps = [make_run(engine, twin) for _ in range(3)], [make_sweep(engine, twin) for _ in range(3)]
    claims: list[Callable[[], int]] = [lambda r=run: ledger.claim_run(engine, r.id, LEASE) for run in runs]  # type: ignore[misc]  # a default is how a loop binds
    claims += [lambda s=sweep: ledger.claim_sweep(engine, s.id, LEASE) for sweep in sweeps]  # type: ignore[misc]  # as above
    got, errors = outcomes(claims)
    assert (got, len(errors)) == ([1], 5)
    with pytest.raises(Conflict, match=r"(run|sweep) \d+ is running on twin"):
        make_running_sweep(engine, twin)
    with pytest.raises(Conflict, match="deleting"):
        ledger.delete_twin(engine, twin.id)


def test_nothing_is_claimed_while_the_ledger_is_paused(engine: Engine) -> None:
    sweep = make_sweep(engine)
    with paused(engine), pytest.raises(Conflict, match="paused"):
        ledger.claim_sweep(engine, sweep.id, LEASE)
    assert statuses(engine, sweep) == ("queued", ["queued"] * 3, "ready")


def test_each_member_gets_its_result_once_and_the_twin_stays_the_sweeps(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    run = members(engine, sweep)[0]
    ids, errors = outcomes([lambda: ledger.complete_run(engine, run.id, sweep.lease_generation, a_result())] * 8)
    assert not errors
    assert len(set(ids)) == 1
    assert statuses(engine, sweep) == ("running", ["completed", "running", "running"], "running_simulation")
    assert ledger.fail_run(engine, members(engine, sweep)[1].id, sweep.lease_generation, "it froze over")
    assert statuses(engine, sweep) == ("running", ["completed", "failed", "running"], "running_simulation")
    complete(engine, sweep, 2)  # a member that fails stops nobody
    assert ledger.report_sweep_progress(engine, sweep.id, sweep.lease_generation, 0.9, LEASE)
    assert ledger.finish_sweep(engine, sweep.id, sweep.lease_generation) == "completed"
    assert statuses(engine, sweep) == ("completed", ["completed", "failed", "completed"], "completed")
    done = ledger.get_sweep(engine, sweep.id)
    assert (done.progress, done.lease_until, done.error_message) == (1.0, None, None)
    assert count(engine, "simulation_results") == 2
    assert count(engine, "outbox WHERE topic = 'run.completed'") == 2


def test_a_sweep_without_a_completed_member_fails(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    runs = members(engine, sweep)
    for run in runs[:2]:
        ledger.fail_run(engine, run.id, sweep.lease_generation, "it froze over")
    with pytest.raises(Conflict, match="1 members that have not ended"):
        ledger.finish_sweep(engine, sweep.id, sweep.lease_generation)
    assert ledger.cancel_run(engine, runs[2].id)
    assert ledger.finish_sweep(engine, sweep.id, sweep.lease_generation) == "failed"
    assert statuses(engine, sweep) == ("failed", ["failed", "failed", "cancelled"], "ready")
    assert ledger.get_sweep(engine, sweep.id).error_message == "none of its 3 members completed"


def test_a_sweep_is_finished_once_with_its_seals(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    complete(engine, sweep, 0, 1, 2)
    seal = {"block": 0, "segment": 0, "generation": 1, "files": {"a": [5, "x"]}, "state": {"bytes": 7}}
    ended, errors = outcomes(
        [lambda: ledger.finish_sweep(engine, sweep.id, sweep.lease_generation, [seal, seal | {"segment": 1}])] * 8
    )
    assert (ended, errors) == (["completed"] * 8, [])
    assert count(engine, f"segments WHERE sweep_id = {sweep.id} AND bytes = 12 AND files = 2") == 2
    for generation in (sweep.lease_generation - 1, sweep.lease_generation + 1):
        with pytest.raises(Conflict, match="no longer held"):
            ledger.finish_sweep(engine, sweep.id, generation)
    with pytest.raises(Conflict, match="completed already"):
        ledger.claim_sweep(engine, sweep.id, LEASE)
    assert not ledger.fail_sweep(engine, sweep.id, sweep.lease_generation, "too late")
    assert not ledger.cancel_sweep(engine, sweep.id)


def test_a_lost_lease_is_taken_over_and_the_old_generation_is_fenced(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    complete(engine, sweep, 0)
    old = sweep.lease_generation
    with pytest.raises(Conflict, match="held by another process"):
        ledger.claim_sweep(engine, sweep.id, LEASE)
    new = ledger.claim_sweep(engine, sweep.id, LEASE, datetime.now(UTC) + LATER)
    assert (old, new) == (1, 2)
    first, second, _ = members(engine, sweep)
    assert (first.status, second.attempt) == ("completed", 2)  # what is done is not done again
    assert not ledger.report_sweep_progress(engine, sweep.id, old, 0.5, LEASE)
    assert not ledger.fail_sweep(engine, sweep.id, old, "late")
    assert not ledger.fail_run(engine, second.id, old, "late")
    for late in (
        lambda: ledger.complete_run(engine, second.id, old, a_result()),
        lambda: ledger.finish_sweep(engine, sweep.id, old),
    ):
        with pytest.raises(Conflict, match="no longer held"):
            late()
    now = ledger.get_sweep(engine, sweep.id)
    complete(engine, now, 1, 2)
    assert ledger.finish_sweep(engine, sweep.id, new) == "completed"


def test_a_maker_that_died_before_the_last_word_leaves_only_that_to_say(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    complete(engine, sweep, 0, 1, 2)
    generation = ledger.claim_sweep(engine, sweep.id, LEASE, datetime.now(UTC) + LATER)
    assert ledger.finish_sweep(engine, sweep.id, generation) == "completed"


@pytest.mark.parametrize("repetition", range(5))
def test_a_cancel_and_a_finish_leave_one_of_two_ends(engine: Engine, repetition: int) -> None:
    sweep = make_running_sweep(engine, number=2)
    complete(engine, sweep, 0, 1)
    work: list[Callable[[], object]] = [
        lambda: ledger.finish_sweep(engine, sweep.id, sweep.lease_generation),
        lambda: ledger.cancel_sweep(engine, sweep.id),
    ]
    got, errors = outcomes(work[:: -1 if repetition % 2 else 1])
    status, runs, twin = statuses(engine, sweep)
    assert (runs, twin) == (["completed", "completed"], "completed")  # results stay, whoever was first
    if status == "completed":
        assert (set(got), errors) == ({"completed", False}, [])
    else:
        assert (status, got, [type(e) for e in errors]) == ("cancelled", [True], [Conflict])


def test_a_sweep_that_ends_early_takes_what_it_owes_with_it(engine: Engine) -> None:
    queued = make_sweep(engine)
    assert ledger.cancel_sweep(engine, queued.id)
    assert statuses(engine, queued) == ("cancelled", ["cancelled"] * 3, "ready")
    sweep = make_running_sweep(engine)
    complete(engine, sweep, 1)
    assert ledger.fail_sweep(engine, sweep.id, sweep.lease_generation, "no\0 sun")
    assert statuses(engine, sweep) == ("failed", ["failed", "completed", "failed"], "completed")
    assert {run.error_message for run in members(engine, sweep)} == {"no sun", None}
    with pytest.raises(Conflict, match="no longer held"):
        ledger.complete_run(engine, members(engine, sweep)[0].id, sweep.lease_generation, a_result())
    assert make_running(engine, ledger.get_twin(engine, sweep.twin_id)).status == "running"


def test_members_live_by_the_lease_of_their_sweep(engine: Engine) -> None:
    sweep = make_running_sweep(engine, lease=1.0)
    ledger.report_sweep_progress(engine, sweep.id, sweep.lease_generation, 0.1, 3600.0)
    soon = datetime.now(UTC) + LATER  # later than the leases with which the members began
    lease = ledger.get_sweep(engine, sweep.id).lease_until
    assert lease is not None
    assert lease > soon
    assert {run.lease_until for run in members(engine, sweep)} == {lease}
    assert {run.lease_until for run in take_census(engine).runs.values()} == {lease}
    assert silent_runs(engine, soon) == ledger.reap(engine, soon) == []
    with pytest.raises(Conflict, match=f"sweep {sweep.id} is running"):
        ledger.claim_run(engine, make_run(engine, ledger.get_twin(engine, sweep.twin_id)).id, LEASE, soon)
    assert statuses(engine, sweep)[1] == ["running"] * 3


def test_members_are_reaped_with_their_sweep_and_not_before(engine: Engine) -> None:
    silent, idle, orphan = make_running_sweep(engine), make_sweep(engine), make_sweep(engine)
    complete(engine, silent, 0)
    assert silent_runs(engine) == ledger.reap(engine) == []
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE digital_twins SET status = 'deleted', deleted_at = now() WHERE id = :twin"),
            {"twin": orphan.twin_id},
        )
    told = silent_runs(engine)
    assert ledger.reap(engine) == told == [run.id for run in members(engine, orphan)]
    assert statuses(engine, orphan) == ("cancelled", ["cancelled"] * 3, "deleted")
    much_later = datetime.now(UTC) + timedelta(days=2)
    told = silent_runs(engine, much_later)
    assert ledger.reap(engine, much_later) == told
    assert told == [run.id for run in (*members(engine, silent)[1:], *members(engine, idle))]
    assert statuses(engine, silent) == ("failed", ["completed", "failed", "failed"], "completed")
    assert statuses(engine, idle) == ("cancelled", ["cancelled"] * 3, "ready")
    assert ledger.reap(engine, much_later) == []


def test_a_dead_sweep_does_not_keep_its_twin_and_a_dead_run_not_from_a_sweep(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    twin, later = ledger.get_twin(engine, sweep.twin_id), datetime.now(UTC) + LATER
    run, other = make_run(engine, twin), make_sweep(engine, twin)
    with pytest.raises(Conflict, match=f"sweep {sweep.id} is running"):
        ledger.claim_run(engine, run.id, LEASE)
    ledger.claim_run(engine, run.id, LEASE, later)
    assert statuses(engine, sweep) == ("failed", ["failed"] * 3, "running_simulation")
    ledger.claim_sweep(engine, other.id, LEASE, later + LATER)
    assert ledger.get_run(engine, run.id).status == "failed"
    assert statuses(engine, other) == ("running", ["running"] * 3, "running_simulation")


def test_a_member_stands_for_its_spec_only_with_its_result(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    complete(engine, sweep, 0)
    twin = ledger.get_twin(engine, sweep.twin_id)
    done, owed, _ = members(engine, sweep)
    assert make_run(engine, twin, spec_digest=done.spec_digest).id == done.id
    assert make_run(engine, twin, spec_digest=owed.spec_digest).sweep_id is None


def test_a_deleted_twin_takes_its_waiting_sweeps_with_it(engine: Engine) -> None:
    sweep = make_sweep(engine)
    assert ledger.delete_twin(engine, sweep.twin_id)
    assert statuses(engine, sweep) == ("cancelled", ["cancelled"] * 3, "deleted")
    with pytest.raises(Conflict, match="cancelled already"):
        ledger.claim_sweep(engine, sweep.id, LEASE)


def test_the_outputs_of_a_sweep_go_with_its_last_member(engine: Engine) -> None:
    sweep = make_running_sweep(engine, make_ready_twin(engine, ttl_days=0))
    complete(engine, sweep, 0, 1)
    ledger.fail_run(engine, members(engine, sweep)[2].id, None, "it froze over")
    ledger.finish_sweep(engine, sweep.id, sweep.lease_generation)
    end = datetime.now(UTC)
    went = purge(in_batches(engine), end + timedelta(days=366), Limits())
    assert (went["simulation_runs"].deleted, went["simulation_runs"].scrubbed) == (1, 2)
    assert (went["sweeps"].deleted, went["sweeps"].scrubbed) == (0, 1)
    assert ledger.get_sweep(engine, sweep.id).spec is None
    purge(in_batches(engine), end + timedelta(days=800), Limits())
    assert count(engine, "sweeps") == count(engine, "simulation_runs") == 0
    folders = {message.payload["folder"] for message in take(engine, (RUN_PURGED,))}
    assert folders == {"runs/0000000000000000.zarr"}


def test_a_twin_with_a_running_sweep_does_not_expire(engine: Engine) -> None:
    sweep = make_running_sweep(engine)
    later = datetime.now(UTC) + timedelta(days=400)
    assert expire_twins(in_batches(engine), later, timedelta(days=730)) == []
    ledger.reap(engine, later)
    assert [t.twin_id for t in expire_twins(in_batches(engine), later, timedelta(days=730))] == [sweep.twin_id]


def test_what_does_not_exist_is_not_found(engine: Engine) -> None:
    for look in (ledger.get_sweep, ledger.list_members, ledger.cancel_sweep):
        with pytest.raises(NotFound, match="sweep"):
            look(engine, 987654)
    with pytest.raises(NotFound, match="sweep"):
        ledger.claim_sweep(engine, 987654, LEASE)
    assert ledger.list_sweeps(engine) == []


def test_sweeps_are_listed_newest_first(engine: Engine) -> None:
    first, second = make_sweep(engine), make_sweep(engine)
    assert ledger.list_sweeps(engine) == [second, first]
    assert ledger.list_sweeps(engine, first.twin_id) == [first]
    assert ledger.list_sweeps(engine, limit=1) == [second]
