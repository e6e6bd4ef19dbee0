"""A real Postgres for each test process, migrated once, emptied after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.pipeline.terminal import Terminal

from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.migrate import migrate
from twinpipe.db.session import close
from twinpipe.db.session import engine as engine_of
from twinpipe.prefect_server import PrefectServer

TABLES = (
    *("audit_log", "outbox", "run_stats_daily", "pattern_applications", "learned_patterns", "segments"),
    *("simulation_results", "simulation_runs", "sweeps", "digital_twins", "celestial_bodies", "solar_systems"),
)
FIFTEEN = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[str]:
    """URL of a server of this test process; not durable, since nothing cuts its power."""
    with EmbeddedPostgres(open_folder / "postgres", durable=False) as url:
        migrate(url)
        yield url
        close(url)


@pytest.fixture(scope="session")
def server_15(open_folder: Path) -> Iterator[str]:
    """A server of the oldest version that is supported."""
    if not (FIFTEEN / "initdb").exists():
        pytest.skip("there is no Postgres 15 here: apt-get install postgresql-15")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINPIPE_PG_BIN", str(FIFTEEN))
        embedded = EmbeddedPostgres(open_folder / "postgres-15", durable=False)
        url = embedded.start()
    yield url
    close(url)
    embedded.stop()


@pytest.fixture
def engine(server: str) -> Iterator[Engine]:
    """An engine on a migrated database that is empty but for reference rows."""
    made = engine_of(server)
    yield made
    with made.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("DELETE FROM users WHERE name <> 'system'"))


@pytest.fixture(scope="session")
def prefect(open_folder: Path) -> Iterator[str]:
    """URL of the API of a Prefect server of this test process, which schedules nothing by itself."""
    with PrefectServer(open_folder / "prefect") as server:
        yield server.ready()


@pytest.fixture(scope="module")
def terminal(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A terminal with a home of its own, whose embedded server stays up between commands."""
    home = open_folder / request.module.__name__.rsplit(".", 1)[-1]
    with EmbeddedPostgres(home / "postgres", durable=False) as url:
        yield Terminal(home, url)
        close(url)
