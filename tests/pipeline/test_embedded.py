"""Laws of the embedded server: one per folder, gone when its last user is, whatever kills whom."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.session import close, database_url, engine, normal_url, ping
from twinpipe.errors import DatabaseUnavailable, InvalidInput
from twinpipe.settings import Settings

USER = """
import sys
from pathlib import Path
import psycopg
from twinpipe.db.embedded import EmbeddedPostgres
url = EmbeddedPostgres(Path(sys.argv[1]), durable=False).start()
for verb in {"migrate", "prepare"} & set(sys.argv):
    from twinpipe.db import migrate
    getattr(migrate, verb)(url)
with psycopg.connect(url.replace("+psycopg", "")) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0], flush=True)
if "wait" in sys.argv:
    sys.stdin.read()
"""


def user(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Another process that uses the server: it prints when the server started, and stops it by leaving."""
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], how: int | None = None) -> None:
    if how:
        process.send_signal(how)
    process.communicate(timeout=60)


def postmaster(home: Path) -> int | None:
    """Process id of the server of a folder, if it is up."""
    for path in (EmbeddedPostgres(home).cluster).glob("pg*/postmaster.pid"):
        return int(path.read_text().splitlines()[0])
    return None


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = open_folder / request.node.name[:40]
    yield folder
    pid = postmaster(folder)
    assert pid is None or not alive(pid), "a test left its server behind"
    shutil.rmtree(folder, ignore_errors=True)


def test_six_cold_starts_at_once_share_one_server_and_leave_none(home: Path) -> None:
    users = [user(home, "wait", verb) for verb in ("nothing else", "migrate", "prepare") * 2]
    started = {said(process) for process in users}
    assert len(started) == 1
    assert "" not in started
    pid = postmaster(home)
    assert pid
    assert alive(pid)
    for process in users:
        end(process)
    assert [process.returncode for process in users] == [0] * 6
    assert not alive(pid)


def test_a_killed_user_leaks_nothing_once_the_next_one_leaves(home: Path) -> None:
    first = user(home, "wait")
    started = said(first)
    pid = postmaster(home)
    end(first, signal.SIGKILL)
    assert pid
    assert alive(pid)
    second = user(home)
    assert said(second) == started  # it joined the server that was left
    end(second)
    assert not alive(pid)


def test_committed_work_survives_a_killed_server_with_stale_files(home: Path) -> None:
    first = EmbeddedPostgres(home)
    url = first.start()
    with engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 42 AS answer"))
    pid = postmaster(home)
    assert pid
    os.kill(pid, signal.SIGKILL)
    while alive(pid):
        time.sleep(0.01)
    # the worst left-over: the number of the dead server now belongs to a living stranger
    (stale,) = first.cluster.glob("pg*/postmaster.pid")
    stale.write_text(stale.read_text().replace(str(pid), str(os.getpid()), 1))
    with EmbeddedPostgres(home) as again:
        assert again == url
        with engine(url).connect() as connection:
            assert connection.execute(text("SELECT answer FROM kept")).scalar_one() == 42
        close(url)
    first.stop()


def test_a_forked_child_does_not_stop_the_server(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as url:
        holder = EmbeddedPostgres(home, durable=False)
        holder.start()
        holder._owner = -1  # what a child sees
        holder.stop()
        ping(url)
        holder._owner = os.getpid()
        holder.stop()
        ping(url)
        close(url)


def test_folders_that_do_not_fit_or_have_odd_names_work(open_folder: Path) -> None:
    home = open_folder / "with space, comma 'n quote" / ("long" * 25) / "postgres"
    server = EmbeddedPostgres(home, durable=False)
    with server as url:
        ping(url)
        close(url)
    assert len(bytes(server.socket_folder)) < 100
    server.socket_folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has homes that the server's account cannot reach")
def test_a_home_closed_to_the_servers_account_stays_closed(tmp_path: Path) -> None:
    home = tmp_path / "home" / "postgres"
    home.parent.mkdir(mode=0o700)
    server = EmbeddedPostgres(home, durable=False)
    try:
        with server as url:
            ping(url)
            close(url)
        assert server.folder != home
        assert home.parent.stat().st_mode & 0o777 == 0o700
        assert server.cluster.stat().st_uid == server.account.uid
        assert server.cluster.stat().st_mode & 0o777 == 0o700
        assert (server.folder / "password").stat().st_mode & 0o777 == 0o600
    finally:
        shutil.rmtree(server.folder)


@pytest.mark.parametrize("major", [15])
def test_system_programs_serve_too(home: Path, major: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(f"/usr/lib/postgresql/{major}/bin")
    if not folder.exists():
        pytest.skip(f"no Postgres {major} of the system here")
    from twinpipe.db.migrate import migrate, status

    monkeypatch.setenv("TWINPIPE_PG_BIN", str(folder))
    with EmbeddedPostgres(home, durable=False) as url:
        migrate(url)
        assert status(url)["up_to_date"]
        close(url)


def test_a_machine_without_postgres_gets_one_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINPIPE_PG_BIN", str(tmp_path))
    with pytest.raises(DatabaseUnavailable, match="set TWINPIPE_DATABASE_URL") as caught:
        EmbeddedPostgres(home).start()
    assert "\n" not in str(caught.value)


def test_the_embedded_server_runs_within_the_context_only(open_folder: Path) -> None:
    settings = Settings(home=open_folder / "whole home")
    with database_url(settings) as url:
        ping(url)
        pid = postmaster(settings.home / "postgres")
    assert pid
    assert not alive(pid)


@pytest.mark.parametrize("listens", [False, True], ids=["refused", "never answered"])
def test_a_database_that_does_not_answer_is_one_sentence_soon(listens: bool) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        if listens:
            deaf.listen()
        host = f"127.0.0.1:{deaf.getsockname()[1]}"
        settings = Settings(database_url=SecretStr(f"postgres://someone:hush-hush@{host}/ledger"))
        start = time.monotonic()
        with pytest.raises(DatabaseUnavailable) as caught, database_url(settings):
            pass
    assert time.monotonic() - start < 6.5
    sentence = str(caught.value)
    assert host in sentence
    assert "ledger" in sentence
    assert "hush" not in sentence
    assert "\n" not in sentence


def test_a_wrong_password_or_database_is_one_sentence(server: str) -> None:
    for wrong in (server.replace("twinpipe:", "twinpipe:x"), server.replace("/twinpipe?", "/nothing?")):
        with pytest.raises(DatabaseUnavailable) as caught:
            ping(wrong)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["mysql://a:hush@b/c", "hush", "postgresql://a:hush@b:port/c", ""])
def test_an_address_that_is_none_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normal_url(address)
    assert "hush" not in str(caught.value)
