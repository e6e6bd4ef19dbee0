"""A network that swallows packets is an error within half a minute, and no loss once it is back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import Engine

from tests.factories import make_running
from tests.faults.proxy import Proxy
from twinpipe.db import ledger

HERE, THERE, NET = "10.231.97.1", "10.231.97.2", "/30"

CLIENT = """
import sys, time, json
from sqlalchemy import text
from twinpipe.db import ledger
from twinpipe.db.session import engine, is_transient
url, run, generation = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
made = engine(url)
with made.connect() as connection:
    connection.execute(text("SELECT 1"))
    connection.commit()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    try:
        connection.execute(text("SELECT 1"))
        outcome = "answered"
    except Exception as error:
        outcome = "transient" if is_transient(error) else repr(error)
    seconds = time.monotonic() - began
print(json.dumps({"outcome": outcome, "seconds": seconds}), flush=True)
print(json.dumps({"renewed": ledger.report_progress(made, run, generation, 0.5, 60.0)}), flush=True)
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def two_networks() -> Iterator[tuple[str, str]]:
    """A network namespace joined to this one by a cable; its name, and that of our end of the cable."""
    tag = f"{os.getpid() % 100000}"
    space, ours, theirs = f"twp-{tag}", f"twpa{tag}", f"twpb{tag}"
    with ExitStack() as undo:
        try:
            ip("netns", "add", space)
            undo.callback(ip, "netns", "del", space)
            ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space)
            ip("addr", "add", HERE + NET, "dev", ours)
            ip("link", "set", ours, "up")
            ip("-n", space, "addr", "add", THERE + NET, "dev", theirs)
            ip("-n", space, "link", "set", theirs, "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        yield space, ours


def test_only_a_set_up_that_fails_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = subprocess.CalledProcessError(1, "ip", stderr=b"not permitted")
    monkeypatch.setattr(sys.modules[__name__], "ip", lambda *words: None)
    with pytest.raises(subprocess.CalledProcessError), two_networks():
        raise broken

    def refuse(*words: str) -> None:
        raise broken

    monkeypatch.setattr(sys.modules[__name__], "ip", refuse)
    with pytest.raises(pytest.skip.Exception, match="not permitted"), two_networks():
        pass


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ip") is None or os.geteuid() != 0, reason="network namespaces need root and ip")
def test_a_partition_is_a_transient_error_and_heals(engine: Engine, server: str) -> None:
    run = make_running(engine)
    with two_networks() as (space, cable):
        proxy = Proxy(server, HERE)
        arguments = [sys.executable, "-c", CLIENT, proxy.url, str(run.id), str(run.lease_generation)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        client = subprocess.Popen(
            ["ip", "netns", "exec", space, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
            ip("link", "set", cable, "down")
            client.stdin.write("\n")
            client.stdin.flush()
            found = json.loads(client.stdout.readline())
            print(f"partition: {found['outcome']} after {found['seconds']:.1f} s")
            assert found["outcome"] == "transient"
            assert found["seconds"] < 40
            time.sleep(1)
            ip("link", "set", cable, "up")
            assert json.loads(client.stdout.readline()) == {"renewed": True}
        finally:
            client.kill()
            client.communicate()
            proxy.close()
    assert ledger.get_run(engine, run.id).progress == 0.5
