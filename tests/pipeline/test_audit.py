"""Laws of the audit: each kind of drift, made for real, is found, told in a sentence, repaired, and then gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from tests.factories import make_ready_twin, make_run, run_parameters
from tests.factories.bookkeeping import insert_sweep
from tests.pipeline.auditing import a_completed_run, a_failed_twin, a_run, a_twin, later, mended, only, workplace
from tests.pipeline.folders import run_folder, twin_folder
from typer.testing import CliRunner

from twinpipe.audit import Action, Kind, audit, check_understood, understood
from twinpipe.cli import app
from twinpipe.db import ledger
from twinpipe.errors import Conflict
from twinpipe.repairs import repair
from twinpipe.settings import Settings
from twinpipe.store import open_run
from twinpipe.workplace import Workplace

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.pipeline.auditing import workplace
from twinpipe import lifecycle
from twinpipe.engine import Serial

def die(fraction):
    if fraction > 0.3:
        os.kill(os.getpid(), signal.SIGKILL)

lifecycle.simulate_run(workplace(Path(sys.argv[1]), sys.argv[2]), int(sys.argv[3]), Serial(), on_progress=die)
"""


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """An empty ledger and an empty folder of stores."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return workplace(tmp_path, server)


def test_what_is_whole_has_no_drift(w: Workplace) -> None:
    twin = a_twin(w)
    a_completed_run(w, twin)
    report = audit(w, now=later(), contents=True)
    assert report.drifts == ()
    assert (report.twins, report.runs, report.stores) == (1, 1, 1)
    assert report.prefect.startswith("not asked")
    json.dumps(report.as_dict())


def test_a_store_without_a_row_is_never_dropped(w: Workplace) -> None:
    twin = a_twin(w)
    copy = twin_folder(w, 987_654)
    shutil.copytree(twin_folder(w, twin.id), copy)
    found = only(audit(w, now=later()))
    assert (found.kind, found.safe, understood(found)) == (Kind.ORPHAN_STORE, False, True)
    assert "another ledger's" in found.sentence
    assert repair(w, audit(w, now=later())) == ([], [])
    assert copy.exists()


def test_the_store_of_a_failed_twin_is_dropped_when_it_is_old(w: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = twin_folder(w, a_failed_twin(w, monkeypatch).id)
    assert audit(w).drifts == ()
    found = only(audit(w, now=later()))
    assert (found.kind, found.repair) == (Kind.BYTES_WITHOUT_LEASE, Action.DROP)
    mended(w, audit(w, now=later()))
    assert not path.exists()


def test_a_store_of_a_deleted_twin_is_dropped(w: Workplace) -> None:
    twin = a_twin(w)
    ledger.delete_twin(w.engine, twin.id)
    assert audit(w, now=later()).drifts == ()  # the outbox owes it, and cleanup does it
    with w.engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET done_at = now(), outcome = '{}'"))
    assert only(audit(w, now=later())).kind is Kind.ORPHAN_STORE
    mended(w, audit(w, now=later()))
    assert not twin_folder(w, twin.id).exists()


def test_what_a_deletion_left_is_dropped_and_what_stands_beside_it_is_not(w: Workplace) -> None:
    twin = a_twin(w)
    path, outputs = twin_folder(w, twin.id), a_completed_run(w, twin)
    for left in (path, outputs):
        left.with_name(f".{left.name}.{uuid4().hex}.dropped").mkdir()
    assert audit(w).drifts == ()  # the deletion may be under way
    mended(w, audit(w, now=later()))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert [p.name for p in outputs.parent.iterdir() if p.is_dir()] == [outputs.name]


def test_what_somebody_has_taken_to_since_the_audit_is_left_alone(w: Workplace) -> None:
    twin = a_twin(w)
    outputs = a_completed_run(w, twin)
    stray = outputs.with_name("0123456789abcdef.zarr")
    shutil.copytree(outputs, stray)
    report = audit(w, now=later())
    assert only(report).safe
    make_run(w.engine, twin, parameters=run_parameters(store=f"runs/{stray.name}"))
    assert repair(w, report) == ([], [])
    assert stray.is_dir()


def test_cleanup_does_not_run_on_drift_that_nobody_understands(w: Workplace) -> None:
    path = twin_folder(w, a_twin(w).id)
    shutil.copytree(path, twin_folder(w, 987_654))
    check_understood(w)  # an orphan is understood
    path.with_name("my-thesis.zarr").mkdir()
    with pytest.raises(Conflict, match="my-thesis"):
        check_understood(w)


def test_a_folder_of_another_name_is_never_touched(w: Workplace) -> None:
    path = twin_folder(w, a_twin(w).id)
    shutil.copytree(path, path.with_name("my-thesis.zarr"))
    found = only(audit(w, now=later()))
    assert (found.repair, found.safe, understood(found)) == (Action.NONE, False, False)
    assert repair(w, audit(w, now=later())) == ([], [])


@pytest.mark.parametrize("lost", ["all", "chunk", "seal", "key", "root"])
def test_a_twin_without_its_store_gets_it_again_from_its_snapshot(w: Workplace, lost: str) -> None:
    twin = a_twin(w)
    outputs, path = a_completed_run(w, twin), twin_folder(w, twin.id)
    before = open_run(path)
    if lost == "all":
        shutil.rmtree(outputs)
        shutil.rmtree(path)
    elif lost == "chunk":
        next(iter((path / "atmosphere").rglob("c.*"))).unlink()
    elif lost == "seal":
        (path / "simulation_state" / "seals" / "template.json").unlink()
    elif lost == "key":
        (path / "zarr.json").write_text((path / "zarr.json").read_text().replace("twin_key", "no_key"))
    else:
        (path / "zarr.json").write_text("{")
    report = audit(w)
    assert report.drifts[0].kind is Kind.GHOST_ROW
    assert report.drifts[0].subject == f"twin {twin.id}"
    if lost == "all":  # perhaps the disk is not there: outputs are given up once the twin's own store is back
        assert [d.safe for d in report.drifts] == [True, False]
        repair(w, report)
        report = audit(w)
    mended(w, report)
    assert open_run(path, verify=True).attrs["seal_digest"] == before.attrs["seal_digest"]
    assert outputs.exists() == (lost != "all")


@pytest.mark.parametrize("lost", ["chunk", "seal", "folder", "contents"])
def test_a_completed_run_that_lost_outputs_keeps_its_result(w: Workplace, lost: str) -> None:
    outputs = a_completed_run(w, a_twin(w))
    run = ledger.list_runs(w.engine)[0]
    chunk = next(iter((outputs / "atmosphere" / "surface_temperature").glob("c.*")))
    if lost == "chunk":
        chunk.unlink()
    elif lost == "seal":
        next(iter((outputs / "simulation_state" / "seals").glob("*/*.json"))).unlink()
    elif lost == "contents":
        content = bytearray(chunk.read_bytes())
        content[len(content) // 2] ^= 1
        chunk.write_bytes(content)
        assert audit(w).drifts == ()
    else:
        shutil.rmtree(outputs)
    found = only(audit(w, contents=True))
    assert found.kind is (Kind.GHOST_ROW if lost == "folder" else Kind.UNSEALED_SEGMENT)
    assert found.subject == f"run {run.id}"
    before = ledger.get_result(w.engine, run.id)
    mended(w, audit(w, contents=True))
    assert not outputs.exists()
    assert ledger.get_result(w.engine, run.id) == before


def test_a_seal_that_the_ledger_names_must_be_there(w: Workplace) -> None:
    a_completed_run(w, a_twin(w))
    with w.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO segments (digital_twin_id, simulation_run_id, block, segment, generation, digest, files,"
                " bytes) SELECT digital_twin_id, id, 7, 7, 1, repeat('5', 64), 1, 1 FROM simulation_runs"
            )
        )
    found = only(audit(w))
    assert found.kind is Kind.UNSEALED_SEGMENT
    assert "(7, 7)" in found.sentence
    mended(w, audit(w))


def test_a_run_whose_process_was_killed_is_reaped_and_its_bytes_go_later(w: Workplace, tmp_path: Path) -> None:
    twin = a_twin(w)
    run = a_run(w, twin, years=60)
    command = [sys.executable, "-W", "error", "-c", KILLED, str(tmp_path), w.url, str(run.id)]
    died = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert died.returncode == -signal.SIGKILL
    outputs = run_folder(w, run)
    assert outputs.is_dir()
    assert audit(w).drifts == ()  # its lease is not over, so that it may still be at work
    found = only(audit(w, now=later(timedelta(minutes=5))))
    assert (found.kind, found.repair) == (Kind.ZOMBIE_RUN, Action.REAP)
    mended(w, audit(w, now=later(timedelta(minutes=5))))  # what it wrote is kept for a resume
    assert ledger.get_run(w.engine, run.id).status == "failed"
    assert ledger.get_twin(w.engine, twin.id).status == "ready"
    assert outputs.is_dir()
    found = only(audit(w, now=later()))
    assert (found.kind, found.repair) == (Kind.BYTES_WITHOUT_LEASE, Action.DROP)
    mended(w, audit(w, now=later()))
    assert not outputs.exists()


def test_outputs_that_no_run_names_are_dropped(w: Workplace) -> None:
    twin = a_twin(w)
    outputs = a_completed_run(w, twin)
    shutil.copytree(outputs, outputs.with_name("0123456789abcdef.zarr"))
    sweep = insert_sweep(w.engine, twin)
    assert audit(w, now=later()).drifts == ()  # perhaps it is the sweep's
    with w.engine.begin() as connection:
        connection.execute(text("DELETE FROM sweeps WHERE id = :id"), {"id": sweep})
    found = only(audit(w, now=later()))
    assert (found.kind, found.safe) == (Kind.ORPHAN_STORE, True)
    mended(w, audit(w, now=later()))
    assert [p.name for p in outputs.parent.iterdir() if p.is_dir()] == [outputs.name]


def test_a_completed_run_without_a_result_is_for_people(w: Workplace) -> None:
    a_completed_run(w, a_twin(w))
    with w.engine.begin() as connection:
        connection.execute(text("DELETE FROM simulation_results"))
    found = only(audit(w))
    assert (found.kind, found.safe, understood(found)) == (Kind.GHOST_ROW, False, False)


def test_a_run_whose_result_is_past_its_retention_is_understood(w: Workplace) -> None:
    a_completed_run(w, a_twin(w))
    with w.engine.begin() as connection:
        connection.execute(text("DELETE FROM simulation_results"))
    assert only(audit(w, now=later(timedelta(days=729)))).kind is Kind.GHOST_ROW
    assert audit(w, now=later(timedelta(days=731))).drifts == ()


def test_every_zombie_is_listed_as_repaired(w: Workplace) -> None:
    twins = [a_twin(w), a_twin(w, "Mars again")]
    runs = [a_run(w, twin).id for twin in twins]
    for run in runs:
        ledger.claim_run(w.engine, run, 60.0)
    report = audit(w, now=later(timedelta(minutes=5)))
    assert [d.subject for d in report.drifts] == [f"run {run}" for run in runs]
    mended(w, report)


@pytest.mark.parametrize("place", ["stores", "runs"])
def test_folders_that_go_while_they_are_listed_are_gone(
    w: Workplace, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    a_completed_run(w, a_twin(w))
    listed = Path.iterdir

    def gone(path: Path) -> Iterator[Path]:
        if path.name == place:
            raise FileNotFoundError(path)
        return listed(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", gone)
        assert audit(w).drifts == ()


def test_stores_that_are_somewhere_else_are_not_called_lost(w: Workplace, tmp_path: Path) -> None:
    a_completed_run(w, a_twin(w))
    elsewhere = Workplace(Settings(home=tmp_path, store_url=str(tmp_path / "other")), w.engine, w.url)
    report = audit(elsewhere)
    assert [d.safe for d in report.drifts] == [False, False]
    assert not understood(report.drifts[0])
    assert "TWINPIPE_STORE_URL" in report.drifts[0].sentence
    a_stranger = make_ready_twin(w.engine)  # a row that says that its store is in yet another place
    assert not any(understood(d) for d in audit(w).drifts if d.subject == f"twin {a_stranger.id}")


def test_the_command_tells_drift_by_its_exit_code(
    w: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINPIPE_HOME", str(tmp_path))
    # spelled in another way, so that the command opens and closes connections of its own
    monkeypatch.setenv("TWINPIPE_DATABASE_URL", f"{w.url}&connect_timeout=5")
    outputs, runner = a_completed_run(w, a_twin(w)), CliRunner()
    assert runner.invoke(app, ["audit"]).exit_code == 0
    next(iter(outputs.rglob("c.*"))).unlink()
    told = runner.invoke(app, ["audit"])
    assert (told.exit_code, "safe to repair" in told.output) == (1, True)
    told = runner.invoke(app, ["audit", "--json"])
    assert (told.exit_code, json.loads(told.output)["drifts"][0]["kind"]) == (1, "unsealed_segment")
    told = runner.invoke(app, ["audit", "--repair", "--json"])
    assert (told.exit_code, len(json.loads(told.output)["repaired"])) == (0, 1)
    assert runner.invoke(app, ["audit"]).exit_code == 0
    twin = a_twin(w, "[red]Mars")
    ledger.claim_run(w.engine, a_run(w, twin).id, 0.001)
    told = runner.invoke(app, ["audit"])
    assert (told.exit_code, "zombie_run" in told.output) == (1, True)
    told = runner.invoke(app, ["audit", "--repair", "--json"])
    assert (told.exit_code, [d["kind"] for d in json.loads(told.output)["repaired"]]) == (0, ["zombie_run"])
    assert make_run(w.engine, make_ready_twin(w.engine)).status == "queued"
    assert runner.invoke(app, ["audit"]).exit_code == 1
