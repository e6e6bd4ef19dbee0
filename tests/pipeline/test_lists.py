"""Laws of lists: what they do not show they count, and say how to see it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.factories.bookkeeping import insert_sweep, make_learned_pattern
from tests.factories.rows import make_ready_twin, make_run
from typer.testing import CliRunner, Result

from twinpipe import cli
from twinpipe.db import ledger
from twinpipe.db.counts import count_listed


@pytest.fixture
def command(
    engine: Engine, server: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A command on a ledger of 3 twins, one of them deleted, 4 runs and 5 sweeps on one of them, 6 learned patterns."""
    twins = [make_ready_twin(engine) for _ in range(3)]
    for _ in range(4):
        make_run(engine, twins[0])
    for _ in range(5):
        insert_sweep(engine, twins[1])
    for n in range(6):
        make_learned_pattern(engine, pattern_id=f"pattern-{n}")
    ledger.delete_twin(engine, twins[2].id)
    # another name of the same database, so that its connections are the commands' own
    monkeypatch.setenv("TWINPIPE_DATABASE_URL", f"{server}&target_session_attrs=any")
    monkeypatch.setenv("TWINPIPE_HOME", str(tmp_path_factory.mktemp("home")))

    def run(*arguments: str) -> Result:
        done = CliRunner().invoke(cli.app, [a.format(*(t.id for t in twins)) for a in arguments])
        assert done.exit_code == 0, done.output
        return done

    return run


MORE = [
    (("twin", "list", "--limit", "1"), "shown: 1 of 2 twins; --limit 2 shows all"),
    (("run", "list", "--limit", "1"), "shown: 1 of 4 runs; --limit 4 shows all"),
    (("run", "list", "--twin", "{0}", "--limit", "3"), "shown: 3 of 4 runs; --limit 4 shows all"),
    (("sweep", "list", "--limit", "2"), "shown: 2 of 5 sweeps; --limit 5 shows all"),
    (("learned", "list", "--limit", "5"), "shown: 5 of 6 learned patterns; --limit 6 shows all"),
]


@pytest.mark.parametrize(("arguments", "told"), MORE, ids=[" ".join(a[:3]) for a, _ in MORE])
def test_a_list_tells_how_many_more_there_are_and_how_to_see_them(
    command: Any, arguments: tuple[str, ...], told: str
) -> None:
    assert command(*arguments).stderr == f"{told}\n"
    as_json = command(*arguments, "--json")
    assert as_json.stderr == f"{told}\n"
    shown = json.loads(as_json.stdout)
    assert len(shown) == int(arguments[-1])
    every = told.split("--limit ")[1].split()[0]
    all_of_it = command(*arguments[:-1], every, "--json")
    assert all_of_it.stderr == ""
    assert len(json.loads(all_of_it.stdout)) == int(every)
    assert json.loads(all_of_it.stdout)[: len(shown)] == shown


def test_a_list_that_is_whole_says_nothing_beside_it(command: Any, engine: Engine) -> None:
    for what, number in {"twin": 2, "run": 4, "sweep": 5, "learned": 6}.items():
        done = command(what, "list", "--json")
        assert (len(json.loads(done.stdout)), done.stderr) == (number, "")
    assert command("run", "list", "--twin", "{1}", "--json").stdout == "[]\n"


def test_a_twin_with_many_runs_tells_where_the_others_are(command: Any, engine: Engine) -> None:
    twin = ledger.list_twins(engine)[0]
    for _ in range(52):
        make_run(engine, twin)
    assert count_listed(engine, "runs", twin.id) == 52
    told = f"shown: 50 of 52 runs; `run list --twin {twin.id}` with --limit 52 shows all\n"
    assert command("twin", "show", str(twin.id)).stderr == told
