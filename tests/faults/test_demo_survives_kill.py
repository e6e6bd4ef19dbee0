"""The demo: it tells its whole story, is killed at any moment, and comes back, leaving no process behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.pipeline.terminal import Said, environment
from twinpipe.db import ledger
from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.migrate import migrate
from twinpipe.db.session import close, engine

COMMAND = (str(Path(sys.executable).with_name("twinpipe")), "demo", "--years", "2", "--grid", "6x8")
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc shows what processes run")


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home of its own; everything that still runs in it is killed at the end, not before it was looked at."""
    folder = open_folder / re.sub(r"\W", "_", request.node.name)[:30]
    yield folder
    for pid in processes(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def processes(home: Path) -> dict[int, str]:
    """Command lines by id of the processes whose command or environment names a home."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            surroundings = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if command and int(process.name) != os.getpid() and f"{home}" in command + surroundings:
            found[int(process.name)] = command.strip()
    return found


def wait_until_none(home: Path, seconds: float, *, but: str = "\n") -> None:
    """Fail when processes other than those whose command line has some text still run after a while."""
    deadline = time.monotonic() + seconds
    while left := {pid: c for pid, c in processes(home).items() if but not in c}:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def demo(home: Path, *before: str) -> Said:
    done = subprocess.run(
        [*before, *COMMAND], env=environment(home), capture_output=True, text=True, timeout=240, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


def check_story(said: Said, home: Path) -> None:
    """All that the demo owes to who watches it, and nothing else."""
    assert said.code == 0, said
    for part in (
        r"^twin \d+, run \d+$",
        r"temperature \(K\)",
        r"^(Events|No events)",
        r"habitability_score",
        r"^books close",
    ):
        assert re.search(part, said.out, re.MULTILINE), (part, said.out)
    for kind in ("store", "report"):
        [path] = re.findall(rf"^{kind}: (.+)$", said.out, re.MULTILINE)
        assert Path(path).exists()
        assert home in Path(path).parents
    # the progress bar, which is one line where nobody watches
    assert re.fullmatch(r"Mars, 2 years .*100% .*\n?", said.err), said.err
    assert "Traceback" not in said.out
    log = (home / "prefect" / "server.log").read_text(errors="replace")
    assert log == ""


def killed_demo(home: Path, after: float) -> None:
    """A demo that is killed so many seconds after its start, or when its run is under way."""
    process = subprocess.Popen(COMMAND, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + (after if after > 0 else 120)
    while time.monotonic() < deadline and process.poll() is None:
        if after <= 0 and list(home.glob("stores/*/runs/*/simulation_state/claims/*")):
            break
        time.sleep(0.02)
    process.kill()
    process.wait()


def statuses(home: Path) -> tuple[list[str], list[str]]:
    """Statuses of the runs, as they are and as a reaper of tomorrow would leave them."""
    with EmbeddedPostgres(home / "postgres") as url:
        migrate(url)
        try:
            now = [r.status for r in ledger.list_runs(engine(url))]
            ledger.reap(engine(url), now=datetime.now(UTC) + timedelta(hours=2))
            return now, [r.status for r in ledger.list_runs(engine(url))]
        finally:
            close(url)


@needs_proc
def test_a_demo_that_is_killed_in_its_run_works_when_started_again(home: Path) -> None:
    killed_demo(home, after=0)
    wait_until_none(home, 15, but="postgres")
    check_story(demo(home), home)
    wait_until_none(home, 15)
    now, later = statuses(home)
    assert now[0] == "completed"
    assert set(later) <= {"completed", "failed", "cancelled"}
    wait_until_none(home, 15)


@needs_proc
@pytest.mark.slow
def test_a_demo_survives_kills_at_any_moment(home: Path) -> None:
    for after in (0.4, 1.5, 3.0, 6.0, 10.0, 15.0, 20.0, 0):
        killed_demo(home, after)
        wait_until_none(home, 15, but="postgres")
    check_story(demo(home), home)
    wait_until_none(home, 15)
    now, later = statuses(home)
    assert now[0] == "completed"
    assert set(later) <= {"completed", "failed", "cancelled"}


@needs_proc
@pytest.mark.slow
def test_an_interrupted_demo_says_so_and_cleans_up(home: Path) -> None:
    process = subprocess.Popen(
        COMMAND, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(home.glob("stores/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert err.splitlines()[-1] == "twinpipe: interrupted."
    assert "Traceback" not in err
    wait_until_none(home, 15)
    now, _ = statuses(home)
    assert "running" not in now


def _alone() -> bool:
    """Whether this account may take a process off the network."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    done = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return done.returncode == 0


@needs_proc
@pytest.mark.slow
@pytest.mark.skipif(not _alone(), reason="only who may make a network namespace can take the demo off the network")
def test_the_demo_needs_no_network_but_its_own_machine(home: Path) -> None:
    said = demo(home, "unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    check_story(said, home)
    wait_until_none(home, 15)
