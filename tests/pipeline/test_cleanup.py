"""Laws of cleanup: the row goes first, then the bytes, then comes the proof; and nothing that lives is touched."""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.factories import make_result, make_run, make_running
from tests.pipeline.cleaning import BYTES, DAY, in_days, proofs, store_at, stored_twin
from tests.pipeline.folders import folder, run_folder, twin_folder
from typer.testing import CliRunner

from twinpipe import cleanup, cli, lifecycle
from twinpipe.body import builtin_body
from twinpipe.cleanup import Report, clean, parse_time, relay
from twinpipe.db import ledger
from twinpipe.db.deletion import expire_twins
from twinpipe.db.outbox import owed
from twinpipe.db.retention import in_batches
from twinpipe.db.rows import RunRow, TwinRow
from twinpipe.db.session import transaction
from twinpipe.engine import Serial
from twinpipe.errors import Conflict, InvalidInput, StoreError
from twinpipe.reporting import write_run_report
from twinpipe.scenario import load_pattern
from twinpipe.settings import Settings
from twinpipe.shared import shared_folder
from twinpipe.store import RunStore
from twinpipe.workplace import Workplace


@pytest.fixture
def work(engine: Engine, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A workplace whose stores are bytes without meaning, to which an audit would object."""
    monkeypatch.setattr(cleanup, "check_understood", lambda _: None)
    return Workplace(Settings(home=tmp_path), engine, server)


@pytest.fixture
def real(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


def test_an_expired_twin_goes_with_its_bytes_and_leaves_a_proof(work: Workplace) -> None:
    gone, stays = stored_twin(work), stored_twin(work, ttl_days=0)
    report = clean(work, as_of=in_days(31))
    assert report.expired_twins == [gone.id]
    assert report.dropped_stores == {str(twin_folder(work, gone.id)): BYTES}
    assert not twin_folder(work, gone.id).exists()
    assert twin_folder(work, stays.id).exists()
    assert proofs(work) == {f"twin.deleted:{gone.id}": BYTES}
    assert ledger.get_twin(work.engine, gone.id).status == "deleted"
    assert any("stores: 1 of 5,000 bytes went" in line for line in report.sentences())


def test_a_second_cleanup_finds_nothing_to_do(work: Workplace) -> None:
    stored_twin(work)
    make_result(work.engine)
    assert not clean(work, as_of=in_days(31)).nothing
    again = clean(work, as_of=in_days(31))
    assert again.nothing
    assert "nothing to do" in again.sentences()


def test_a_twin_that_is_being_simulated_is_deferred_even_in_a_far_future(work: Workplace) -> None:
    twin = stored_twin(work)
    run = make_running(work.engine, twin)
    report = clean(work, as_of=in_days(5000))
    assert report.deferred_twins == {twin.id: "running_simulation"}
    assert (report.expired_twins, report.reaped_runs) == ([], [])
    assert twin_folder(work, twin.id).exists()
    make_result(work.engine, run)
    assert clean(work, as_of=in_days(31)).expired_twins == [twin.id]


def test_a_run_that_nobody_ended_is_ended_and_no_longer_keeps_its_twin(work: Workplace) -> None:
    twin = stored_twin(work)
    run = make_running(work.engine, twin, lease=-1)
    waiting = make_run(work.engine, twin)
    report = clean(work, as_of=in_days(31))
    assert sorted(report.reaped_runs) == [run.id, waiting.id]  # the second, since its twin is deleted
    assert report.expired_twins == [twin.id]


def test_two_cleaners_at_once_drop_each_store_once(work: Workplace) -> None:
    twins = [stored_twin(work) for _ in range(20)]
    together = threading.Barrier(2)

    def work_once(_: int) -> Report:
        together.wait()
        return clean(work, as_of=in_days(31))

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(work_once, range(2)))
    assert [r.failures for r in reports] == [[], []]
    assert sorted(t for r in reports for t in r.expired_twins) == [t.id for t in twins]
    assert sum(r.bytes for r in reports) == 20 * BYTES
    assert len(proofs(work)) == 20


def test_bytes_that_cannot_go_are_told_and_tried_again(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = stored_twin(work)

    def refuse(path: Path) -> None:
        raise StoreError(f"cannot delete {path}: read-only file system.")

    with monkeypatch.context() as patched:
        patched.setattr(cleanup, "drop", refuse)
        report = clean(work, as_of=in_days(31))
    assert "read-only" in report.failures[0]
    assert ledger.get_twin(work.engine, twin.id).status == "deleted"  # the row went first
    assert owed(work.engine) == {"twin.deleted": 1}
    told = clean(work, as_of=in_days(200), dry_run=True)
    done = clean(work, as_of=in_days(200))
    assert told.rows["digital_twins"] == done.rows["digital_twins"] == {"deleted": 0, "scrubbed": 0}  # no proof, no end
    assert (told.bytes, done.bytes) == (0, 0)
    with transaction(work.engine) as connection:
        connection.execute(text("UPDATE outbox SET available_at = now()"))  # the wait is over
    assert clean(work, as_of=in_days(200)).bytes == BYTES
    assert clean(work, as_of=in_days(200)).nothing


def test_a_cleaner_killed_between_row_and_bytes_leaves_them_to_the_next(work: Workplace) -> None:
    twin = stored_twin(work)
    expire_twins(in_batches(work.engine), in_days(31), DAY)
    report = Report(in_days(31), False)
    relay(work, report)
    assert report.dropped_stores == {str(twin_folder(work, twin.id)): BYTES}


def test_what_is_not_the_twins_own_store_is_not_dropped(work: Workplace) -> None:
    twin = stored_twin(work)
    precious = store_at(work.settings.home / "precious.zarr")
    with transaction(work.engine) as connection:
        connection.execute(text("UPDATE digital_twins SET store_path = :path"), {"path": str(precious)})
    report = clean(work, as_of=in_days(31))
    assert f"is not the store of twin {twin.id}" in report.failures[0]
    assert precious.exists()


def purged_run(w: Workplace) -> tuple[TwinRow, RunRow, Path]:
    """A completed run past its year on a twin that lives, and its outputs."""
    twin = stored_twin(w, ttl_days=0)
    run = make_running(w.engine, twin)
    make_result(w.engine, run)
    return twin, run, store_at(twin_folder(w, twin.id) / "runs" / "0000000000000000.zarr")


def test_outputs_of_a_run_go_with_the_run_while_its_twin_stays(work: Workplace) -> None:
    twin, _, outputs = purged_run(work)
    report = clean(work, as_of=in_days(366))
    assert report.rows["simulation_runs"] == {"deleted": 0, "scrubbed": 1}
    assert report.dropped_stores == {str(outputs): BYTES}
    assert (twin_folder(work, twin.id) / "zarr.json").exists()


def test_outputs_that_a_younger_run_of_the_same_content_uses_stay(work: Workplace) -> None:
    twin, old, outputs = purged_run(work)
    with transaction(work.engine) as connection:
        connection.execute(
            text(
                "UPDATE simulation_runs SET created_at = now() - interval '2 years', "
                "started_at = now() - interval '2 years', completed_at = now() - interval '2 years'"
            )
        )
    make_run(work.engine, twin, spec_digest=old.spec_digest, again=True)
    report = clean(work)
    assert report.rows["simulation_runs"] == {"deleted": 0, "scrubbed": 1}
    assert outputs.exists()


def test_wrong_statistics_of_recent_days_are_repaired(work: Workplace) -> None:
    make_result(work.engine)
    with transaction(work.engine) as connection:
        connection.execute(text("UPDATE run_stats_daily SET n = n + 5"))
    assert clean(work).repaired_statistics == 1
    assert clean(work).repaired_statistics == 0
    with transaction(work.engine) as connection:
        assert connection.execute(text("SELECT n FROM run_stats_daily")).scalar_one() == 1


def test_times_are_read_as_utc_and_what_is_none_is_named() -> None:
    assert parse_time("2027-01-31") == datetime(2027, 1, 31, tzinfo=UTC)
    assert parse_time("2027-01-31T12:00:00+02:00") == datetime(2027, 1, 31, 10, tzinfo=UTC)
    for wrong in ("next year", "0001-01-01", "1999-12-31", "2201-01-01", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(InvalidInput, match="as-of"):
            parse_time(wrong)


@pytest.mark.parametrize("year", [1, 9999])
def test_a_cleanup_as_of_another_age_is_refused(work: Workplace, year: int) -> None:
    with pytest.raises(InvalidInput, match="from 2000 to 2200"):
        clean(work, as_of=datetime(year, 1, 1, tzinfo=UTC), dry_run=True)


def test_bytes_on_a_disk_that_is_not_mounted_are_owed(work: Workplace) -> None:
    twin = stored_twin(work)
    mounted, away = folder(work.settings.store_path), work.settings.home / "away"
    mounted.rename(away)
    told = clean(work, as_of=in_days(31), dry_run=True)
    report = clean(work, as_of=in_days(31))
    assert "mount its disk" in told.failures[0]
    assert "mount its disk" in report.failures[0]
    assert (proofs(work), owed(work.engine)) == ({}, {"twin.deleted": 1})
    away.rename(mounted)
    with transaction(work.engine) as connection:
        connection.execute(text("UPDATE outbox SET available_at = now()"))
    assert clean(work, as_of=in_days(31)).dropped_stores == {str(twin_folder(work, twin.id)): BYTES}


def test_files_that_go_while_they_are_counted_are_gone(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = twin_folder(work, stored_twin(work).id)
    assert cleanup.stored_bytes(path) == BYTES
    monkeypatch.setattr(os, "walk", lambda top: [(str(top), [], ["zarr.json", "gone"])])
    assert cleanup.stored_bytes(path) == 1000


def test_what_was_scrubbed_is_neither_run_nor_drawn(real: Workplace) -> None:
    twin, run = a_real_run(real)
    clean(real, as_of=in_days(500))
    scenario = load_pattern("mars_terraform").scenario(builtin_body("mars"))
    with pytest.raises(Conflict, match=f"twin {twin.id} was scrubbed; its snapshot is gone"):
        lifecycle.prepare_run(real, twin.id, scenario, 2)
    with pytest.raises(Conflict, match=f"run {run.id} was scrubbed; its parameters are gone"):
        write_run_report(real, run.id)
    with pytest.raises(Conflict, match=f"twin {twin.id} was scrubbed"):
        lifecycle.run_spec(real, run)


def test_the_commands_expire_delete_and_clean_up(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    # another name of the same database, so that its connections are the commands' own
    monkeypatch.setenv("TWINPIPE_DATABASE_URL", f"{work.url}&target_session_attrs=any")
    monkeypatch.setenv("TWINPIPE_HOME", str(work.settings.home))
    expiring, deleted = stored_twin(work), stored_twin(work)

    def run(*arguments: str) -> dict[str, object]:
        done = CliRunner().invoke(cli.app, [*arguments, "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    assert run("twin", "expire", str(expiring.id))["changed"]
    assert run("twin", "delete", str(deleted.id)) == {
        **{"twin": deleted.id, "changed": True, "bytes": BYTES, "failures": []}
    }
    silent = make_running(work.engine, stored_twin(work, ttl_days=0), lease=-1)
    told = run("cleanup", "--dry-run")
    assert (told["bytes"], told["reaped_runs"]) == (BYTES, [silent.id])
    assert ledger.get_run(work.engine, silent.id).status == "running"
    assert twin_folder(work, expiring.id).exists()
    told = run("cleanup", "--as-of", "2100-01-01")
    assert (told["expired_twins"], told["reaped_runs"]) == ([expiring.id], [silent.id])
    assert not twin_folder(work, expiring.id).exists()
    words = CliRunner().invoke(cli.app, ["cleanup"]).stdout
    assert "nothing to do" in words


def a_real_run(w: Workplace) -> tuple[TwinRow, RunRow]:
    """A simulated run with its result on a twin with its store."""
    twin, _ = lifecycle.create_twin(w, builtin_body("mars"), "Mars", grid="6x8", ttl_days=30)
    scenario = load_pattern("mars_terraform").scenario(builtin_body("mars"))
    run, _ = lifecycle.prepare_run(w, twin.id, scenario, 2)
    lifecycle.insert_result(w, lifecycle.simulate_run(w, run.id, Serial()))
    return twin, ledger.get_run(w.engine, run.id)


def test_a_simulated_twin_goes_to_the_last_byte_and_its_result_stays(real: Workplace) -> None:
    twin, run = a_real_run(real)
    seals = RunStore(run_folder(real, run)).seals.all()
    with transaction(real.engine) as connection:
        rows = connection.execute(text("SELECT block, segment, bytes FROM segments ORDER BY 1, 2")).all()
    assert [(block, segment) for block, segment, _ in rows] == [(s["block"], s["segment"]) for s in seals]
    held = cleanup.stored_bytes(real.twin_path(twin.id))
    assert 0 < sum(size for _, _, size in rows) < held
    assert clean(real).nothing
    report = clean(real, as_of=in_days(31))
    assert report.dropped_stores == {str(real.twin_path(twin.id)): held}
    assert list(real.settings.store_path.iterdir()) == []
    assert ledger.get_result(real.engine, run.id).twin_id == twin.id
    with transaction(real.engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM segments")).scalar_one() == 0
    assert clean(real, as_of=in_days(31)).nothing


def test_nothing_is_deleted_while_the_ledger_and_the_stores_differ_strangely(real: Workplace) -> None:
    twin, _ = a_real_run(real)
    with transaction(real.engine) as connection:
        connection.execute(text("DELETE FROM simulation_results"))
    with pytest.raises(Conflict, match="the only copy"):
        clean(real, as_of=in_days(31))
    assert "the only copy" in clean(real, as_of=in_days(31), dry_run=True).failures[0]
    assert real.twin_path(twin.id).exists()
    assert ledger.get_twin(real.engine, twin.id).status == "completed"


def test_the_flow_cleans_up_and_tells_what_went(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = spec_from_file_location("cleanup_flow", shared_folder("flows") / "cleanup.py")
    assert specification is not None
    assert specification.loader is not None
    flow = module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "cleanup_flow", flow)
    specification.loader.exec_module(flow)
    monkeypatch.setenv("TWINPIPE_DATABASE_URL", f"{work.url}&target_session_attrs=any")
    monkeypatch.setenv("TWINPIPE_HOME", str(work.settings.home))
    told: list[str] = []
    monkeypatch.setattr(flow, "create_markdown_artifact", lambda **artifact: told.append(artifact["markdown"]))
    twin = stored_twin(work)
    silent = make_running(work.engine, stored_twin(work, ttl_days=0), lease=-1)
    assert flow.run_cleanup.__wrapped__(in_days(31), True)["reaped_runs"] == [silent.id]
    assert ledger.get_run(work.engine, silent.id).status == "running"
    report = flow.run_cleanup.__wrapped__(in_days(31), False)
    assert report["reaped_runs"] == [silent.id]
    assert (report["expired_twins"], report["bytes"]) == ([twin.id], BYTES)
    assert "stores: 1 of 5,000 bytes went" in told[-1]
    with pytest.raises(ValueError, match="as_of"):
        flow.Cleanup.model_validate({"as_of": "2027-01-31"})
