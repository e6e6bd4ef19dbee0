"""Laws of opening the ledger: a new one gets its schema, once and whole; any other is left as somebody put it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.pipeline.databases import database
from tests.pipeline.terminal import Terminal

from twinpipe.db.migrate import migrate, prepare, revisions, rollback, status
from twinpipe.db.session import engine
from twinpipe.db.tables import tables
from twinpipe.errors import Failure
from twinpipe.settings import Settings
from twinpipe.workplace import open_workplace

OTHER = """
import sys
from twinpipe.db import migrate
from twinpipe.db.session import ping
ping(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
getattr(migrate, sys.argv[2])(sys.argv[1])
assert migrate.status(sys.argv[1])["up_to_date"]
"""


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """URL of a database that never had a schema."""
    with database(server) as made:
        yield made


@pytest.fixture
def command(url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, url)


def table_names(url: str) -> list[str]:
    with engine(url).connect() as connection:
        return [table.name for table in tables(connection)]


def test_a_new_ledger_gets_its_schema_from_the_first_who_opens_it(url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=SecretStr(url))
    for _ in range(2):
        with open_workplace(settings) as w:
            assert table_names(w.url)
        assert status(url)["up_to_date"]


@pytest.mark.parametrize("target", ["base", revisions()[-2]])
def test_a_rollback_stays_rolled_back_until_somebody_migrates(url: str, command: Terminal, target: str) -> None:
    here = {"TWINPIPE_DATABASE_URL": url}
    assert command("twin", "list", "--json", **here).json == []
    assert command("db", "rollback", "--to", target, **here).code == 0
    left = table_names(url)
    for words in (("twin", "list"), ("twin", "create", "mars"), ("run", "1"), ("cleanup",), ("audit", "--repair")):
        said = command(*words, **here).refusal(1)
        assert said.endswith(
            f"the database is at revision {target}, and this twinpipe works at {revisions()[-1]}: "
            "run twinpipe db migrate."
        )
    assert status(url)["current"] == (None if target == "base" else target)
    assert table_names(url) == left
    assert command("db", "migrate", "--json", **here).json["up_to_date"]
    assert command("twin", "list", "--json", **here).json == []


def test_the_demo_migrates(url: str, command: Terminal) -> None:
    migrate(url, revisions()[0])
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "TWINPIPE_DATABASE_URL": url}  # so that it ends soon
    assert "does not answer" in command("demo", **nowhere).refusal(1)
    assert status(url)["up_to_date"]


def test_a_schema_of_a_newer_twinpipe_is_for_a_newer_twinpipe(url: str) -> None:
    prepare(url)
    with engine(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Failure, match="9999, which this twinpipe does not know: update it"):
        prepare(url)


def test_a_first_opening_that_fails_leaves_nothing(url: str) -> None:
    with engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE learned_patterns (id int)"))  # in the way of the last migration
    with pytest.raises(Failure, match=r"cannot be brought up to date: .*learned_patterns"):
        prepare(url)
    assert table_names(url) == ["learned_patterns"]
    with engine(url).begin() as connection:
        connection.execute(text("DROP TABLE learned_patterns"))
    prepare(url)
    assert status(url)["up_to_date"]


@pytest.mark.parametrize("verbs", [["migrate"] * 4, ["prepare", "migrate"] * 2], ids=str)
def test_four_processes_at_once_make_one_schema(url: str, verbs: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    others = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER, url, verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for verb in verbs
    ]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    for other in others:
        other.communicate(timeout=120)
    assert [other.returncode for other in others] == [0] * 4
    whole = table_names(url)
    rollback(url)
    assert table_names(url) == []
    migrate(url)
    assert table_names(url) == whole
