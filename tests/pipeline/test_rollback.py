"""Laws of the way back: what was exported comes back the same, and what is interrupted changes nothing.

Postgres 15 is tested where its programs are: `.ci/run` installs them (Debian 12; elsewhere from apt.postgresql.org).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from tests.factories import a_result, make_ready_twin, make_run, make_running, make_running_sweep, make_twin
from tests.pipeline.databases import database, fill

from twinpipe.cli import main
from twinpipe.db import export, ledger, restore
from twinpipe.db.migrate import migrate, revisions, status
from twinpipe.db.pause import paused
from twinpipe.db.restore import import_ledger
from twinpipe.db.rollback import rollback_ledger
from twinpipe.db.session import engine
from twinpipe.db.tables import fingerprint, remnants, tables
from twinpipe.errors import Conflict, Failure, InvalidInput, StoreError, TwinpipeError


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """URL of a migrated database of its own."""
    with database(server) as made:
        migrate(made)
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as Postgres prints it; not by what the product calls a fingerprint."""
    with engine(url).connect() as connection:
        return {
            t.name: [tuple(r) for r in connection.execute(text(f"SELECT x::text FROM {t.name} x ORDER BY 1"))]
            for t in tables(connection)
        }


def left_behind(url: str) -> list[str]:
    with engine(url).connect() as connection:
        return remnants(connection)


def kill(connection: Connection, url: str) -> None:
    """End the backend of a connection, as a crash would."""
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    other = create_engine(url, isolation_level="AUTOCOMMIT")
    with other.connect() as killer:
        killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


def interrupt(patch: pytest.MonkeyPatch, module: Any, name: str, at: str, url: str) -> None:
    """Kill the backend when module.name is about to work on a table."""
    original: Callable[..., Any] = getattr(module, name)

    def cut(connection: Connection, what: Any, *others: Any) -> Any:
        if at in (getattr(what, "name", ""), getattr(getattr(what, "table", None), "name", "")):
            kill(connection, url)
        return original(connection, what, *others)

    patch.setattr(module, name, cut)


@pytest.mark.parametrize("version", ["server", "server_15"])
def test_what_was_exported_comes_back_the_same(version: str, request: pytest.FixtureRequest, folder: Path) -> None:
    with database(request.getfixturevalue(version)) as url:
        migrate(url)
        fill(engine(url), twins=1000, runs=6000)
        before, newest = rows(url), status(url)
        assert sum(map(len, before.values())) > 10_000
        assert [name for name, found in before.items() if not found] == []  # each table is put to the proof
        done = rollback_ledger(url, "base", folder)
        assert left_behind(url) == []
        assert status(url)["current"] is None
        assert set(done.dropped_tables) == set(before)
        assert not done.orphans
        assert len(done.twins) == 1000
        manifest = import_ledger(url, folder)
        assert manifest == done.manifest
        assert rows(url) == before
        with engine(url).connect() as connection:
            found = {t.name: fingerprint(connection, t) for t in tables(connection)}
        assert found == done.manifest.fingerprints
        assert set(found) == set(before)
        assert status(url) == newest
        again = rollback_ledger(url, "base", folder.with_name("again"))
        assert again.manifest.fingerprints == done.manifest.fingerprints
        assert again.manifest.parts == manifest.parts  # the sequences too


@pytest.mark.parametrize("target", [*revisions()[:-1]])
def test_every_revision_has_a_way_back_with_data(url: str, folder: Path, target: str) -> None:
    fill(engine(url), twins=20, runs=100)
    before = rows(url)
    done = rollback_ledger(url, target, folder)
    assert status(url)["current"] == target
    assert ("digital_twins" in done.dropped_tables) == bool(done.twins)
    import_ledger(url, folder)
    assert rows(url) == before
    import_ledger(url, folder)  # again, over itself
    assert rows(url) == before
    rollback_ledger(url, target, folder.with_name("again"))
    rollback_ledger(url, "base", folder.with_name("lower"))  # from a schema that is older than the models
    import_ledger(url, folder)
    assert rows(url) == before


def test_each_line_is_json_and_the_manifest_says_what_there_is(url: str, folder: Path) -> None:
    fill(engine(url), twins=20, runs=100)
    rollback_ledger(url, "base", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["revision"] == revisions()[-1]
    for part in manifest["parts"]:
        lines = (folder / f"{part['table']['name']}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        assert len([json.loads(line) for line in lines]) == part["fingerprint"]["rows"]
    assert "overall_score" not in (folder / "simulation_results.jsonl").read_text(encoding="utf-8")


def test_jobs_are_stopped_and_late_writers_are_fenced(url: str, folder: Path) -> None:
    run, queued = make_running(engine(url)), make_run(engine(url))
    sweep = make_running_sweep(engine(url), ledger.get_twin(engine(url), queued.twin_id))
    members = [member.id for member in ledger.list_members(engine(url), sweep.id)]
    done = rollback_ledger(url, "base", folder)
    assert (done.cancelled, done.cancelled_sweeps) == ((run.id, *members), (sweep.id,))
    with pytest.raises(Failure, match="db migrate"):
        ledger.complete_run(engine(url), run.id, run.lease_generation, a_result())
    with pytest.raises(Failure, match="db migrate"):
        ledger.report_progress(engine(url), run.id, run.lease_generation, 0.5, 60)
    import_ledger(url, folder)
    assert ledger.get_run(engine(url), run.id).status == "cancelled"
    assert ledger.get_run(engine(url), queued.id).status == "queued"
    assert ledger.get_twin(engine(url), run.twin_id).status == "ready"
    assert not ledger.report_progress(engine(url), run.id, run.lease_generation, 0.5, 60)
    ledger.claim_run(engine(url), queued.id, 60)


def test_nothing_is_claimed_while_the_ledger_is_paused(url: str, folder: Path) -> None:
    run = make_run(engine(url))
    with paused(engine(url)):
        with pytest.raises(Conflict, match="paused"):
            ledger.claim_run(engine(url), run.id, 60)
        with pytest.raises(Conflict, match="another process"):
            rollback_ledger(url, "base", folder)
        with pytest.raises(StoreError, match="no export"):
            import_ledger(url, folder)
    assert ledger.claim_run(engine(url), run.id, 60) == 1


def test_a_pause_is_over_though_its_backend_is_slow_to_leave(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow: list[psycopg.Connection] = []
    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "close", lambda self: slow.append(self))
        with paused(engine(url)):
            pass
    assert [connection.closed for connection in slow] == [False]
    with paused(engine(url)):
        pass
    slow[0].close()


def test_a_pause_whose_connection_was_lost_ends_with_it(url: str) -> None:
    def lose() -> None:
        with paused(engine(url)) as connection:
            kill(connection, url)
            connection.execute(text("SELECT 1"))

    with pytest.raises(OperationalError):
        lose()
    with paused(engine(url)):
        pass


def test_an_open_transaction_is_ended_not_waited_for(url: str, folder: Path) -> None:
    twin = make_ready_twin(engine(url))
    with engine(url).connect() as connection:
        connection.execute(text("UPDATE digital_twins SET description = 'not committed'"))
        assert rollback_ledger(url, "base", folder).ended_connections >= 1
        connection.invalidate()
    import_ledger(url, folder)
    assert ledger.get_twin(engine(url), twin.id).description is None


@pytest.mark.parametrize("at", ["digital_twins", "simulation_results"])
def test_an_interrupted_rollback_leaves_the_ledger_as_it_was(
    url: str, folder: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine(url), twins=20, runs=100)
    before = rows(url)
    with monkeypatch.context() as patch:
        interrupt(patch, export, "_copy_out", at, url)
        with pytest.raises((Failure, Conflict)):
            rollback_ledger(url, "base", folder)
    assert rows(url) == before
    assert status(url)["up_to_date"]
    assert list(folder.iterdir()) == []
    rollback_ledger(url, "base", folder)
    assert left_behind(url) == []


@pytest.mark.parametrize("at", ["digital_twins", "simulation_results"])
def test_an_interrupted_import_leaves_nothing_half_written(
    url: str, folder: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine(url), twins=20, runs=100)
    before = rows(url)
    rollback_ledger(url, "base", folder)
    migrate(url)
    empty = rows(url)
    with monkeypatch.context() as patch:
        interrupt(patch, restore, "_load", at, url)
        with pytest.raises(Failure):
            import_ledger(url, folder)
    assert rows(url) == empty
    import_ledger(url, folder)
    assert rows(url) == before


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: lines[:-1], "differs|cannot be brought back"),
        (lambda lines: [*lines[:3], lines[3][: len(lines[3]) // 2], *lines[4:]], "damaged at line 4"),
        (
            lambda lines: [line.replace("quote", "Quote") for line in lines],
            "fingerprint of table digital_twins differs",
        ),
    ],
)
def test_a_damaged_export_is_refused_in_one_sentence(
    url: str, folder: Path, damage: Callable[[list[str]], list[str]], says: str
) -> None:
    fill(engine(url), twins=20, runs=100)
    rollback_ledger(url, "base", folder)
    file = folder / "digital_twins.jsonl"
    good = file.read_text(encoding="utf-8")
    file.write_text("".join(f"{line}\n" for line in damage(good.split("\n")[:-1])), encoding="utf-8")
    with pytest.raises(TwinpipeError, match=says):
        import_ledger(url, folder)
    migrate(url)
    assert rows(url)["digital_twins"] == []
    file.write_text(good, encoding="utf-8")
    import_ledger(url, folder)
    file.unlink()
    with pytest.raises(StoreError, match="missing"):
        import_ledger(url, folder)


def test_rows_that_came_after_the_export_are_not_lost(url: str, folder: Path) -> None:
    make_ready_twin(engine(url), "first")
    rollback_ledger(url, "base", folder)
    migrate(url)
    stranger = make_ready_twin(engine(url), "second")
    with pytest.raises(Conflict, match="not in the export"):
        import_ledger(url, folder)
    assert ledger.get_twin(engine(url), stranger.id).name == "second"


def test_messages_that_were_settled_after_the_export_are_not_owed_again(url: str, folder: Path) -> None:
    fill(engine(url), twins=20, runs=100)
    rollback_ledger(url, revisions()[-2], folder)  # the outbox stays
    with engine(url).begin() as connection:
        connection.execute(text("UPDATE outbox SET done_at = now(), outcome = '{}' WHERE done_at IS NULL"))
    with pytest.raises(Conflict, match=r"table outbox has .* changed after it"):
        import_ledger(url, folder)
    with engine(url).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM outbox WHERE done_at IS NULL")) == 0


def test_a_rollback_that_makes_no_sense_is_refused(url: str, folder: Path) -> None:
    newest = revisions()[-1]
    for target in (newest, "9999", ""):
        with pytest.raises(InvalidInput, match="older"):
            rollback_ledger(url, target, folder)
    folder.mkdir()
    (folder / "other").write_text("")
    with pytest.raises(InvalidInput, match="empty"):
        rollback_ledger(url, "base", folder)
    with pytest.raises(InvalidInput, match="empty"):
        rollback_ledger(url, "base", folder / "other")
    with pytest.raises(StoreError, match="cannot write"):
        rollback_ledger(url, "base", Path("/proc/no"))
    assert status(url)["up_to_date"]
    rollback_ledger(url, "base", folder / "new")
    with pytest.raises(Failure, match="nothing to roll back"):
        rollback_ledger(url, "base", folder / "newer")


@pytest.fixture
def command(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run a command line; its exit code and what it printed."""
    monkeypatch.setenv("TWINPIPE_DATABASE_URL", url)
    monkeypatch.setenv("TWINPIPE_HOME", str(tmp_path / "home"))

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["twinpipe", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out or said.err

    return run


def test_the_commands_clear_the_stores_that_the_ledger_knows(
    url: str, tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    stores = tmp_path / "home" / "stores"
    twins = [make_twin(engine(url)) for _ in range(3)]
    known, own, gone = stores / f"twin-{twins[0].id}.zarr", tmp_path / "elsewhere.zarr", stores / "twin-x.zarr"
    foreign = make_twin(engine(url))
    theirs = stores / f"twin-{foreign.id}.zarr"  # of another ledger, in which the same number is another twin's
    ledger.mark_twin_ready(engine(url), twins[1].id, str(own))
    ledger.mark_twin_ready(engine(url), twins[2].id, str(gone))
    stranger = stores / "twin-987654.zarr"
    keys = {known: twins[0].twin_key, own: twins[1].twin_key, stranger: twins[0].twin_key, theirs: twins[1].twin_key}
    for path, key in keys.items():
        path.mkdir(parents=True)
        (path / "zarr.json").write_text(json.dumps({"attributes": {"twin_key": key}}))
    code, said = command("db", "rollback", "--json")
    done = json.loads(said)
    assert (code, done["cleared_stores"], done["stores_left"], done["orphans"]) == (0, 2, [], {})
    assert [path.exists() for path in (known, own, stranger, theirs)] == [False, False, True, True]
    code, said = command("db", "import", done["export"], "--json")
    assert code == 0
    assert json.loads(said)["fingerprints"] == done["fingerprints"]
    assert "rows are back" not in said
    code, said = command("db", "rollback", "--export", str(tmp_path / "again"), "--keep-stores")
    assert code == 0
    assert "0 orphans" in said
    code, said = command("db", "import", str(tmp_path / "again"))
    assert "every fingerprint as it was" in said


def test_a_store_that_is_none_is_told_and_left(
    url: str, tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    ledger.mark_twin_ready(engine(url), make_twin(engine(url)).id, str(precious))
    code, said = command("db", "rollback")
    assert code == 1
    assert "is not a store" in said
    assert (precious / "letter").exists()


def test_mistakes_end_in_one_sentence(tmp_path: Path, command: Callable[..., tuple[int, str]]) -> None:
    for code, words in (
        (2, ("rollback", "--to", "9999")),
        (2, ("rollback", "--export", __file__)),
        (1, ("import", str(tmp_path / "nowhere"))),
        (1, ("rollback", "--export", "/proc/no")),
    ):
        ended, said = command("db", *words)
        assert (ended, said.count("\n")) == (code, 1), said
        assert said.startswith("twinpipe: ")
