"""Laws of creating twins: the same content is the same twin for as long as that lives, whoever asks and how often."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.factories import a_body, make_ready_twin, make_result, make_running, make_twin
from tests.factories.spaces import NAMES, TEXT
from tests.pipeline.databases import database, fill
from tests.pipeline.terminal import Terminal, environment

from twinpipe import lifecycle
from twinpipe.body import builtin_body
from twinpipe.db import ledger, making
from twinpipe.db.migrate import migrate, rollback
from twinpipe.db.restore import import_ledger
from twinpipe.db.rollback import rollback_ledger
from twinpipe.db.rows import TwinRow
from twinpipe.db.session import engine as engine_of
from twinpipe.db.twins import twin_digest
from twinpipe.errors import Conflict, StoreError
from twinpipe.settings import Settings
from twinpipe.workplace import Workplace

MARS = builtin_body("mars")
SOME = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(engine: Engine, **changes: Any) -> tuple[TwinRow, bool]:
    """Ask for a twin of Mars."""
    body = a_body()
    values: dict[str, Any] = {
        "name": "Mars, what if",
        "description": None,
        "body_identifier": body.identifier,
        "body_name": body.name,
        "solar_system": body.solar_system,
        "body_digest": body.digest,
        "simulation_parameters": {"grid": "6x8", "steps_per_orbit": 96},
        "initial_state_snapshot": body.model_dump(mode="json"),
        "ttl_days": 30,
    }
    return ledger.create_twin(engine, **(values | changes))


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


def test_the_same_content_is_the_same_twin_under_concurrent_creation(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: ask(engine), range(16)))
    assert len({twin.id for twin, _ in asked}) == 1
    assert [new for _, new in asked].count(True) == 1
    others = [ask(engine, again=True) for _ in range(2)]
    assert all(new for _, new in others)
    assert len({asked[0][0].id, *(twin.id for twin, _ in others)}) == 3
    assert ask(engine) == (others[1][0], False)  # the newest stands for the content


@SOME
@given(data=st.data())
def test_whatever_is_content_makes_another_twin_and_the_expiry_does_not(engine: Engine, data: st.DataObject) -> None:
    base, _ = ask(engine)
    assert ask(engine, ttl_days=data.draw(st.integers(0, 36_525)), created_by="somebody") == (base, False)
    spaces: dict[str, st.SearchStrategy[Any]] = {
        "name": NAMES,
        "description": TEXT,
        "body_digest": st.text("0123456789abcdef", min_size=64, max_size=64),
        "simulation_parameters": st.fixed_dictionaries(
            {"grid": st.just("6x8"), "steps_per_orbit": st.integers(97, 10_000)}
        ),
    }
    field = data.draw(st.sampled_from(sorted(spaces)))
    change = {field: data.draw(spaces[field])}
    other, _ = ask(engine, **change)
    assert (other.id == base.id) == (change.get("name") == base.name)
    assert ask(engine, **change) == (other, False)


def failed(engine: Engine, twin: TwinRow) -> None:
    ledger.mark_twin_failed(engine, twin.id)


def deleted(engine: Engine, twin: TwinRow) -> None:
    ledger.mark_twin_ready(engine, twin.id, "stores/x")
    ledger.delete_twin(engine, twin.id)


def expired(engine: Engine, twin: TwinRow) -> None:
    ledger.expire_twin(engine, twin.id)


@pytest.mark.parametrize("end", [failed, deleted, expired])
def test_a_twin_that_has_ended_does_not_stand_for_its_content(
    engine: Engine, end: Callable[[Engine, TwinRow], None]
) -> None:
    first, _ = ask(engine)
    end(engine, first)
    second, new = ask(engine)
    assert new
    assert second.id != first.id
    assert ask(engine) == (second, False)


def test_a_twin_stands_for_its_content_in_every_state_of_its_life(engine: Engine) -> None:
    twin, _ = ask(engine)
    ledger.mark_twin_ready(engine, twin.id, "stores/x")
    states = []
    run = make_running(engine, ledger.get_twin(engine, twin.id))
    for step in (lambda: None, lambda: make_result(engine, run)):
        step()
        found, new = ask(engine)
        assert (found.id, new) == (twin.id, False)
        states.append(found.status)
    assert states == ["running_simulation", "completed"]


def test_a_repeated_creation_finds_its_own_twin_and_no_other_gets_its_key(engine: Engine) -> None:
    key = uuid4()
    assert ask(engine, key=key) == ask(engine, key=key)  # new both times, since it is one creation
    assert ask(engine, key=key, again=True)[1]
    with pytest.raises(Conflict, match="twin_key"):
        ask(engine, key=key, description="of another content")


def test_processes_that_ask_at_once_get_one_ready_twin(w: Workplace) -> None:
    command = [str(Path(sys.executable).with_name("twinpipe")), "twin", "create", "mars", "--grid", "6x8", "--json"]
    home = environment(w.settings.home, TWINPIPE_DATABASE_URL=w.url)
    asked = [subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate(timeout=240) for process in asked]
    assert [process.returncode for process in asked] == [0, 0, 0], said
    twins = [json.loads(out) for out, _ in said]
    assert sorted(twin["new"] for twin in twins) == [False, False, True]
    assert {(twin["id"], twin["status"]) for twin in twins} == {(twins[0]["id"], "ready")}
    assert len(list(w.settings.store_path.glob("twin-*.zarr"))) == 1


def test_the_command_says_whether_it_was_there_and_leaves_its_expiry(terminal: Terminal) -> None:
    request = ("twin", "create", "mars", "--grid", "4x1", "--name", "asked twice")
    first = terminal(*request, "--ttl", "10d", "--json").json
    again = terminal(*request, "--ttl", "99d", "--json").json
    assert (first.pop("new"), again.pop("new")) == (True, False)
    assert again == first
    said = terminal(*request).out
    assert said.count("\n") == 1
    assert f"it was there already and expires {first['expires_at'][:10]}, as before" in said
    other = terminal(*request, "--again").out
    assert "there already" not in other
    assert f"twin {first['id']} " not in other


MAKER = """
import sys, time, uuid
from twinpipe.db import ledger
from twinpipe.db.session import engine
from tests.pipeline.test_twins import ask
key = uuid.uuid4()
with ledger.making(engine(sys.argv[1]), key):
    print(ask(engine(sys.argv[1]), name=sys.argv[2], key=key)[0].id, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def half_made(w: Workplace) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that makes a twin named Mars for ever, and the number of the twin."""
    path = f"{Path(__file__).parents[2]}:{Path(lifecycle.__file__).parents[1]}"
    command = [sys.executable, "-c", MAKER, w.url, "Mars"]
    process = subprocess.Popen(command, env=environment(w.settings.home) | {"PYTHONPATH": path}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


def test_a_creation_whose_maker_was_killed_is_failed_and_made_anew(
    w: Workplace, half_made: tuple[subprocess.Popen[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, number = half_made
    monkeypatch.setattr(lifecycle, "MAKER_PATIENCE", 0.2)
    found, new = lifecycle.create_twin(w, MARS, "Mars", grid="6x8")
    assert (found.id, found.status, new) == (number, "creating", False)  # its maker lives, and is left in peace
    assert not w.twin_path(number).exists()
    monkeypatch.setattr(lifecycle, "MAKER_PATIENCE", 60.0)
    threading.Timer(0.5, process.kill).start()  # while another waits for it
    made, new = lifecycle.create_twin(w, MARS, "Mars", grid="6x8")
    assert (made.status, new) == ("ready", True)
    assert made.id != number
    assert ledger.get_twin(w.engine, number).status == "failed"


def test_who_waits_for_a_maker_gets_the_twin_when_it_is_ready(w: Workplace) -> None:
    key = uuid4()
    with ThreadPoolExecutor(1) as pool:
        with making.making(w.engine, key):
            twin, _ = ask(w.engine, name="Mars", key=key)
            waiting = pool.submit(lifecycle.create_twin, w, MARS, "Mars", grid="6x8")
            ledger.mark_twin_ready(w.engine, twin.id, "stores/x")
        found, new = waiting.result(30)
    assert (found.id, found.status, new) == (twin.id, "ready", False)


def test_makers_that_fail_let_the_next_one_try(w: Workplace) -> None:
    w.settings.store_path.write_text("a file, where a folder is needed", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot write"):
            lifecycle.create_twin(w, MARS, "Mars", grid="6x8")
    w.settings.store_path.unlink()
    twin, new = lifecycle.create_twin(w, MARS, "Mars", grid="6x8")
    assert (twin.status, new) == ("ready", True)
    assert [t.status for t in ledger.list_twins(w.engine)] == ["ready", "failed", "failed"]


def test_twins_of_an_older_schema_get_the_digest_that_they_would_have_today(server: str) -> None:
    with database(server) as url:
        migrate(url)
        engine = engine_of(url)
        asked = [ask(engine, description=words, name="é 火星")[0] for words in (None, 'a "quoted" \\ line\nand \x7f')]
        rollback(url, "0005")
        migrate(url)
        for twin in asked:
            assert ledger.get_twin(engine, twin.id) == twin  # updated_at too
            values = (twin.name, twin.description, twin.body, twin.body_digest, twin.solar_system)
            assert twin.content_digest == twin_digest(*values, twin.simulation_parameters or {})
        fill(engine, twins=20, runs=20)
        rollback(url, "0005")
        migrate(url)  # rows that no verb made, deleted ones among them


def test_an_export_of_an_older_schema_comes_back_and_up(server: str, tmp_path: Path) -> None:
    with database(server) as url:
        migrate(url)
        twin = make_ready_twin(engine_of(url))
        rollback(url, "0005")
        rollback_ledger(url, "base", tmp_path / "old")
        migrate(url)  # a newer twinpipe
        assert import_ledger(url, tmp_path / "old").revision == "0005"
        assert ledger.get_twin(engine_of(url), twin.id) == twin
        make_twin(engine_of(url), "since then")
        with pytest.raises(Conflict, match="not in the export"):
            import_ledger(url, tmp_path / "old")
        assert len(ledger.list_twins(engine_of(url))) == 2
