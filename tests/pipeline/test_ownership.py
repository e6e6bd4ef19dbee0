"""Laws of ownership: a store is its twin's by the key in it, and what is not ours is never touched."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from tests.pipeline.auditing import a_completed_run, a_failed_twin, a_twin, later, only, workplace
from tests.pipeline.folders import twin_folder

from twinpipe import durable, lifecycle
from twinpipe.audit import Action, Kind, audit, understood
from twinpipe.cleanup import clean
from twinpipe.db import ledger
from twinpipe.errors import Conflict, StoreError
from twinpipe.layout import Layout
from twinpipe.ownership import twin_key_of
from twinpipe.repairs import repair
from twinpipe.store import RunStore, create_twin_store, open_run
from twinpipe.workplace import Workplace


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine) -> Workplace:
    """An empty ledger and an empty folder of stores."""
    return workplace(tmp_path, server)


@pytest.mark.parametrize("sign", ["key", "no key", "no root", "damaged root"])
def test_another_ledgers_store_under_the_number_of_a_failed_twin_is_never_dropped(
    w: Workplace, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    twin = a_failed_twin(w, monkeypatch)
    path = twin_folder(w, twin.id)
    root = path / "zarr.json"
    if sign == "key":  # all else is the same, as when two ledgers cloned the same body
        root.write_text(root.read_text().replace(twin.twin_key, str(uuid4())))
    elif sign == "no key":
        root.write_text(root.read_text().replace("twin_key", "no_key"))
    elif sign == "no root":
        root.unlink()
    else:
        root.write_text("[")
    found = only(audit(w, now=later()))
    assert (found.kind, found.repair, found.safe) == (Kind.ORPHAN_STORE, Action.NONE, False)
    ledger.delete_twin(w.engine, twin.id)
    assert clean(w).failures == []
    found = only(audit(w, now=later()))
    assert (found.kind, found.repair, found.safe) == (Kind.ORPHAN_STORE, Action.NONE, False)
    assert path.is_dir()


def a_strangers_store(path: Path) -> None:
    """Give the store at path, and the outputs in it, to another twin of the same number and body."""
    root = path / "zarr.json"
    root.write_text(root.read_text().replace(twin_key_of(path) or "", str(uuid4())))


def test_another_ledgers_store_in_the_place_of_ours_is_never_touched(w: Workplace) -> None:
    twin = a_twin(w)
    path, outputs = twin_folder(w, twin.id), a_completed_run(w, twin)
    stray = outputs.with_name("0123456789abcdef.zarr")
    shutil.copytree(outputs, stray)
    a_strangers_store(path)
    (outputs / "simulation_state" / "seals" / "template.json").unlink()
    before = sorted(path.rglob("*"))
    report = audit(w, now=later())
    assert {d.subject for d in report.drifts} == {f"twin {twin.id}", f"run {ledger.list_runs(w.engine)[0].id}"}
    assert [d.safe for d in report.drifts] == [False, False]
    assert not understood(report.drifts[0])
    assert repair(w, report) == ([], [])
    with pytest.raises(Conflict, match="the store of another twin"):
        clean(w)
    ledger.delete_twin(w.engine, twin.id)
    done = clean(w)
    assert (done.dropped_stores, done.failures) == ({}, [])
    with w.engine.connect() as connection:
        outcome = text("SELECT outcome FROM outbox WHERE topic = 'twin.deleted' AND done_at IS NOT NULL")
        assert connection.scalars(outcome).one() == {"bytes": 0, "stores": []}
    found = only(audit(w, now=later()))
    assert (found.kind, found.repair) == (Kind.ORPHAN_STORE, Action.NONE)
    assert sorted(path.rglob("*")) == before


def test_a_store_that_changed_hands_since_the_audit_is_left_alone(
    w: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, living = a_failed_twin(w, monkeypatch), a_twin(w)
    stray = a_completed_run(w, living).with_name("0123456789abcdef.zarr")
    stray.mkdir()
    (stray / "zarr.json").write_text("{}")
    report = audit(w, now=later())
    assert [d.safe for d in report.drifts] == [True, True]
    for twin in (failed, living):
        a_strangers_store(twin_folder(w, twin.id))
    assert repair(w, report) == ([], [])
    assert twin_folder(w, failed.id).is_dir()
    assert stray.is_dir()


def test_a_twin_that_cannot_be_made_leaves_the_store_of_one_who_was_faster(
    w: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = twin_folder(w, a_twin(w).id + 1)

    def faster(*_: object) -> None:
        create_twin_store(path, Layout({"twin_key": str(uuid4())}))
        raise StoreError(f"{path} holds outputs of another run or layout.")

    monkeypatch.setattr(lifecycle, "_write_twin", faster)
    with pytest.raises(StoreError, match="another run"):
        a_twin(w)
    assert (path / "zarr.json").is_file()


def test_stores_say_whose_they_are_from_the_first_file(w: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = a_twin(w)
    path, outputs = twin_folder(w, twin.id), a_completed_run(w, twin)
    (run,) = ledger.list_runs(w.engine)
    assert twin_key_of(path) == twin_key_of(outputs) == twin.twin_key
    assert open_run(outputs).attrs["run_key"] == run.run_key
    shutil.rmtree(path)

    def die(path: Path, content: bytes) -> bool:
        made = create_once(path, content)
        if path.parent.name.endswith(".zarr"):
            raise KeyboardInterrupt
        return made

    create_once = durable.create_once
    monkeypatch.setattr(durable, "create_once", die)
    for _ in range(2):  # the twin's root, then the run's
        with pytest.raises(KeyboardInterrupt):
            RunStore(outputs).create(Layout({"twin": twin.id, "twin_key": twin.twin_key}))
    assert twin_key_of(path) == twin_key_of(outputs) == twin.twin_key
